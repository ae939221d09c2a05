"""`python -m genloom.hosting.verifying`: files come on its input, what is found out of each goes to
its output, until the input ends.

A process of its own, because a file may be anybody's: its memory and time are limited, and one that
is too much ends it. Knows frames and the check; no model is opened.
"""

from __future__ import annotations

import os
import resource
import time

from genloom.hosting.assets import verdict_of
from genloom.wire import Frames, Message, frame

MEMORY, SECONDS = 4 << 30, 60  # bytes beyond what the libraries take; of computing for one file
PIECE = 1 << 20


def main() -> None:
    limit_memory()
    frames = Frames()
    while data := os.read(0, PIECE):
        for message in frames.feed(data):
            limit_seconds()
            answer(message)


def answer(message: Message) -> None:
    name, record = str(message.values["name"]), message.values.get("record")
    verdict = verdict_of(message.blobs["file"], name, None, record)
    told = memoryview(frame({"verdict": verdict}))
    while told:
        told = told[os.write(1, told) :]


def limit_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    _limit(resource.RLIMIT_AS, taken + MEMORY)


def limit_seconds() -> None:
    """For the file that comes now; the processor's time that others took does not count."""
    _limit(resource.RLIMIT_CPU, int(time.process_time()) + SECONDS)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
