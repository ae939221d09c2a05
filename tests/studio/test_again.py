"""What was made once is made again from the gallery: with its number among those of its seed, its
conditions, its rows; and a table stands beside the real data that its model learnt."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from small_server import Running

Opened = Callable[..., Any]
WHERE = "age >= 40 and city in ('north', 'south') and code != 'A07'"


def made(studio: Running, **body: Any) -> str:
    """The asset's id."""
    answer = httpx2.post(f"{studio.url}/v1/generate", json=body, timeout=60)
    return str(answer.headers["x-genloom-asset"])


def sha256(studio: Running, asset: str) -> str:
    """Of what was made, without the record of when."""
    found = httpx2.get(f"{studio.url}/v1/assets/{asset}", timeout=60).json()
    return str(found["record"]["asset"]["sha256"])


def again(page: Any, studio: Running, seed: int) -> str:
    """Presses Again in the gallery and Generate after it; what came of it."""
    page.get_by_role("dialog").get_by_role("link", name="Again").click()
    page.locator(".generate-go button:enabled").wait_for()
    page.wait_for_function(
        "seed => document.querySelector('.generate-seed input')?.value === seed", arg=str(seed)
    )
    page.get_by_role("button", name="Generate").click()
    page.locator(".generate-run[data-state=done]").first.wait_for()
    newest = httpx2.get(f"{studio.url}/v1/assets?limit=1", timeout=60).json()["data"][0]
    return sha256(studio, newest["id"])


def test_the_third_of_a_seed(studio: Running, opened: Opened) -> None:
    asked = {"model": "sprites", "prompt": "blue", "seed": 31, "steps": 3, "count": 1}
    third = sha256(studio, first := made(studio, **asked, first=2))
    assert third != sha256(studio, made(studio, **asked))
    page = opened(f"#/gallery/{first}")
    assert again(page, studio, 31) == third
    page.get_by_text("From no. 3 of that seed").wait_for()
    page.get_by_role("button", name="from no. 1").click()
    page.get_by_text("of that seed on").wait_for(state="detached")


def test_a_table_with_its_conditions_beside_real_data(
    studio: Running, opened: Opened, shot: Callable[..., Path]
) -> None:
    asset = made(studio, model="people", where=WHERE, seed=5, count=40)
    page = opened(f"#/gallery/{asset}")
    dialog = page.get_by_role("dialog")
    age = dialog.get_by_role("columnheader", name="age").get_by_role("img")
    page.wait_for_function(
        "() => /real data differ/.test(document.querySelector('dialog [role=columnheader] "
        "[role=img]')?.ariaLabel)"
    )
    assert re.search(r"real data differ by \d+ %", str(age.get_attribute("aria-label")))
    shot(page, "gallery-table-real")
    assert again(page, studio, 5) == sha256(studio, asset)
    columns = page.get_by_label("Column").evaluate_all("all => all.map((one) => one.value)")
    assert columns == ["age", "city", "code"]
    assert page.get_by_label("Rows", exact=True).input_value() == "40"


@pytest.mark.parametrize(
    ("where", "written"),
    [("age > 30 or city = 'north'", True), ("not (age > 30)", True), ("age is not null", False)],
)
def test_what_fields_cannot_say_stays_as_it_was_written(
    studio: Running, opened: Opened, where: str, written: bool
) -> None:
    asset = made(studio, model="people", where=where, seed=5, count=6)
    page = opened(f"#/generate?asset={asset}")
    page.locator(".generate-where code").wait_for()
    assert page.locator(".generate-where code").inner_text() == where
    assert page.get_by_label("Condition as it was written").count() == int(written)
