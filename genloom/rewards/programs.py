"""Rewards of the user's own: a function, a function in a file, a program that reads JSON lines.

A file's function runs in a process of its own, one try at a time; a program is started for each
step and reads all its tries. Neither is trusted to end, to be brief or to tell a number. They are
the user's own programs and run with the user's rights: the sandbox is for what models write.
"""

from __future__ import annotations

import json
import math
import os
import re
import selectors
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from genloom.errors import UsageError
from genloom.rewards.base import Try, Unscored

WORKER = Path(__file__).with_name("worker.py")
SECONDS = 10.0  # for one try
START = 60.0  # for a program's start: it may load a model
LONGEST = 4096  # characters of a line that is to be a number
_FILE = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")


def is_function_file(words: str) -> bool:
    """Whether FILE.py:function is meant. UsageError where there is no such file."""
    found = _FILE.fullmatch(words)
    if found is not None and not Path(found["file"]).expanduser().is_file():
        raise UsageError(f"the reward {words!r}: there is no file {found['file']}")
    return found is not None


def is_program(words: str) -> bool:
    try:
        first = shlex.split(words)[:1]
    except ValueError:
        return False
    return bool(first) and shutil.which(first[0]) is not None


def as_worth(found: Any, place: int) -> float:
    """What a reward gave as a number; Unscored where it is none."""
    if isinstance(found, str) or found is None:
        raise Unscored(place, f"it gave {_short(found)}, but a number is expected")
    try:
        worth = float(found)
    except (TypeError, ValueError):
        raise Unscored(place, f"it gave {_short(found)}, but a number is expected") from None
    if not math.isfinite(worth):
        raise Unscored(place, f"it gave {worth}, but a finite number is expected")
    return worth


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) <= 60 else text[:57] + "..."


def _lines(tries: Sequence[Try]) -> list[dict[str, Any]]:
    return [one.task.told(one.completion) for one in tries]


# ---- a function of this process


@dataclass
class OwnFunction:
    """function: a mapping with prompt, completion and whatever the task's line holds -> number.

    One that hangs is given up after so many seconds; its thread cannot be ended and is left behind.
    """

    function: Callable[[Mapping[str, Any]], float]
    seconds: float = SECONDS
    needs: str = ""

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        return [self._one(place, told) for place, told in enumerate(_lines(tries))]

    def _one(self, place: int, told: dict[str, Any]) -> float:
        found: list[Any] = []
        failed: list[BaseException] = []

        def work() -> None:
            try:
                found.append(self.function(told))
            except BaseException as error:
                failed.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(self.seconds)
        if thread.is_alive():
            raise Unscored(place, f"it has not ended after {self.seconds:g} s")
        if failed:
            raise Unscored(place, f"it raised {type(failed[0]).__name__}: {failed[0]}")
        return as_worth(found[0], place)

    def close(self) -> None:
        """It is the caller's."""


# ---- programs


