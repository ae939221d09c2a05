"""How many items of a collection say again what an earlier one says.

Texts by their letters, also nearly so; rows by the columns that were learnt; all else by what its
codec makes of it. Knows collections, no medium.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from genloom.data.overlap import repeats
from genloom.data.split import take

TOGETHER = 2048  # items that are encoded at a time


def repeated(codec: Any, items: Any) -> dict[str, int | None]:
    """exact, near (None: not looked for), of: how many items there are."""
    exact, near = 0, None
    if hasattr(items, "iloc"):
        exact = int(items[list(codec.kinds())].astype(str).duplicated().sum())
    elif len(items) and isinstance(items[0], str | Mapping):
        found = repeats(items)
        exact, near = found.exact, found.near
    else:
        exact = len(items) - len(_prints(codec, items))
    return {"exact": exact, "near": near, "of": len(items)}


def _prints(codec: Any, items: Any) -> set[bytes]:
    """A digest of each different item as the codec has it."""
    known = set()
    for start in range(0, len(items), TOGETHER):
        some = take(items, range(start, min(start + TOGETHER, len(items))))
        for x in codec.encode(some):
            head = f"{tuple(x.shape)}".encode()
            known.add(hashlib.blake2b(head + x.numpy().tobytes(), digest_size=16).digest())
    return known
