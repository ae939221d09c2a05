"""From what a message gives to a request of the engine: strict, so that nothing is passed over.

Knows the fields that tasks have in common; no task and no medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from genloom.errors import OVER_CONTEXT, RequestError
from genloom.requested import GIVEN
from genloom.spec import Options, Request

_SHARED = ("seed", "count", "first", "adapter", "priority")
_TUPLES = ("size", "guidance_interval", "outpaint")
_KNOWN = frozenset(f.name for f in fields(Options))
MOST = 100_000  # items of one request


def options_of(given: Mapping[str, Any], **defaults: Any) -> Options:
    """The options by name; defaults fill what is not given."""
    told = {k: v for k, v in dict(given.get("options") or {}).items() if v is not None}
    unknown = sorted(set(told) - _KNOWN)
    if unknown:
        raise RequestError(f"no option is called {unknown[0]!r}", param=str(unknown[0]))
    values = {**defaults, **told}
    for name in _TUPLES:
        if isinstance(values.get(name), list):
            values[name] = tuple(values[name])
    return Options(**values)


def request_of(
    given: Mapping[str, Any], blobs: Mapping[str, bytes], options: Options, **more: Any
) -> Request:
    """A request; more: its prompt, its ids, its conditions. Files are given by their bytes."""
    known = {k: given[k] for k in _SHARED if given.get(k) is not None}
    for name in ("seed", "count", "first", "priority"):
        if name in known and (isinstance(known[name], bool) or not isinstance(known[name], int)):
            raise RequestError(f"{name} is {known[name]!r}: a whole number is expected", param=name)
    if known.get("count", 1) > MOST:
        raise RequestError(f"count is {known['count']:,}: at most {MOST:,} are made", param="count")
    if known.get("seed", 0) >= 1 << 63:
        raise RequestError("seed is over 2^63 - 1", param="seed")
    surplus = sorted(set(blobs) - set(GIVEN))
    if surplus:
        raise RequestError(
            f"no file is called {surplus[0]!r}: {', '.join(GIVEN)} are", param=surplus[0]
        )
    files: dict[str, Any] = dict(blobs)
    return Request(**known, **more, **files, options=options)


def text_in(given: Mapping[str, Any], name: str) -> str | None:
    """A text that may be missing."""
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{name} is {type(value).__name__}: a text is expected", param=name)
    return value


def texts_in(given: Mapping[str, Any], name: str) -> list[str]:
    """A list of texts."""
    value = given.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise RequestError(f"{name}: a list of texts is expected", param=name)
    return value


def ids_in(value: Any, name: str, vocab: int) -> tuple[int, ...]:
    """A run of the model's ids."""
    if not isinstance(value, list | tuple) or not all(type(i) is int for i in value):
        raise RequestError(f"{name}: a list of token ids is expected", param=name)
    if not all(0 <= i < vocab for i in value):
        raise RequestError(f"{name}: the ids of this model are 0 to {vocab - 1}", param=name)
    return tuple(value)


def check_room(count: int, length: int, param: str) -> None:
    """Refused where a prompt of so many ids is over a context of so many."""
    if count > length - 1:
        raise RequestError(
            f"this model's context is {length} tokens and the prompt has {count}: shorten it to "
            f"{length - 1} at most",
            param=param,
            code=OVER_CONTEXT,
        )
