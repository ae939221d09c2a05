"""What looks like a secret is said where it is typed, and is taken out before it goes anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from http_client import ask
from small_server import Running

KEY = "sk-" + "a1B2" * 8
TYPED = f"The key {KEY}, password: hunter2hunter2, card 4111 1111 1111 1111, call 030 1234567"
LEFT = "The key [taken out], password: [taken out], card [taken out], call 030 1234567"


def test_it_is_taken_out_before_it_is_asked(
    studio: Running, opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    page = opened("#/generate?model=words")
    page.locator(".generate-go button:enabled").wait_for()
    prompt = page.get_by_label("Prompt")
    prompt.fill("Once there was a token of love, and a password")
    assert page.get_by_role("button", name="Take it out").count() == 0
    prompt.fill(TYPED)
    page.get_by_text("a key of a service, a password, a card number").wait_for()
    shot(page, "secret-typed")
    page.get_by_role("button", name="Take it out").click()
    assert prompt.input_value() == LEFT
    assert page.get_by_role("button", name="Take it out").count() == 0
    prompt.fill(f"A key {KEY}")
    page.get_by_role("button", name="Take it out").click()
    page.keyboard.press("Control+Enter")
    page.locator(".generate-run[data-state=done]").wait_for()
    newest = ask(studio.url, "GET", "/v1/assets?limit=1").json["data"][0]
    record = ask(studio.url, "GET", f"/v1/assets/{newest['id']}").body.decode()
    assert "A key [taken out]" in record and KEY not in record


def test_in_a_chat_too(opened: Callable[..., Any], shot: Callable[..., Path]) -> None:
    page = opened("#/chat", phone=True)
    page.goto(page.url)
    say = page.get_by_label("Your message")
    say.wait_for()
    say.fill(TYPED)
    page.get_by_text("It would be kept in this chat").wait_for()
    shot(page, "secret-chat")
    page.get_by_role("button", name="Take it out").click()
    assert say.input_value() == LEFT
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
