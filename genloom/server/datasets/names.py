"""Names that people gave their files, as names that any disk takes and nobody can mean harm by.

A name is shown as it came (escaped by whoever shows it); where its bytes lie is decided here: every
part is letters, digits and a few signs, short, never hidden, never "..", never a device's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

DEEPEST, LONGEST = 6, 150  # folders; bytes of a part
SIGNS = frozenset(" ._-+=,()[]&@#'")
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.I)


def placed(names: Iterable[str]) -> Iterator[str]:
    """A relative path for each name, in order; no two are the same, whatever the case, and none is
    the folder of another."""
    files: set[str] = set()
    folders: set[str] = set()
    for name in names:
        parts = [safe(part) for part in re.split(r"[/\\]", name) if part.strip(" .")] or ["file"]
        folder, last = parts[-DEEPEST:-1], parts[-1]
        folder = _apart(folder, files)
        place = _free("/".join([*folder, last]), files | folders)
        files.add(place.lower())
        folders.update("/".join(folder[:n]).lower() for n in range(1, len(folder) + 1))
        yield place


def safe(part: str) -> str:
    """One part of a path."""
    plain = unicodedata.normalize("NFC", part)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c in SIGNS else "_" for c in plain)
    kept = kept.strip(" ")
    if kept[:1] in ".-" or DEVICES.fullmatch(kept):
        kept = f"_{kept.lstrip('.-')}"
    return _short(kept.rstrip(". ")) or "_"


def _short(part: str) -> str:
    """With its ending, as far as it fits."""
    if len(part.encode()) <= LONGEST:
        return part
    stem, dot, end = part.rpartition(".")
    end = f"{dot}{end}" if stem and len(end.encode()) <= 16 else ""
    room = LONGEST - len(end.encode())
    return (stem if end else part).encode()[:room].decode("utf-8", "ignore") + end


def _apart(folder: list[str], files: set[str]) -> list[str]:
    """The folder, renamed where a file has its name."""
    for n in range(1, len(folder) + 1):
        while "/".join(folder[:n]).lower() in files:
            folder[n - 1] += "_"
    return folder


def _free(place: str, taken: set[str]) -> str:
    if place.lower() not in taken:
        return place
    stem, dot, end = place.rpartition(".")
    if not stem or "/" in end:
        stem, dot, end = place, "", ""
    number = 2
    while f"{stem}-{number}{dot}{end}".lower() in taken:
        number += 1
    return f"{stem}-{number}{dot}{end}"
