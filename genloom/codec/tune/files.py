"""Tunes on disk: which files hold some, what is left out and why, and how one is written.

Knows what a tune must be to be learnt; notations and endings are in `scores`. Knows no id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.left_out import LeftOut
from genloom.codec.music.scores import READERS, WRITTEN, scores_under, write_score
from genloom.codec.saving import write_atomic
from genloom.codec.tune.item import Tune
from genloom.errors import DataError, RequestError
from genloom.music.abc_reading import read_abc
from genloom.music.bars import barred, faults
from genloom.music.score import Score

AS_THEY_ARE = (".abc", ".txt")


def read_tunes(path: Path, longest: int) -> Reading:
    """Every tune under a file or a folder, in the order of the paths. longest: ids of one."""
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give {', '.join(READERS)} files")
    items: list[Tune] = []
    files: dict[Path, None] = {}
    left, voices = LeftOut(), 0
    for file, place, score in scores_under(path, left):
        files[file] = None
        made = _tune(score, longest)
        if isinstance(made, DataError):
            left.add(place, str(made))
            continue
        voices += len(score.parts) > 1
        items.append(made)
    if not items:
        why = next(iter(left.named.items()), ("", "no file ends in " + ", ".join(READERS)))
        raise DataError(f"{path} has no tunes: {': '.join(x for x in why if x)}")
    told = (f"{voices:,} tunes have several voices: the first is learnt",) if voices else ()
    return Reading(
        items=items,
        files=tuple(files),
        skipped=left.named,
        notes=(*told, *left.notes()),
        reasons=dict(left.reasons),
    )


def _tune(score: Score, longest: int) -> Tune | DataError:
    try:
        score = barred(score)
        wrong = faults(score)
        if wrong:
            bar = score.bars[wrong[0]]
            return DataError(
                f"bar {wrong[0] + 1} holds {bar.length} quarter notes in {score.metre}"
            )
        made = Tune.of(score)
    except DataError as error:
        return error
    if len(made.ids) >= longest:
        return DataError(f"{len(made.ids):,} words, at most {longest - 1:,}")
    return made


def write_tune(item: str, path: Path, record: Mapping[str, Any] | None) -> bool:
    """By the suffix; ABC as it is. RequestError for an ending that music does not have."""
    suffix = path.suffix.lower()
    if suffix in AS_THEY_ARE:
        write_atomic(path, str(item).encode("utf-8", "replace"))
        return False
    if suffix not in WRITTEN:
        known = ", ".join((*AS_THEY_ARE, *WRITTEN[1:]))
        raise RequestError(f"{path.name}: tunes are written as {known}")
    try:
        (score,) = read_abc(str(item))
    except DataError as error:
        raise RequestError(
            f"this tune cannot be written as {suffix} ({error}): as .abc it can"
        ) from None
    return write_score(score, path, record)


def preview_tunes(items: Sequence[str], path: Path) -> Path:
    return write_atomic(path.with_suffix(".abc"), "\n".join(items).encode("utf-8", "replace"))
