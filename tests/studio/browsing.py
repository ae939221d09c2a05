"""Pages of a real browser, each held to what may never happen on one: a request to another host, a
rule of the page's policy broken, a script that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@dataclass
class Watched:
    """What must not have happened on a page."""

    url: str
    elsewhere: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on(self, page: Any) -> None:
        page.on("request", lambda request: self._asked(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda line: self._said(line))

    def _asked(self, url: str) -> None:
        told = urlsplit(url)
        if (
            told.scheme in ("http", "https", "ws", "wss")
            and told.netloc != urlsplit(self.url).netloc
        ):
            self.elsewhere.append(url)

    def _said(self, line: Any) -> None:
        if "Content Security Policy" in line.text or "TrustedHTML" in line.text:
            self.errors.append(line.text)

    def check(self) -> None:
        assert self.elsewhere == [] and self.errors == []


Opened = Callable[..., Any]


@contextmanager
def opening(browser: Any, url: str) -> Iterator[Opened]:
    """Opens pages of a server; each is watched until the end."""
    contexts: list[Any] = []
    watched = Watched(url)

    def start(place: str = "", *, dark: bool = False, phone: bool = False, **more: Any) -> Any:
        context = browser.new_context(
            viewport=PHONE if phone else DESK,
            has_touch=phone,
            is_mobile=phone,
            color_scheme="dark" if dark else "light",
            **more,
        )
        context.set_default_timeout(45_000)
        contexts.append(context)
        page = context.new_page()
        watched.on(page)
        page.goto(f"{url}/{place}")
        return page

    try:
        yield start
    finally:
        for context in contexts:
            context.close()
    watched.check()
