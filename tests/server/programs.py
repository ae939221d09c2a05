"""`genloom serve` as a process of its own: asked, watched from outside, killed in parts.

Knows its log, its numbers and what /proc tells; the tests know what should come of it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import databases
from http_client import Answer, ask

from genloom.loadtest.exchange import Client
from genloom.loadtest.load import Target
from genloom.loadtest.stream import Seen, take

T = TypeVar("T")
HERE = re.escape(str(Path(__file__).parents[2])).encode()  # the checkout, wherever it lies
INSIDE = re.compile(HERE + rb"|Traceback|site-packages|/tmp/|/root/|/home/|\b0x[0-9a-f]{6,}|\.py\b")


@dataclass(frozen=True, kw_only=True)
class Held:
    """Of the whole tree of processes. memory: resident bytes, shared ones counted once or so."""

    processes: int
    files: int
    threads: int
    memory: int


@dataclass(kw_only=True)
class Program:
    process: subprocess.Popen[bytes]
    url: str
    log: Path

    # --- asking -----------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, **told: Any) -> Answer:
        return ask(self.url, method, path, body, **told)

    def complete(self, **body: Any) -> Answer:
        return self.ask("POST", "/v1/completions", {"model": "words", "prompt": "the", **body})

    def target(self, model: str = "novel", tokens: int = 200, **more: Any) -> Target:
        return Target(
            url=self.url,
            model=model,
            max_tokens=tokens,
            temperature=1.0,
            ignore_eos=True,
            timeout=110.0,
            **more,
        )

    def warm(self, models: Iterable[str]) -> None:
        """Load them."""
        for name in models:
            answer = self.ask("POST", "/v1/admin/models/load", {"model": name})
            assert answer.status == 200, answer.body

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """Of an asynchronous client of this server."""

        async def go() -> T:
            client = Client(self.url)
            try:
                return await work(client)
            finally:
                client.close()

        return asyncio.run(go())

    # --- watching ---------------------------------------------------------------------------------

    def numbers(self) -> dict[str, float]:
        """/metrics by name and labels as they are written there."""
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}

    def of(self, name: str, **labels: str) -> float:
        """The sum of a number over everything else."""
        wanted = [f'{k}="{v}"' for k, v in labels.items()]
        found = self.numbers().items()
        return sum(v for k, v in found if k.split("{")[0] == name and all(w in k for w in wanted))

    def settle(self, seconds: float = 60) -> None:
        """Until nothing is under way; the server says so itself."""
        until = time.monotonic() + seconds
        names = ("running", "queued", "streams", "open", "pages_used")
        while left := {n: v for n in names if (v := self.of(f"genloom_model_{n}"))}:
            assert time.monotonic() < until, f"still there: {left}"
            time.sleep(0.2)

    def tree(self) -> list[int]:
        """The server's process and all below it."""
        parents: dict[int, list[int]] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError):
                    stat = (folder / "stat").read_text().rpartition(")")[2].split()
                    if stat[0] != "Z":
                        parents.setdefault(int(stat[1]), []).append(int(folder.name))
        found, todo = [], [self.process.pid]
        while todo:
            found.append(todo.pop())
            todo += parents.get(found[-1], [])
        return found

    def held(self) -> Held:
        files = threads = memory = 0
        tree = self.tree()
        for pid in tree:
            with suppress(OSError):
                files += len(os.listdir(f"/proc/{pid}/fd"))
                threads += len(os.listdir(f"/proc/{pid}/task"))
                memory += _pss(pid)
        return Held(processes=len(tree), files=files, threads=threads, memory=memory)

    def engine(self, model: str) -> int:
        """The process in which a model lives now."""
        found = re.findall(rf"{model} is loaded, in process (\d+)", self.log.read_text())
        assert found, f"{model} was never loaded"
        return int(found[-1])

    def until(self, holds: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it never came to that"
            time.sleep(0.1)

    def ready(self) -> Answer:
        return self.ask("GET", "/ready")

    # --- ending -----------------------------------------------------------------------------------

    def ended(self, seconds: float = 60) -> int:
        return self.process.wait(seconds)


def _pss(pid: int) -> int:
    """Proportional share: forks share most of their pages."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


@contextmanager
def program(home: Path, place: Path, *words: str) -> Iterator[Program]:
    """Started on a free port, its log in a file; all its processes are gone afterwards."""
    log = place / "log"
    command = [sys.executable, "-m", "genloom", "serve", "--port", "0", "--home", str(home), *words]
    command += ["--database", url] if (url := databases.of(home / "server")) else []
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    assert process.stdout is not None
    found = None
    try:
        told = re.search(r"https?://[^ ]+:\d+", process.stdout.readline().decode())
        assert told is not None, log.read_text()
        found = Program(process=process, url=told[0], log=log)
        yield found
    finally:
        pids = [] if found is None else found.tree()
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(40)
        process.kill()
        process.wait()
        process.stdout.close()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


async def texts(
    client: Client, target: Target, seeds: Iterable[int], prompt: str = "the"
) -> list[Seen]:
    """Streams of these seeds, at once."""
    now = time.perf_counter()
    return list(await asyncio.gather(*(take(client, target, prompt, s, now) for s in seeds)))


def told(seen: Seen) -> str:
    """The text of a stream that ended well."""
    assert seen.error is None, seen.error
    return "".join(seen.text)


def check_error(answer: Answer) -> dict[str, Any]:
    """An error in OpenAI's shape that says nothing of the inside."""
    error = answer.error
    assert {"message", "type", "code", "param"} <= set(error), error
    assert not INSIDE.search(answer.body), answer.body[:500]
    assert "x-request-id" in answer.headers
    return error
