"""A reward for programs: the share of a task's tests that a try passes, in the sandbox.

Knows how a test is told to have passed without trusting what is tested. Knows no model.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from genloom import sandbox
from genloom.rewards.base import Try

SECONDS = 5.0  # of a try's tests in the sandbox
_FENCE = re.compile(r"```(?:[A-Za-z0-9_+-]*)\n(.*?)(?:```|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Examined:
    """The share of a task's tests that a try passes, each run in the sandbox. whole: all or
    nothing. A try is Python, or holds it in a fence."""

    whole: bool = False
    seconds: float = SECONDS
    needs: str = "tests"

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        every = [(code_in(t.completion), t.task.setup, t.task.tests) for t in tries]
        asked = list(dict.fromkeys(every))
        marks = [secrets.token_hex(16) for _ in asked]
        programs = [_examined(*one, mark) for one, mark in zip(asked, marks, strict=True)]
        found = {}
        ran = sandbox.run_all(programs, seconds=self.seconds)
        for one, mark, told in zip(asked, marks, ran, strict=True):
            passed = sum(line.startswith(mark) for line in told.stdout.splitlines())
            found[one] = float(passed == len(one[2])) if self.whole else passed / len(one[2])
        return [found[one] for one in every]

    def close(self) -> None:
        """Every program has ended."""


def code_in(text: str) -> str:
    """The Python of an answer: what stands in its first fence, or all of it."""
    fenced = _FENCE.search(text)
    return fenced.group(1) if fenced else text


# One test after another in a process of its own, so that none can spoil the next. What a try prints
# or does is its own affair: that a test passed is told by a word that it has never seen.
_EXAMINER = """\
import os, runpy, sys
mark, tests = sys.stdin.readline().strip(), {tests}
out = os.dup(1)
for number in range(tests):
    child = os.fork()
    if child == 0:
        passed = False
        try:
            sys.stdin.close(); os.close(1); os.open("/dev/null", 1)
            secret, mark = mark, ""
            runpy.run_path(f"test_{{number}}.py", run_name="test")
            passed = True
        finally:
            if passed:
                os.write(out, f"{{secret}} {{number}}\\n".encode())
            os._exit(0)
    os.waitpid(child, 0)
"""


def _examined(code: str, setup: str, tests: tuple[str, ...], mark: str) -> sandbox.Program:
    files = {f"test_{n}.py": f"{setup}\n{code}\n\n{test}\n" for n, test in enumerate(tests)}
    return sandbox.python(_EXAMINER.format(tests=len(tests)), stdin=mark + "\n", files=files)
