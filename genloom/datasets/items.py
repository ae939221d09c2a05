"""Items of a data set, whatever they are: which are equal, what they are like, how to write them.

Asks the collection (does it have columns? are its items texts?), never the name of a medium.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, Protocol

from genloom.codec.image.files import pixel_hash
from genloom.codec.molecule.item import Molecule
from genloom.codec.saving import write_atomic
from genloom.codec.shape.item import Shape
from genloom.codec.sound.recordings import Recording
from genloom.codec.text.files import SEPARATOR
from genloom.codec.video.clips import Clip
from genloom.datasets.clips import Clips
from genloom.datasets.molecules import Molecules
from genloom.datasets.recordings import Recordings
from genloom.datasets.scenes import Scenes
from genloom.datasets.shapes import Shapes
from genloom.drive.scene import Scene
from genloom.errors import UsageError

SHOWN = 12  # sizes of pictures that are named


class Collection(Protocol):
    """Items of one sort."""

    items: Any

    def keys(self) -> list[Hashable]:
        """Equal keys for equal items, in order."""

    def empty(self) -> list[bool]:
        """Which items hold nothing."""

    def summary(self) -> dict[str, Any]:
        """What the items are like, JSON-ready; a list of objects is a table."""

    def write(self, items: Any, target: Path) -> Path:
        """A data set of some of them; the path written."""

    def part(self, name: str, source: Path) -> str:
        """The name of a file or folder for a part of the data set at `source`."""


class Rows:
    """A table."""

    def __init__(self, items: Any, codec: Any) -> None:
        self.items, self.codec = items, codec

    def keys(self) -> list[Hashable]:
        from pandas.util import hash_pandas_object

        return list(map(int, hash_pandas_object(self.items, index=False)))

    def empty(self) -> list[bool]:
        """Rows in which everything is missing."""
        return list(map(bool, self.items.isna().all(axis=1)))

    def summary(self) -> dict[str, Any]:
        return {"columns": [_column(str(n), self.items[n]) for n in self.items.columns]}

    def write(self, items: Any, target: Path) -> Path:
        path = target if target.suffix else target.with_suffix(self.codec.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.codec.write(items, path)
        return path

    def part(self, name: str, source: Path) -> str:
        """Parquet stays Parquet."""
        parquet = source.suffix.lower() in (".parquet", ".pq")
        return f"{name}{source.suffix.lower() if parquet else self.codec.suffix}"


def _column(name: str, series: Any) -> dict[str, Any]:
    present = series.dropna()
    told = {
        "column": name,
        "type": str(series.dtype),
        "missing": int(series.isna().sum()),
        "distinct": int(present.astype(str).nunique()),
    }
    if not len(present):
        return {**told, "least": None, "most": None, "commonest": None}
    ordered = series.dtype.kind in "iufM"
    return {
        **told,
        "least": str(present.min()) if ordered else None,
        "most": str(present.max()) if ordered else None,
        "commonest": str(present.astype(str).value_counts().index[0])[:40],
    }


class Texts:
    """A list of strings."""

    def __init__(self, items: Sequence[str], codec: Any) -> None:
        self.items, self.codec = items, codec

    def keys(self) -> list[Hashable]:
        return [hashlib.sha256(t.encode("utf-8", "replace")).digest() for t in self.items]

    def empty(self) -> list[bool]:
        return [not text.strip() for text in self.items]

    def summary(self) -> dict[str, Any]:
        sizes = [len(text) for text in self.items]
        return {
            "characters": sum(sizes),
            "shortest": min(sizes),
            "median": round(statistics.median(sizes)),
            "longest": max(sizes),
            "distinct characters": len(set().union(*self.items)),
        }

    def write(self, items: Sequence[str], target: Path) -> Path:
        """JSON lines, one file with separators, or a folder with a file each, by the suffix."""
        suffix = target.suffix.lower()
        if suffix == ".jsonl":
            line = getattr(self.codec, "line", _line)
            content = "".join(map(line, items))
        elif suffix:
            content = f"\n{SEPARATOR}\n".join(items)
        else:
            return _each(items, target, self.codec.suffix, self.codec.write)
        target.parent.mkdir(parents=True, exist_ok=True)
        _plain(content, target)
        return target

    def part(self, name: str, source: Path) -> str:
        """A folder of texts becomes a folder of texts."""
        if source.is_dir():
            return name
        lines = ".jsonl" in source.suffixes
        return f"{name}{'.jsonl' if lines else self.codec.suffix}"


def _line(text: str) -> str:
    return json.dumps({"text": text}, ensure_ascii=False) + "\n"


class Listed(Texts):
    """Strings of which the codec writes many as one file."""

    def write(self, items: Sequence[str], target: Path) -> Path:
        """In the codec's own form."""
        path = target if target.suffix else target.with_suffix(self.codec.suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        _plain(f"{self.codec.listing(items)}\n", path)
        return path

    def part(self, name: str, source: Path) -> str:
        return f"{name}{self.codec.suffix}"


class Pictures:
    """Pictures, opened one at a time."""

    def __init__(self, items: Sequence[Any], codec: Any) -> None:
        self.items, self.codec = items, codec

    def keys(self) -> list[Hashable]:
        return [pixel_hash(picture.open()) for picture in self.items]

    def empty(self) -> list[bool]:
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        sizes: Counter[str] = Counter()
        modes: Counter[str] = Counter()
        for picture in self.items:
            image = picture.open()
            sizes[f"{image.width} x {image.height}"] += 1
            modes[image.mode] += 1
        captions = [p.caption for p in self.items if p.caption]
        return {
            "sizes": dict(sizes.most_common(SHOWN)),
            "modes": dict(modes),
            "captioned": len(captions),
            "distinct captions": len(set(captions)),
        }

    def write(self, items: Sequence[Any], target: Path) -> Path:
        """A folder: files as they were where they were files, captions in metadata.jsonl."""
        if target.suffix:
            raise UsageError(f"{target}: pictures are written to a folder: give a folder's name")
        target.mkdir(parents=True, exist_ok=True)
        lines = []
        for number, picture in enumerate(items):
            name = f"{number:06d}{self._put(picture, target, number)}"
            told = {"file_name": name}
            lines.append(told | ({"text": picture.caption} if picture.caption else {}))
        if any("text" in line for line in lines):
            content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            _plain(content, target / "metadata.jsonl")
        return target

    def part(self, name: str, source: Path) -> str:
        """Pictures lie in folders."""
        return name

    def _put(self, picture: Any, folder: Path, number: int) -> str:
        """Write one; its suffix."""
        if isinstance(picture.source, Path):
            suffix = picture.source.suffix.lower()
            shutil.copyfile(picture.source, folder / f"{number:06d}{suffix}")
            return suffix
        self.codec.write(picture, folder / f"{number:06d}{self.codec.suffix}")
        return self.codec.suffix


OTHERS = (
    *((Recording, Recordings), (Clip, Clips), (Shape, Shapes), (Scene, Scenes)),
    (Molecule, Molecules),
)


def collection(items: Any, codec: Any) -> Collection:
    """What the items are."""
    if hasattr(items, "columns"):
        return Rows(items, codec)
    for sort, made in OTHERS:
        if isinstance(items[0], sort):
            return made(items, codec)
    if hasattr(codec, "listing"):
        return Listed(items, codec)
    return Texts(items, codec) if isinstance(items[0], str) else Pictures(items, codec)


def repeats(keys: Sequence[Hashable]) -> list[bool]:
    """Whether each key occurred before."""
    seen: set[Hashable] = set()
    again = []
    for key in keys:
        again.append(key in seen)
        seen.add(key)
    return again


def _each(
    items: Sequence[Any], folder: Path, suffix: str, write: Callable[[Any, Path], Any]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, item in enumerate(items):
        write(item, folder / f"{number:06d}{suffix}")
    return folder


def _plain(content: str, path: Path) -> None:
    write_atomic(path, content.encode("utf-8", "replace"))
