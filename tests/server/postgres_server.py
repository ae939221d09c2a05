"""A PostgreSQL of the system's package, started on a loopback port in a temporary folder.

Run as root it takes another user, as PostgreSQL asks for. Knows no test.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSWORD = "a-password-to-look-for"


def programs() -> Path | None:
    """The folder of initdb and postgres, if there is one."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((p for p in places if (p / "postgres").exists()), None)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder that is gone afterwards, in memory where the system has such a place: waiting for a
    disk is most of what tests of a database would do."""
    quick = Path("/dev/shm")
    place = quick if quick.is_dir() and os.access(quick, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="genloom-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(programs: Path) -> Iterator[str]:
    """The URL of the database "postgres" of a server that lives as long as the block."""
    with in_memory() as folder:
        role = _another_user(folder) if os.getuid() == 0 else {}
        _make(programs, folder, role)
        server, port = _start(programs, folder, role)
        try:
            yield f"postgresql://genloom:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGQUIT)  # at once; the folder goes anyway
            server.wait(20)


def _another_user(folder: Path) -> dict[str, Any]:
    name = next(n for n in ("postgres", "nobody") if n in {u.pw_name for u in pwd.getpwall()})
    entry = pwd.getpwnam(name)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _make(programs: Path, folder: Path, role: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.write_text(PASSWORD)
    words = ["-D", str(folder / "data"), "-U", "genloom", "--locale=C", "--encoding=UTF8"]
    words += ["--no-sync", "--auth=scram-sha-256", f"--pwfile={secret}"]
    told = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": folder}
    if role:
        os.chown(secret, role["user"], role["group"])
    made = subprocess.run([programs / "initdb", *words], **told, **role)
    assert made.returncode == 0, made.stderr.decode()


def _start(programs: Path, folder: Path, role: dict[str, Any]) -> tuple[Any, int]:
    for _ in range(5):  # the port may be taken in between
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ["-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
        words += ["-c", "shared_buffers=16MB", "-c", "max_connections=60"]
        words += ["-c", "fsync=off"]  # the tests kill its clients, never the machine
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", *words], stdout=log, stderr=log, cwd=folder, **role
            )
        if _answers(server, folder / "log"):
            return server, port
    raise AssertionError((folder / "log").read_text())


def _answers(server: Any, log: Path) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        if "ready to accept connections" in log.read_text():
            return True
        time.sleep(0.05)
    return False
