"""The other end of a host: what a web process does with it, in a few lines, for tests.

A host runs in a thread of this process, or in a process of its own; its socket is a real one.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genloom.hosting.host import Host
from genloom.wire import Frames, frame

PATIENCE = 100.0  # seconds, on a crowded machine


class Parent:
    """Sends messages and takes news. about: what the host told of its model."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.frames, self.waiting = sock, Frames(), []
        self.sock.settimeout(PATIENCE)
        self.number = self.heard = 0
        self.about: dict[str, Any] = {}

    def say(self, do: str, blobs: dict[str, bytes] | None = None, /, **values: Any) -> None:
        self.sock.sendall(frame({"do": do, **values}, blobs))

    def hear(self) -> Any:
        """The next message. EOFError where the host is gone."""
        while not self.waiting:
            data = self.sock.recv(1 << 20)
            if not data:
                raise EOFError
            self.waiting += self.frames.feed(data)
        return self.waiting.pop(0)

    def open(self, model: str, **options: Any) -> dict[str, Any]:
        self.say("open", model=model, options=options)
        while (told := self.hear().values)["say"] not in ("ready", "failed"):
            pass
        self.about = told.get("about", {})
        return told

    def make(self, task: str, blobs: dict[str, bytes] | None = None, /, **given: Any) -> int:
        self.number += 1
        self.say("make", blobs, id=self.number, task=task, given=given)
        return self.number

    def news(self) -> Iterator[dict[str, Any]]:
        """One by one, each with its bytes as "data" and its place in all that was heard."""
        while True:
            message = self.hear()
            if message.values["say"] == "news":
                for one in message.values["of"]:
                    self.heard += 1
                    data = message.blobs.get(one.get("blob", ""))
                    yield {**one, "data": data, "order": self.heard}

    def until_done(self, *numbers: int) -> dict[int, list[dict[str, Any]]]:
        """All news of these requests, to the last of each."""
        out: dict[int, list[dict[str, Any]]] = {number: [] for number in numbers}
        left = set(numbers)
        for one in self.news():
            out.setdefault(one["id"], []).append(one)
            left -= {one["id"]} if one["kind"] in ("done", "error") else set()
            if not left:
                return out
        raise AssertionError("unreachable")

    def ask(
        self, task: str, blobs: dict[str, bytes] | None = None, /, **given: Any
    ) -> list[dict[str, Any]]:
        """A request and all its news."""
        number = self.make(task, blobs, **given)
        return self.until_done(number)[number]

    def stats(self) -> dict[str, Any]:
        """What it says of itself next."""
        while (told := self.hear().values)["say"] != "alive":
            pass
        stats: dict[str, Any] = told["stats"]
        return stats


@contextmanager
def hosted(model: str, **options: Any) -> Iterator[Parent]:
    """A host in a thread, with the model open."""
    ours, theirs = socket.socketpair()
    host = Host(theirs)
    thread = threading.Thread(target=host.run, name="host")
    thread.start()
    parent = Parent(ours)
    try:
        told = parent.open(model, **options)
        assert told["say"] == "ready", told
        yield parent
    finally:
        ours.close()
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the host did not end with its parent"


@contextmanager
def process(home: Path) -> Iterator[tuple[Parent, subprocess.Popen[bytes]]]:
    """A host in a process of its own, nothing open."""
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-m", "genloom.hosting", str(theirs.fileno()), str(home)]
        child = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stderr=subprocess.PIPE)
    try:
        yield Parent(ours), child
    finally:
        ours.close()
        child.kill()
        child.communicate(timeout=PATIENCE)


def text_of(news: list[dict[str, Any]], sample: int = 0, key: str = "text") -> str:
    """The pieces of a sample, joined."""
    mine = (one for one in news if one.get("sample") == sample)
    return "".join(one[key] for one in mine if one["kind"] in ("text", "delta"))


def of_kind(news: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in news if one["kind"] == kind]
