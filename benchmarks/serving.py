"""Servers that a benchmark starts, waits for and ends: ours, llama.cpp's and transformers'.

Each is one process group with its command stated, on a loopback port of its own. Knows no figures.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.loadtest.load import Target

START = 300.0  # seconds that a server may take to answer
GENLOOM = [sys.executable, "-m", "genloom"]


@dataclass(frozen=True, kw_only=True)
class Server:
    """said: its command as it is printed. extra, ignore_eos: what makes its answers as long as
    asked."""

    name: str
    command: tuple[str, ...]
    port: int
    model: str
    ignore_eos: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> str:
        return shlex.join([Path(self.command[0]).name, *self.command[1:]])

    def target(self, tokens: int, **more: Any) -> Target:
        """Answers of exactly so many tokens, greedy."""
        extra = {k: v(tokens) if callable(v) else v for k, v in self.extra.items()}
        return Target(
            url=f"http://127.0.0.1:{self.port}",
            model=self.model,
            max_tokens=tokens,
            ignore_eos=self.ignore_eos,
            timeout=600.0,
            extra=extra,
            **more,
        )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def ours(model: Path, home: Path, bits: int) -> Server:
    port = free_port()
    flags = ("--port", str(port), "--home", str(home), "--preload", str(model), "--bits", str(bits))
    command = (*GENLOOM, "serve", str(model), *flags)
    return Server(name="Genloom", command=command, port=port, model=str(model))


def llama(gguf: Path, context: int, streams: int, threads: int) -> Server | None:
    """llama.cpp's llama-server of $PEERS/llama/bin; None where it is not there."""
    program = _program("llama", "llama-server")
    if program is None:
        return None
    port = free_port()
    flags = ("-t", str(threads), "-tb", str(threads), "-np", str(streams))
    room = ("-c", str(streams * context), "--cont-batching", "--no-webui")
    place = ("--host", "127.0.0.1", "--port", str(port), "-m", str(gguf))
    command = (str(program), *place, *flags, *room)
    return Server(name=f"llama.cpp, {gguf.stem}", command=command, port=port, model=gguf.stem)


def transformers(folder: Path, dtype: str) -> Server | None:
    """`transformers serve` of $PEERS/hf; None where it is not there, or lacks what it needs."""
    program = _program("hf", "transformers")
    if program is None or not _imports(program.with_name("python"), "fastapi", "uvicorn", "openai"):
        return None
    port = free_port()
    flags = ("--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", dtype)
    command = (str(program), "serve", str(folder), *flags, "--continuous-batching")
    return Server(
        name=f"transformers serve, {dtype}",
        command=command,
        port=port,
        model=str(folder),
        ignore_eos=False,
        extra={"generation_config": _exactly},
    )


def _exactly(tokens: int) -> str:
    told = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False}
    return json.dumps(told)


def _program(peer: str, name: str) -> Path | None:
    folder = os.environ.get("PEERS")
    path = Path(folder) / peer / "bin" / name if folder else None
    if path is None or not path.exists():
        print(f"(no {name}: $PEERS/{peer}/bin does not hold it; that peer is left out)")
        return None
    return path


def _imports(python: Path, *names: str) -> bool:
    done = subprocess.run([str(python), "-c", f"import {', '.join(names)}"], capture_output=True)
    if done.returncode:
        print(f"({python} lacks {' or '.join(names)}: that peer is left out)")
    return not done.returncode


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """It answers within; its whole group is gone afterwards."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            server.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            _wait(server, process, log)
            yield server
        finally:
            _end(process)


def _wait(server: Server, process: subprocess.Popen[bytes], log: Any) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health", timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code != 503:  # llama.cpp says so while it loads
                return
        except OSError:
            pass
        time.sleep(0.2)
    log.seek(0)
    raise SystemExit(
        f"{server.name} did not start: {log.read()[-2000:].decode('utf-8', 'replace')}"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # of its own session: what it left behind
    process.wait()


def make_key(home: Path, name: str) -> str:
    done = subprocess.run(
        [*GENLOOM, "keys", "create", name, "--home", str(home)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commands(servers: Sequence[Server]) -> None:
    """Flags, stated."""
    for server in servers:
        print(f"- {server.name}: `{server.said}`")
    print(flush=True)
