"""A hub on loopback that speaks the protocol of the real one: listings, hashes, ranges, gates.

It can misbehave on purpose: cut the line, send other bytes than it lists, ask for a token.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
TOKEN = "hf_loopback"


class Hub(ThreadingHTTPServer):
    """Serves the files of one folder as the repository "org/tiny".

    gate: None, 401 or 403 without the token. short: file -> bytes after which every answer breaks
    off. cut: file -> the byte that never comes. wrong: files whose bytes differ from what is
    listed. log: (method, path, range).
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.gate: int | None = None
        self.short: dict[str, int] = {}
        self.cut: dict[str, int] = {}
        self.wrong: set[str] = set()
        self.log: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def files(self) -> dict[str, Path]:
        found = (p for p in sorted(self.folder.rglob("*")) if p.is_file())
        return {p.relative_to(self.folder).as_posix(): p for p in found}

    def listed(self, name: str, path: Path) -> dict[str, Any]:
        data = path.read_bytes()
        git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        out: dict[str, Any] = {"type": "file", "path": name, "size": len(data), "oid": git}
        if name.endswith((".safetensors", ".gguf", ".bin")):
            sha = hashlib.sha256(data).hexdigest()
            out["lfs"] = {"oid": sha, "size": len(data), "pointerSize": 130}
        return out

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line that the other side left is no fault."""


class Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.log.append((self.command, path, self.headers.get("Range")))
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if self.server.gate and not allowed:
            self.refuse(self.server.gate, "GatedRepo")
        elif path.startswith("/api/models/org/tiny/tree/"):
            files = self.server.files().items()
            self.say(json.dumps([self.server.listed(n, p) for n, p in files]).encode())
        elif path in ("/api/models/org/tiny", "/api/models/org/tiny/revision/main"):
            self.say(json.dumps(self.info()).encode())
        elif path.startswith("/api/models/org/tiny/revision/"):
            self.refuse(404, "RevisionNotFound")
        elif path.startswith("/org/tiny/resolve/"):
            self.file(path.split("/", 5)[5], body)
        else:
            self.refuse(404, "RepoNotFound")

    def info(self) -> dict[str, Any]:
        siblings = []
        for name, path in self.server.files().items():
            told = self.server.listed(name, path)
            lfs = {"sha256": told["lfs"]["oid"], **told["lfs"]} if "lfs" in told else None
            each = {"rfilename": name, "size": told["size"], "blobId": told["oid"]}
            siblings.append({**each, **({"lfs": lfs} if lfs else {})})
        return {"id": "org/tiny", "modelId": "org/tiny", "sha": COMMIT, "siblings": siblings}

    def file(self, name: str, body: bool) -> None:
        path = self.server.files().get(name)
        if path is None:
            self.refuse(404, "EntryNotFound")
            return
        data, told = path.read_bytes(), self.server.listed(name, path)
        etag = told["lfs"]["oid"] if "lfs" in told else told["oid"]
        if name in self.server.wrong:
            data = bytes([data[0] ^ 1]) + data[1:]
        first = 0
        if self.headers.get("Range"):
            first = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
        self.send_response(206 if first else 200)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("X-Linked-ETag", f'"{etag}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(data) - first))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if body:
            last = first + self.server.short.get(name, len(data))
            self.send(data[first:], max(0, min(last, self.server.cut.get(name, last)) - first))

    def send(self, data: bytes, most: int) -> None:
        self.wfile.write(data[:most])
        if most < len(data):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)

    def say(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    hub = Hub(folder)
    thread = threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
