"""A plain client: requests as bytes where a library would not send them, answers as they come."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def code(self) -> str:
        return str(self.error["code"])


class Client:
    """Asks again and again over one connection, opened anew where the server closed it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=100)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """body: bytes as they are, anything else as JSON."""
        told = {**({} if key is None else {"authorization": f"Bearer {key}"}), **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            told.setdefault("content-type", "application/json")
        self._connection.request(method, path, body, told)
        found = self._connection.getresponse()
        names = {name.lower(): value for name, value in found.getheaders()}
        return Answer(status=found.status, headers=names, body=found.read())

    def close(self) -> None:
        self._connection.close()


def ask(url: str, method: str, path: str, body: Any = None, **told: Any) -> Answer:
    """Once, over a connection of its own."""
    with closing(Client(url)) as client:
        return client.ask(method, path, body, **told)


def connected(url: str) -> socket.socket:
    place = urlsplit(url)
    return socket.create_connection((str(place.hostname), place.port), timeout=100)


def raw(url: str, data: bytes) -> bytes:
    """All that comes back until the server closes."""
    with connected(url) as link:
        link.sendall(data)
        return everything(link)


def everything(link: socket.socket) -> bytes:
    parts = []
    try:
        while part := link.recv(65536):
            parts.append(part)
    except ConnectionError:
        pass  # closed with something of ours unread
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0
