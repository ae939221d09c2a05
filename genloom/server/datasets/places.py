"""Which folders of this machine may be named in place of an upload: those below the settings'.

A path is followed through all its links before it is judged, and what is hidden stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genloom.server.failure import Failure


def places(allowed: Sequence[Path]) -> list[Path]:
    """As they are on this disk; this user's home where none is set."""
    found = [Path(place).expanduser() for place in allowed] or [Path.home()]
    return [place.resolve() for place in found if place.is_dir()]


def checked(text: str, allowed: Sequence[Path]) -> Path:
    """The file or folder, Failure 400 where it is none that may be read. Whether something lies
    outside is not told."""
    refused = Failure(
        400, "path: there is no file or folder there that may be read", code="path", param="path"
    )
    if "\0" in text:
        raise refused
    try:
        found = Path(text).expanduser()
        if not found.is_absolute():
            raise refused
        found = found.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise refused from None
    if not any(
        found.is_relative_to(one) and _open(found.relative_to(one)) for one in places(allowed)
    ):
        raise refused
    return found


def _open(below: Path) -> bool:
    """Whether no part of it is hidden."""
    return not any(part.startswith(".") for part in below.parts)
