"""`genloom data inspect`, `clean`, `split` and `draw`: a data set before anything learns from it.

Which medium a path holds is told by the suffixes of its files, unless it is said.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from genloom.cli import data_tokens, joined, output, settings, source
from genloom.cli.ending import warn
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.datasets.items import Collection

LEFT_OUT_SHOWN = 20


def inspect(
    path: str,
    /,
    *,
    medium: str | None = None,
    model: str | None = None,
    show: int = 0,
    json: bool = False,
) -> None:
    """What is in a data set: its items, repeats and, for texts, tokens as a model will see them.

    Parameters
    ----------
    path
        A file or a folder; - reads stdin.
    medium
        text, chat, preference, pair, image or table; told by the files unless given.
    model
        Count in this model's tokens, by its template; else in those a small model would learn.
    show
        So many of the first items as they are fed, in their very tokens: [[...]] are the targets.
    json
        Print JSON.
    """
    if show < 0:
        raise UsageError(f"--show is {show}: give how many items to show")
    if medium is None and path != source.STDIN:
        from genloom.linked.describing import several

        folder = Path(path).expanduser()
        if several(folder):
            joined.inspect(folder, json)
            return
    from genloom.datasets.report import look

    where, medium, _ = _located(path, medium)
    own = None if model is None else settings.load(model).codec
    told = look(where, medium, own, model, show).told
    output.values(told) if json else _show(told)


def clean(path: str, out: str, /, *, medium: str | None = None, json: bool = False) -> None:
    """Write a data set anew without exact duplicates, empty and broken items.

    Parameters
    ----------
    path
        A file or a folder; - reads stdin.
    out
        A new file, or a folder for pictures or one text a file.
    medium
        text, image or table; told by the files' suffixes unless given.
    json
        Print the counts as JSON.
    """
    from genloom.datasets.items import collection, repeats

    where, medium, codec = _located(path, medium)
    target = _new(out, where)
    reading = codec.read(where)
    found = collection(reading.items, codec)
    again, empty = repeats(found.keys()), found.empty()
    kept = [n for n, bad in enumerate(zip(again, empty, strict=True)) if not any(bad)]
    if not kept:
        raise DataError(f"{where}: nothing would be left: every item is empty")
    written = _write(found, kept, target)
    told = {
        "path": str(written),
        "kept": len(kept),
        "duplicates": sum(again),
        "empty": sum(e and not a for a, e in zip(again, empty, strict=True)),
        "broken": len(reading.skipped),
    }
    _licences(where, written)
    output.values(told) if json else output.pairs(told)


def split(
    path: str,
    out: str,
    /,
    *,
    holdout: float = 0.1,
    by: str | None = None,
    seed: int = 0,
    medium: str | None = None,
    json: bool = False,
) -> None:
    """Write a data set as a training and a held-out part.

    Parameters
    ----------
    path
        A file or a folder; - reads stdin.
    out
        A folder, for both parts.
    holdout
        The share that is held out.
    by
        What must not be on both sides: scaffold, of molecules.
    seed
        The same seed draws the same items.
    medium
        text, image or table; told by the files' suffixes unless given.
    json
        Print the counts as JSON.
    """
    if not 0 < holdout < 1:
        raise UsageError(f"--holdout is {holdout}: give a share between 0 and 1, such as 0.1")
    from genloom.datasets.items import collection

    where, medium, codec = _located(path, medium)
    target = _new(out, where)
    reading = codec.read(where)
    items, parts = _parted(reading.items, holdout, seed, codec, by)
    found = collection(items, codec)
    keys = found.keys()
    first, last = ({keys[n] for n in part} for part in parts)
    paths = [
        _write(found, part, target / found.part(name, where))
        for name, part in zip(("train", "held-out"), parts, strict=True)
    ]
    if both := len(first & last):
        warn(f"{both:,} held-out items are in the training part, too: run  genloom data clean")
    _licences(where, target)
    told = {
        "train": str(paths[0]),
        "train items": len(parts[0]),
        "held out": str(paths[1]),
        "held out items": len(parts[1]),
    }
    output.values(told) if json else output.pairs(told)


def draw(
    family: str,
    /,
    *,
    count: Annotated[int, Parameter(name=["-n", "--count"])] = 2000,
    seed: int = 0,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    json: bool = False,
) -> None:
    """Draw a data set by rules, of which everything is known exactly, to learn and measure with.

    Parameters
    ----------
    family
        cars, furniture, driving, shop (linked tables) or load (a series).
    count
        How many items.
    seed
        The same seed draws the same items.
    out
        The file, or for several tables the folder; by default the family's name.
    json
        Print what was written as JSON.
    """
    from genloom.datasets.drawn import drawn, named

    told = drawn(family, count, seed, _new(named(family, out)))
    output.values(told) if json else output.pairs(told)


# --- which medium -------------------------------------------------------------------------------


def _located(path: str, medium: str | None) -> tuple[Path, str, Any]:
    """The path, the medium's name and a codec for it."""
    from genloom import registry
    from genloom.datasets import medium as media

    where = source.data_at(path, medium or media.DEFAULT, settings.store().home())
    if not where.exists():
        raise DataError(f"{where} does not exist: give a file or a folder")
    medium = medium or media.detected(where)
    return where, medium, registry.find("codec", medium)()


