"""Sheets to look at pictures by: several models side by side, and the nearest real ones."""

from __future__ import annotations

import json

import numpy as np
from commands import one_error
from PIL import Image


def test_settings_stand_side_by_side_with_the_same_seeds(image_model, shell, tmp_path):
    out = tmp_path / "sheet.png"
    ran = shell(
        *("compare", image_model, image_model, "--prompt", "top", "--prompt", "bottom"),
        *("--steps", "1", "--steps", "2", "-n", "2", "-o", out, "--json"),
    )
    told = json.loads(ran.out)
    assert [row["steps"] for row in told["rows"]] == [1, 2, 1, 2]
    assert told["files"] == [str(out)]
    sheet = np.asarray(Image.open(out))
    first, second = (sheet[6 + n * (len(sheet) - 6) // 4 :][:96] for n in (0, 1))
    again = sheet[6 + 2 * (len(sheet) - 6) // 4 :][:96]
    assert np.array_equal(first, again) and not np.array_equal(first, second)


def test_a_sheet_that_is_too_large_or_of_no_pictures_is_refused(
    image_model, text_model, shell, tmp_path
):
    out = tmp_path / "x.png"
    one_error(shell("compare", image_model, "-n", "500"), "up to 400")
    one_error(shell("compare", text_model, "-o", out), "models of pictures")
    one_error(shell("compare", image_model, "-o", out.with_suffix(".txt")), ".png")
    assert not list(tmp_path.iterdir())


def test_neighbours_are_shown_with_what_is_near_for_real_ones(image_model, shell, tmp_path):
    out = tmp_path / "near.png"
    ran = shell("neighbours", image_model, "top", "-n", "3", "-k", "2", "-o", out, "--json")
    told = json.loads(ran.out)
    assert len(told["nearest"]) == len(told["training_items"]) == 3
    assert all(len(row) == 2 for row in told["training_items"])
    assert 0 <= told["near"] <= told["held_out_median"]
    with Image.open(out) as sheet:
        assert sheet.width > 3 * 96


def test_the_history_of_a_training_is_drawn(image_model, shell, tmp_path):
    out = tmp_path / "history.svg"
    ran = shell("history", image_model, "-o", out, "--json")
    told = json.loads(ran.out)
    assert told["last"]["velocity_error"] > 0
    text = out.read_text()
    assert text.startswith("<svg") and "velocity error" in text and "<path" in text
    one_error(shell("history", "nobody", "-o", out), "nobody")
