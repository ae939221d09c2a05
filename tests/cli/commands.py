"""Running the command line in this process and in another, on trainings that take a second."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from genloom.cli import main

START = [sys.executable, "-c", "from genloom.cli import main; main()"]
WORDS = "the cat sat on the mat and looked at the dog that sat by the door of the house\n"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Shell:
    """`shell("train", ...)` in this process: what a user sees, without the second for torch."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.capsys, self.patch = capsys, patch

    def __call__(self, *tokens: str | Path, stdin: bytes | None = None) -> Ran:
        self.patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin or b"")))
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(t) for t in tokens])
        seen = self.capsys.readouterr()
        return Ran(int(left.value.code or 0), seen.out, seen.err)


def one_error(ran: Ran, *words: str) -> None:
    """Exactly one line says what is wrong, and it holds these words."""
    lines = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in ran.err, ran.err
    assert ran.err.rstrip().splitlines()[-1] == lines[0], ran.err
    assert not ran.out, ran.out
    for word in words:
        assert word in lines[0], lines[0]


def tiny(steps: int = 12, **changes: object) -> list[str]:
    """Flags for the smallest training of a text."""
    values = {
        "train.steps": steps,
        "train.judge": steps,  # once, at the end
        "train.preview": 0,
        "train.compile": "off",
        "codec.length": 32,
        "net.net.width": 32,
        "net.net.depth": 1,
        "net.net.heads": 2,
        "data.batch": 4,
        **{k.replace("__", "."): v for k, v in changes.items()},
    }
    return ["--size", "tiny", *(w for k, v in values.items() for w in ("--set", f"{k}={v}"))]


class Start:
    """`start("train", ...)`: a command in a process of its own, with pipes, ended with the test."""

    def __init__(self) -> None:
        self.running: list[subprocess.Popen[str]] = []

    def __call__(self, *tokens: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*START, *map(str, tokens)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            with process:
                process.kill()


def wait_for(process: subprocess.Popen[str], word: str) -> str:
    """What it said on stderr up to a line that holds the word."""
    said = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if word in line:
            return "".join(said)
    raise AssertionError(f"{word!r} was never said: {''.join(said)}")


def lines_of(text: str) -> Sequence[str]:
    return text.strip().splitlines()
