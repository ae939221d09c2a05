"""The studio in a real browser: one server with small models, pages in light, dark and on a phone.

Whatever a test does, nothing may be asked of another host, no rule of the page's policy may be
broken and no script may fail; each page is held to that when it is closed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import small_server
from browsing import Opened, opening
from small_server import LITTLE, Running

from genloom import api, store
from genloom.studio import pages

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The system's Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"no browser here: none of {', '.join(PROGRAMS)} was found")
    if not pages.built():
        pytest.skip("the studio's page was not built: there was no Node.js and npm")
    with playwright.sync_playwright() as play:
        made = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the page's own: its lists show no other tests' models."""
    return tmp_path_factory.mktemp("studio-home")


@pytest.fixture(autouse=True)
def at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here and for the command line."""
    before = store.home()
    store.set_home(home)
    monkeypatch.setenv("GENLOOM_HOME", str(home))
    yield
    store.set_home(before)


def gossip(home: Path, name: str = "gossip") -> str:
    """A model of conversations."""
    file = home / "gossip.jsonl"
    talk = [{"role": "user", "content": "say a"}, {"role": "assistant", "content": "one"}]
    file.write_text("\n".join(json.dumps({"messages": talk}) for _ in range(40)), "utf-8")
    changes = (*LITTLE, "codec.length=640", "net.net.width=32", "net.net.depth=1")
    changes = (*changes, "net.net.heads=2", "data.batch=2")
    api.train("chat", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


@pytest.fixture(scope="session")
def studio_models(home: Path) -> tuple[str, ...]:
    """A model of texts, one of pictures, one of tables and one of conversations."""
    store.set_home(home)
    made = (small_server.words, small_server.sprites, small_server.people, gossip)
    return tuple(one(home) for one in made)


@pytest.fixture(scope="session")
def studio(
    studio_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server with its page, open to this machine; all models of the session's home."""
    with small_server.running(tmp_path_factory.mktemp("studio"), pages=pages.pages()) as found:
        yield found


@pytest.fixture
def opened(browser: Any, studio: Running) -> Iterator[Opened]:
    """opened("#/gallery", dark=True, phone=True) is a page."""
    with opening(browser, studio.url) as start:
        yield start


@pytest.fixture
def opened_at(browser: Any) -> Callable[[str], Any]:
    """with opened_at(url) as start: page = start("#/gallery"); of another server than `studio`."""
    return partial(opening, browser)


@pytest.fixture
def shot(tmp_path: Path) -> Callable[[Any, str], Path]:
    """A screenshot to look at: below STUDIO_SHOTS where that is set."""
    folder = Path(os.environ.get("STUDIO_SHOTS", tmp_path))

    def take(page: Any, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
