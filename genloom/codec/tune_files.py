"""Tunes on disk: which files hold some, what is left out and why, and how one is written.

Knows endings and notations by name; what they mean is the business of `genloom.music`. Knows no id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.encodings import text_of
from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.codec.saving import write_atomic
from genloom.codec.tune_item import Tune
from genloom.errors import DataError, RequestError
from genloom.music.abc_reading import read_each
from genloom.music.bars import barred, faults
from genloom.music.score import Score

WRITTEN = (".abc", ".txt")


def read_tunes(path: Path, longest: int) -> Reading:
    """Every tune under a file or a folder, in the order of the paths. longest: ids of one."""
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give .abc, .mid or .musicxml files")
    items, files, left, voices = [], [], LeftOut(), 0
    for file, name in files_at(path):
        if suffix_of(name) not in READERS:
            if not path.is_dir():
                left.add(name, "no file of tunes: its name ends in none of " + ", ".join(READERS))
            continue
        files.append(Path(file))
        for place, score in _scores(file, name):
            made = score if isinstance(score, DataError) else _tune(score, longest)
            if isinstance(made, DataError):
                left.add(place, str(made))
                continue
            assert isinstance(score, Score)
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


def _scores(file: str, name: str) -> Iterator[tuple[str, Score | DataError]]:
    try:
        data = content(file)
        yield from READERS[suffix_of(name)](data, name)
    except (Unreadable, DataError) as error:
        yield name, DataError(str(error))


def _abc(data: bytes, name: str) -> Iterator[tuple[str, Score | DataError]]:
    for line, one in read_each(text_of(data)[0]):
        yield f"{name}:{line}", one


READERS = {".abc": _abc}


def write_tune(item: str, path: Path, record: Mapping[str, Any] | None) -> bool:
    """ABC, and nothing else; the record lies beside the file. RequestError for another ending."""
    if path.suffix.lower() not in WRITTEN:
        raise RequestError(f"{path.name}: tunes are written as {', '.join(WRITTEN)}")
    write_atomic(path, str(item).encode("utf-8", "replace"))
    return False


def preview_tunes(items: Sequence[str], path: Path) -> Path:
    return write_atomic(path.with_suffix(".abc"), "\n".join(items).encode("utf-8", "replace"))
