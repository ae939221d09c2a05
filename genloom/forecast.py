"""Deciding how long and how: steps from minutes, compiled or not, and the forecast of both.

Probes the real material with the real recipe on this machine; keeps nothing. Knows no medium.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from genloom import private, registry
from genloom.data.loader import Batches
from genloom.material import Material
from genloom.model import Model
from genloom.net.precision import fast_bf16
from genloom.net.unfilled import Unfilled
from genloom.rollouts import Rollouts
from genloom.train import parallel
from genloom.train import plan as planning
from genloom.train.log import Listener, silent
from genloom.train.loop import Job
from genloom.train.plan import Plan, Probe
from genloom.tuning import beside
from genloom.watch import judge_of, preview_of

M = TypeVar("M", bound=Model)
Judge = Callable[[Model], Mapping[str, float]]

JUDGEMENTS = 4  # a run
LEAST_JUDGED = 4  # held-out items that a comparison needs
RESERVE = 0.93  # share of the minutes left that is planned for: a machine's speed drifts by as much
WORTH_ROUNDING = 20.0  # seconds of training from which bf16 is tried, where a CPU has it
PAIR_OF_CORES = 0.3e12  # products in bf16, a second
WORTH_COMPILING = 90.0  # seconds of uncompiled training from which compiling is tried


def decide(
    material: Material,
    size: str | None,
    minutes: float | None,
    begun: float,
    run: Path,
    device: torch.device,
) -> Plan:
    """Set the material's steps, precision and whether to compile; say what that will take."""
    free = planning.free_bytes(device)
    parameters = _count(material)
    planning.refuse_if_too_big(planning.least_bytes(parameters), free, "training")
    found = _fastest(material, minutes, begun, run, device)
    planning.refuse_if_too_big(found.peak_bytes, free, "training")
    if minutes is not None:
        _fit(material, found, RESERVE * _left(minutes, begun) - 1.0)
    t, loader = material.recipe.train, material.loader()
    return Plan(
        recipe=material.recipe.name,
        size=size,
        steps=t.steps,
        batch=material.recipe.data.batch,
        items=len(material.train_items),
        targets=loader.targets,
        parameters=parameters,
        seconds=planning.total_seconds(found, t.steps, t.judge, t.preview),
        seconds_per_step=found.seconds,
        peak_bytes=found.peak_bytes,
        free_bytes=free,
        epochs=t.steps * material.recipe.data.batch / loader.epoch_size,
        device=str(device),
        quality=registry.expected_of(material.recipe.name),
    )


def _fastest(
    material: Material, minutes: float | None, begun: float, run: Path, device: torch.device
) -> Probe:
    """Probe as it is; where the training is long enough, in bf16 and compiled, too; the fastest is
    written into the recipe."""
    found = _probe(material, run, device)
    t = material.recipe.train
    ahead = t.steps * found.seconds
    if minutes is not None:
        ahead = min(_left(minutes, begun), _longest(material) * found.seconds)
    if t.precision == "auto" and ahead >= WORTH_ROUNDING and fast_bf16(device):
        found = _faster(material, found, run, device, precision="bf16")
    if t.compile == "auto":
        material.recipe = material.recipe.training(compile="off")
        able = device.type != "cpu" or shutil.which("c++") is not None
        if ahead >= WORTH_COMPILING and able:
            found = _faster(material, found, run, device, compile="on")
    return found


def _faster(
    material: Material, found: Probe, run: Path, device: torch.device, **changes: Any
) -> Probe:
    """With these changes where that is faster, else what was found; the material follows."""
    other = replace(material, recipe=material.recipe.training(**changes))
    try:
        probed = _probe(other, run, device)
    except RuntimeError:  # what the compiler cannot do, such as a gradient of a gradient
        return found
    if probed.seconds >= 0.95 * found.seconds:
        return found
    material.recipe = other.recipe
    return probed


