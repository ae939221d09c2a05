"""An answer in a chat on its way: over the engine, to those who follow it, and onto disk.

It goes on when nobody looks. What there is of it is written every second, so that whatever ends the
server leaves it as a part that can go on. Knows no route and no body.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from genloom.server.call import Call, Event
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.records.chats import Chat, Turn
from genloom.server.routes.chat import NAMES
from genloom.server.routes.chat_answer import Called
from genloom.server.routes.chats_messages import asked_of, body_of
from genloom.server.routes.chats_schema import turn_told
from genloom.server.routes.sampling import renamed
from genloom.server.runs import Run
from genloom.server.service import Service
from genloom.server.sse import Pieces, event
from genloom.server.threads import in_thread

LIVE = "in_progress"
EVERY = 1.0  # seconds between two writings
SHARE = 20.0  # one that takes long is followed by so many times as long a pause
BROKEN = Failure(500, "the server failed on this: answer again")
_log = logging.getLogger(__name__)


class Making:
    """One turn of the assistant. way: the turns before it. A turn that has a text goes on."""

    def __init__(
        self, service: Service, caller: Caller, chat: Chat, way: Sequence[Turn], turn: Turn
    ) -> None:
        self.service, self.caller, self.chat = service, caller, chat
        self.way, self.turn = way, turn
        self.goes_on = bool(turn.text or turn.about.get("reasoning"))
        self._text, self._thought = [turn.text], [turn.about.get("reasoning") or ""]
        self._chances = list(turn.chances or ())
        self._calls: dict[int, Called] = {}
        self._finish = "stop"
        self._tokens = 0
        self._usage: Mapping[str, int] = {}
        self._begun = self._wrote = time.monotonic()
        self._first: float | None = None

    async def prepare(self) -> None:
        """Failure for all that can be told before the engine is asked."""
        turns = [*self.way, self.turn] if self.goes_on else self.way
        body = body_of(self.chat, turns)
        about = await self.service.engines.about(body.model)
        task, given, seed = asked_of(body, turns, about, self.goes_on)
        self.call = Call(model=body.model, task=task, given=given, owner=self.caller.owner)
        said = {"model": body.model, "weights": about["weights"], "seed": seed}
        kept = {k: v for k, v in self.turn.about.items() if k not in ("reason", "error")}
        self.turn = replace(self.turn, status=LIVE, about={**kept, **said})
        if body.logprobs and self.goes_on and not self._chances and self.turn.text:
            self._chances = [[self.turn.text, None, []]]  # nothing was measured of it

    # --- what there is of it ----------------------------------------------------------------------

    def now(self) -> Turn:
        about = dict(self.turn.about)
        if thought := "".join(self._thought):
            about["reasoning"] = thought
        if self._calls:
            about["calls"] = [
                {"id": one.id, "name": one.name, "arguments": one.arguments}
                for _, one in sorted(self._calls.items())
            ]
        if self._chances:
            about["measured"] = True
        about |= self._measures()
        chances = self._chances or None
        return replace(self.turn, text="".join(self._text), about=about, chances=chances)

    def _measures(self) -> dict[str, Any]:
        """Tokens and seconds, with those of the part that was there before."""
        old, spent = self.turn.about.get("usage") or {}, self.turn.about.get("timing") or {}
        made = old.get("made", 0) + (self._usage.get("completion_tokens") or self._tokens)
        usage = {"made": made, "prompt": self._usage.get("prompt_tokens", old.get("prompt", 0))}
        timing = {"seconds": spent.get("seconds", 0.0) + time.monotonic() - self._begun}
        first = spent.get("first", self._first)
        return {"usage": usage, "timing": timing if first is None else {**timing, "first": first}}

    def _take(self, event: Event) -> dict[str, Any]:
        """What an event adds, as those who follow are told."""
        values = event.values
        if event.kind == "ended":
            self._finish = values["finish"]
        elif event.kind == "done":
            self._usage = values["usage"]
        told: dict[str, Any] = {}
        if content := values.get("content") or values.get("text"):
            self._text.append(content)
            told["text"] = content
        if reasoning := values.get("reasoning"):
            self._thought.append(reasoning)
            told["reasoning"] = reasoning
        if calls := values.get("calls"):
            told["calls"] = calls
            for piece in calls:
                self._calls.setdefault(piece["index"], Called()).add(piece)
        if chances := [short(one) for one in values.get("logprobs") or ()]:
            self._chances += chances
            told["chances"] = chances
        return self._counted(told, values.get("tokens") or 0) if told else told

    def _counted(self, told: dict[str, Any], tokens: int) -> dict[str, Any]:
        if self._first is None:
            self._first = time.monotonic() - self._begun
        self._tokens += tokens
        return {**told, **self._measures()}

    # --- in the background ------------------------------------------------------------------------

    async def aside(self, run: Run) -> None:
        """To its end, whatever that is; the last event is told once the turn is on disk."""
        ending: dict[str, Any] = {"status": "completed"}
        self._begun = time.monotonic()
        try:
            async with aclosing(self._events()) as events:
                async for one in events:
                    if told := self._take(one):
                        run.tell(event(told, "piece"))
                    if not await self._kept():
                        return
            if self._finish == "length":
                ending = {"status": "incomplete", "reason": "length"}
        except Failure as failure:
            ending = _failed(failure)
        except asyncio.CancelledError:
            why = "stopped" if run.cancelled else "interrupted"
            ending = {"status": "incomplete", "reason": why}
        except Exception:
            _log.exception("an answer failed")
            ending = _failed(BROKEN)
        await self._end(run, ending)

    def _events(self) -> AsyncGenerator[Event, None]:
        events: Any = self.service.engines.run(self.call)
        return renamed(events, NAMES)

    async def _kept(self) -> bool:
        """Write what there is, where it is time to; False where the chat is gone."""
        began = time.monotonic()
        if began < self._wrote + EVERY:
            return True
        light = replace(self.now(), chances=None)
        there = await in_thread(self.service.records.chats.renew, light, begin=(LIVE,))
        ended = time.monotonic()
        self._wrote = ended + SHARE * (ended - began)
        return there

    async def _end(self, run: Run, ending: Mapping[str, Any]) -> None:
        now = self.now()
        more = {k: v for k, v in ending.items() if k != "status"}
        last = replace(now, status=ending["status"], about={**now.about, **more})
        try:
            await in_thread(self.service.records.chats.renew, last, begin=(LIVE,))
        except Failure as failure:
            last = replace(last, status="failed", about={**last.about, **_error(failure)})
        self.turn, self._calls, self._tokens, self._usage = last, {}, 0, {}
        run.state = lambda: last
        run.tell(event({"turn": turn_told(last)}, "turn"))


def _failed(failure: Failure) -> dict[str, Any]:
    return {"status": "failed", **_error(failure)}


def _error(failure: Failure) -> dict[str, Any]:
    told = {"message": failure.message, "code": failure.code, "param": failure.param}
    return {"reason": "failed", "error": told}


def short(one: Mapping[str, Any]) -> list[Any]:
    """A token, its log-probability and the likeliest in its place."""
    return [one["token"], one["logprob"], [[o["token"], o["logprob"]] for o in one["top"]]]


async def followed(run: Run | None, turn: Turn) -> Pieces:
    """What there is, then all that comes: whoever comes back misses nothing and hears nothing
    twice."""
    if run is None:
        yield event({"turn": turn_told(turn)}, "turn")
        return
    at = len(run.log)
    yield event({"turn": turn_told(run.state())}, "snapshot")
    async for piece in run.follow(at):
        yield piece
