"""The lines of a batch's file: counted, read one by one, each a request or the reason why not.

Holds one line at a time, whatever the file's size. Knows no route and no job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.server.failure import Failure
from genloom.server.strict_json import strict_json

LONGEST = 16 << 20  # bytes of a line
DEEPEST = 64
LONGEST_ID = 512


@dataclass(frozen=True, kw_only=True)
class Line:
    """number: from 1. wrong: why it is no request; then the other fields are what can be read."""

    number: int
    id: str = ""
    url: str = ""
    body: Any = None
    wrong: Failure | None = None


class Lines:
    """Iterates over a file's requests; empty lines are none."""

    def __init__(self, path: Path, endpoint: str) -> None:
        self.path, self.endpoint = path, endpoint

    def __iter__(self) -> Iterator[Line]:
        first: dict[bytes, int] = {}
        for number, data in _raw(self.path):
            line = self._read(number, data)
            digest = hashlib.blake2b(line.id.encode(), digest_size=12).digest()
            if line.id and first.setdefault(digest, number) != number:
                told = f"custom_id {line.id[:80]!r} stands on line {first[digest]} already"
                line = Line(number=number, id=line.id, wrong=_wrong(told, "custom_id"))
            yield line

    def _read(self, number: int, data: bytes) -> Line:
        if len(data) > LONGEST:
            told = f"the line is longer than {LONGEST} bytes"
            return Line(number=number, wrong=_wrong(told, None))
        try:
            told = strict_json(data, DEEPEST)
        except Failure as error:
            return Line(number=number, wrong=error)
        if not isinstance(told, dict):
            return Line(number=number, wrong=_wrong("an object is expected", None))
        id = told.get("custom_id")
        if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
            wrong = _wrong(f"a text of 1 to {LONGEST_ID} characters is expected", "custom_id")
            return Line(number=number, wrong=wrong)
        return self._request(number, id, told)

    def _request(self, number: int, id: str, told: dict[str, Any]) -> Line:
        body, wrong = told.get("body"), None
        if told.get("method") != "POST":
            wrong = _wrong("POST is expected", "method")
        elif told.get("url") != self.endpoint:
            wrong = _wrong(f"{self.endpoint} is expected: it is the batch's endpoint", "url")
        elif not isinstance(body, dict):
            wrong = _wrong("an object is expected", "body")
        elif body.get("stream"):
            wrong = _wrong("batches do not stream: leave it out", "body.stream")
        return Line(number=number, id=id, url=self.endpoint, body=body, wrong=wrong)


def counted(path: Path, most: int) -> int:
    """How many requests there are. Failure where none, or too many."""
    count = sum(1 for _ in zip(range(most + 1), _raw(path), strict=False))
    if count == 0:
        raise Failure(400, "the file holds no request", code="empty_file", param="input_file_id")
    if count > most:
        told = f"the file holds more than {most:,} requests"
        raise Failure(400, told, code="too_many_requests", param="input_file_id")
    return count


def _raw(path: Path) -> Iterator[tuple[int, bytes]]:
    """Numbers and lines; of one that is too long the beginning."""
    number = 0
    with path.open("rb") as file:
        while data := file.readline(LONGEST + 1):
            number += 1
            rest = data
            while len(rest) > LONGEST and not rest.endswith(b"\n"):
                rest = file.readline(LONGEST + 1)
            if data.strip():
                yield number, data


def _wrong(told: str, param: str | None) -> Failure:
    return Failure(400, told, code="invalid_value", param=param)
