"""The bytes that items in memory consist of: the same data have the same digest in every run.

Every value tells its type and size before itself, so that no two items read alike. Knows numbers,
texts, arrays, pictures and what is put together of them; no medium and no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import numpy as np
import torch

from genloom.errors import DataError

DEEPEST = 32  # things within things
PLAIN = frozenset({type(None), bool, int, float, complex})
QUOTED = PLAIN | {str, bytes}  # whose repr tells them from all others


def contents(item: Any, depth: int = 0) -> Iterator[bytes]:
    """The item's bytes, piece by piece. DataError for what cannot be told from others of its kind,
    such as an open file, or goes deeper than DEEPEST."""
    if depth > DEEPEST:
        raise DataError(f"an item holds things within things more than {DEEPEST} deep: flatten it")
    if type(item) in PLAIN:
        yield _head(item, repr(item))
    elif isinstance(item, str | bytes):
        raw = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else item
        yield _head(item, len(raw))
        yield raw
    elif isinstance(item, torch.Tensor):
        yield from _array(item.detach().cpu().reshape(-1).view(torch.uint8).numpy(), item)
    elif isinstance(item, np.ndarray) and not item.dtype.hasobject:
        yield from _array(item, item)
    elif hasattr(item, "tobytes") and hasattr(item, "mode"):  # a picture
        yield _head(item, item.mode, item.size)
        yield item.tobytes()
    elif isinstance(item, Mapping):
        yield from _parts(item, (x for pair in item.items() for x in pair), len(item), depth)
    elif isinstance(item, Set):
        parts = sorted(b"".join(contents(x, depth + 1)) for x in item)
        yield from _parts(item, parts, len(parts), depth)
    elif isinstance(item, tuple | list) and all(type(x) in QUOTED for x in item):  # a row, at once
        yield _head(item, repr(tuple(item)))
    elif isinstance(item, Sequence | np.ndarray):
        yield from _parts(item, item, len(item), depth)
    elif type(item).__repr__ is not object.__repr__ and not _fields(item):
        yield from contents(f"{type(item).__name__} {item!r}", depth + 1)
    elif fields := _fields(item):
        yield from _parts(item, (x for pair in fields.items() for x in pair), len(fields), depth)
    else:
        raise DataError(
            f"an item is a {type(item).__name__}, which says nothing of what it holds: give texts, "
            "numbers, arrays or pictures"
        )


def _parts(item: Any, parts: Any, count: int, depth: int) -> Iterator[bytes]:
    yield _head(item, count)
    for part in parts:
        yield from contents(part, depth + 1)


def _array(raw: np.ndarray, item: Any) -> Iterator[bytes]:
    yield _head(item, item.dtype, tuple(item.shape))
    yield np.ascontiguousarray(raw).tobytes()


def _head(item: Any, *told: Any) -> bytes:
    return f"{type(item).__name__} {' '.join(map(str, told))}\0".encode()


def _fields(item: Any) -> Mapping[str, Any]:
    """What an object of a class of its own holds; nothing for numbers, dates and the like."""
    return getattr(item, "__dict__", None) or {}
