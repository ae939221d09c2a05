"""Pages of what is stored, as clients ask for them and read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Query

from genloom.server.failure import Failure
from genloom.server.records.rows import Page

Order = Literal["asc", "desc"]


@dataclass(frozen=True)
class Paging:
    """The query of a list. order: by the time of creation."""

    after: str | None = None
    limit: int = 20
    order: Order | None = None

    def page(self, descending: bool = True) -> Page:
        """descending: where no order is asked for."""
        down = descending if self.order is None else self.order == "desc"
        return Page(after=self.after, limit=self.limit, descending=down)

    def of(self, items: Sequence[Mapping[str, Any]], descending: bool = True) -> dict[str, Any]:
        """A page of items that are in memory, oldest first."""
        page = self.page(descending)
        ordered = list(reversed(items)) if page.descending else list(items)
        if page.after is not None:
            ids = [item["id"] for item in ordered]
            if page.after not in ids:
                raise Failure(400, f"no item {page.after[:80]!r} to go on from", param="after")
            ordered = ordered[ids.index(page.after) + 1 :]
        return listed(ordered[: page.limit], len(ordered) > page.limit)


async def _asked(
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    order: Order | None = None,
) -> Paging:
    """FastAPI's dependency."""
    return Paging(after, limit, order)


Paged = Annotated[Paging, Depends(_asked)]


def listed(data: Sequence[Mapping[str, Any]], more: bool) -> dict[str, Any]:
    """OpenAI's list."""
    first, last = (data[0]["id"], data[-1]["id"]) if data else (None, None)
    told = {"first_id": first, "last_id": last, "has_more": more}
    return {"object": "list", "data": list(data), **told}
