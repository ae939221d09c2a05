"""deploy/probe.py, the one program there, against a server of the standard library."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROBE = Path(__file__).parents[2] / "deploy" / "probe.py"


class Answers(BaseHTTPRequestHandler):
    """/200, /503 ...: that status; /key: 200 for the right key."""

    def do_GET(self) -> None:
        told = self.headers.get("Authorization")
        wanted = self.path.strip("/")
        status = int(wanted) if wanted.isdigit() else 200 if told == "Bearer gl-1" else 401
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"draining" if status == 503 else b"")

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def probe(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(PROBE), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_only_200_is_well(address: str) -> None:
    assert probe(f"{address}/200").returncode == 0
    for status, word in (("/503", "503 draining"), ("/204", "204"), ("/404", "404")):
        done = probe(f"{address}{status}")
        assert done.returncode == 1 and word in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_key_comes_from_a_file(address: str, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("gl-1\n")
    assert probe(f"{address}/key", key).returncode == 0
    assert probe(f"{address}/key").returncode == 1
    assert "no key" in probe(f"{address}/key", tmp_path / "none").stderr


def test_nobody_there_is_not_well() -> None:
    assert "no answer" in probe("http://127.0.0.1:9/health").stderr
    assert probe().returncode == 2
