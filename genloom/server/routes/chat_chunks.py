"""Chunks of a streamed chat: what is constant is written once, a piece of text costs microseconds.

Knows the object `chat.completion.chunk` and the order of chunks; no request, engine or connection.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from genloom.server.call import Event
from genloom.server.routes.chat_answer import (
    Called,
    Choice,
    Gathered,
    Head,
    chance,
    finish_reason,
)
from genloom.server.sse import DONE, Pieces, event, written

_CELL = 32  # characters: with obfuscation a chunk's text and padding are a multiple of it


class Chunks:
    """The chunks of one answer. usage: a chunk at the end tells it; padded: chunks are filled up,
    so that their sizes do not tell what is written in them."""

    def __init__(self, head: Head, *, usage: bool = False, padded: bool = False) -> None:
        self.head, self.usage, self.padded = head, usage, padded
        self.gathered = Gathered()
        self._base = {
            "id": head.id,
            "object": "chat.completion.chunk",
            "created": head.created,
            "model": head.model,
            "service_tier": "default",
            "system_fingerprint": head.fingerprint,
        }
        open_ = written(self._base)[:-1]
        self._begin = f'data: {open_},"choices":[{{"index":'
        self._end = "]}\n\n" if not usage else '],"usage":null}\n\n'
        self._rest = f',"logprobs":null,"finish_reason":null}}{self._end}'

    # --- of an event ------------------------------------------------------------------------------

    def of(self, event: Event) -> bytes:
        """The chunks that tell an event; none where it adds nothing."""
        fresh = event.kind != "done" and event.values["sample"] not in self.gathered.choices
        self.gathered.add(event)
        if event.kind == "done":
            return self._last()
        if event.kind not in ("delta", "ended"):
            return b""
        choice, number = self.gathered.choice(event), event.values["sample"]
        parts = (
            [self._chunk(number, '{"role":"assistant","content":"","refusal":null}')]
            if fresh
            else []
        )
        if event.kind == "delta":
            parts += self._delta(number, choice, event.values)
        else:
            parts.append(self._chunk(number, "{}", finish=finish_reason(self.head, choice)))
        return "".join(parts).encode()

    def _delta(self, number: int, choice: Choice, values: Any) -> Iterator[str]:
        chances = list(map(chance, values.get("logprobs") or ())) or None
        if reasoning := values.get("reasoning"):
            yield self._text(number, "reasoning_content", reasoning, None)
        content = values.get("content")
        if content or chances:
            yield self._text(number, "content", content or "", chances)
        for piece in values.get("calls") or ():
            if told := self._call(piece, choice.calls[piece["index"]]):
                yield self._chunk(number, told)

    def _text(self, number: int, field: str, text: str, chances: Any) -> str:
        if chances is None and not self.padded:  # what nearly every chunk is
            return f'{self._begin}{number},"delta":{{"{field}":{quoted(text)}}}{self._rest}'
        return self._chunk(number, f'{{"{field}":{quoted(text)}}}', chances, padding=text)

    def _call(self, piece: Any, called: Called) -> str | None:
        """What a piece of a call adds; its name is told once."""
        first, called.told = not called.told, True
        if called.name in self.head.custom:
            return self._custom(piece, called)
        function = {"arguments": piece.get("arguments") or ""}
        if first:
            function = {"name": called.name, **function}
        if self.head.legacy:
            return written({"function_call": function}) if piece["index"] == 0 else None
        told = {"index": piece["index"]}
        more = {"id": called.id, "type": "function"} if first else {}
        return written({"tool_calls": [{**told, **more, "function": function}]})

    def _custom(self, piece: Any, called: Called) -> str | None:
        """Whole, once it is."""
        text = called.input()
        if text is None:
            called.told = False
            return None
        custom = {"name": called.name, "input": text}
        told = {"index": piece["index"], "id": called.id, "type": "custom", "custom": custom}
        return written({"tool_calls": [told]})

    def _chunk(
        self,
        number: int,
        delta: str,
        chances: Any = None,
        finish: str | None = None,
        padding: str | None = None,
    ) -> str:
        told = "null" if chances is None else written({"content": chances, "refusal": None})
        why = json.dumps(finish)
        filled = ""
        if self.padded and padding is not None:
            filled = f',"obfuscation":"{"x" * (-len(quoted(padding)) % _CELL)}"'
        end = f'],"usage":null{filled}}}\n\n' if self.usage else f"]{filled}}}\n\n"
        return (
            f'{self._begin}{number},"delta":{delta},"logprobs":{told},"finish_reason":{why}}}{end}'
        )

    def _last(self) -> bytes:
        if not self.usage:
            return DONE
        usage = self.gathered.usage_told()
        return event({**self._base, "choices": [], "usage": usage}) + DONE


async def chunks(events: AsyncIterator[Event], of: Chunks) -> Pieces:
    """The bytes of a stream."""
    async for one in events:
        if piece := of.of(one):
            yield piece
