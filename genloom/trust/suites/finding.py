"""From what a user names to a suite and its items: a file, a folder, a name, or NAME=PATH.

Knows folders, the parts of a data set (train, test ...) and the table of layouts. Knows no prompt
and no model.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from genloom.errors import DataError, UsageError
from genloom.trust.suites import files, layouts
from genloom.trust.suites.fields import Row
from genloom.trust.suites.files import Rows
from genloom.trust.suites.layouts import Layout
from genloom.trust.suites.suite import Suite, own

_NAME = re.compile(r"[\w.-]+")
Groups = dict[tuple[str, ...], dict[str, list[Path]]]  # words of the name -> part -> files


@dataclass(frozen=True, kw_only=True)
class Found:
    """A suite with the rows that are asked. pool: those that examples come from, read when they
    are needed; apart: whether it holds none of the rows."""

    suite: Suite
    place: str
    rows: Rows
    pool: Callable[[], Rows]
    apart: bool


def find(given: str, folder: Path) -> Found:
    """What is named. folder: where data of suites lies that are named without a path. UsageError
    names what is near where nothing is found."""
    name, sign, place = given.partition("=")
    if sign and _NAME.fullmatch(name) and not Path(given).exists():
        return _at(_existing(place, given), _known(name, folder))
    path = Path(given).expanduser()
    if path.exists():
        return _at(path, given if layouts.named(given) else "")
    if not _NAME.fullmatch(given):
        raise UsageError(f"{given} does not exist: give a file or a folder with a suite, or a name")
    return _by_name(_known(given, folder), folder)


def _existing(place: str, given: str) -> Path:
    path = Path(place).expanduser()
    if not place or not path.exists():
        raise UsageError(f"--suite {given}: {place or 'no path'} does not exist: give its data")
    return path


def _known(name: str, folder: Path) -> str:
    """The name, of the table or of a JSON file in the folder."""
    mine = [p.stem for p in sorted(folder.glob("*.json"))] if folder.is_dir() else []
    if layouts.named(name) or name in mine:
        return name
    every = [*layouts.names(), *mine]
    near = difflib.get_close_matches(name, every, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {', '.join(every)}"
    raise UsageError(f"no file, folder or suite is named {name!r}: {hint}")


def _by_name(name: str, folder: Path) -> Found:
    plain = name.replace("_", "")
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    exact = [p for p in entries if p.name.partition(".")[0] == name]
    near = [p for p in entries if plain in "".join(files.words(Path(p.name)))]
    for path in [*exact, *near]:
        if path.is_dir() or files.known(path):
            return _at(path, name if layouts.named(name) else "")
    raise UsageError(
        f"no data of the suite {name!r} in {folder}: put its files there ({name}.jsonl, or a "
        f"folder {name}), or name them: --suite {name}=PATH"
    )


# --- at a path ------------------------------------------------------------------------------------


def _at(path: Path, name: str) -> Found:
    if path.is_file() and (suite := _own(path)) is not None:
        return _declared(suite, path)
    groups = _groups(path)
    every = [file for group in groups.values() for part in group.values() for file in part]
    first = min(every, key=_rank, default=None)
    if first is None:
        known = "JSON lines, JSON, CSV, Parquet or text"
        raise UsageError(f"{path} holds no file of a suite: give {known}")
    layout = _layout(files.read(first)[0], first, name)
    if path.is_file():
        return _of(layout, path, [path], _beside(path, layout))
    chosen = _chosen(groups, layout, path, name)
    asked = [file for group in chosen for file in _part(group, layout, path)]
    shown = [file for group in chosen for file in _first(group, layout.examples)]
    return _of(layout, path, asked, shown)


def _own(path: Path) -> Suite | None:
    """A suite of the user's own, where a file declares one."""
    if path.suffix.lower() != ".json":
        return None
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not {"kind", "prompt"} <= set(values):
        return None
    return own(values, path)


