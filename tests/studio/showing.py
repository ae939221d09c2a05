"""Assets of any kind put into a server, and shown on a page as if they were made there before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from small_server import Running

from genloom.server.caller import Caller


def put(studio: Running, data: bytes, media: str) -> str:
    """The id of a new asset of whoever asks without a key."""
    records = studio.server.app.state.service.records
    return str(records.assets.put(data, media, owner=Caller.owner).id)


@dataclass(frozen=True, kw_only=True)
class Thing:
    asset: str
    media: str
    suffix: str = ""


def kept(thing: Thing, number: int) -> dict[str, Any]:
    """A run of one thing, as a tab keeps it."""
    times = {"began": 1, "first": 1, "ended": 900}
    item = {"index": 0, "state": "done", "text": "", "tokens": 0, "finish": "stop", **times}
    told = {"model": f"maker-{number}", "weights": f"{number:064x}", "media": thing.media}
    kind = {"texts": False, "whole": False, "begins": False, "body": {}, "seed": 7, "count": 1}
    files = {"asset": thing.asset, "media": thing.media, "suffix": thing.suffix}
    run = {"id": f"run-{number}", "error": None, "state": "done", "items": [{**item, **files}]}
    return {**told, **kind, **run}


def showing(opened: Callable[..., Any], *things: Thing, **how: Any) -> Any:
    """A page with these things on it."""
    page = opened("#/generate", **how)
    runs = json.dumps([kept(thing, n) for n, thing in enumerate(things)])
    keep = f"sessionStorage.setItem('genloom-runs', {json.dumps(runs)})"
    page.context.add_init_script(keep)
    page.reload()
    return page