class _Talk:
    """A program under way: lines in, numbers out, its complaints kept."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.complaints = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
        try:
            self.process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.complaints,
                start_new_session=True,
            )
        except OSError as error:
            self.complaints.close()
            raise Unscored(0, f"{argv[0]} cannot be started: {error.strerror}") from error
        assert self.process.stdin and self.process.stdout
        self.stdin: IO[bytes] = self.process.stdin
        self.stdout: IO[bytes] = self.process.stdout
        self.heard = bytearray()
        os.set_blocking(self.stdout.fileno(), False)

    def say(self, lines: Sequence[Mapping[str, Any]], last: bool) -> None:
        """In a thread: a program may answer before it has read everything."""

        def write() -> None:
            with suppress(OSError, ValueError):  # it has ended; what it said shows why
                for line in lines:
                    self.stdin.write(json.dumps(line).encode() + b"\n")
                self.stdin.flush()
                if last:
                    self.stdin.close()

        self.writer = threading.Thread(target=write, daemon=True)
        self.writer.start()

    def line(self, place: int, deadline: float) -> str | None:
        """The next line; None at the end of all. Unscored where none comes in time."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.stdout, selectors.EVENT_READ)
            while b"\n" not in self.heard:
                if len(self.heard) > LONGEST:
                    raise Unscored(place, f"it writes without an end: {_short(self._heard())}")
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise Unscored(place, "it has not answered in time")
                got = os.read(self.stdout.fileno(), 1 << 16)
                if not got:
                    break
                self.heard += got
        line, mark, rest = self.heard.partition(b"\n")
        if not mark and not line:
            return None
        self.heard = bytearray(rest)
        if len(line) > LONGEST:
            raise Unscored(
                place, f"it writes without an end: {_short(line[:50].decode('utf-8', 'replace'))}"
            )
        return line.decode("utf-8", "replace").strip()

    def _heard(self) -> str:
        return self.heard[:50].decode("utf-8", "replace")

    def complaint(self) -> str:
        """Why it ended, in its own last words."""
        try:
            status = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            status = None
        self.complaints.seek(0, os.SEEK_END)
        self.complaints.seek(max(0, self.complaints.tell() - 2000))
        said = self.complaints.read().decode("utf-8", "replace").strip().splitlines()
        ended = "" if status is None else f"it ended with status {status}"
        return ": ".join(filter(None, (ended, said[-1][:200] if said else "")))

    def end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.stdin, self.stdout, self.complaints):
            with suppress(OSError):
                pipe.close()


def _number(line: str | None, place: int, talk: _Talk) -> float:
    if line is None:
        told = talk.complaint() or "it ended"
        raise Unscored(place, f"{told} after {place} number{'s' * (place != 1)}")
    try:
        return as_worth(float(line), place)
    except ValueError:
        raise Unscored(place, f"it gave {_short(line)}, but a number is expected") from None


@dataclass
class Program:
    """words: a command that reads a JSON line for each try and writes a number for each. It is
    started for each collection of tries, and has `seconds` for each of them beside its start."""

    words: str
    seconds: float = SECONDS
    start: float = START
    needs: str = ""

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        talk = _Talk(shlex.split(self.words))
        try:
            talk.say(_lines(tries), last=True)
            deadline = time.monotonic() + self.start + self.seconds * len(tries)
            found = [
                _number(talk.line(place, deadline), place, talk) for place in range(len(tries))
            ]
            extra = talk.line(len(tries), deadline)
            if extra is not None:
                raise Unscored(len(tries), f"it wrote more lines than there are tries: {extra!r}")
            return found
        finally:
            talk.end()

    def close(self) -> None:
        """It has ended."""


@dataclass
class FunctionFile:
    """words: FILE.py:function, which takes a mapping with prompt, completion and whatever the
    task's line holds, and gives a number. What it prints goes to stderr."""

    words: str
    seconds: float = SECONDS
    start: float = START
    needs: str = ""
    talk: _Talk | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        found = _FILE.fullmatch(self.words)
        assert found is not None
        self.file, self.name = Path(found["file"]).expanduser().resolve(), found["name"]

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        try:
            return [self._one(place, told) for place, told in enumerate(_lines(tries))]
        except BaseException:
            self.close()
            raise

    def _one(self, place: int, told: dict[str, Any]) -> float:
        if self.talk is None:
            self.talk = _Talk([sys.executable, str(WORKER), str(self.file), self.name])
            ready = self.talk.line(place, time.monotonic() + self.start)
            if ready != "ready":
                raise Unscored(place, self.talk.complaint() or "it did not start")
        self.talk.say([told], last=False)
        line = self.talk.line(place, time.monotonic() + self.seconds)
        if line is not None and line.startswith("fault "):
            raise Unscored(place, line.removeprefix("fault "))
        return _number(line, place, self.talk)

    def close(self) -> None:
        if self.talk is not None:
            self.talk.end()
            self.talk = None
