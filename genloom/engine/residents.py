"""Several models in one process: loaded when asked for, unloaded when their room is needed.

Knows how large a model's file is and how much memory is there; not who asks, nor what models make.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from genloom import heap
from genloom.engine.engine import Engine
from genloom.errors import ResourceError
from genloom.model import Model

SPARE = 1 / 4  # of a model's size, for what it works with


class Residents:
    """Engines by name. The one used longest ago goes first; one at work is never unloaded.

    load: a name -> its model. folder: a name -> where it lies on disk. limit: bytes for all of
    them together, or what is free on the device. loaded: how often each was loaded.
    """

    def __init__(
        self,
        load: Callable[[str], Model],
        folder: Callable[[str], Path],
        limit: int | None = None,
        device: torch.device | str = "cpu",
        **engine: Any,
    ) -> None:
        self.load, self.folder, self.limit = load, folder, limit
        self.device, self.engine = torch.device(device), engine
        self.engines: OrderedDict[str, Engine] = OrderedDict()
        self.sizes: dict[str, int] = {}
        self.loaded: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """Those in memory, the one used longest ago first."""
        return list(self.engines)

    @property
    def held(self) -> int:
        """Bytes of all in memory."""
        return sum(self.sizes[name] for name in self.engines)

    def get(self, name: str) -> Engine:
        """The engine of a model, loaded if need be. ResourceError with the numbers where it does
        not fit beside those at work; ModelError where there is none of that name."""
        engine = self.engines.get(name)
        if engine is None:
            self._make_room(name)
            engine = Engine(self.load(name), **self.engine)
            self.engines[name] = engine
            self.loaded[name] = self.loaded.get(name, 0) + 1
        self.engines.move_to_end(name)
        return engine

    def drop(self, name: str) -> None:
        """Unload one; what it has under way is cancelled."""
        engine = self.engines.pop(name, None)
        if engine is not None:
            engine.close()

    def close(self) -> None:
        for name in self.names:
            self.drop(name)

    def _make_room(self, name: str) -> None:
        size = weight_bytes(self.folder(name))
        self.sizes[name] = size
        while not self._fits(size):
            idle = [n for n, engine in self.engines.items() if not engine.open]
            if not idle:
                raise ResourceError(
                    f"{name} takes {_told(size)} and {_told(max(0, self._left()))} are left beside "
                    f"{', '.join(self.engines) or 'nothing else'}: wait until these have finished, "
                    "unload one, or take fewer bits a weight"
                )
            self.drop(idle[0])

    def _left(self) -> int:
        if self.limit is not None:
            return self.limit - self.held
        return heap.free_bytes(self.device)

    def _fits(self, size: int) -> bool:
        return size * (1 + SPARE) <= self._left() or size <= 0


def weight_bytes(folder: Path) -> int:
    """Of a model's tensors on disk."""
    return sum(file.stat().st_size for file in Path(folder).rglob("*.safetensors"))


def _told(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB"
