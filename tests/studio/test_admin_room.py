"""The admin room: engines, jobs, keys, usage, the log: as the server has them, changed for real."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom.studio.pages import pages


def test_engines_are_seen_loaded_and_unloaded(
    studio: Running, opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    page = opened("#/admin")
    page.get_by_text("everybody who uses this machine is admin here").wait_for()
    words = page.get_by_role("listitem").filter(has_text="words")
    if words.get_by_role("button", name="Unload words").is_visible():
        words.get_by_role("button", name="Unload words").click()
    words.get_by_role("button", name="Load words", exact=True).click()
    words.get_by_role("button", name="Unload words").wait_for(timeout=60_000)
    words.get_by_text(re.compile(r"0 of \d+ places|0, 0 of")).first.wait_for()
    assert ask(studio.url, "GET", "/v1/models/words").json["state"] == "up"
    shot(page, "admin-now")
    words.get_by_role("button", name="Unload words").click()
    words.get_by_text("cold", exact=True).wait_for(timeout=60_000)
    assert ask(studio.url, "GET", "/v1/models/words").json["state"] == "cold"


def test_what_was_used_stands_by_day_by_key_and_by_model(
    studio: Running, opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    body = {"model": "words", "prompt": "a", "max_tokens": 3}
    assert ask(studio.url, "POST", "/v1/completions", body).status == 200
    until = time.monotonic() + 30
    while not (told := ask(studio.url, "GET", "/v1/admin/usage/summary").json)["models"]:
        assert time.monotonic() < until
        time.sleep(0.2)
    page = opened("#/admin/usage")
    model = page.get_by_role("region", name="By model").get_by_role("row").filter(has_text="words")
    words = sum(one["requests"] for one in told["models"] if one["model"] == "words")
    assert model.get_by_role("cell").first.inner_text() == f"{words:,}"
    page.get_by_role("img", name=re.compile("requests by day; most")).wait_for()
    page.get_by_label("Count").select_option("tokens")
    page.get_by_role("img", name=re.compile("tokens by day; most")).wait_for()
    page.get_by_role("region", name="By key").get_by_text("everybody (no key)").wait_for()
    shot(page, "admin-usage")


def test_the_log_is_followed_and_searched(studio: Running, opened: Callable[..., Any]) -> None:
    page = opened("#/admin/log")
    log = page.get_by_role("log")
    log.wait_for()
    assert ask(studio.url, "GET", "/v1/models/never-heard-of").status == 404
    log.get_by_text("path=/v1/models/never-heard-of").first.wait_for()
    page.get_by_label("Holding the words").fill("never-heard-of")
    page.wait_for_timeout(500)
    lines = log.locator(".line")
    assert lines.count() >= 1
    assert all("never-heard-of" in line for line in lines.all_inner_texts())
    page.get_by_label("Level").select_option("error")
    log.get_by_text("No such line.").wait_for()


@pytest.mark.slow
def test_every_part_opens_at_any_width(
    opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    for name, how in {"dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened("#/admin", **how)
        tabs = page.get_by_role("tab")
        tabs.first.wait_for()
        for tab in tabs.all():
            tab.click()
            page.locator("[role=tabpanel] [aria-busy=true]").first.wait_for(state="detached")
            assert page.locator("[role=tabpanel] .notice.bad").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
            shot(page, f"admin-{tab.inner_text().lower()}-{name}")


def test_the_first_key_closes_the_server_and_this_tab_goes_on(
    opened_at: Callable[[str], Any],
    studio_models: tuple[str, ...],
    tmp_path: Path,
    shot: Callable[..., Path],
) -> None:
    with (
        small_server.running(tmp_path, studio_models, pages=pages()) as running,
        opened_at(running.url) as start,
    ):
        page = start("#/admin/keys")
        page.get_by_role("button", name="Make a key").click()
        form = page.get_by_role("dialog")
        form.get_by_text("This is the first key").wait_for()
        assert form.get_by_label("Role").input_value() == "admin"
        shot(page, "admin-first-key")
        form.get_by_label("Name").fill("ops")
        form.get_by_label("tokens").fill("1000")
        form.get_by_role("button", name="Make it").click()
        secret = form.get_by_label("Key", exact=True).input_value()
        assert secret.startswith("gl-")
        shot(page, "admin-shown-key")
        form.get_by_role("button", name="I have it").click()
        row = page.get_by_role("row").filter(has_text="ops")
        row.get_by_text("1,000 tokens").wait_for()
        assert secret not in page.content()
        assert ask(running.url, "GET", "/v1/models").status == 401
        assert ask(running.url, "GET", "/v1/models", key=secret).status == 200
        # A second one, for a member, is made and ended.
        page.get_by_role("button", name="Make a key").click()
        form.get_by_label("Name").fill("anna")
        form.get_by_label("files").check()
        form.get_by_role("button", name="Make it").click()
        other = form.get_by_label("Key", exact=True).input_value()
        form.get_by_role("button", name="I have it").click()
        assert ask(running.url, "GET", "/v1/files", key=other).status == 200
        assert ask(running.url, "GET", "/v1/models", key=other).status == 403
        # Who is no admin is told so, and is shown nothing.
        member = start(f"#key={other}")
        member.get_by_role("link", name="Admin", exact=True).click()
        member.get_by_text("lacks the scope 'admin'").first.wait_for()
        assert member.get_by_role("tab").count() == 0
        page.get_by_role("button", name="Revoke anna").click()
        form.get_by_role("button", name="Revoke it").click()
        page.get_by_role("row").filter(has_text="anna").get_by_text("revoked").wait_for()
        assert ask(running.url, "GET", "/v1/files", key=other).status == 401
        # Whoever comes without a key is asked for one.
        start("#/admin").get_by_role("heading", name="This server has keys").wait_for()


def test_jobs_of_everybody_are_cancelled(studio: Running, opened: Callable[..., Any]) -> None:
    records = studio.server.app.state.service.records
    job = records.jobs.create("fine_tuning:none", owner="somebody", given={}, model="words")
    records.jobs.move(job.id, "paused")
    page = opened("#/admin/jobs")
    page.get_by_label("Which").select_option("paused")
    one = page.get_by_role("listitem").filter(has_text=job.id)
    one.get_by_text("for somebody").wait_for()
    one.get_by_role("button", name=f"Cancel {job.id}").click()
    page.get_by_label("Which").select_option("cancelled")
    page.get_by_role("listitem").filter(has_text=job.id).wait_for()
    assert records.jobs.get(job.id, None).status == "cancelled"
