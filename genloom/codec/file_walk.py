"""Files under a path, in a fixed order, and their bytes, unpacked where they are packed.

Knows folders, gzip and limits; no format. Names are plain strings: with a million tiny files the
objects around them would cost more than reading does.
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path

LARGEST = 4 << 30  # bytes of one file after decompression; a gzip bomb stops here
_SKIPPED_FOLDERS = {"__pycache__", "node_modules"}


class Unreadable(Exception):
    """A file or a record that cannot be used; the text is the reason."""


def files_at(path: Path) -> Iterator[tuple[str, str]]:
    """(path, name) of a file, or of all below a folder with their paths in it; hidden ones are left
    out, and links to folders are not followed."""
    if not path.is_dir():
        yield str(path), path.name
        return
    yield from _below(str(path), "")


def _below(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
    """Files of a folder before those of the folders in it."""
    waiting = [(folder, prefix)]
    while waiting:
        folder, prefix = waiting.pop()
        files, folders = [], []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] == ".":
                        continue
                    if not entry.is_dir():
                        files.append(entry.name)
                    elif entry.is_symlink():
                        continue
                    elif entry.name not in _SKIPPED_FOLDERS:
                        folders.append(entry.name)
        except OSError:
            continue  # like a folder that nobody may look into
        for name in sorted(files):
            yield f"{folder}{os.sep}{name}", prefix + name
        waiting += [
            (f"{folder}{os.sep}{name}", f"{prefix}{name}/")
            for name in sorted(folders, reverse=True)
        ]


def suffix_of(name: str) -> str:
    """In lower case, of what is inside where the file is packed."""
    return os.path.splitext(name.lower().removesuffix(".gz"))[1]


def content(path: str) -> bytes:
    """The bytes of a file, unpacked. Unreadable says what is wrong."""
    try:
        # a pipe would wait for ever: it is not waited for, and not read
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(handle, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise Unreadable("not a regular file")
            if not path.lower().endswith(".gz"):
                return file.readall()
            with gzip.open(file) as packed:
                data = packed.read(LARGEST + 1)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Unreadable("a damaged gzip file") from error
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    if len(data) > LARGEST:
        raise Unreadable(f"more than {LARGEST >> 30} GiB when unpacked")
    return data
