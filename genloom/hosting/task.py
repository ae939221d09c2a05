"""What a piece of work in a host is: it is prepared aside, fed by the engine's ticks, and has news
now and then. Knows what errors look like as news; no task in particular."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genloom import errors
from genloom.errors import GenloomError, RequestError
from genloom.spec import Options

if TYPE_CHECKING:
    from genloom.hosting.site import Site

QUICK = 4096  # characters of a request that are prepared without another thread's help
_FIRST = re.compile(r"[a-z_]+")


@dataclass(frozen=True, kw_only=True)
class News:
    """of: the id of the request; kind: what `values` tell; blob: bytes that belong to it."""

    of: int
    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    blob: bytes | None = None


class Task:
    """number: of the request; given: its arguments; blobs: files that came along.

    `prepare` runs on a side thread unless `quick`; all else on the loop's own. GenloomError of any
    of them ends this request and no other.
    """

    def __init__(
        self, number: int, site: Site, given: Mapping[str, Any], blobs: Mapping[str, bytes]
    ) -> None:
        self.number, self.site, self.given, self.blobs = number, site, given, blobs
        self.done = False

    @property
    def quick(self) -> bool:
        """Whether preparing it takes no time to speak of."""
        return False

    @property
    def slow(self) -> bool:
        """Whether preparing it may take a second, so that others should not wait for it."""
        return False

    def prepare(self) -> None:
        """What takes long before the work can begin."""

    def begin(self) -> None:
        """Hand over to the engine, or to whoever does it."""

    def news(self, now: float) -> list[News]:
        """What is to be told now; asked after every tick. now: seconds of a clock."""
        return []

    def cancel(self) -> None:
        """Give up; what it held is free at once."""

    # --- for those who make one

    def tell(self, kind: str, blob: bytes | None = None, /, **values: Any) -> News:
        return News(of=self.number, kind=kind, values=values, blob=blob)

    def finish(self, **usage: int) -> News:
        """The last of it. usage: what is counted besides."""
        self.done = True
        counted = {"prompt_tokens": 0, "completion_tokens": 0, "cached_tokens": 0, **usage}
        return self.tell("done", usage=counted)


def error_of(error: BaseException, **more: Any) -> dict[str, Any]:
    """An error as news: the name of its class in the house's tree, its sentence, and where it can
    be told the field that is at fault."""
    if not isinstance(error, GenloomError):
        told = f"the engine failed on this request ({type(error).__name__})"
        return {"type": "GenloomError", "message": told, "code": "engine_error", **more}
    name = next(c.__name__ for c in type(error).__mro__ if hasattr(errors, c.__name__))
    values = {"type": name, "message": str(error)}
    first = _FIRST.match(str(error))
    if isinstance(error, RequestError) and first and first[0] in Options.__dataclass_fields__:
        values["param"] = first[0]
    for key in ("param", "code"):
        if getattr(error, key, None) is not None:
            values[key] = getattr(error, key)
    return {**values, **more}
