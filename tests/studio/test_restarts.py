"""A server that is restarted under an open page: it is said, it is asked again, and nothing that
was typed is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import small_server

from genloom.studio import pages

GONE = "The server does not answer"


@pytest.mark.slow
def test_what_was_typed_outlives_the_server(
    studio_models: tuple[str, ...],
    opened_at: Callable[[str], Any],
    tmp_path: Path,
    shot: Callable[..., Path],
) -> None:
    with ExitStack() as life:
        server = life.enter_context(small_server.running(tmp_path, pages=pages.pages()))
        with opened_at(server.url) as start:
            page, chat = start("#/generate?model=people"), start("#/chat")
            page.locator(".generate-go button:enabled").wait_for()
            page.get_by_role("button", name="Add a condition").click()
            page.get_by_label("Value").fill("41")
            chat.get_by_label("Model").select_option("gossip")
            chat.get_by_label("Your message").fill("say a")
            life.close()
            page.get_by_label("Rows", exact=True).fill("12")
            page.get_by_role("button", name="Generate").click()
            page.locator(".away").get_by_text(GONE).wait_for()
            page.get_by_label("Seed", exact=True).fill("77")  # one goes on typing
            chat.get_by_label("Your message").press("Enter")
            chat.locator(".away").get_by_text(GONE).wait_for()
            shot(page, "restart-away")
            port = urlsplit(server.url).port
            with small_server.running(tmp_path, pages=pages.pages(), port=port):
                for one in (page, chat):
                    one.get_by_text("The server is back").wait_for()
                    assert one.locator(".away").get_by_text(GONE).count() == 0
                assert page.get_by_label("Value").input_value() == "41"
                page.locator(".generate-run").get_by_role("button", name="Go on").click()
                page.locator(".generate-run[data-state=done]").wait_for()
                page.get_by_role("gridcell").first.wait_for()
                cells = page.get_by_role("gridcell").all_inner_texts()
                assert len(cells) >= 12 and all(int(age) >= 41 for age in cells[::3])
                assert page.get_by_label("Seed", exact=True).input_value() == "77"
                assert chat.get_by_label("Your message").input_value() == "say a"
                chat.get_by_label("Your message").press("Enter")
                chat.wait_for_url("**#/chat/chat_*")
                chat.get_by_role("article", name="Answer").get_by_role(
                    "button", name="Copy"
                ).wait_for()
                assert chat.get_by_role("article", name="Question").count() == 1
