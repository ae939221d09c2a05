"""`genloom eval` measures, `genloom report` tells: printed, as one page, as JSON."""

from __future__ import annotations

import json
from pathlib import Path

from commands import Shell, one_error


def test_what_was_measured_stands_in_the_report(
    shell: Shell, text_model: str, tmp_path: Path
) -> None:
    before = json.loads(shell("report", text_model, "--json").out)
    assert before["model"]["name"] == text_model and before["created"]
    told = json.loads(shell("eval", text_model, "-n", "2", "--json", "--quiet").out)
    after = json.loads(shell("report", text_model, "--json").out)
    rows = {row["metric"]: row for one in after["sections"] for row in one["rows"]}
    assert len(told["rows"]) > 3
    for row in told["rows"]:
        assert rows[row["metric"]]["value"] == row["value"]
    shown = shell("report", text_model)
    assert shown.code == 0 and "bits_per_byte" in shown.out and "Not measured" in shown.out
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    assert shell("report", text_model, "-o", page).out == f"{page}\n"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    shell("report", text_model, "-o", data)
    assert json.loads(data.read_text("utf-8"))["sections"] == after["sections"]


def test_a_model_that_is_not_there(shell: Shell) -> None:
    one_error(shell("report", "nobody"), "no model 'nobody'")
