"""What a batch has answered so far, on disk: a line for every request that is done.

A server may be killed at any moment: what was written stays, half a line at the end is cut off.
Knows bytes and numbers of lines; no request.
"""

from __future__ import annotations

import os
import shutil
from array import array
from collections.abc import Iterator
from pathlib import Path

NAME = "answers"
NOWHERE = -1


class Log:
    """In a folder of the batch's own. count: of its lines. failed: how many of those done did."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.path = folder, folder / NAME
        self._places = array("q", [NOWHERE]) * (count + 1)
        self.done = self.failed = 0
        self._file = open(self.path, "ab+", buffering=0)  # noqa: SIM115
        self._read()

    def _read(self) -> None:
        place = 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._note(line, place)
                place += len(line)
        os.truncate(self.path, place)
        self._end = place

    def _note(self, line: bytes, place: int) -> None:
        number, failed, _ = line.split(b" ", 2)
        if int(number) >= len(self._places):
            self._places.extend([NOWHERE] * (int(number) + 1 - len(self._places)))
        self._places[int(number)] = place
        self.done, self.failed = self.done + 1, self.failed + int(failed)

    def has(self, number: int) -> bool:
        return number < len(self._places) and self._places[number] != NOWHERE

    def add(self, number: int, failed: bool, answer: bytes) -> None:
        """answer: one line of JSON."""
        line = b"%d %d %s\n" % (number, failed, answer)
        self._file.write(line)
        self._note(line, self._end)
        self._end += len(line)

    def sync(self) -> None:
        os.fsync(self._file.fileno())

    def answers(self) -> Iterator[tuple[bool, bytes]]:
        """(failed, line) in the order of the requests."""
        with self.path.open("rb") as file:
            for place in self._places:
                if place != NOWHERE:
                    file.seek(place)
                    _, failed, answer = file.readline().split(b" ", 2)
                    yield failed == b"1", answer

    def close(self) -> None:
        self._file.close()

    def remove(self) -> None:
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)
