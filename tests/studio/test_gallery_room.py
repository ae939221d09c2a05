"""The gallery in a browser: ten thousand real rows, and what the small models have just made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shelves
import small_server
from browsing import opening
from http_client import ask
from small_server import Running

from genloom.studio import pages

COUNT = 10_000
# Counts blob: addresses that are held, and watches frames and long tasks.
WATCH = """
window.alive = 0; window.frames_ = []; window.long = [];
const [make, forget] = [URL.createObjectURL, URL.revokeObjectURL];
URL.createObjectURL = (blob) => { window.alive++; return make.call(URL, blob); };
URL.revokeObjectURL = (address) => { window.alive--; forget.call(URL, address); };
new PerformanceObserver((l) => window.long.push(...l.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask" });
let last = 0;
const look = (now) => { window.frames_.push(now - last); last = now; requestAnimationFrame(look); };
requestAnimationFrame(look);
"""
Opened = Callable[..., Any]


@pytest.fixture(scope="module")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, list[str]]]:
    """A server with ten thousand things, and their ids, newest first."""
    folder = tmp_path_factory.mktemp("gallery")
    found = shelves.filled(folder, COUNT)
    with small_server.running(folder, pages=pages.pages()) as running:
        yield running, found


@pytest.fixture
def full(browser: Any, ids: tuple[Running, list[str]]) -> Iterator[Opened]:
    with opening(browser, ids[0].url) as start:
        yield start


def ready(page: Any) -> Any:
    page.locator(".gallery-face img").first.wait_for()
    return page


def until(page: Any, expression: str) -> None:
    """Asked again and again from here: the page's policy lets no text become a script."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(expression)


@pytest.mark.slow
def test_ten_thousand_scroll_smoothly(full: Opened, shot: Callable[..., Path]) -> None:
    page = full()
    page.add_init_script(WATCH)
    page.goto(page.url.split("#")[0] + "#/gallery")
    page.reload()
    ready(page)
    shot(page, "gallery-light")
    page.wait_for_timeout(300)
    page.evaluate("window.frames_ = []; window.long = []")
    for _ in range(40):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(16)
    slow = [f for f in page.evaluate("window.frames_") if f > 50]
    longest = max([0.0, *page.evaluate("window.long")])
    print(f"frames over 50 ms: {len(slow)}; longest task: {longest:.0f} ms")
    assert longest < 200
    for part in (0.3, 0.6, 0.9, 1.0, 0.5):
        page.evaluate(f"scrollTo(0, document.body.scrollHeight * {part})")
        page.locator(".gallery-cell.waiting").first.wait_for(state="detached")
        ready(page)
    page.wait_for_timeout(300)
    assert page.locator(".gallery-cell").count() <= 80
    assert 0 < page.evaluate("window.alive") <= 320


def test_found_opened_and_compared_by_keys(full: Opened, shot: Callable[..., Path]) -> None:
    page = ready(full("#/gallery", dark=True))
    page.keyboard.press("/")
    page.keyboard.type("night OWL")
    page.get_by_text("1,667 things found").wait_for()
    grid = page.get_by_role("listbox")
    grid.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="an owl at night")
    dialog.get_by_text("Item of that seed").wait_for()
    first = page.url
    shot(page, "gallery-opened-dark")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert "query=night+OWL" in page.url
    grid.focus()
    for key in ("x", "ArrowRight", "x", "f"):
        page.keyboard.press(key)
    page.get_by_text("2 selected").wait_for()
    page.get_by_role("button", name="Compare").click()
    compared = page.get_by_role("dialog", name="Compare 2")
    differing = compared.get_by_role("row", name=re.compile("^Seed")).get_by_text("differs")
    differing.wait_for()
    assert (
        compared.get_by_role("row", name=re.compile("^Prompt")).get_by_text("differs").count() == 0
    )
    shot(page, "gallery-compared-dark")


def test_delete_asks_and_several_go(full: Opened, ids: tuple[Running, list[str]]) -> None:
    page = ready(full("#/gallery?query=sea&model=sprites"))
    before = int(
        page.locator(".gallery [role=status]").first.inner_text().split()[0].replace(",", "")
    )
    page.get_by_role("listbox").focus()
    for key in ("x", "ArrowDown", "x", "Delete"):
        page.keyboard.press(key)
    asking = page.get_by_role("dialog", name="Delete 2 things?")
    asking.get_by_role("button", name="Delete").click()
    page.get_by_text(f"{before - 2:,} things found").wait_for()
    assert ask(ids[0].url, "GET", "/v1/assets?query=sea&model=sprites").json["total"] == before - 2


def test_odd_names_are_written_out(full: Opened, ids: tuple[Running, list[str]]) -> None:
    page = full(f"#/gallery/{ids[1][7]}", phone=True)
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("</td><script>alert(1)</script>\\u202e<img").first.wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.timeout(300)
def test_what_was_made_is_checked_and_made_again(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    body = {"model": "sprites", "prompt": "red", "seed": 41, "steps": 2}
    told = ask(studio.url, "POST", "/v1/generate", body, headers={"accept": "application/json"})
    page = ready(opened("#/gallery?query=41"))
    page.locator(".gallery-cell").first.click()
    dialog = page.get_by_role("dialog", name="red")
    dialog.get_by_text(told.json["data"][0]["asset_id"], exact=True).wait_for()
    dialog.get_by_role("button", name="Check the record").click()
    dialog.get_by_text("It is what its record says").wait_for(timeout=90_000)
    dialog.get_by_role("button", name="Look for them").click()
    dialog.get_by_role("img", name=re.compile("^Training item")).first.wait_for(timeout=90_000)
    assert dialog.locator(".gallery-near li").count() == 6
    shot(page, "gallery-checked")
    dialog.get_by_role("link", name="Again").click()
    page.wait_for_url("**#/generate?asset=*")
    page.get_by_label("Seed", exact=True).wait_for()
    until(page, "[...document.querySelectorAll('input')].some((i) => i.value === '41')")
