"""What comes of a call: texts, files and usage, gathered from its events; and files kept.

Knows events and the store of assets; no route's shape and no medium.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.server.call import Call, Event
from genloom.server.records.assets import Asset
from genloom.server.service import Service
from genloom.server.threads import in_thread


@dataclass(frozen=True, kw_only=True)
class Item:
    """One finished file. sample: its number within the request; record: where it comes from."""

    sample: int
    data: bytes
    media: str
    suffix: str
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Made:
    """texts and finishes by sample; files in the order in which they were finished."""

    texts: dict[int, str] = field(default_factory=dict)
    finishes: dict[int, str] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    usage: dict[str, int] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """One more event of the call; others say how far it is."""
        ways = {"text": self._text, "asset": self._item, "ended": self._end, "done": self._done}
        if (way := ways.get(event.kind)) is not None:
            way(event)

    def _text(self, event: Event) -> None:
        sample = event.values["sample"]
        self.texts[sample] = self.texts.get(sample, "") + event.values["text"]

    def _item(self, event: Event) -> None:
        self.items.append(item_of(event))

    def _end(self, event: Event) -> None:
        self.finishes[event.values["sample"]] = event.values.get("finish", "stop")

    def _done(self, event: Event) -> None:
        self.usage = dict(event.values.get("usage") or {})


def item_of(event: Event) -> Item:
    """A finished file as it was told."""
    values = event.values
    return Item(
        sample=values["sample"],
        data=event.blob or b"",
        media=values["media"],
        suffix=values["suffix"],
        record=values.get("record") or {},
    )


async def make(service: Service, call: Call) -> Made:
    """All that comes of a call."""
    made = Made()
    async for event in service.engines.run(call):
        made.take(event)
    made.items.sort(key=lambda item: item.sample)
    return made


async def steps(service: Service, call: Call, made: Made) -> AsyncIterator[Event]:
    """Its events one by one; they are gathered in `made`, too."""
    async for event in service.engines.run(call):
        made.take(event)
        yield event


async def keep(service: Service, owner: str, item: Item, expires: float | None = None) -> Asset:
    """The file as it was made, with its record, in the store."""
    return await in_thread(
        service.records.assets.put,
        item.data,
        item.media,
        owner=owner,
        record=item.record,
        expires=expires,
    )


def address(base: str, asset: Asset) -> str:
    """Where the asset is fetched; base: the server's own URL, as the client wrote it."""
    return f"{base.rstrip('/')}/v1/assets/{asset.id}/content"


def ended(usage: Mapping[str, int]) -> dict[str, int]:
    """Usage as images, speech and other media tell it."""
    given, made = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    return {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
