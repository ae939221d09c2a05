"""What a training will cost, before it runs: memory, time, money, from a short probe.

The probe takes real steps of the real recipe on the real data and throws the result away. Knows the
loop and this machine; no medium.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from genloom import heap
from genloom.errors import ResourceError
from genloom.train import parallel
from genloom.train.ema import WIDTHS
from genloom.train.loop import SNAPSHOTS, Job, Loop

WARM = 3  # steps before the clock counts
LEAST = 6  # steps that are timed, at least
SPARE = 0.9  # share of the free memory that may be planned for


@dataclass(frozen=True, kw_only=True)
class Probe:
    """seconds a step (median), peak_bytes of the whole process or device while stepping,
    start_seconds until the steps are at speed (compiling, from the cache the second time),
    judge_seconds and preview_seconds of one judgement and one preview."""

    seconds: float
    peak_bytes: int
    start_seconds: float = 0.0
    judge_seconds: float = 0.0
    preview_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A forecast. targets: predicted ids, or items, of a pass over the data; seconds: of the whole
    training, reading excluded; cost: in the price's unit; quality: what the preset came to where it
    was measured, on other data."""

    recipe: str
    size: str | None
    steps: int
    batch: int
    items: int
    targets: int
    parameters: int
    seconds: float
    seconds_per_step: float
    peak_bytes: int
    free_bytes: int
    epochs: float
    device: str
    cost: float | None = None
    quality: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def free_bytes(device: torch.device) -> int:
    """Memory that this process could still take, what it holds already included."""
    if device.type == "cuda":
        return heap.free_bytes(device) + torch.cuda.memory_reserved(device)
    return heap.free_bytes(device) + resident_bytes()


def resident_bytes() -> int:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def reset_peak(device: torch.device) -> None:
    """Let `peak_bytes` count from now on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):  # a kernel that forbids it counts from the start of the process
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_bytes(device: torch.device) -> int:
    """Most memory held at once since `reset_peak`."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def least_bytes(parameters: int) -> int:
    """Weights, gradients, two moments, stored averages, in fp32: what no batch size saves."""
    return 4 * parameters * (4 + len(WIDTHS) * (1 + SNAPSHOTS))


def refuse_if_too_big(needed: int, free: int, what: str) -> None:
    """ResourceError with the numbers when memory cannot suffice."""
    if needed > SPARE * free:
        raise ResourceError(
            f"{what} needs about {needed / 2**30:.2f} GiB, but {free / 2**30:.2f} GiB are free: "
            "use a smaller --size, or a smaller batch with --set data.batch=N"
        )


def probe(job: Job, seconds: float = 1.0) -> Probe:
    """Take a few steps with a copy of the job's model, within about `seconds` after warming up.

    The nets of the job's model move: build them afresh afterwards.
    """
    device = job.model.device
    reset_peak(device)
    begun = time.perf_counter()
    loop = Loop(replace(job, run=job.run / "probe"))  # where there is no checkpoint to fall back on
    for _ in range(WARM):
        loop.advance(lambda *_, **__: None)
    warmed = time.perf_counter() - begun
    taken: list[float] = []
    while parallel.first(
        (len(taken) < LEAST and sum(taken) < 10 * seconds)
        or (sum(taken) < seconds and len(taken) < 200)
    ):
        start = time.perf_counter()
        loop.advance(lambda *_, **__: None)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - start)
    judged = _timed(lambda: job.judge(job.model)) if job.judge and _judges(job) else 0.0
    shown = 0.0
    if job.preview and job.model.recipe.train.preview:
        shown = _timed(lambda: job.preview(job.model, 0))
    parameters = job.model.parameters
    stored = 4 * parameters * len(WIDTHS) * SNAPSHOTS if job.model.recipe.train.ema else 0
    median = statistics.median(taken)
    seconds, start, judged, shown = parallel.firsts(
        [median, max(0.0, warmed / 2 - WARM * median), judged, shown]
    )
    return Probe(
        seconds=seconds,
        start_seconds=start,
        peak_bytes=peak_bytes(device) + stored,
        judge_seconds=judged,
        preview_seconds=shown,
    )


def _judges(job: Job) -> bool:
    return job.model.recipe.train.judge > 0


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def total_seconds(probe: Probe, steps: int, judge: int, preview: int) -> float:
    """Steps, and the judgements and previews between and after them."""
    judgements = (steps - 1) // judge + 1 if judge else 0
    previews = steps // preview + 1 if preview else 0
    return (
        probe.start_seconds
        + steps * probe.seconds
        + judgements * probe.judge_seconds
        + previews * probe.preview_seconds
    )


def steps_within(probe: Probe, seconds: float, judgements: int, previews: int) -> int:
    """How many steps fit, with so many judgements and previews."""
    rest = seconds - judgements * probe.judge_seconds - previews * probe.preview_seconds
    return max(10, int(rest / probe.seconds))
