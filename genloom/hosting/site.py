"""A model at work in this process with all that tasks need of it: engine, reader, renderer.

Knows how a host is opened; nothing of requests, sockets or other models.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from genloom import api, saying
from genloom.codec.chat import rendering as chat
from genloom.engine.engine import Engine
from genloom.engine.grammar import pairs_of
from genloom.engine.reading import Reader
from genloom.engine.requests import streams
from genloom.engine.telling import Words
from genloom.errors import RequestError, UsageError
from genloom.hosting.desk import Desk
from genloom.hosting.side import Side

OPTIONS = ("bits", "adapters", "speculate", "memory", "steady", "rows", "device")
READING = 256 << 20  # bytes of keys and values for texts that are read, not made, at most


class Site:
    """Made by `open_site`; closed by `close`."""

    def __init__(self, model: api.Model, engine: Engine, adapters: Mapping[str, str]) -> None:
        self.model, self.engine, self.adapters = model, engine, dict(adapters)
        self.side = Side()
        self.texts = streams(model.codec.spec) and isinstance(engine.words, Words)
        self.says = saying.says(model)
        self.desk = Desk(self._reader)
        self._renderer: chat.Renderer | None = None
        self._lock = threading.Lock()

    @property
    def chats(self) -> bool:
        try:
            return self.texts and self.renderer is not None
        except RequestError:
            return False

    @property
    def renderer(self) -> chat.Renderer:
        """RequestError where the model has no template."""
        with self._lock:
            if self._renderer is None:
                self._renderer = chat.of(self.model)
            return self._renderer

    @cached_property
    def pieces(self) -> Sequence[bytes]:
        """What each id adds to a text."""
        pairs = pairs_of(self.model.codec)
        return () if pairs is None else pairs.pieces

    @cached_property
    def weights(self) -> str:
        """The digest of what is served."""
        return str(self.model.card.get("weights") or self.model.digest())

    def _reader(self) -> Reader:
        memory = self.engine.memory
        if memory is None:
            raise RequestError("this model makes no runs of ids: it cannot read texts")
        room = memory.layout.page_bytes * memory.size // 4
        least = memory.layout.page_bytes * (memory.table.shape[1] + 1)
        return Reader(self.model, max(least, min(READING, room)), self.engine.nets["net"])

    def close(self) -> None:
        self.engine.close()
        self.side.close()
        if self._renderer is not None:
            self._renderer.close()


def open_site(name: str, options: Mapping[str, Any]) -> Site:
    """The model of a name or a path, at work; bits are those of texts' weights, and change nothing
    in others. GenloomError where it cannot be."""
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise UsageError(f"no option of a host is called {unknown[0]!r}: use {', '.join(OPTIONS)}")
    told = {k: v for k, v in options.items() if v is not None}
    bits = told.get("bits") if api.of_texts(name) else None
    model = api.load(name, device=told.get("device", "auto"), bits=bits)
    adapters = {str(k): str(Path(v).expanduser()) for k, v in told.get("adapters", {}).items()}
    guess = told.get("speculate")
    engine = Engine(
        model,
        rows=told.get("rows"),
        memory=told.get("memory"),
        speculate=guess if guess in (None, "lookup") else api.load(guess),
        steady=bool(told.get("steady", False)),
        adapters=adapters or None,
    )
    return Site(model, engine, adapters)
