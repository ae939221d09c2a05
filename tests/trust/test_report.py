"""A model's trust report: what the card and the last measurement say, and what nobody measured."""

from __future__ import annotations

import html.parser
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from genloom import api
from genloom.trust.measured import MOST, keep, kept
from genloom.trust.quality import Report, Row
from genloom.trust.report import place_of, report_of
from genloom.trust.report_page import page_of, size
from genloom.trust.weave import drawdown, drawn, yarns

NOTE = '<script src="https://evil.example/x.js">alert(1)</script>'
ROWS = (
    Row(metric="trend_error", value=5.0, floor=9.0, ceiling=1.0, note=NOTE),
    Row(metric="two_sample_auc", value=None, note="too few rows"),
    Row(metric="exact_copies", value=0.25, floor=1.0, ceiling=0.0),
    Row(metric="closer_to_train", value=0.6, floor=1.0, ceiling=0.5),
)


@pytest.fixture
def folder(table_model: api.Model, tmp_path: Path) -> Path:
    """A copy of a model of tables, of which nothing was measured."""
    assert table_model.folder is not None
    shutil.copytree(table_model.folder, tmp_path / "people")
    return tmp_path / "people"


def section(report: dict[str, Any], id: str) -> dict[str, Any]:
    return next(one for one in report["sections"] if one["id"] == id)


def facts(told: dict[str, Any]) -> dict[str, Any]:
    return {fact["name"]: fact["value"] for fact in told["facts"]}


def test_what_was_not_measured_stands_there_as_such(folder: Path) -> None:
    report = report_of(folder)
    assert report["measured"] is None and json.loads(json.dumps(report)) == report
    assert section(report, "quality")["rows"] == []
    assert "Not measured yet" in section(report, "quality")["missing"][0]
    assert "not measured yet" in section(report, "memorisation")["missing"][0]
    assert all(one["id"] != "privacy" for one in report["sections"])
    assert len(section(report, "absent")["missing"]) >= 5


def test_measurements_are_sorted_into_their_sections(folder: Path) -> None:
    again = {"exact": 1200, "near": None, "of": 3000}
    keep(folder, Report(rows=ROWS, protocol={"seed": 3, "training_repeats": again}).to_json())
    report = report_of(folder)
    quality = section(report, "quality")
    assert [row["metric"] for row in quality["rows"]] == ["trend_error", "two_sample_auc"]
    assert quality["rows"][0]["place"] == 0.5 and quality["rows"][1]["place"] is None
    assert quality["missing"] == ["two_sample_auc: too few rows."]
    assert facts(quality)["seed"] == 3 and facts(quality)["measured"].endswith(" UTC")
    assert section(report, "memorisation")["rows"][0]["place"] == 0.75
    data = section(report, "data")
    assert facts(data)["repeat an earlier item"] == "1,200 of 3,000 training items"
    assert not any("Repeats" in line for line in data["missing"])
    assert section(report, "privacy")["rows"][0]["value"] == 0.6


def test_the_data_is_told_without_where_it_lies(folder: Path) -> None:
    report = report_of(folder)
    told = facts(section(report, "data"))
    assert told["source"] == "people.csv" and told["items"] == 600 and told["licence"] == "CC0-1.0"
    assert 100 < told["items held out"] < 300 and len(told["SHA-256"]) == 64
    assert str(folder.parent) not in json.dumps(report)
    assert all("Licence" not in line for line in section(report, "data")["missing"])


def test_other_weights_are_not_told_by_what_was_measured_before(folder: Path) -> None:
    keep(folder, Report(rows=ROWS).to_json())
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "weights": "0" * 64}))
    assert kept(folder) == [] and report_of(folder)["measured"] is None


def test_only_the_last_measurements_stay_and_damaged_ones_are_left_out(folder: Path) -> None:
    for n in range(MOST + 3):
        keep(folder, Report(rows=(), protocol={"n": n}).to_json())
    found = kept(folder)
    assert [one["protocol"]["n"] for one in found] == list(range(MOST + 2, 2, -1))
    place = folder.parent / f"{folder.name}.run" / "measured"
    for name, text in (("z.json", "{"), ("y.json", "[]"), ("x.json", '{"rows": []}')):
        (place / name).write_text(text)
    assert kept(folder) == found


def test_suites_stand_by_themselves(folder: Path) -> None:
    row = {**vars(Row(metric="accuracy", value=0.5, floor=0.25, ceiling=1.0)), "suite": "arc"}
    keep(folder, {"rows": [row], "protocol": {}})
    report = report_of(folder)
    assert section(report, "suites")["rows"][0]["metric"] == "arc accuracy"
    assert report["measured"] is None  # which is of the medium's own measures


def test_a_folder_of_nothing_is_told_as_unknown(tmp_path: Path) -> None:
    report = report_of(tmp_path)
    assert report["model"]["medium"] == "unknown" and section(report, "data")["missing"]
    assert page_of(report)


class Markup(html.parser.HTMLParser):
    """The elements and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")


def test_the_page_runs_and_fetches_nothing(folder: Path) -> None:
    keep(folder, Report(rows=ROWS).to_json())
    page = page_of(report_of(folder))
    found = Markup()
    found.feed(page)
    assert not found.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert "src" not in found.attributes and not any(k.startswith("on") for k in found.attributes)
    assert all(href.startswith("#") for href in found.attributes["href"])
    assert "evil.example" in page and "<script" not in page  # the note, as text
    assert "url(" not in page and "@import" not in page


def test_places_and_sizes() -> None:
    assert place_of(2, 0, 1, True) == 1.0 and place_of(-1, 0, 1, True) == 0.0
    assert place_of(0.25, 1, 0, False) == 0.75 and place_of(1, 1, 1, True) is None
    assert place_of(0.5, 0, 1, False) is None  # the floor is better than the ceiling
    assert place_of(float("nan"), 0, 1, True) is None and place_of(None, 0, 1, True) is None
    assert size(10) == "10 B" and size(1536) == "1.5 KiB"


def test_equal_weights_have_equal_cloth() -> None:
    assert drawn("a" * 64) == drawn("a" * 64) != drawn("b" * 64)
    assert len(drawdown("x")) == 16 and all(len(row) == 16 for row in drawdown("x"))
    assert yarns("x")[0] != yarns("x")[1]
