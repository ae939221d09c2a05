"""An archive that somebody sent, laid out in a folder: nothing in it may lie elsewhere or run.

Only plain files with endings that a model has, below bounds on their number and size; a name that
climbs, a link or a pickle ends it. Knows zip files; not what a model is.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from genloom.errors import ModelError, ResourceError

MOST_FILES, DEEPEST, LONGEST_NAME = 2000, 8, 200
LARGEST = 2 << 40  # bytes of all, unpacked
SWELLING = 200  # times its size in the archive that a file may have, at most
SMALL = 1 << 20  # bytes below which swelling is no matter
ENDINGS = frozenset({".safetensors", ".json", ".jsonl", ".txt", ".md", ".model", ".jinja", ".gguf"})
ALONE = frozenset({"LICENSE", "LICENCE", "NOTICE", ".gitattributes"})
PIECE = 4 << 20
ARRIVED = "arrived"  # a folder in the making is .arrived-PID-...
HEADS = ("recipe.json", "config.json", "model_index.json", "adapter_config.json")
Tell = Callable[[str, int, int], None]


@contextmanager
def unpacked(archive: Path, beside: Path, tell: Tell) -> Iterator[Path]:
    """The folder inside that holds a model, or the one GGUF file; gone when the block ends."""
    beside.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{ARRIVED}-{os.getpid()}-", dir=beside))
    try:
        with ZipFile(archive) as opened:
            _unpack(opened, _checked(opened, archive.name), place, tell)
        yield _model_in(place, archive.name)
    except BadZipFile as error:
        raise ModelError(f"{archive.name} is no archive that can be read: {error}") from None
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _checked(archive: ZipFile, name: str) -> list[ZipInfo]:
    """Its files. ModelError names the one that must not be there."""
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(files) > MOST_FILES:
        raise ModelError(f"{name} holds {len(files):,} files: at most {MOST_FILES:,} are taken")
    for entry in files:
        if (why := _wrong(entry)) is not None:
            raise ModelError(f"{name} holds {entry.filename[:LONGEST_NAME]!r}, {why}")
    if sum(entry.file_size for entry in files) > LARGEST:
        raise ModelError(f"{name} would be larger than {LARGEST >> 40} TiB")
    return files


def _wrong(entry: ZipInfo) -> str | None:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or "\0" in entry.filename:
        return "whose name leads elsewhere"
    if len(path.parts) > DEEPEST or len(entry.filename) > LONGEST_NAME:
        return "whose name is too long"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "which is no plain file"
    if entry.flag_bits & 1:
        return "which is encrypted"
    if path.suffix.lower() not in ENDINGS and path.name not in ALONE:
        return "a kind of file that no model here has: safetensors, JSON and texts are taken"
    swells = entry.file_size > SMALL and entry.file_size > SWELLING * max(1, entry.compress_size)
    return "which swells beyond measure" if swells else None


def _unpack(archive: ZipFile, files: list[ZipInfo], place: Path, tell: Tell) -> None:
    done, of = 0, sum(entry.file_size for entry in files)
    if shutil.disk_usage(place).free < of:
        raise ResourceError(f"unpacked it has {of:,} bytes, and the disk has no room for them")
    for entry in files:
        target = place / entry.filename
        target.parent.mkdir(parents=True, exist_ok=True)
        left = entry.file_size
        with archive.open(entry) as data, target.open("xb") as file:
            while piece := data.read(min(PIECE, left + 1)):
                left -= len(piece)
                if left < 0:  # it holds more than it said
                    raise ModelError(f"{entry.filename} is larger than the archive says")
                file.write(piece)
                done += len(piece)
                tell("unpacking", done, of)


def _model_in(place: Path, name: str) -> Path:
    """The uppermost folder with the head of a model, else the only GGUF file."""
    for level in range(4):
        for folder in sorted({place, *place.glob("/".join(["*"] * level))} if level else {place}):
            if folder.is_dir() and any((folder / head).is_file() for head in HEADS):
                return folder
    found = list(place.rglob("*.gguf"))
    if len(found) == 1:
        return found[0]
    raise ModelError(
        f"{name} holds no model: config.json with safetensors, a folder of a model, or one GGUF "
        "file is expected"
    )