# --- writing ------------------------------------------------------------------------------------


def _new(out: str, where: Path | None = None) -> Path:
    """A path where nothing is yet: a data set is never written over another."""
    target = Path(out).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already: give a new name")
    if where is not None and where.is_dir() and where.resolve() in target.resolve().parents:
        raise UsageError(f"{target} lies inside the data itself: give a place outside of {where}")
    return target


def _write(found: Collection, numbers: Sequence[int], target: Path) -> Path:
    from genloom.data.split import take

    return found.write(take(found.items, numbers), target)


def _groups(items: Any, codec: Any, by: str | None) -> list[str] | None:
    """What must not be parted, told alike: as asked for, or what the codec says is related."""
    if by is None:
        return codec.keys(items) if getattr(codec, "lettered", False) else None
    ask = getattr(codec, "groups", None)
    if ask is None:
        raise UsageError(f"these items cannot be split by {by!r}: leave --by out")
    found: list[str] = ask(items, by)
    if len(set(found)) < 2:
        raise DataError(f"all items have one {by}: they cannot be split by it")
    return found


def _parted(
    items: Any, share: float, seed: int, codec: Any, by: str | None
) -> tuple[Any, tuple[list[int], list[int]]]:
    """The items and the numbers of both parts; a single text is cut in two first."""
    from genloom.data.split import split_items, split_keys, split_stream

    if len(items) == 1 and isinstance(items[0], str):
        first, last = split_stream(items, share)
        return [*first, *last], ([0], [1])
    if len(items) < 2:
        raise DataError("one item cannot be split: give at least two")
    related = _groups(items, codec, by)
    if related is None:
        train, held = split_items(len(items), share, seed)
    else:
        train, held = split_keys(related, share, seed)
    return items, (list(map(int, train)), list(map(int, held)))


def _licences(where: Path, written: Path) -> None:
    """A licence that lay beside the data goes with it into a folder."""
    from genloom.data.licences import licence_files

    if not written.is_dir():
        return
    for file in licence_files([where if where.is_dir() else where.parent]):
        (written / file.name).write_bytes(file.read_bytes())


# --- showing ------------------------------------------------------------------------------------


def _show(told: Mapping[str, Any]) -> None:
    plain = {k: told[k] for k in ("path", "medium", "items", "files")}
    rest = {k: told[k] for k in ("licence", "duplicates")}
    rest |= {"near duplicates": told.get("near_duplicates")}
    for name in ("empty", "one_sided"):
        rest |= {name.replace("_", "-"): f"{told[name]:.2%}"} if told.get(name) else {}
    output.pairs({**plain, "size": output.size(told["bytes"]), **rest})
    output.text("")
    _show_summary(told["summary"])
    skipped = told["skipped"]
    if "tokens" in told:
        data_tokens.tell(told["tokens"])
    if skipped:
        output.text(f"\nleft out {told['left_out']:,}:")
        for name, why in list(skipped.items())[:LEFT_OUT_SHOWN]:
            output.text(f"  {name}: {why}")
    for note in told["notes"]:
        print(f"note: {note}", file=sys.stderr)


def _show_summary(summary: Mapping[str, Any]) -> None:
    """Lists of objects as tables, the rest as lines."""
    lines = {}
    for name, value in summary.items():
        if isinstance(value, list):
            output.table(list(value[0]), [list(row.values()) for row in value])
        elif isinstance(value, Mapping):
            lines[name] = ", ".join(f"{key} ({count:,})" for key, count in value.items())
        else:
            lines[name] = value
    output.pairs(lines)
