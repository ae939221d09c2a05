"""The frame of the studio: rooms by link, by key and by address; dark and light; a phone; the key
that comes in the address; a server that goes and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import small_server
from small_server import Running

from genloom.server.issuing import Wish, issue
from genloom.server.records.records import open_records
from genloom.studio import pages

ROOMS = ("Generate", "Chat", "Gallery", "Train", "Models", "Trust", "Admin")
NARROW = {"width": 360, "height": 640}


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_opens(opened: Callable[..., Any], name: str) -> None:
    page = opened()
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(f"document.title.startsWith('{name}')")
    assert page.locator(".rooms a[aria-current=page]").inner_text() == name


def test_the_keyboard_leads_everywhere(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**#/models")
    page.wait_for_function("document.activeElement.id === 'room'")
    page.keyboard.press("Control+k")
    page.keyboard.type("gal")
    page.keyboard.press("Enter")
    page.wait_for_url("**#/gallery")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    page.go_back()
    page.wait_for_url("**#/models")


def test_the_first_tab_skips_the_rooms(opened: Callable[..., Any]) -> None:
    page = opened()
    page.get_by_role("heading", level=1).wait_for()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the page")
    assert skip.evaluate("e => e === document.activeElement && e.getBoundingClientRect().top >= 0")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "room"


def test_a_look_is_chosen_and_kept(opened: Callable[..., Any]) -> None:
    page = opened()
    scheme = "getComputedStyle(document.body).colorScheme"
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate(scheme) == "dark"
    page.reload()
    page.get_by_role("button", name="Light", exact=True).wait_for()
    assert page.evaluate(scheme) == "dark"
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").wait_for()
    page.keyboard.type("system")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Dark", exact=True).wait_for()
    assert page.evaluate("localStorage.length") == 0


def test_dark_light_and_phone(opened: Callable[..., Any], shot: Callable[..., Path]) -> None:
    for name, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened(**how)
        page.get_by_role("heading", level=1).wait_for()
        shot(page, f"shell-{name}")
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        dark = page.evaluate("getComputedStyle(document.body).colorScheme")
        assert dark == ("dark" if name == "dark" else "light")


def test_all_rooms_fit_on_a_small_phone(
    opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    page = opened(phone=True)
    page.set_viewport_size(NARROW)
    links = page.locator("nav .rooms a")
    links.nth(len(ROOMS) - 1).wait_for()
    shot(page, "shell-360")
    for n in range(len(ROOMS)):
        found = links.nth(n).evaluate(
            "e => [e.getBoundingClientRect().left, e.getBoundingClientRect().right, "
            "e.querySelector('span').scrollWidth - e.clientWidth, e.clientHeight]"
        )
        left, right, over, high = found
        assert left >= 0 and right <= 360 and over <= 0 and high >= 44, (n, found)


@contextmanager
def keyed(place: Path) -> Iterator[tuple[Running, str]]:
    """A server with its page and a key of a member."""
    records = open_records(place)
    _, key = issue(records, Wish(name="anna"), "test")
    records.close()
    with small_server.running(place, pages=pages.pages()) as found:
        yield found, key


def test_a_key_comes_in_the_fragment_or_is_asked_for(
    opened_at: Callable[[str], Any], tmp_path: Path
) -> None:
    with keyed(tmp_path) as (server, key), opened_at(server.url) as start:
        page = start(f"#/models&key={key}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_url("**#/models")
        assert key not in page.evaluate("location.href + history.length + document.cookie")
        assert page.evaluate("localStorage.length") == 0
        other = start()
        other.keyboard.press("Control+k")  # asks for the models, if nothing else did
        box = other.get_by_label("Key", exact=True)
        box.fill("gl-none")
        other.get_by_role("button", name="Enter").click()
        other.get_by_role("alert").wait_for()
        box.fill(key)
        asked: list[str] = []
        other.on("request", lambda request: asked.append(request.url))
        other.get_by_role("button", name="Enter").click()
        other.get_by_role("navigation").wait_for()
        assert asked and not [url for url in asked if key in url]


def test_a_server_that_comes_back_is_noticed(
    opened_at: Callable[[str], Any], tmp_path: Path
) -> None:
    with ExitStack() as life:
        server = life.enter_context(small_server.running(tmp_path, pages=pages.pages()))
        with opened_at(server.url) as start:
            page = start("#/models")
            page.get_by_role("heading", level=1).wait_for()
            life.close()
            page.keyboard.press("Control+k")  # asks for the models
            page.get_by_text("The server does not answer").wait_for()
            page.keyboard.press("Escape")
            port = urlsplit(server.url).port
            with small_server.running(tmp_path, pages=pages.pages(), port=port):
                page.get_by_text("The server is back").wait_for()
                assert page.get_by_text("The server does not answer").count() == 0