def speed_of(device: torch.device) -> float:
    """How many pairs of CPU cores this device is worth in training, by products in bf16; 1 for a
    CPU, whatever it is: the presets' minutes are meant for those."""
    if device.type == "cpu":
        return 1.0
    a = torch.randn(4096, 4096, device=device, dtype=torch.bfloat16)
    for _ in range(3):
        a @ a
    torch.cuda.synchronize(device)
    begun = time.perf_counter()
    for _ in range(20):
        a @ a
    torch.cuda.synchronize(device)
    return max(1.0, 20 * 2 * 4096**3 / (time.perf_counter() - begun) / PAIR_OF_CORES)


def _left(minutes: float, begun: float) -> float:
    """Seconds, by the first rank's clock: ranks must decide alike."""
    return parallel.first(60 * minutes - (time.monotonic() - begun))


def _longest(material: Material) -> float:
    """The most steps that the recipe's bound on passes allows."""
    t, d = material.recipe.train, material.recipe.data
    return t.epochs * material.loader().epoch_size / d.batch if t.epochs else float("inf")


def _fit(material: Material, found: Probe, seconds: float) -> None:
    """Set steps, and how often to judge and preview, for so many seconds."""
    t = material.recipe.train
    seconds -= found.start_seconds
    judgements = _affordable(seconds, found.judge_seconds) if t.judge else 0
    previews = _affordable(seconds, found.preview_seconds) if t.preview else 0
    steps = planning.steps_within(found, seconds, judgements, previews)
    steps = int(max(1, min(steps, _longest(material))))
    judge, preview = _every(steps, judgements), _every(steps, previews)
    material.recipe = material.recipe.training(steps=steps, judge=judge, preview=preview)


def _probe(material: Material, run: Path, device: torch.device) -> Probe:
    """Of whole batches: what schedules spare in the first steps is time left over in the end."""
    recipe = material.recipe
    whole = replace(recipe, data=replace(recipe.data, ramp=0.0, short=0.0))
    material = replace(material, recipe=whole)
    model = fresh(material, Model)
    model.nets.to(device)
    return planning.probe(job_of(material, model, run, silent, lambda: False, False))


def _count(material: Material) -> int:
    """Parameters of the recipe's nets, without making them."""
    told = None if material.prompt is None else material.prompt.spec
    with Unfilled():
        nets = material.recipe.make_nets(material.codec.spec, told)
    return sum(p.numel() for p in nets.parameters())


def _affordable(seconds: float, each: float) -> int:
    """How often to judge or preview: up to JUDGEMENTS times within a twentieth of the time."""
    return max(1, min(JUDGEMENTS, int(seconds / 20 / max(each, 1e-3))))


def _every(steps: int, times: int) -> int:
    return -(-steps // times) if times else 0


def fresh(material: Material, cls: type[M]) -> M:
    """A model of the material's recipe with new nets, the same for the same seed."""
    return cls(
        recipe=material.recipe, codec=material.codec, prompt=material.prompt, nets=material.nets()
    )


def _enough_held(material: Material) -> bool:
    """Whether what is held out can judge: distances between collections need a few of each."""
    return len(material.held_items) >= (LEAST_JUDGED if material.codec.compares else 1)


def _judge(material: Material, loader: Batches, beside: Mapping[str, Any]) -> Judge:
    """By the reward where there is one, else by the medium's own quality."""
    return loader.judge if isinstance(loader, Rollouts) else judge_of(material, beside)


def job_of(
    material: Material,
    model: Model,
    run: Path,
    listener: Listener,
    stop: Callable[[], bool],
    resume: bool,
) -> Job:
    still = beside(material.recipe, material.begun, model.nets, model.device)
    loader = material.loader(model)
    if isinstance(loader, Rollouts):
        loader.listener = listener
    return Job(
        model=model,
        loader=loader,
        run=run,
        beside=still,
        judge=_judge(material, loader, still) if _enough_held(material) else None,
        preview=preview_of(material, run),
        listener=listener,
        stop=stop,
        resume=resume,
        spending=None
        if material.ledger is None
        else private.spending(material.ledger, material.recipe),
    )
