"""What a licence file says, as SPDX identifiers: a guess for the record, no legal advice.

Knows the wording of common licences and where such files lie. Knows nothing of the data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

UNKNOWN = "unknown"
PUBLIC_DOMAIN = "LicenseRef-Public-Domain"

_NAME = re.compile(r"((un)?licen[cs]e|copying|notice)([._-].*)?$", re.IGNORECASE)
_STATED = re.compile(r"SPDX-License-Identifier:\s*([\w.+() -]*[\w.+)])")
_CREATIVE = re.compile(
    r"(?:\bcc[ -]by|\battribution)((?:[ -](?:sa|nc|nd|share ?alike|non ?commercial|no ?deriv\w*))*)"
    r"[ -]?(\d\.\d)"
)
_NUMBERED = re.compile(r"\bcreative commons (\d\.\d)[ -]by((?:[ -](?:sa|nc|nd))*)\b")
_PARTS = (("nc", "-NC"), ("non", "-NC"), ("nd", "-ND"), ("no", "-ND"), ("s", "-SA"))
_WORDED = (  # a phrase of its text or a way it is named -> identifier; texts are in lower case
    (r"permission is hereby granted, free of charge, to any person|\bmit\b", "MIT"),
    (r"apache licen[cs]e,? (version )?2|\bapache[ -]2", "Apache-2.0"),
    (r"\bbsd[ -]3|binary forms.*neither the names? of", "BSD-3-Clause"),
    (r"\bbsd[ -]2|binary forms(?!.*neither the names? of)", "BSD-2-Clause"),
    (r"\bcc0\b|publicdomain/zero", "CC0-1.0"),
    (r"sil open font licen[cs]e|\bofl\b", "OFL-1.1"),
    (r"mozilla public licen[cs]e|\bmpl\b", "MPL-2.0"),
    (r"python software foundation licen[cs]e|\bpsf-2", "PSF-2.0"),
    (r"free and unencumbered software released into the public domain", "Unlicense"),
    (r"gnu affero general public licen[cs]e|\bagpl", "AGPL-3.0"),
    (r"gnu (lesser|library) general public licen[cs]e|\blgpl", "LGPL"),
    (r"gnu general public licen[cs]e.{0,40}version 2|\bgpl-?(v ?)?2", "GPL-2.0"),
    (r"gnu general public licen[cs]e(?!.{0,40}version 2)|\bgpl-?(v ?)?3", "GPL-3.0"),
)
_LONG = 5000  # characters; a text of that length is one licence, named at its head
_HEAD = 600


def licence_files(folders: Iterable[Path]) -> list[Path]:
    """The files in these folders that are named like a licence."""
    found: set[Path] = set()
    for folder in folders:
        if folder.is_dir():
            named = [folder / name for name in os.listdir(folder) if _NAME.match(name)]
            found |= {path for path in named if path.is_file()}
    return sorted(found)


def spdx_of(files: Iterable[Path]) -> str:
    """Every identifier found, joined by AND; "unknown" where there is none."""
    names: dict[str, None] = {}
    for file in files:
        names |= dict.fromkeys(identifiers(file.read_bytes()[: 1 << 18].decode("utf-8", "replace")))
    return " AND ".join(names) or UNKNOWN


def identifiers(text: str) -> list[str]:
    """SPDX identifiers that a licence text states or that its wording suggests."""
    if stated := _STATED.findall(text):
        return list(dict.fromkeys(stated))
    short = " ".join(text.split()).lower()
    place = short[:_HEAD] if len(short) > _LONG else short
    found = [_creative(parts, version) for parts, version in _CREATIVE.findall(place)]
    found += [_creative(parts, version) for version, parts in _NUMBERED.findall(place)]
    found += [name for pattern, name in _WORDED if re.search(pattern, place)]
    if "public domain" in place and not {"CC0-1.0", "Unlicense"} & set(found):
        found.append(PUBLIC_DOMAIN)
    return list(dict.fromkeys(found))


def _creative(parts: str, version: str) -> str:
    """ "-sharealike", "4.0" -> "CC-BY-SA-4.0"."""
    words = re.split("[ -]+", parts.strip(" -"))
    kept = [next((s for start, s in _PARTS if word.startswith(start)), "") for word in words]
    return f"CC-BY{''.join(kept)}-{version}"
