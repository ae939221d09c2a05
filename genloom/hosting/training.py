"""`python -m genloom.hosting.training FD [HOME]`: one training, told on that socket.

In comes one message, train {...} (see `Training`); out go event {kind, step, values}, and at the
end done {card}, stopped {step} or failed {error}. When the socket's other end closes, or on
SIGTERM, the checkpoint is saved and the process ends. Knows no HTTP and no job.
"""

from __future__ import annotations

import re
import select
import signal
import socket
import time
from collections.abc import Mapping
from typing import Any

from genloom import api, registry, store
from genloom.errors import DataError, GenloomError, ModelError, Stopped, UsageError
from genloom.hosting.errand import linked
from genloom.hosting.task import error_of
from genloom.rewards.named import is_named
from genloom.train.log import Event
from genloom.wire import Frames, frame

RECEIVED = 1 << 16
FREE = 60.0  # seconds in which another process may still save the same training
TOLD = 1000  # steps of a training that are told, at most
OFTEN = 0.1  # seconds between two of them, at least
_LINE = re.compile(r":(\d+)$|\bline (\d+)")
# What may be said of a training beside medium, data and name; api.train's own names.
SAID = (
    *("size", "minutes", "seed", "changes", "start", "adapter", "bits", "teacher", "reward"),
    *("validation", "epochs", "rates", "checkpoints", "licence"),
)


class Faulty(DataError):
    """A record of the data that cannot be learnt from; line: where it stands, if that is known."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.line = line


class Training:
    """given: medium, data and out as in `api.train`, and what of SAID is told; strict: a record
    that cannot be read ends the training before it begins. A checkpoint that is there is gone on
    from."""

    def __init__(self, link: socket.socket) -> None:
        self.link, self.frames = link, Frames()
        self.stopping = False
        self.strict, self.every, self.step, self.last = False, 1, 0, 0
        self._told = 0.0

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        given = self._given()
        try:
            model = self._train(given)
        except Stopped:
            self._say({"say": "stopped", "step": self.step})
        except GenloomError as error:
            more = {"line": error.line} if isinstance(error, Faulty) else {}
            self._say({"say": "failed", "error": error_of(error, **more)})
        else:
            told = {k: v for k, v in model.card.items() if k not in ("data", "validation")}
            self._say({"say": "done", "card": told})

    def _train(self, given: Mapping[str, Any]) -> api.Model:
        self.strict = bool(given.get("strict"))
        said = {name: given[name] for name in SAID if given.get(name) is not None}
        if said.get("reward") is not None and not is_named(said["reward"]):
            raise UsageError("only the house's own rewards are taken: a program or a file is none")
        registry.find("recipe", given["medium"])  # a name: a path is no recipe here
        target = store.place(given["out"])
        self._wait_for(target)
        resume = (store.run_folder(target) / "checkpoint").is_dir()
        return api.train(
            given["medium"],
            given["data"],
            out=given["out"],
            resume=resume,
            listener=self._hear,
            stop=self._stopped,
            **said,
        )

    def _wait_for(self, target: Any) -> None:
        """Another process may be saving this training, since its server was killed."""
        until = time.monotonic() + FREE
        while True:
            try:
                with store.locked(target):
                    return
            except ModelError:
                if time.monotonic() > until or self._stopped():
                    raise
                time.sleep(0.2)

    # --- what is told -----------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if event.kind == "read" and self.strict:
            self._refuse_faulty(event.values["skipped"])
        if event.kind == "plan":
            self.every = max(1, event.values["steps"] // TOLD)
        self.step = max(self.step, event.step)
        if event.kind == "start":
            self.last = event.values["steps"]
        if event.kind != "step" or self._worth_telling(event.step):
            told = {"say": "event", "kind": event.kind, "step": event.step}
            self._say({**told, "values": _plain(event.values)})
        if event.kind in ("reading", "read", "fit", "plan") and self._stopped():
            raise Stopped("stopped before the first step")

    def _worth_telling(self, step: int) -> bool:
        """The first, the last, and between them no more than can be written down in time."""
        now = time.monotonic()
        due = step % self.every == 0 and now - self._told >= OFTEN
        if due or step in (1, self.last):
            self._told = now
            return True
        return False

    def _refuse_faulty(self, skipped: Mapping[str, str]) -> None:
        for place, reason in skipped.items():
            found = _LINE.search(f"{place}") or _LINE.search(reason)
            line = int(found[1] or found[2]) if found else None
            where = "" if line is None else f"line {line}: "
            raise Faulty(f"{where}{reason}", line)

    def _say(self, values: dict[str, Any]) -> None:
        try:
            self.link.sendall(frame(values))
        except OSError:  # nobody listens any more: what is learnt so far is saved
            self.stopping = True

    # --- what is heard ----------------------------------------------------------------------------

    def _given(self) -> dict[str, Any]:
        while data := self.link.recv(RECEIVED):
            for message in self.frames.feed(data):
                return message.values
        raise SystemExit(1)

    def _stopped(self) -> bool:
        """Whether it was told to stop, or whoever began it is gone."""
        ready, _, _ = select.select([self.link], [], [], 0)
        if ready and not self.stopping:
            try:
                data = self.link.recv(RECEIVED)
            except ConnectionError:  # it was killed
                data = b""
            self.stopping = not data or bool(self.frames.feed(data))
        return self.stopping

    def _asked_to_stop(self, *_: object) -> None:
        self.stopping = True


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """What JSON can say: numbers that are none are left out."""
    kept = (int, str, bool, list, tuple, dict, type(None))
    return {
        key: value
        for key, value in values.items()
        if isinstance(value, kept) or (isinstance(value, float) and abs(value) < float("inf"))
    }


def main() -> None:
    with linked() as link:
        Training(link).run()


if __name__ == "__main__":
    main()
