"""`genloom data inspect`, `clean` and `split`: a data set before anything learns from it.

Which medium a path holds is told by the suffixes of its files, unless it is said.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.cli import data_tokens, output, settings, source
from genloom.cli.collection import Collection, collection, repeats
from genloom.cli.ending import warn
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.codec.base import Reading

LEFT_OUT_SHOWN = 20
DEFAULT = "text"
RECORDS = (".jsonl", ".jsonl.gz", ".ndjson")
# What a record of each medium has, the most telling first.
FIELDS = {
    "preference": {"chosen"},
    "chat": {"messages", "conversations", "conversation", "completion", "response", "answer"},
    "pair": {"target"},
}
PICTURES = (".zip", ".idx3-ubyte", "-idx3-ubyte", "-idx3-ubyte.gz")


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
    where, medium, codec = _located(path, medium)
    reading = codec.read(where)
    found = collection(reading.items, codec)
    again = repeats(found.keys())
    told = {
        "path": str(where),
        "medium": medium,
        "items": len(reading.items),
        **_files(where, reading),
        "duplicates": sum(again),
        "skipped": dict(reading.skipped),
        "left_out": reading.left_out,
        "reasons": dict(reading.reasons),
        "notes": list(reading.notes),
        "summary": found.summary(),
    }
    told |= _of_texts(reading, medium, model, show)
    output.values(told) if json else _show(told)


def _of_texts(reading: Reading, medium: str, model: str | None, show: int) -> dict[str, Any]:
    """What only texts have: near repeats, empty and one-sided items, tokens."""
    items = reading.items
    if hasattr(items, "columns") or not isinstance(items[0], str):
        if model is not None or show:
            raise UsageError("--model and --show are for texts: leave them out")
        return {}
    from genloom.data.overlap import repeats as resembling

    tokens = data_tokens.facts(data_tokens.codec_for(medium, items, model), items, model, show)
    near = resembling(items).near
    return {"near_duplicates": near, **data_tokens.sides(reading), "tokens": tokens}


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
    seed
        The same seed draws the same items.
    medium
        text, image or table; told by the files' suffixes unless given.
    json
        Print the counts as JSON.
    """
    if not 0 < holdout < 1:
        raise UsageError(f"--holdout is {holdout}: give a share between 0 and 1, such as 0.1")
    where, medium, codec = _located(path, medium)
    target = _new(out, where)
    reading = codec.read(where)
    items, parts = _parted(reading.items, holdout, seed)
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


# --- which medium -------------------------------------------------------------------------------


def _located(path: str, medium: str | None) -> tuple[Path, str, Any]:
    """The path, the medium's name and a codec for it."""
    from genloom import registry

    given = medium or DEFAULT
    where = source.data_at(path, given, settings.store().home())
    if not where.exists():
        raise DataError(f"{where} does not exist: give a file or a folder")
    medium = medium or detected(where)
    return where, medium, registry.find("codec", medium)()


def detected(path: Path) -> str:
    """The medium of most files, by their suffixes, and of records by what the first one holds; a
    text where nothing tells."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    suffixes = _suffixes()
    counts = Counter(
        medium
        for file in files
        for medium, ends in suffixes.items()
        if file.name.lower().endswith(ends)
    )
    found = counts.most_common(1)[0][0] if counts else DEFAULT
    records = next((f for f in sorted(files) if f.name.lower().endswith(RECORDS)), None)
    if found == next(reversed(suffixes)) and records is not None:
        return _of_record(records)
    return found


def _of_record(file: Path) -> str:
    """By the names in the first record."""
    import gzip
    import json

    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            record = json.loads(lines.readline(1 << 24))
    except (OSError, ValueError, EOFError, RecursionError):
        return DEFAULT
    names = set(record) if isinstance(record, Mapping) else set()
    return next((medium for medium, keys in FIELDS.items() if names & keys), DEFAULT)


def _suffixes() -> dict[str, tuple[str, ...]]:
    """Medium -> how its files' names end. The only table of the kind here."""
    from genloom.codec.frame import CSV_SUFFIXES, PARQUET_SUFFIXES
    from genloom.codec.pictures import SUFFIXES

    return {
        "image": (*sorted(SUFFIXES), *PICTURES),
        "table": (*CSV_SUFFIXES, *PARQUET_SUFFIXES),
        DEFAULT: (".txt", ".md", ".jsonl", ".py", ".txt.gz", ".rst", ".html"),
    }


# --- writing ------------------------------------------------------------------------------------


def _new(out: str, where: Path) -> Path:
    """A path where nothing is yet: a data set is never written over another."""
    target = Path(out).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already: give a new name")
    if where.is_dir() and where.resolve() in target.resolve().parents:
        raise UsageError(f"{target} lies inside the data itself: give a place outside of {where}")
    return target


def _write(found: Collection, numbers: Sequence[int], target: Path) -> Path:
    from genloom.data.split import take

    return found.write(take(found.items, numbers), target)


def _parted(items: Any, share: float, seed: int) -> tuple[Any, tuple[list[int], list[int]]]:
    """The items and the numbers of both parts; a single text is cut in two first."""
    from genloom.data.split import split_items, split_stream

    if len(items) == 1 and isinstance(items[0], str):
        first, last = split_stream(items, share)
        return [*first, *last], ([0], [1])
    if len(items) < 2:
        raise DataError("one item cannot be split: give at least two")
    train, held = split_items(len(items), share, seed)
    return items, (list(map(int, train)), list(map(int, held)))


def _licences(where: Path, written: Path) -> None:
    """A licence that lay beside the data goes with it into a folder."""
    from genloom.data.licences import licence_files

    if not written.is_dir():
        return
    for file in licence_files([where if where.is_dir() else where.parent]):
        (written / file.name).write_bytes(file.read_bytes())


# --- showing ------------------------------------------------------------------------------------


def _files(where: Path, reading: Reading) -> dict[str, Any]:
    from genloom.data.source import Manifest

    manifest = Manifest.of_files(where, reading.files, items=len(reading.items))
    return {"files": len(manifest.entries), "bytes": manifest.size, "licence": manifest.licence}


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
