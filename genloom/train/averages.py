"""The stored averages of a training on disk, so that its weights can be averaged otherwise later.

One safetensors file a snapshot, both tracks under the parameters' names, and an index in JSON.
Knows steps and tensors; what an average is, ema.py says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from genloom.data.source import file_sha256
from genloom.errors import ModelError, UsageError
from genloom.folders import read_json, recover, replacing, write_json
from genloom.train import ema

NAME = "averages"
WIDEST = 0.28  # beyond it no power function has such a width


@dataclass(frozen=True, kw_only=True)
class Kept:
    """weights: the digest of the model they belong to. times: in updates, one every `every` steps.
    sums: SHA-256 of each snapshot's file."""

    weights: str
    every: int
    times: tuple[float, ...]
    widths: tuple[float, ...]
    sums: tuple[str, ...]

    @property
    def steps(self) -> tuple[int, ...]:
        """The step of each snapshot."""
        return tuple(round(t * self.every) for t in self.times)


Snapshots = Sequence[tuple[float, Sequence[Sequence[Tensor]]]]


def save(run: Path, weights: str, names: Sequence[str], stored: Snapshots) -> Path:
    """Write the snapshots of the parameters `names` into the run's folder, in one move."""
    sums = []
    with replacing(run / NAME) as new:
        for number, (_, tracks) in enumerate(stored):
            tensors = {
                f"{track}.{name}": x.detach().cpu().contiguous().clone()
                for track, values in enumerate(tracks)
                for name, x in zip(names, values, strict=True)
            }
            file = new / f"{number:03d}.safetensors"
            save_file(tensors, file)
            sums.append(file_sha256(file))
        kept = Kept(
            weights=weights,
            every=ema.EVERY,
            times=tuple(t for t, _ in stored),
            widths=ema.WIDTHS,
            sums=tuple(sums),
        )
        write_json(new / "index.json", asdict(kept))
    return run / NAME


def kept(run: Path) -> Kept:
    """What was kept of this run. ModelError where nothing was, or it is damaged."""
    folder = recover(run / NAME)
    if not folder.is_dir():
        raise ModelError(
            f"no averages were kept at {run}: train with --set train.keep=true to keep them"
        )
    try:
        values = read_json(folder / "index.json")
        return Kept(
            weights=str(values["weights"]),
            every=int(values["every"]),
            times=tuple(float(t) for t in values["times"]),
            widths=tuple(float(w) for w in values["widths"]),
            sums=tuple(str(s) for s in values["sums"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder} is damaged ({error}): train again to average anew") from error


def size(run: Path) -> int:
    """Bytes of what was kept."""
    return sum(file.stat().st_size for file in (run / NAME).glob("*"))


def nearest(found: Kept, at: float) -> int:
    """The number of the snapshot that is nearest to this share of the training."""
    if not 0 < at <= 1:
        raise UsageError(f"at is {at}: give a share of the training, above 0 and up to 1")
    goal = at * found.times[-1]
    return min(range(len(found.times)), key=lambda n: abs(found.times[n] - goal))


def averaged(run: Path, found: Kept, width: float, last: int) -> Mapping[str, Tensor]:
    """The average of relative `width` that the training had at snapshot `last`, by parameter."""
    if not 0 < width <= WIDEST:
        raise UsageError(f"width is {width}: give a relative width above 0 and up to {WIDEST}")
    stored, names = [], []
    for number, time in enumerate(found.times[: last + 1]):
        tensors = _read(run / NAME / f"{number:03d}.safetensors", found.sums[number])
        names = sorted(name.removeprefix("0.") for name in tensors if name.startswith("0."))
        tracks = [[tensors[f"{t}.{name}"] for name in names] for t in range(len(found.widths))]
        stored.append((time, tracks))
    return dict(zip(names, ema.reconstruct(stored, width), strict=True))


def likeness(found: Kept, width: float, last: int) -> float:
    """How nearly the stored averages can make this one: 1 exactly."""
    times = [t for t in found.times[: last + 1] for _ in found.widths]
    widths = [w for _ in found.times[: last + 1] for w in found.widths]
    return ema.likeness(times, widths, width)


def _read(file: Path, wanted: str) -> dict[str, Tensor]:
    try:
        if file_sha256(file) != wanted:
            raise ValueError("its tensors are not those that were saved")
        return load_file(file)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"{file} is damaged ({error}): train again to average anew") from error
