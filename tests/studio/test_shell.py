"""The frame of the studio: rooms by link, by key and by address; dark and light; a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOMS = ("Generate", "Chat", "Gallery", "Train", "Models", "Trust", "Admin")


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_opens(opened: Callable[..., Any], name: str) -> None:
    page = opened()
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(f"document.title.startsWith('{name}')")
    assert page.locator("nav a[aria-current=page]").inner_text() == name


def test_the_keyboard_leads_everywhere(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**#/models")
    page.keyboard.press("Control+k")
    page.keyboard.type("galery"[:3])
    page.keyboard.press("Enter")
    page.wait_for_url("**#/gallery")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.go_back()
    page.wait_for_url("**#/models")


def test_dark_light_and_phone(opened: Callable[..., Any], shot: Callable[..., Path]) -> None:
    for name, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened(**how)
        page.get_by_role("heading", level=1).wait_for()
        shot(page, f"shell-{name}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        dark = page.evaluate("getComputedStyle(document.body).colorScheme")
        assert dark == ("dark" if name == "dark" else "light")
