"""`genloom train` and `plan`: what is said where, what is kept, and what happens on Ctrl-C."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from commands import WORDS, Shell, Start, one_error, tiny, wait_for

FOREVER = 1_000_000


def test_the_result_is_on_stdout_and_the_story_on_stderr(
    shell: Shell, texts: Path, home: Path
) -> None:
    ran = shell("train", "text", texts, "--out", "told", *tiny(train__preview=12))
    assert ran.code == 0, ran.err
    assert f"path           {home / 'models' / 'told'}" in ran.out.splitlines()
    assert "held_out_loss" in ran.out and "step " not in ran.out
    for word in ("reading ", "read 1 items", "plan: text tiny", "step 1/12", "preview: ", "next:"):
        assert word in ran.err
    assert "genloom generate told" in ran.err and "tokens/s" not in ran.err.splitlines()[0]
    assert (home / "models" / "told" / "model.safetensors").is_file()


def test_json_is_one_object_and_quiet_is_quiet(shell: Shell, texts: Path, home: Path) -> None:
    ran = shell("train", "text", texts, "--json", "--quiet", "--license", "CC0-1.0", *tiny())
    told = json.loads(ran.out)
    assert (
        told["model"] == "cats-text" and told["steps"] == 12 and "held_out_loss" in told["metrics"]
    )
    assert told["data"]["licence"] == "CC0-1.0"
    assert ran.err == ""


def test_data_from_stdin_is_kept_for_later(shell: Shell, home: Path) -> None:
    ran = shell("train", "text", "-", "--json", "-q", *tiny(), stdin=(WORDS * 30).encode())
    told = json.loads(ran.out)
    assert told["model"] == "stdin-text"
    assert Path(told["data"]["root"]).read_text("utf-8") == WORDS * 30


def test_a_name_is_made_of_data_and_medium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genloom.cli.source import name_for

    (tmp_path / "my.notes").mkdir()
    monkeypatch.chdir(tmp_path / "my.notes")
    assert name_for(".", "text") == "my.notes-text"
    assert name_for("../rows.csv.gz", "table-gan") == "rows-table-gan"


def test_plan_says_memory_time_and_cost_and_keeps_nothing(
    shell: Shell, texts: Path, home: Path
) -> None:
    before = sorted((home / "models").iterdir()) if (home / "models").is_dir() else []
    ran = shell("plan", "text", texts, "--price", "3600", "--json", *tiny())
    told = json.loads(ran.out)
    assert told["cost"] == pytest.approx(told["seconds"])
    assert told["peak_bytes"] > 1e6 and told["steps"] == 12
    ran = shell("plan", "text", texts, *tiny())
    assert "memory" in ran.out and "time" in ran.out and "cost" not in ran.out
    assert "tinyshakespeare" in ran.out and "On other data it is another" in ran.out
    assert before == (sorted((home / "models").iterdir()) if before else before)


def test_a_recipe_file_is_a_medium(shell: Shell, text_model: str, texts: Path, home: Path) -> None:
    recipe = home / "models" / text_model / "recipe.json"
    ran = shell("train", recipe, texts, "--out", "again", "--set", "train.steps=3", "--json", "-q")
    assert json.loads(ran.out)["steps"] == 3


# --- what cannot be ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "code", "words"),
    [
        (["txt", "DATA"], 2, ["'txt'", "'text'"]),
        (["text", "nowhere.txt"], 1, ["nowhere.txt", "does not exist"]),
        (["text", "EMPTY"], 1, ["empty"]),
        (["text", "FOLDER"], 1, ["FOLDER"]),
        (["text", "DATA", "--set", "train.stps=3"], 2, ["stps", "'steps'"]),
        (["text", "DATA", "--set", "steps"], 2, ["key=value"]),
        (["text", "DATA", "--size", "huge"], 2, ["huge", "tiny"]),
        (["text", "DATA", "--minutes", "1", "--size", "tiny"], 2, ["not both"]),
        (["text", "DATA", "--minutes", "0"], 2, ["minutes"]),
        (["text", "DATA", "--minute", "1"], 2, ["--minutes"]),
        (["text", "DATA", "--resume", "--out", "never-begun"], 1, ["nothing to resume"]),
        (["text"], 2, ["DATA"]),
        (["text", "-"], 1, ["stdin"]),
        (["none.json", "DATA"], 2, ["none.json"]),
    ],
)
def test_misuse_is_told_in_one_line(
    shell: Shell, texts: Path, tmp_path: Path, tokens: list[str], code: int, words: list[str]
) -> None:
    (tmp_path / "EMPTY").write_bytes(b"")
    (tmp_path / "FOLDER").mkdir()
    places = {"DATA": texts, "EMPTY": tmp_path / "EMPTY", "FOLDER": tmp_path / "FOLDER"}
    ran = shell("train", *(places.get(t, t) for t in tokens), "-q")
    assert ran.code == code
    one_error(ran, *words)


def test_a_place_that_cannot_be_written(shell: Shell, texts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    ran = shell("train", "text", texts, "--out", tmp_path / "file" / "model", "-q", *tiny())
    assert ran.code == 1
    one_error(ran, "cannot be written", "--out")


# --- Ctrl-C -------------------------------------------------------------------------------------


def test_ctrl_c_saves_and_resume_finishes(
    shell: Shell, start: Start, texts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    running = start("train", "text", texts, "--out", out, *tiny(300))
    wait_for(running, "step 1/")

    busy = shell("train", "text", texts, "--out", out, "-q", *tiny())
    assert busy.code == 1
    one_error(busy, "is being trained", str(running.pid))

    running.send_signal(signal.SIGINT)
    said, err = running.communicate(timeout=60)
    assert running.returncode == 130 and said == ""
    assert err.splitlines()[-1].startswith("error: stopped at step ")
    assert f"genloom train text {texts} --out {out} --resume" in err
    run = tmp_path / "stopped.run"
    assert (run / "checkpoint").is_dir() and not out.exists()

    ran = shell("train", "text", texts, "--out", out, "--resume", "--json", "-q")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["steps"] == 300


@pytest.mark.slow
def test_ctrl_c_twice_leaves_at_once(start: Start, texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "left"
    slow = tiny(FOREVER, data__batch=256, net__net__width=64)
    running = start("train", "text", texts, "--out", out, *slow)
    wait_for(running, "step 1/")
    running.send_signal(signal.SIGINT)
    wait_for(running, "Ctrl-C again")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "left at once" in err and "--resume" in err and "Traceback" not in err
    assert (tmp_path / "left.run" / "checkpoint").is_dir()


def test_ctrl_c_before_the_first_step_has_nothing_to_save(
    start: Start, texts: Path, tmp_path: Path
) -> None:
    slow = tiny(FOREVER, data__batch=256, net__net__width=64)
    running = start("train", "text", texts, "--out", tmp_path / "early", *slow)
    wait_for(running, "read ")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1] == "error: interrupted"
