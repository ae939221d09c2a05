"""axe-core finds nothing on any room: light, dark, on a phone, with dialogs open.

It is put into the page by the browser, past the page's own policy, in these tests alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
ROOMS = ("generate", "chat", "gallery", "train", "models", "trust", "admin")
HOW = {"light": {}, "dark-phone": {"dark": True, "phone": True}}
RUN = """async () => {
    const told = (one) => one.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary);
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.map((one) => one.id + ": " + told(one).join("; "));
}"""


@pytest.fixture
def seen(opened: Callable[..., Any]) -> Callable[..., Any]:
    """Opens a page with axe in it."""
    if not AXE.is_file():
        pytest.skip("axe-core is not in web/node_modules: make studio installs it")

    def start(place: str, **how: Any) -> Any:
        page = opened(place, bypass_csp=True, reduced_motion="reduce", **how)
        page.get_by_role("heading", level=1).first.wait_for()
        page.wait_for_function("!document.querySelector('main [aria-busy=true]')")
        page.evaluate(AXE.read_text("utf-8"))
        return page

    return start


def faults(page: Any) -> list[str]:
    found: list[str] = page.evaluate(RUN)
    return found


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("room", ROOMS)
def test_axe_finds_nothing(seen: Callable[..., Any], room: str, how: str) -> None:
    assert faults(seen(f"#/{room}", **HOW[how])) == []


@pytest.mark.parametrize("keys", ["Control+k", "?"])
def test_nor_with_a_dialog_open(seen: Callable[..., Any], keys: str) -> None:
    page = seen("#/models", dark=keys == "?")
    page.keyboard.press(keys)
    page.get_by_role("dialog").wait_for()
    assert faults(page) == []


def test_it_does_find_faults(seen: Callable[..., Any]) -> None:
    page = seen("#/models")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(one.startswith("button-name") for one in faults(page))
