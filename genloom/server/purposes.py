"""What files are for, and what a file for batches or for fine-tuning must look like, line by line.

Checked while the file is a draft, within bounds: what is wrong is named by its line. What a line
means to a model is for the jobs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genloom.server.failure import Failure
from genloom.server.records.trouble import on_disk
from genloom.server.strict_json import strict_json

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
DAY = 24 * 3600.0
LIVES = {"batch": 30 * DAY}  # seconds, where the client says nothing; others stay
LONGEST = 16 << 20  # bytes of a line
DEEPEST = 64
MOST_REQUESTS = 50_000  # of a batch
LARGEST_BATCH = 200 << 20  # bytes
CHECKED = 64 << 20  # bytes of a file for fine-tuning that are looked at
# A line to learn from has all fields of one of these.
LINES = (
    {"messages"},
    {"prompt", "completion"},
    {"prompt", "chosen", "rejected"},
    {"input", "preferred_output", "non_preferred_output"},
    {"source", "target"},
    {"prompt"},
    {"text"},
)


def check_file(path: Path, size: int, purpose: str) -> None:
    """Failure 400 that names the line, where the file does not suit its purpose."""
    check = CHECKS.get(purpose)
    if check is not None:
        if size == 0:
            raise _bad("it is empty")
        check(path, size)


def _batch(path: Path, size: int) -> None:
    if size > LARGEST_BATCH:
        raise _bad(f"a batch has at most {LARGEST_BATCH} bytes, not {size}")
    seen: set[bytes] = set()
    for number, line in _lines(path, size):
        told = _object(number, line)
        id = told.get("custom_id")
        if not isinstance(id, str) or not 0 < len(id) <= 512:
            raise _bad("custom_id: a text of 1 to 512 characters is expected", number)
        if told.get("method") != "POST":
            raise _bad("method: POST is expected", number)
        url = told.get("url")
        if not (isinstance(url, str) and url.startswith("/v1/")):
            raise _bad("url: a path such as /v1/chat/completions is expected", number)
        if not isinstance(told.get("body"), dict):
            raise _bad("body: an object is expected", number)
        digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if digest in seen:
            raise _bad(f"custom_id: {id[:80]!r} stands on an earlier line too", number)
        seen.add(digest)
        if len(seen) > MOST_REQUESTS:
            raise _bad(f"a batch has at most {MOST_REQUESTS} requests", number)
    if not seen:
        raise _bad("it holds no request")


def _tuning(path: Path, size: int) -> None:
    """Files of other kinds (tables, texts, archives) are read by the training alone."""
    with on_disk(), path.open("rb") as file:
        if not file.read(4096).lstrip().startswith(b"{"):
            return
    for number, line in _lines(path, CHECKED):
        told = _object(number, line)
        if not any(fields <= told.keys() for fields in LINES):
            known = "; ".join("+".join(sorted(fields)) for fields in LINES)
            raise _bad(f"the fields of one of these are expected: {known}", number)
        messages = told.get("messages", [{}])
        if not (isinstance(messages, list) and messages and all(map(_is_object, messages))):
            raise _bad("messages: a list of objects is expected", number)


CHECKS: dict[str, Callable[[Path, int], None]] = {"batch": _batch, "fine-tune": _tuning}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _lines(path: Path, most: int) -> Iterator[tuple[int, bytes]]:
    """Numbers and lines, empty ones left out, within the first bytes."""
    read = number = 0
    with on_disk(), path.open("rb") as file:
        while read < most and (line := file.readline(LONGEST + 1)):
            read, number = read + len(line), number + 1
            if len(line) > LONGEST:
                raise _bad(f"it is longer than {LONGEST} bytes", number)
            if line.strip():
                yield number, line


def _object(number: int, line: bytes) -> dict[str, Any]:
    try:
        told = strict_json(line, DEEPEST)
    except Failure as error:
        raise _bad(
            f"no JSON that can be read: {error.message.rpartition(': ')[2]}", number
        ) from None
    if not isinstance(told, dict):
        raise _bad("an object is expected", number)
    return told


def _bad(why: str, line: int | None = None) -> Failure:
    where = "the file" if line is None else f"line {line} of the file"
    return Failure(400, f"{where}: {why}", code="invalid_file", param="file")
