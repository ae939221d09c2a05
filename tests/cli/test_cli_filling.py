"""`genloom fill` and `genloom predict`: files, pipes, and what cannot be done."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
from commands import Shell, one_error


def holes(rows: Path, folder: Path) -> Path:
    frame = pd.read_csv(rows).head(20)
    frame.loc[::2, frame.columns[0]] = None
    frame.to_csv(folder / "holes.csv", index=False)
    return folder / "holes.csv"


def test_gaps_go_and_the_record_says_what_was_filled(
    shell: Shell, table_model: str, rows: Path, tmp_path: Path
) -> None:
    given, out = holes(rows, tmp_path), tmp_path / "whole.csv"
    ran = shell("fill", table_model, given, "-o", out, "--json")
    told = json.loads(ran.out)
    name = pd.read_csv(given).columns[0]
    assert ran.code == 0 and told["filled"] == {name: 10} and told["rows"] == 20
    assert not pd.read_csv(out).isna().any().any()
    record = json.loads((tmp_path / "whole.csv.json").read_text("utf-8"))
    assert record["filled"] == {name: 10}
    assert shell("verify", out).code == 0


def test_rows_go_through_a_pipe(shell: Shell, table_model: str, rows: Path, tmp_path: Path) -> None:
    given = holes(rows, tmp_path)
    ran = shell("fill", table_model, "-", stdin=given.read_bytes())
    made = pd.read_csv(io.StringIO(ran.out))
    assert ran.code == 0 and len(made) == 20 and not made.isna().any().any()
    name = made.columns[0]
    ran = shell("predict", table_model, name, given)
    found = pd.read_csv(io.StringIO(ran.out))
    assert ran.code == 0 and len(found) == 20 and found.columns[0] == name


def test_what_cannot_be_is_one_line(
    shell: Shell, table_model: str, text_model: str, rows: Path
) -> None:
    one_error(shell("predict", table_model, "nothing", rows), "choose")
    one_error(shell("fill", text_model, rows), "any order")
