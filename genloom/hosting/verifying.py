"""`python -m genloom.hosting.verifying`: one file on its input is checked, what is found out goes
to its output; then the process ends.

A process of its own, because a file may be anybody's: its memory and time are limited. Knows frames
and the check; no model is opened.
"""

from __future__ import annotations

import resource
import sys

from genloom.hosting.assets import verdict_of
from genloom.wire import Frames, frame

MEMORY, SECONDS = 4 << 30, 60  # bytes beyond what the libraries take; of computing


def main() -> None:
    data = sys.stdin.buffer.read()
    limit()
    message = Frames().feed(data)[0]
    verdict = verdict_of(message.blobs["file"], str(message.values["name"]), None)
    sys.stdout.buffer.write(frame({"verdict": verdict}))


def limit() -> None:
    """Whatever the file makes this process do, it does not do for long or with much."""
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    for kind, most in ((resource.RLIMIT_AS, taken + MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


if __name__ == "__main__":
    main()
