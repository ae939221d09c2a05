"""A ZIP archive to learn from as the folder that it holds, within bounds.

Archives of pictures stay as they are: their reader takes them, and nothing lies on the disk twice.
Knows names and bytes; not what is learnt from them.
"""

from __future__ import annotations

import mimetypes
import os
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from genloom.server.datasets.names import placed
from genloom.server.failure import Failure
from genloom.server.records.trouble import on_disk

SUFFIX = ".zip"
MOST_FILES = 200_000
MOST_BYTES = 16 << 30  # of all files together, as the archive tells them; more is read of none
_BESIDE = "__MACOSX"  # what a Mac packs along


def unpacked(archive: Path, place: Path, param: str) -> Path | None:
    """The folder at `place`, whole or not there; None for an archive of pictures. Failure 400 for
    one that is broken, shut, empty or too large."""
    if place.is_dir():
        return place
    draft = place.with_name(f".{place.name}")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            inside = [one for one in opened.infolist() if not one.is_dir() and _shown(one.filename)]
            if any(_is_picture(one.filename) for one in inside):
                return None
            _check(inside, param)
            with on_disk():
                _write(opened, inside, draft)
                os.sync()
                os.rename(draft, place)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:  # shut ones, too
        raise _bad(f"is no archive that can be read ({error})", param) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return place


def _check(inside: Sequence[zipfile.ZipInfo], param: str) -> None:
    size = sum(one.file_size for one in inside)
    if not inside:
        raise _bad("is an empty archive", param)
    if len(inside) > MOST_FILES or size > MOST_BYTES:
        told = f"{len(inside):,} files of {size:,} bytes; {MOST_FILES:,} of {MOST_BYTES:,} may be"
        raise _bad(f"is too large unpacked: {told}", param)


def _write(opened: zipfile.ZipFile, inside: Sequence[zipfile.ZipInfo], draft: Path) -> None:
    """Each under a name that is ours: none leads out of the folder."""
    for one, name in zip(inside, placed(one.filename for one in inside), strict=True):
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with opened.open(one) as source, path.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)


def _shown(name: str) -> bool:
    parts = [part for part in name.split("/") if part.strip(".")]
    return not any(part.startswith(".") or part == _BESIDE for part in parts)


def _is_picture(name: str) -> bool:
    return (mimetypes.guess_type(name)[0] or "").startswith("image/")


def _bad(why: str, param: str) -> Failure:
    return Failure(400, f"the {param} {why}", code=f"invalid_{param}", param=param)
