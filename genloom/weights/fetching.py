"""One large file from a hub into the library's cache, taken up where an earlier try ended.

The library itself begins anew in every process. A file grows under its hash's name with an ending,
and takes the name when its bytes have that hash. Knows HTTP ranges; not which files are wanted.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from genloom.errors import ModelError

TRIES = 5  # without a new byte
CHUNK = 1 << 22


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A file of a repository: where it is asked for, how long it is and what its SHA-256 is."""

    name: str
    url: str
    size: int
    sha256: str
    token: str | None = None
    endpoint: str | None = None


def fetch(wanted: Wanted, blobs: Path, came: Callable[[int], None]) -> None:
    """Until `blobs` has the file under its hash. ModelError where its bytes are others; came hears
    of every new byte."""
    blobs.mkdir(parents=True, exist_ok=True)
    part = blobs / f"{wanted.sha256}.part"
    with part.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may fetch the same file
        if (blobs / wanted.sha256).exists():
            part.unlink(missing_ok=True)
            return
        came(min(file.tell(), wanted.size))
        _fill(wanted, file, came)
        if _hash(part) != wanted.sha256:
            part.unlink()
            raise ModelError(
                f"{wanted.name} does not match the hash under which the hub lists it: it was "
                "removed; run the command again to fetch it anew"
            )
        os.replace(part, blobs / wanted.sha256)


def _fill(wanted: Wanted, file: BinaryIO, came: Callable[[int], None]) -> None:
    left = TRIES
    while file.tell() < wanted.size:
        before = file.tell()
        try:
            _stream(wanted, file, came)
        except Exception as error:
            if not _of_the_line(error):
                raise
            left = left - 1 if file.tell() == before else TRIES
            if not left:
                raise
            time.sleep(1.0)


def _stream(wanted: Wanted, file: BinaryIO, came: Callable[[int], None]) -> None:
    """One request for what is missing; what comes is written at once."""
    from huggingface_hub import constants, get_hf_file_metadata
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    told = get_hf_file_metadata(wanted.url, token=wanted.token, endpoint=wanted.endpoint)
    headers = build_hf_headers(token=wanted.token)
    headers["Accept-Encoding"] = "identity"
    if urlsplit(told.location).netloc != urlsplit(wanted.url).netloc:
        headers.pop("authorization", None)  # a signed address elsewhere needs no token
    first = file.tell()
    if first:
        headers["Range"] = f"bytes={first}-"
    session: Any = get_session()
    patience = {"follow_redirects": True, "timeout": constants.HF_HUB_DOWNLOAD_TIMEOUT}
    with session.stream("GET", told.location, headers=headers, **patience) as answer:
        hf_raise_for_status(answer)
        if first and answer.status_code != 206:
            file.truncate(0)  # it sends the whole
            file.seek(0)
            came(-first)
        for data in answer.iter_raw():
            file.write(data)
            file.flush()
            came(len(data))
    if file.tell() > wanted.size:
        came(-file.tell())
        file.truncate(0)
        file.seek(0)


def _of_the_line(error: Exception) -> bool:
    """Whatever library speaks HTTP, by the name of its base class."""
    names = {base.__name__ for base in type(error).__mro__}
    return "TransportError" in names or isinstance(error, ConnectionError | TimeoutError)


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
