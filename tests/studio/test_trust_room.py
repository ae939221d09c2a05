"""The trust room: a file is checked, a report is read, measured anew and saved."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from http_client import ask
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_server import Running

from genloom import store
from genloom.trust.measured import keep
from genloom.trust.quality import Report, Row
from genloom.trust.weave import drawdown

HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>"
ROWS = (
    Row(metric="bits_per_byte", value=2.0, floor=3.0, ceiling=1.0, note=HOSTILE),
    Row(metric="verbatim_share", value=0.25, floor=1.0, ceiling=0.0, note="share of bytes"),
)


@pytest.fixture
def measured(studio: Running) -> None:
    """As if the texts' model had been measured."""
    keep(store.existing("words"), Report(rows=ROWS, protocol={"seed": 0}).to_json())


def with_seed(data: bytes, seed: int) -> bytes:
    """The same pixels, with a record that says another seed."""
    image, marks, out = Image.open(io.BytesIO(data)), PngInfo(), io.BytesIO()
    for key, value in image.info.items():
        if isinstance(value, str):
            marks.add_itxt(key, value.replace('"seed":5', f'"seed":{seed}'))
    image.save(out, "PNG", pnginfo=marks)
    return out.getvalue()


@pytest.fixture(scope="module")
def picture(studio: Running) -> bytes:
    """Made by the model of pictures, with its record inside."""
    body = {"model": "sprites", "prompt": "red", "seed": 5, "steps": 1}
    answer = ask(studio.url, "POST", "/v1/images/generations", body)
    return base64.b64decode(answer.json["data"][0]["b64_json"])


def test_a_file_is_checked_and_what_was_changed_is_said(
    opened: Callable[..., Any], shot: Callable[..., Path], picture: bytes, tmp_path: Path
) -> None:
    changed = with_seed(picture, 6)
    page = opened("#/trust/check")
    found = page.get_by_role("region", name="What was found")
    for name, data, words in (
        ("kept.png", picture, "As recorded"),
        ("changed.png", changed, "Not as recorded"),
        ("other.txt", b"nothing of ours", "No record"),
    ):
        (tmp_path / name).write_bytes(data)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a file").click()
        chooser.value.set_files(tmp_path / name)
        found.get_by_role("heading", name=words, exact=True).wait_for()
        found.get_by_text(name).wait_for()
        shot(page, f"check-{name}")
    page.get_by_text("That says nothing of where the file comes from").wait_for()


def test_a_dropped_file_is_checked_too(opened: Callable[..., Any], picture: bytes) -> None:
    page = opened("#/trust/check")
    page.get_by_role("button", name="Choose a file").wait_for()
    data = base64.b64encode(picture).decode()
    page.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const carried = new DataTransfer();
            carried.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
            const place = document.querySelector(".trust-drop");
            place.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true }));
        }""",
        data,
    )
    page.get_by_role("heading", name="As recorded", exact=True).wait_for()
    page.get_by_role("img", name="The cloth of the weights").wait_for()


def test_a_report_is_read_as_the_server_tells_it(
    measured: None, studio: Running, opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    told = ask(studio.url, "GET", "/v1/reports/words").json
    for name, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        page = opened("#/trust", **how)
        page.get_by_role("link", name=re.compile("^words ")).click()
        page.get_by_role("article", name="Report of words").wait_for()
        for section in told["sections"]:
            page.get_by_role("region", name=section["title"], exact=True).wait_for()
        quality = page.get_by_role("region", name="Quality", exact=True)
        assert quality.get_by_role("img").first.get_attribute("aria-label").startswith("50 %")
        assert HOSTILE in quality.inner_text()
        missing = page.get_by_role("region", name="Not measured", exact=True).get_by_role(
            "listitem"
        )
        assert missing.count() == len(told["sections"][-1]["missing"])
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        shot(page, f"report-{name}")


@pytest.mark.slow
def test_a_report_is_saved_as_a_page_that_stands_by_itself(
    measured: None, opened: Callable[..., Any], shot: Callable[..., Path], tmp_path: Path
) -> None:
    page = opened("#/trust/reports/words")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the page").click()
    saving.value.save_as(file := tmp_path / "report.html")
    for name, how in {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}.items():
        alone = opened(**how)
        alone.goto(file.as_uri())
        alone.get_by_role("heading", level=1, name="words").wait_for()
        assert alone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert alone.locator("script, img, link, iframe").count() == 0
        shot(alone, f"saved-report-{name}")
    alone.emulate_media(media="print")
    assert alone.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not alone.get_by_role("navigation").is_visible()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the JSON").click()
    assert json.loads(Path(saving.value.path()).read_text())["model"]["name"] == "words"


def test_the_page_and_the_report_weave_the_same_cloth(
    studio: Running, opened: Callable[..., Any]
) -> None:
    weights = ask(studio.url, "GET", "/v1/models/words").json["weights"]
    page = opened("#/trust/reports/words")
    cloth = page.locator(".trust-report > header canvas")
    cloth.wait_for()
    colours = cloth.evaluate(
        """(canvas) => {
            const side = canvas.width / 16, context = canvas.getContext("2d");
            const at = (x, y) => context.getImageData(side * x + 1, side * y + 1, 1, 1).data;
            return Array.from({ length: 16 }, (_, y) =>
                Array.from({ length: 16 }, (_, x) => at(x, y).join()));
        }"""
    )
    ours = drawdown(weights)
    sides = [
        {
            c
            for row, mine in zip(colours, ours, strict=True)
            for c, top in zip(row, mine, strict=True)
            if top is side
        }
        for side in (True, False)
    ]
    assert len(sides[0]) == len(sides[1]) == 1 and sides[0] != sides[1]


@pytest.mark.slow
def test_a_model_is_measured_from_the_page(
    studio: Running, opened: Callable[..., Any], shot: Callable[..., Path]
) -> None:
    page = opened("#/trust/reports/people")
    page.get_by_role("button", name="Measure now").click()
    part = page.get_by_role("region", name="Measuring")
    part.get_by_role("progressbar").wait_for()
    shot(page, "measuring")
    part.get_by_role("button", name="Cancel").click()
    part.get_by_text("Cancelled").wait_for(timeout=60_000)
    told = ask(studio.url, "GET", "/v1/evaluations?model=people").json["data"]
    assert [one["status"] for one in told] == ["cancelled"]
    # One that ends well shows at once what came of it.
    page = opened("#/trust/reports/gossip")
    page.get_by_text("Not measured yet.").first.wait_for()
    page.get_by_role("button", name="Measure now").click()
    page.get_by_role("progressbar").wait_for()
    until = time.monotonic() + 100
    while (told := ask(studio.url, "GET", "/v1/evaluations?model=gossip").json["data"][0])[
        "ended_at"
    ] is None:
        assert time.monotonic() < until
        time.sleep(0.2)
    assert told["status"] == "completed", told
    page.locator(".trust-figures").first.wait_for()