def _declared(suite: Suite, path: Path) -> Found:
    data = path.parent / suite.data
    rows = files.read(data)
    pool = path.parent / suite.examples if suite.examples else data
    return Found(
        suite=suite,
        place=str(data),
        rows=rows,
        pool=lambda: files.read(pool),
        apart=pool.resolve() != data.resolve(),
    )


def _rank(path: Path) -> tuple[bool, str]:
    return files.part(path) == "train", str(path)


def _groups(path: Path) -> Groups:
    """Files by what their names say beside part and shard."""
    if path.is_file():
        return {(): {"": [path]}}
    groups: Groups = {}
    for file in sorted(path.rglob("*")):
        if file.is_file() and files.known(file):
            inner = file.relative_to(path)
            group = groups.setdefault(files.rest(inner), {})
            group.setdefault(files.part(inner), []).append(file)
    return groups


def _layout(row: Row, path: Path, name: str) -> Layout:
    if name:
        found = next((layout for layout in layouts.named(name) if layout.fits(row)), None)
        wanted = " or ".join(", ".join(p) for la in layouts.named(name) for p in la.fields)
    else:
        found = layouts.recognised(row, files.words(path))
        wanted = "question, choices and answer, or question and answer, or text"
    if found is None:
        what = f"the suite {name!r}" if name else "a suite"
        raise DataError(
            f"{path} is not {what}: an item has the fields {', '.join(row)}; expected are "
            f"{wanted}, or a JSON file that says what they mean"
        )
    return found


def _chosen(groups: Groups, layout: Layout, path: Path, name: str) -> list[dict[str, list[Path]]]:
    """The files of one suite in a folder that may hold several."""
    if layout.many or len(groups) == 1:
        return list(groups.values())
    plain = (name or layout.suite.name).replace("_", "")
    some = {words: group for words, group in groups.items() if plain in "".join(words)}
    if len(some) != 1:
        told = ", ".join(sorted(" ".join(words) for words in some or groups))
        raise UsageError(f"{path} holds several suites ({told}): name a folder or a file of one")
    return list(some.values())


def _part(group: dict[str, list[Path]], layout: Layout, path: Path) -> list[Path]:
    found = _first(group, (*layout.part, *{"test", "validation", "dev", ""} - set(layout.part)))
    if not found:
        raise UsageError(
            f"{path} has a part for training alone: name the file itself to be asked of it"
        )
    return found


def _first(group: dict[str, list[Path]], parts: Iterable[str]) -> list[Path]:
    return next((group[part] for part in parts if part in group), [])


def _beside(path: Path, layout: Layout) -> list[Path]:
    """The files that examples come from, beside a file or in a folder beside its own."""
    inner = files.part(Path(path.parent.name))
    root = path.parent.parent if inner else path.parent
    pattern = "*/*" if inner else "*"
    words = files.rest(path.relative_to(root))
    others = [f for f in sorted(root.glob(pattern)) if f.is_file() and files.known(f)]
    alike = [f for f in others if files.rest(f.relative_to(root)) == words and f != path]
    for part in layout.examples:
        if found := [f for f in alike if files.part(f.relative_to(root)) == part]:
            return found
    return []


# --- the rows -------------------------------------------------------------------------------------


def _of(layout: Layout, path: Path, asked: Sequence[Path], shown: Sequence[Path]) -> Found:
    every = _rows(layout, asked)

    def pool() -> Rows:
        if shown:
            return _rows(layout, shown)
        return every if layout.shown is None else layout.shown(every)

    return Found(
        suite=layout.suite,
        place=str(path),
        rows=layout.asked(every),
        pool=pool,
        apart=bool(shown) or layout.shown is not None,
    )


def _rows(layout: Layout, paths: Sequence[Path]) -> Rows:
    """The rows of files, rewritten; an error says which one."""
    out = []
    for path in paths:
        for number, row in enumerate(files.read(path), 1):
            try:
                out.append(layout.rewrite(row))
            except (DataError, ValueError, TypeError) as error:
                raise DataError(f"{path}: item {number}: {error}") from None
    return out
