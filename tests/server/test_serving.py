"""`genloom serve` as a program: what it says, what it refuses, how it ends, what it never loads."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from http_client import ask, connected, everything, status_of

from genloom.errors import ResourceError, UsageError
from genloom.server.serving import listen
from genloom.server.settings import Settings

SERVE = (sys.executable, "-m", "genloom", "serve")
STREAM = {"model": "words", "prompt": "a", "max_tokens": 60, "stream": True, "seed": 1}


@contextmanager
def program(home: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program and its address, once it has said it; killed if it still runs."""
    environment = {**os.environ, "GENLOOM_HOME": str(home)}
    with subprocess.Popen(
        [*SERVE, "--port", "0", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as found:
        try:
            yield found, address(found.stdout)
        finally:
            found.kill()


def address(lines: IO[str] | None) -> str:
    assert lines is not None
    told = re.search(r"https?://[^ ]+:\d+", lines.readline())
    assert told is not None
    return told[0]


def ended(found: subprocess.Popen[str], seconds: float = 60) -> tuple[int, str]:
    """The exit code and the log."""
    _, log = found.communicate(timeout=seconds)
    return found.returncode, log


def refused(*words: str, home: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*SERVE, *words],
        env={**os.environ, "GENLOOM_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_drain_finishes_what_is_under_way_and_refuses_the_rest(
    home: Path, small_models: tuple[str, ...], tmp_path: Path
) -> None:
    with program(home, *small_models, "--json") as (found, url):
        said = found.stdout.readline() if found.stdout else ""
        assert said.strip().startswith(f"curl {url}/v1/models")
        data = json.dumps(STREAM).encode()
        head = "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
        assert ask(url, "POST", "/v1/completions", {**STREAM, "stream": False}).status == 200
        with connected(url) as stream, connected(url) as waiting:
            waiting.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\n")
            stream.sendall(head.encode() + data)
            first = stream.recv(100)
            found.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            waiting.sendall(b"content-length: 0\r\n\r\n")
            later = everything(waiting)
            whole = first + everything(stream)
        code, log = ended(found)
    assert code == 0, log
    assert status_of(whole) == 200 and whole.rstrip().endswith((b"[DONE]", b"0")), whole[-200:]
    assert b"[DONE]" in whole
    assert status_of(later) == 503 and b'"draining"' in later
    told = [json.loads(line) for line in log.splitlines()]
    requests = [line for line in told if "path" in line]
    assert any(line["path"] == "/v1/completions" and line["tokens"] > 0 for line in requests)
    assert not any("where" in line for line in told), log


def test_a_second_signal_ends_at_once(home: Path, small_models: tuple[str, ...]) -> None:
    with (
        program(home, *small_models, "--drain-seconds", "60") as (found, url),
        connected(url) as link,
    ):
        link.sendall(b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\n")
        link.sendall(b"content-type: application/json\r\ncontent-length: 9\r\n\r\n{")
        time.sleep(0.3)  # this one is under way until its body is given up
        found.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert found.poll() is None
        began = time.monotonic()
        found.send_signal(signal.SIGINT)
        code, _ = ended(found, 10)
    assert code == 130 and time.monotonic() - began < 5


def test_the_web_process_loads_no_torch(home: Path, small_models: tuple[str, ...]) -> None:
    told = (
        "import sys, json; from genloom.server.serving import serve;"
        "from genloom.server.app import make_app; from genloom.server.settings import Settings;"
        "make_app(Settings()).openapi();"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in "
        "{'torch', 'numpy', 'safetensors', 'tokenizers', 'pandas', 'transformers'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
    with program(home, *small_models) as (found, url):
        body = {"model": "words", "prompt": "a", "max_tokens": 2}
        assert ask(url, "POST", "/v1/completions", body).status == 200
        maps = Path(f"/proc/{found.pid}/maps").read_text()
        assert "libtorch" not in maps
        found.send_signal(signal.SIGTERM)
        assert ended(found)[0] == 0


def test_what_cannot_begin_says_why_in_one_line(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, log = refused("--port", port, home=tmp_path)
    assert (code, log.count("\n")) == (1, 1) and f"port {port} of 127.0.0.1 is in use" in log
    code, log = refused("--host", "0.0.0.0", home=tmp_path)
    assert (code, log.count("\n")) == (2, 1) and "genloom keys create" in log


def test_a_library_that_is_absent_is_named_with_its_extra() -> None:
    told = (
        "import sys; sys.modules['uvicorn'] = None; from genloom.cli import main; main(['serve'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 2 and "'uvicorn'" in done.stderr
    assert "pip install 'genloom[server]'" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("nobody",),
        ("--max-body", "much"),
        ("--memory", "-1"),
        ("--allow-origin", "*"),
        ("--drain-seconds", "-1"),
        ("--ssl-cert", "/nowhere", "--ssl-key", "/nowhere"),
        ("--database", "mysql://a/b"),
        ("--host", "256.0.0.1"),
    ],
)
def test_flags_that_make_no_sense_say_so_in_one_line(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, log = refused(*words, home=tmp_path)
    assert code in (1, 2) and log.startswith("error: ") and log.count("\n") == 1, log


def test_a_socket_that_cannot_be_had() -> None:
    with listen("127.0.0.1", 0) as first, pytest.raises(ResourceError, match="in use"):
        listen("127.0.0.1", first.getsockname()[1])
    with pytest.raises(UsageError):
        listen("192.0.2.1", 0)
    with pytest.raises(UsageError):
        listen("no such host", 0)


def test_tls_files_make_it_https(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    command = [*make.split(), names, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    words = ("--ssl-cert", str(certificate), "--ssl-key", str(key))
    with program(tmp_path, *words) as (found, url):
        assert url.startswith("https://")
        trust = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"{url}/health", context=trust, timeout=30) as answer:
            assert answer.status == 200
        found.send_signal(signal.SIGINT)
        assert ended(found)[0] == 0


def test_settings_have_bounds_for_everything() -> None:
    limits = vars(Settings().limits)
    assert all(value > 0 for value in limits.values()) and len(limits) > 10
