"""Runs programs that nobody has read: with limits, apart from the rest of the machine.

Each run is a process of its own behind `sandbox_cell`, which puts up the walls that this system
allows: `strength()` says which. Never raises for what a program does: `Ran.why` names it. Memory is
limited per process; the number of processes, the room for files and the output are limited as a
whole. Knows nothing of what the programs are for.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

CELL = Path(__file__).with_name("sandbox_cell.py")
PYTHON = os.path.realpath(sys.executable)
GRACE = 2.0  # seconds that the cell has to clear up before it is killed itself
SLACK = 0.25  # seconds of the wall clock on top, for Python's own start
BEGUN = 30.0  # seconds within which the walls are to stand, on a machine that is busy


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, what it reads on its standard input, and the files that lie in its folder."""

    argv: tuple[str, ...]
    stdin: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run ended.

    status: the exit code; -n if signal n ended it; None if it was stopped from outside.
    why: "" for an end of its own; "timeout", "memory", "flood" (too much output), "lost" (it was
    killed by somebody else), "start" (there is no such program: stderr says more).
    stdout, stderr: as far as they were kept; what is not UTF-8 is replaced.
    """

    status: int | None
    stdout: str
    stderr: str
    seconds: float
    why: str = ""
    walls: frozenset[str] = frozenset()

    @property
    def fine(self) -> bool:
        return self.status == 0 and not self.why


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Which walls stand here. A wall that is missing is a risk with programs of strangers."""

    files: bool  # reads the system's programs and its own folder alone, writes the latter alone
    network: bool  # none at all
    processes: bool  # limited in number, and none outlives its run

    def __str__(self) -> str:
        held = {"files": self.files, "network": self.network, "processes": self.processes}
        missing = [name for name, there in held.items() if not there]
        if not missing:
            return "full: files, network and processes are closed off"
        return f"weak: {', '.join(missing)} not closed off on this system (time and memory are)"


def python(code: str, *, stdin: str = "", files: Mapping[str, str] | None = None) -> Program:
    """Python code alone with the standard library; the files beside it can be imported."""
    argv = (PYTHON, "-E", "-s", "-S", "-B", "main.py")
    return Program(argv=argv, stdin=stdin, files={**(files or {}), "main.py": code})


def run(
    argv: Sequence[str] | Program,
    *,
    stdin: str = "",
    seconds: float = 10.0,
    memory: int = 512 << 20,
    output: int = 1 << 20,
    files: Mapping[str, str] | None = None,
    disk: int = 64 << 20,
    processes: int = 8,
) -> Ran:
    """Run one program to its end or to a limit.

    seconds: of the wall clock, and of the processor. memory: bytes of address space for each
    process. output: bytes of stdout and of stderr that are read before the run is a flood.
    files: name -> text, put into the program's own folder, which is its working directory and
    vanishes afterwards. disk: bytes that it may write in all (each file, where the system offers
    no more). processes: threads count.
    """
    if isinstance(argv, Program):
        program = argv
    else:
        program = Program(argv=tuple(map(str, argv)), stdin=stdin, files=files or {})
    room = Path(tempfile.mkdtemp(prefix="genloom-run-"))
    try:
        _furnish(room, program.files)
        order = [f"{seconds}", f"{memory}", f"{disk}", f"{processes}", str(room), *program.argv]
        return _watched(order, program.stdin, seconds, output)
    finally:
        shutil.rmtree(room, ignore_errors=True)


def run_all(programs: Sequence[Program], *, workers: int = 0, **limits: Any) -> list[Ran]:
    """Run programs side by side, as many as there are processors; results in the given order."""
    if len(programs) < 2:
        return [run(program, **limits) for program in programs]
    with ThreadPoolExecutor(min(workers or _processors(), len(programs))) as pool:
        return list(pool.map(lambda program: run(program, **limits), programs))


@cache
def strength() -> Strength:
    """Found by running a program that does nothing."""
    walls = run(python("pass")).walls
    return Strength(
        files="files" in walls, network="network" in walls, processes="processes" in walls
    )


def _processors() -> int:
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _furnish(room: Path, files: Mapping[str, str]) -> None:
    own = room / "own"
    own.mkdir()
    for name, text in files.items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not place.parts:
            raise ValueError(f"a file of a sandbox lies inside its folder, not at {name!r}")
        (own / place).parent.mkdir(parents=True, exist_ok=True)
        (own / place).write_text(text, "utf-8", errors="surrogatepass")


