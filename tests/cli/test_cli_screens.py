"""What a training looks like: speed, losses, time left; on a terminal and without one."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from genloom.cli import output, progress
from genloom.train.log import Event

RECIPE = {
    "data": {"batch": 8, "pack": True},
    "train": {"accumulate": 2},
    "codec": {"kind": "text", "length": 64},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE), "utf-8")
    return tmp_path


def _watched(run: Path) -> progress.Watch:
    watch = progress.Watch("cats", run)
    watch.hear(Event(kind="start", step=0, values={"steps": 100, "parameters": 5}))
    for step in range(1, 11):
        watch.hear(Event(kind="step", step=step, values={"nats": 2.0, "norm": 1.0, "seconds": 1}))
        time.sleep(0.01)
    return watch


def test_speed_is_in_tokens_where_windows_are_packed(run: Path) -> None:
    assert progress.learnt_a_step(RECIPE) == (1024, "tokens")
    assert progress.learnt_a_step({**RECIPE, "data": {"batch": 8, "pack": False}}) == (16, "items")
    watch = _watched(run)
    assert 20 < watch.speed <= 100  # a step each 10 ms
    assert 0.5 < watch.left < 10
    assert "tokens/s" in watch.line() and "nats 2" in watch.line() and "left" in watch.line()
    assert "seconds" not in watch.parts


def test_a_roll_back_is_no_negative_speed(run: Path) -> None:
    watch = _watched(run)
    for step in (4, 5, 6):
        watch.hear(Event(kind="step", step=step, values={"nats": 2.0}))
        assert watch.speed >= 0 and watch.left > 0
        time.sleep(0.01)
    assert 20 < watch.speed <= 100 and 0.5 < watch.left < 10


def test_the_display_shows_all_of_it(run: Path) -> None:
    text = run / "preview.txt"
    text.write_text("the cat\n\nsat\x1b[2J\n", "utf-8")
    live = progress.Live(_watched(run))
    live(Event(kind="judge", step=10, values={"held_out_loss": 1.25}))
    live(Event(kind="preview", step=10, values={"path": str(text)}))
    live.notice("stopping after this step")
    seen = io.StringIO()
    Console(file=seen, width=100).print(live._picture())
    shown = seen.getvalue()
    for word in ("cats", "10/100", "tokens/s", "nats 2", "held_out_loss 1.25", "preview.txt"):
        assert word in shown
    assert "the cat" in shown and "stopping" in shown and "\x1b[2J" not in shown


def test_previews_that_are_no_text_show_no_lines(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "x.png")
    assert progress.first_lines(tmp_path / "x.png") == []
    assert progress.first_lines(tmp_path / "gone.txt") == []


def test_what_was_left_out_is_named_up_to_a_few() -> None:
    skipped = {f"{n}.png": "broken" for n in range(9)}
    values = {"items": 991, "skipped": skipped, "notes": ["odd"], "licence": "MIT"}
    lines = list(progress.sayings(Event(kind="read", step=0, values=values)))
    assert lines[0] == "read 991 items, licence MIT" and lines[1] == "left out 9:"
    assert "  0.png: broken" in lines and "  and 4 more" in lines and lines[-1] == "note: odd"


def test_plain_lines_are_rare(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Lines(progress.Watch("cats", run)) as lines:
        lines(Event(kind="start", step=0, values={"steps": 100, "parameters": 5}))
        for step in range(1, 50):
            lines(Event(kind="step", step=step, values={"nats": 2.0}))
        lines(Event(kind="judge", step=50, values={"loss": 1.5}))
        for _ in range(2):  # the last step's preview is told again at the end
            lines(Event(kind="preview", step=50, values={"path": str(run / "gone.png")}))
    seen = capsys.readouterr()
    assert seen.out == "" and len(seen.err.splitlines()) == 3
    assert seen.err.splitlines()[1] == "judged: loss 1.5  (step 50)"


def test_numbers_and_times_read_well() -> None:
    assert [output.duration(s) for s in (5, 65, 3725, float("inf"))] == [
        "0:05",
        "1:05",
        "1:02:05",
        "?",
    ]
    assert [output.size(n) for n in (5, 2048, 3 << 20, 5 << 30)] == [
        "5 B",
        "2.0 KiB",
        "3.0 MiB",
        "5.00 GiB",
    ]
    assert [output.cell(v) for v in (None, True, 12345, 0.123456, "a\nb")] == [
        "-",
        "yes",
        "12,345",
        "0.1235",
        "a b",
    ]


def test_a_table_in_a_pipe_has_whole_cells(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name", "value"), [("a" * 200, 1.5), ("b", None)])
    lines = capsys.readouterr().out.splitlines()
    assert "a" * 200 in lines[1] and lines[2].endswith("-") and lines[1].endswith("1.5")


def test_nothing_in_json_is_no_json(capsys: pytest.CaptureFixture[str]) -> None:
    output.values({"a": float("nan"), "b": [float("inf"), 1], "c": Path("x")})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1], "c": "x"}


def test_a_text_cannot_steer_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output.text("a\x1b[2Jb\n")
    assert capsys.readouterr().out == "a\x1b[2Jb\n\n"
    monkeypatch.setattr(output.sys.stdout, "isatty", lambda: True)
    output.text("a\x1b[2Jb\n")
    assert "\x1b" not in capsys.readouterr().out
