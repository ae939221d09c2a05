"""A Jinja template that is run where it can do no harm: values in, text out.

Knows the process it runs in, its limits, and how its faults are told. Knows no messages, tokens or
models. One process serves one template until it is closed; it is started when it is first needed.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from genloom.errors import GenloomError, ModelError, RequestError, ResourceError

LARGEST = 1 << 20  # characters of a template; published ones stay below 20,000
NONCHARACTERS = tuple(map(chr, range(0xFDD0, 0xFDF0)))  # never part of a text
_WORKER = Path(__file__).with_name("template_worker.py")
_MEMORY = 512 << 20  # bytes of address space; Python itself takes about 40 MB of it
_START = 60.0  # seconds until the process is ready, 0.2 on an idle machine
_PATIENCE = 4  # a render may take so many times its processor time on a busy machine


class _Gone(Exception):
    """The process ended before it answered."""


class _Late(Exception):
    """The process did not answer in time."""


class Template:
    """A template's text, ready to be filled in. Use as a context manager, or call `close`.

    seconds  of the processor for one render; a whole number
    name     how errors call it
    """

    def __init__(self, text: str, *, name: str = "the chat template", seconds: int = 3) -> None:
        if len(text) > LARGEST:
            raise ModelError(f"{name} has {len(text):,} characters: it is none, and is not run")
        self.text, self.name, self.seconds = text, name, seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Any = None

    def render(self, values: Mapping[str, Any], marks: tuple[str, str] = ("", "")) -> str:
        """The text. `marks` are put around what {% generation %} encloses.

        RequestError where the template refuses the values or fails on them, ModelError where it is
        broken, forbidden or without an end.
        """
        asked = {
            "template": self.text,
            "values": dict(values),
            "marks": list(marks),
            "seconds": self.seconds,
        }
        try:
            line = json.dumps(asked).encode() + b"\n"
        except (TypeError, ValueError, RecursionError) as error:
            raise RequestError(
                f"{self.name} cannot be given these values ({error}): texts, numbers, lists and "
                "objects are expected"
            ) from None
        with self._lock:
            told = self._told(line)
        if "text" not in told:
            raise self._fault(told)
        text: str = told["text"]
        return text

    def _told(self, line: bytes) -> dict[str, Any]:
        process, fresh = self._running()
        try:
            return json.loads(_exchange(process, line, _PATIENCE * self.seconds))
        except _Late:
            self.close()
            return {"fault": "endless"}
        except (_Gone, ValueError):
            self.close()
            if process.returncode == -signal.SIGXCPU:
                return {"fault": "endless"}
            if process.returncode == -signal.SIGKILL and not fresh:  # killed by another meanwhile
                return self._told(line)
            return {"fault": "memory", "why": f"its process ended ({process.returncode})"}
        except BaseException:  # an answer that nobody took must not be the next one's
            self.close()
            raise

    def _running(self) -> tuple[subprocess.Popen[bytes], bool]:
        """The process, and whether it has just been started."""
        if self._process is not None and self._process.poll() is None:
            return self._process, False
        self.close()
        command = [sys.executable, "-P", str(_WORKER), str(_MEMORY)]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                process_group=0,  # a Ctrl-C on the terminal is not meant for it
            )
        except OSError as error:
            raise ResourceError(
                f"no process can be started for {self.name} ({error.strerror}): make room"
            ) from error
        self._process = process
        self._end = weakref.finalize(self, _stop, process)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
        try:
            _exchange(process, b"", _START)
        except (_Gone, _Late):
            self.close()
            raise ResourceError(
                f"the process for {self.name} did not start: is jinja2 installed, and is there "
                "memory?"
            ) from None
        return process, True

    def _fault(self, told: Mapping[str, Any]) -> GenloomError:
        kind, why = told.get("fault"), " ".join(str(told.get("why", "")).split())
        where = f" in line {told['line']}" if told.get("line") else ""
        if kind == "refused":
            return RequestError(f"{self.name} refuses these messages: {why}")
        if kind == "failed":
            return RequestError(f"{self.name} fails on these messages{where} ({why}): change them")
        told_of = {
            "endless": f"{self.name} did not end within {self.seconds} s",
            "memory": f"{self.name} takes more memory than it may ({why})",
            "forbidden": f"{self.name} reaches for what is forbidden ({why})",
            "syntax": f"{self.name} is broken{where} ({why})",
        }
        return ModelError(f"{told_of.get(str(kind), self.name)}: use a model with another template")

    def close(self) -> None:
        """End the process; the next render starts another."""
        if self._end is not None:
            self._end()
        self._process = self._end = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _exchange(process: subprocess.Popen[bytes], line: bytes, seconds: float) -> bytes:
    """Give a line, take a line, in so many seconds at most."""
    assert process.stdin is not None and process.stdout is not None
    end, left, taken = time.monotonic() + seconds, memoryview(line), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        if left:
            ready.register(process.stdin, selectors.EVENT_WRITE)
        while not taken.endswith(b"\n"):
            events = ready.select(max(0.0, end - time.monotonic()))
            if not events:
                raise _Late
            for key, _ in events:
                if key.fileobj is process.stdout:
                    taken += _read(process)
                else:
                    left = left[_write(process, left) :]
                    if not left:
                        ready.unregister(process.stdin)
    return bytes(taken)


def _read(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    part = os.read(process.stdout.fileno(), 1 << 16)
    if not part:
        process.wait()
        raise _Gone
    return part


def _write(process: subprocess.Popen[bytes], left: memoryview) -> int:
    assert process.stdin is not None
    try:
        return os.write(process.stdin.fileno(), left[: 1 << 16])
    except BrokenPipeError:
        process.wait()
        raise _Gone from None