def _watched(order: Sequence[str], stdin: str, seconds: float, output: int) -> Ran:
    """Start the cell, read what comes until it is gone, or stop it at a limit."""
    hearing, telling = os.pipe()
    started = time.monotonic()
    with tempfile.TemporaryFile() as given:
        given.write(stdin.encode("utf-8", errors="surrogatepass"))
        given.seek(0)
        cell = subprocess.Popen(
            [PYTHON, "-I", "-S", "-B", str(CELL), str(telling), sys.base_prefix, *order],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            cwd=order[4],
            pass_fds=(telling,),
            start_new_session=True,
        )
        os.close(telling)
    assert cell.stdout and cell.stderr
    with cell.stdout, cell.stderr, os.fdopen(hearing, "rb") as report:
        ears = _Ears(cell.stdout, cell.stderr, report, output)
        stopped = ears.listen(started + BEGUN, seconds + SLACK)
        _end(cell)
        ears.listen(time.monotonic())  # what is still in the pipes
    return _told(ears, stopped, time.monotonic() - started)


class _Ears:
    """Three pipes read side by side, no further than their limits."""

    def __init__(
        self, stdout: IO[bytes], stderr: IO[bytes], report: IO[bytes], output: int
    ) -> None:
        self.most = {stdout: output, stderr: output, report: 1 << 16}
        self.heard = {pipe: bytearray() for pipe in self.most}
        self.stdout, self.stderr, self.report = stdout, stderr, report
        self.open = set(self.most)
        for pipe in self.most:
            os.set_blocking(pipe.fileno(), False)

    def listen(self, deadline: float, seconds: float | None = None) -> str:
        """Until the cell says no more: "", or the limit that was met. seconds: from when the cell
        says that the program starts."""
        with selectors.DefaultSelector() as selector:
            for pipe in self.open:
                selector.register(pipe, selectors.EVENT_READ)
            while self.report in self.open or deadline < time.monotonic():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    return "timeout"
                for key, _ in ready:
                    pipe: Any = key.fileobj
                    if not self._read(pipe):
                        selector.unregister(pipe)
                        self.open.discard(pipe)
                    if len(self.heard[pipe]) > self.most[pipe]:
                        return "flood"
                    if pipe is self.report and seconds is not None:
                        deadline, seconds = time.monotonic() + seconds, None
                if not self.open:
                    break
        return ""

    def _read(self, pipe: IO[bytes]) -> bool:
        """False at the end of the pipe."""
        with suppress(BlockingIOError):
            got = os.read(pipe.fileno(), 1 << 16)
            self.heard[pipe] += got
            return bool(got)
        return True

    def text(self, pipe: IO[bytes]) -> str:
        return self.heard[pipe][: self.most[pipe]].decode("utf-8", errors="replace")


def _end(cell: subprocess.Popen[bytes]) -> None:
    """The cell ends what it holds; then it is gone itself."""
    if cell.poll() is None:
        cell.terminate()
    try:
        cell.wait(GRACE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(cell.pid, signal.SIGKILL)
        cell.wait()


def _told(ears: _Ears, stopped: str, seconds: float) -> Ran:
    """The cell's lines: "walls a b", "start why", "end status"."""
    parts = [line.partition(" ") for line in ears.text(ears.report).splitlines()]
    lines = {word: rest for word, _, rest in parts}
    stdout, stderr = ears.text(ears.stdout), ears.text(ears.stderr)
    walls = frozenset(lines.get("walls", "").split())
    if "start" in lines:
        return Ran(
            status=None,
            stdout="",
            stderr=lines["start"],
            seconds=seconds,
            why="start",
            walls=walls,
        )
    flooded = any(len(ears.heard[p]) > ears.most[p] for p in (ears.stdout, ears.stderr))
    status = int(lines["end"]) if "end" in lines else None
    why = stopped or ("flood" if flooded else _why(status, stderr))
    return Ran(
        status=None if stopped else status,
        stdout=stdout,
        stderr=stderr,
        seconds=seconds,
        why=why,
        walls=walls,
    )


def _why(status: int | None, stderr: str) -> str:
    """What a status means that the program did not choose."""
    if status is None:
        return "lost"
    if status == -signal.SIGXCPU:
        return "timeout"
    if status == -signal.SIGKILL:  # nobody inside may: the system, out of memory
        return "memory"
    last = stderr.rstrip().rpartition("\n")[2]
    return "memory" if status and last.startswith("MemoryError") else ""
