"""The room of models: found, looked at, compared, brought in, written for others, deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import small_server
from small_server import Running

from genloom import store
from genloom.trust import measured

Shot = Callable[[Any, str], Path]
ROWS = [
    ("bits_per_byte", 2.5, 8.0, 2.0, "lower"),
    ("distinct", 0.6, 0.0, 0.8, "higher"),
    ("near_copies", 0.1, None, None, "lower"),
]


def measure(home: Path, name: str, off: float = 0.0) -> None:
    """A measurement as `genloom eval` keeps it."""
    keys = ("metric", "value", "floor", "ceiling", "better")
    rows = [{**dict(zip(keys, row, strict=True)), "note": "uniform; data"} for row in ROWS]
    rows[0]["value"] += off
    measured.keep(home / "models" / name, {"rows": rows, "protocol": {"seed": 0}})


def copied(home: Path, name: str, **changes: Any) -> None:
    folder = home / "models" / name
    shutil.copytree(home / "models" / "words", folder, dirs_exist_ok=True)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, **changes}))


@pytest.fixture
def child(home: Path, studio_models: tuple[str, ...]) -> Any:
    """A model that goes on from words, and what is left of it goes in the end."""
    weights = json.loads((home / "models" / "words" / "card.json").read_text())["weights"]
    parent = {"as": "start", "model": "words", "weights": weights}
    copied(home, "words-2", parents=[parent], weights="ab" * 32)
    yield "words-2"
    shutil.rmtree(home / "models" / "words-2", ignore_errors=True)
    shutil.rmtree(store.run_folder(home / "models" / "words-2"), ignore_errors=True)


def names(page: Any) -> list[str]:
    found: list[str] = page.locator(".models-table tbody .models-named").all_inner_texts()
    return [name.strip() for name in found]


def test_models_are_found_and_sorted(studio: Running, opened: Any, shot: Shot) -> None:
    page = opened("#/models")
    page.get_by_role("table", name="Models").wait_for()
    every = names(page)
    assert {"words", "sprites", "people", "gossip"} <= set(every)
    assert every == sorted(every, key=str.lower)
    shot(page, "models-list-light")
    page.get_by_role("button", name="On disk").click()
    assert page.locator("th[aria-sort]").inner_text().startswith("On disk")
    column = page.locator(".models-table tbody td:nth-child(5)")
    sizes = column.all_inner_texts()
    page.get_by_role("button", name="On disk").click()
    page.locator('th[aria-sort="ascending"]').wait_for()
    assert column.all_inner_texts() == sizes[::-1] and len(set(sizes)) > 1
    page.keyboard.press("/")
    page.keyboard.type("table")
    found = names(page)
    assert "people" in found and not {"words", "sprites", "gossip"} & set(found)
    page.get_by_label("Search the models").fill("nothing of the kind")
    page.get_by_text("No model has all of these words.").wait_for()


def test_a_model_tells_all_of_itself(
    studio: Running, opened: Any, shot: Shot, child: str, home: Path
) -> None:
    measure(home, "words")
    page = opened("#/models/words", dark=True)
    quality = page.get_by_role("region", name="Quality")
    row = quality.get_by_role("row", name="bits_per_byte")
    row.wait_for()
    cells = row.get_by_role("cell").all_inner_texts()
    assert cells[0] == "2.5" and cells[1] == "8" and cells[3] == "2"
    assert row.get_by_role("img").get_attribute("aria-label").startswith("92 %")
    lineage = page.get_by_role("region", name="Lineage")
    lineage.get_by_text("words-2 goes on from words").wait_for()
    assert page.get_by_role("region", name="What it learnt from").get_by_text("words.txt").count()
    shot(page, "models-page-dark")
    lineage.get_by_role("link", name="words-2").click()
    page.get_by_role("heading", name="words-2").wait_for()
    page.get_by_text("Nobody has measured this model").wait_for()


def test_models_side_by_side(
    studio: Running, opened: Any, shot: Shot, child: str, home: Path
) -> None:
    measure(home, "words")
    measure(home, "words-2", off=-0.25)
    page = opened("#/models", phone=True)
    page.get_by_label("Compare words", exact=True).check()
    page.get_by_label("Compare words-2").check()
    page.get_by_role("link", name="Compare 2").click()
    row = page.get_by_role("row", name="bits_per_byte")
    row.wait_for()
    cells = row.get_by_role("cell").all_inner_texts()
    assert cells[0].startswith("2.5") and cells[1].startswith("2.25") and "best" in cells[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shot(page, "models-compare-phone")


def test_a_model_is_deleted_once_its_name_is_typed(
    studio: Running, opened: Any, shot: Shot, child: str, home: Path
) -> None:
    page = opened(f"#/models/{child}", phone=True)
    page.get_by_role("button", name="Delete…").click()
    delete = page.get_by_role("button", name="Delete", exact=True)
    assert delete.is_disabled()
    page.get_by_label(f"Type {child} to delete it").fill("words")
    assert delete.is_disabled()
    shot(page, "models-delete-phone")
    page.get_by_label(f"Type {child} to delete it").fill(child)
    delete.click()
    page.get_by_role("table", name="Models").wait_for()
    assert child not in names(page) and not (home / "models" / child).exists()


@pytest.mark.slow
def test_a_model_is_written_for_others_and_comes_in_again(
    studio: Running, opened: Any, shot: Shot, home: Path, tmp_path: Path
) -> None:
    small_server.plain_words(home)
    page = opened("#/models/plain-words")
    page.set_default_timeout(90_000)
    page.get_by_role("button", name="Export…").click()
    page.get_by_label("Form").select_option("hf")
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("progressbar").wait_for()
    page.get_by_text("Written: plain-words-hf.zip").wait_for()
    with page.expect_download() as coming:
        page.get_by_role("button", name="Save the file").click()
    coming.value.save_as(tmp_path / "plain-words-hf.zip")
    with ZipFile(tmp_path / "plain-words-hf.zip") as archive:
        assert "plain-words/config.json" in archive.namelist()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("link", name="Models", exact=True).first.click()
    page.get_by_role("heading", name="Models", level=1).wait_for()
    page.keyboard.press("i")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "plain-words-hf.zip")
    page.get_by_label("Called here").fill("homecoming")
    shot(page, "models-import-light")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_text("homecoming is here").wait_for()
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("heading", name="homecoming").wait_for()
    shutil.rmtree(home / "models" / "homecoming")


def test_what_cannot_come_in_is_said_at_the_field(studio: Running, opened: Any) -> None:
    page = opened("#/models")
    page.get_by_role("button", name="Import…").click()
    page.get_by_label("A place on the server's machine").check()
    page.get_by_label("Path").fill("/etc/hostname")
    page.get_by_role("button", name="Import", exact=True).click()
    page.get_by_role("alert").filter(has_text="no file or folder").wait_for()
