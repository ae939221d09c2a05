"""`python -m genloom.hosting.evaluating FD [HOME]`: a model is measured, and tells on that socket.

In comes one message, {model, seed, count, device}; out go event {kind, step, values} for each
stage, and at the end done {report} or failed {error}. On SIGTERM the process ends at once, and at
the next stage when the socket's other end has closed: nothing is kept before the end. Knows no HTTP
and no job.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom import api, store
from genloom.errors import GenloomError
from genloom.hosting.errand import linked
from genloom.hosting.task import error_of
from genloom.train.log import Event
from genloom.trust import quality
from genloom.trust.measured import keep
from genloom.wire import Frames, frame

RECEIVED = 1 << 16
SAID = ("seed", "count")  # what of quality.evaluate may be said


class Evaluating:
    """One measurement; what comes of it is kept beside the model and told."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link

    def run(self) -> None:
        given = self._given()
        try:
            made = self._measured(given)
        except GenloomError as error:
            self._say({"say": "failed", "error": error_of(error)})
        else:
            self._say({"say": "done", "report": made})

    def _measured(self, given: Mapping[str, Any]) -> dict[str, Any]:
        folder = store.existing(given["model"])
        said = {name: given[name] for name in SAID if given.get(name) is not None}
        model = api.load(folder, device=given.get("device") or "auto")
        report = quality.evaluate(model, listener=self._hear, **said)
        return keep(Path(folder), report.to_json())

    def _hear(self, event: Event) -> None:
        told = {"say": "event", "kind": event.kind, "step": event.step}
        self._say({**told, "values": dict(event.values)})

    def _say(self, values: dict[str, Any]) -> None:
        try:
            self.link.sendall(frame(values))
        except OSError:  # whoever asked is gone
            raise SystemExit(1) from None

    def _given(self) -> dict[str, Any]:
        frames = Frames()
        while data := self.link.recv(RECEIVED):
            for message in frames.feed(data):
                return message.values
        raise SystemExit(1)


def main() -> None:
    with linked() as link:
        Evaluating(link).run()


if __name__ == "__main__":
    main()
