"""The last lines of the server's log, in memory, for those who look after it.

A bounded ring. Keys are blotted out, and of a failure of ours only its kind and its places in the
program stay: what an exception says may be what a client wrote. Knows logging; no route.
"""

from __future__ import annotations

import logging
import re
import threading
import traceback
from collections import deque
from dataclasses import dataclass

from genloom.server.logs import LEVEL, NAMES, escaped

MOST = 2000  # lines that stay
LONGEST = 2000  # characters of a line
DEEPEST = 20  # places of a failure
LEVELS = ("info", "warning", "error")
_KEY = re.compile(r"gl-[A-Za-z0-9_-]{8,}")
# What a page asks again and again to show the server: of these, those that went well are no news.
LOOKING = ("/v1/admin/logs", "/v1/admin/live")


@dataclass(frozen=True, kw_only=True)
class Line:
    """number: from 1 since the server began. where: places in the program, of a failure of ours."""

    number: int
    time: float
    level: str
    source: str
    message: str
    where: tuple[str, ...] = ()


class LogLines(logging.Handler):
    """From `open` to `close`."""

    def __init__(self) -> None:
        super().__init__(LEVEL)
        self._lines: deque[Line] = deque(maxlen=MOST)
        self._count = 0
        self._guard = threading.Lock()
        self._levels: dict[str, int] = {}

    def open(self) -> None:
        for name in NAMES:
            logging.getLogger(name).addHandler(self)
        own = logging.getLogger(NAMES[0])
        self._levels[NAMES[0]] = own.level
        own.setLevel(min(own.getEffectiveLevel(), LEVEL))

    def close(self) -> None:
        for name in NAMES:
            logging.getLogger(name).removeHandler(self)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        told = getattr(record, "told", None) or {}
        if told.get("path") in LOOKING and told.get("status") == 200:
            return
        message = _KEY.sub("gl-...", escaped(record.getMessage()))[:LONGEST]
        with self._guard:
            self._count += 1
            line = Line(
                number=self._count,
                time=record.created,
                level=_level(record.levelno),
                source=record.name,
                message=message,
                where=_where(record),
            )
            self._lines.append(line)

    def newest(self, limit: int, *, after: int = 0, level: str = "info", search: str = "") -> Lines:
        """The last lines behind a number, oldest first, of a level or a worse one, that hold the
        words."""
        with self._guard:
            lines, count = list(self._lines), self._count
        wanted, words = LEVELS[LEVELS.index(level) :], search.casefold()
        found = [
            line
            for line in lines
            if line.number > after and line.level in wanted and words in line.message.casefold()
        ]
        return Lines(lines=tuple(found[-limit:]), last=count)


@dataclass(frozen=True, kw_only=True)
class Lines:
    """last: the number of the last line that there is, whatever was asked for."""

    lines: tuple[Line, ...]
    last: int


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    return "warning" if number >= logging.WARNING else "info"


def _where(record: logging.LogRecord) -> tuple[str, ...]:
    """The kind of an exception, and where in the program it went; not what it says."""
    if not record.exc_info or record.exc_info[0] is None:
        return ()
    frames = traceback.extract_tb(record.exc_info[2])[-DEEPEST:]
    places = (f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames)
    return (record.exc_info[0].__name__, *places)


def _short(path: str) -> str:
    """From the package on: where it is installed is no matter."""
    _, found, rest = path.rpartition("/site-packages/")
    if found:
        return rest
    _, found, rest = path.rpartition("/genloom/")
    return f"genloom/{rest}" if found else path.rpartition("/")[2]
