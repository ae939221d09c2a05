"""What the studio asks for before one can begin, shell and first room, as it is transferred."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from http_client import ask
from small_server import Running

MOST = 150 << 10  # bytes


def transferred(page: Any) -> dict[str, int]:
    """By address, what came over the network, compressed, heads included."""
    told = page.evaluate(
        "JSON.stringify([...performance.getEntriesByType('navigation'), "
        "...performance.getEntriesByType('resource')].map((e) => [e.name, e.transferSize]))"
    )
    return {name.split("/", 3)[3]: size for name, size in json.loads(told)}


def test_the_first_load_is_small(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    found = transferred(page)
    assert "" in found and any(name.startswith("studio/index") for name in found)
    assert any("Generate" in name for name in found), "the first room is not loaded yet"
    assert any(name.endswith(".woff2") for name in found), "nor is its face"
    assert sum(found.values()) < MOST, found


def test_files_come_compressed_and_stay(studio: Running) -> None:
    plain = ask(studio.url, "GET", "/")
    assert plain.headers["cache-control"] == "no-cache" and b"/studio/" in plain.body
    path = plain.body.decode().split('src="', 1)[1].split('"')[0]
    small = ask(studio.url, "GET", path, headers={"accept-encoding": "gzip"})
    whole = ask(studio.url, "GET", path)
    assert small.headers["content-encoding"] == "gzip" and len(small.body) < 0.5 * len(whole.body)
    assert gzip.decompress(small.body) == whole.body
    assert "immutable" in small.headers["cache-control"] and small.headers["vary"]
