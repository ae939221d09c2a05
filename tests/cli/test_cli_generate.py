"""`genloom generate`: every medium to where it belongs, through pipes, with its record."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import START, Shell, one_error
from PIL import Image

from genloom.cli.generate import RULE

pandas = pytest.importorskip("pandas")

SHORT = ("--max-tokens", "12")


# --- texts ------------------------------------------------------------------------------------


def test_one_text_streams_and_equals_the_same_text_in_one_piece(
    shell: Shell, text_model: str
) -> None:
    streamed = shell("generate", text_model, "the cat", "--seed", "5", *SHORT)
    whole = shell("generate", text_model, "the cat", "--seed", "5", "--json", *SHORT)
    told = json.loads(whole.out)
    assert streamed.code == 0 and streamed.err == ""
    assert streamed.out == told["items"][0] + "\n"
    assert streamed.out.startswith("the cat") and len(streamed.out) > len("the cat\n")
    assert told["record"]["seed"] == 5 and told["record"]["prompt"] == "the cat"
    other = shell("generate", text_model, "the cat", "--seed", "6", *SHORT)
    assert other.out != streamed.out


def test_the_prompt_comes_from_stdin(shell: Shell, text_model: str) -> None:
    piped = shell("generate", text_model, "-", *SHORT, stdin=b"the dog\n")
    given = shell("generate", text_model, "the dog", *SHORT)
    assert piped.out == given.out


def test_several_texts_have_a_line_between_them(shell: Shell, text_model: str) -> None:
    ran = shell("generate", text_model, "-n", "3", *SHORT)
    told = json.loads(shell("generate", text_model, "-n", "3", "--json", *SHORT).out)
    assert ran.out == f"\n{RULE}\n".join(told["items"]) + "\n"
    assert len(told["items"]) == 3


def test_a_stop_string_ends_the_text_and_is_never_shown(shell: Shell, text_model: str) -> None:
    free = shell("generate", text_model, "the", "--max-tokens", "40").out.rstrip("\n")
    stop = free[15:18]
    ran = shell("generate", text_model, "the", "--max-tokens", "40", "--stop", stop)
    assert ran.out == free[: free.index(stop, 3)] + "\n"


def test_what_may_become_a_stop_string_waits() -> None:
    from genloom.cli.generate import _before_stop

    assert _before_stop("a b\n", ("\n\n",)) == "a b"
    assert _before_stop("a b\nc", ("\n\n",)) == "a b\nc"
    assert _before_stop("one END", ("ENDING", "x")) == "one "
    assert _before_stop("all", ()) == "all"


def test_a_reader_that_leaves_is_no_failure(text_model: str) -> None:
    command = [*START, "generate", text_model, "-n", "400", "--max-tokens", "30"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with running:
        assert running.stdout is not None and running.stderr is not None
        assert running.stdout.read(5)
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def test_texts_in_files_can_be_checked_traced_and_made_again(
    shell: Shell, text_model: str, tmp_path: Path
) -> None:
    ran = shell("generate", text_model, "the", "-n", "2", "-o", tmp_path / "out", *SHORT)
    paths = [Path(line) for line in ran.out.splitlines()]
    assert len(paths) == 2 and all(p.suffix == ".txt" and p.is_file() for p in paths)

    verdict = shell("verify", paths[1], "--json")
    assert verdict.code == 0 and json.loads(verdict.out)["ok"] is True
    again = shell("replay", paths[1], "-o", tmp_path / "again.txt")
    assert Path(again.out.strip()).read_bytes() == paths[1].read_bytes()
    traced = json.loads(shell("trace", paths[1], "-n", "2", "--json").out)
    assert len(traced["neighbours"]) == 2
    assert "training item" in shell("trace", paths[1]).out

    paths[1].write_text("something else", "utf-8")
    changed = shell("verify", paths[1])
    assert changed.code == 1 and "the content is not what" in changed.out


# --- tables -----------------------------------------------------------------------------------


def test_rows_are_csv_on_stdout(shell: Shell, table_model: str) -> None:
    ran = shell("generate", table_model, "-n", "30")
    frame = pandas.read_csv(io.StringIO(ran.out))
    assert list(frame.columns) == ["age", "group", "pay"] and len(frame) == 30
    assert ran.err == ""


@pytest.mark.parametrize("given", [["--where", "group = 'old'"], ["group = 'old'"]])
def test_conditions_hold(shell: Shell, table_model: str, given: list[str]) -> None:
    ran = shell("generate", table_model, *given, "-n", "20", "--json")
    told = json.loads(ran.out)
    assert len(told["items"]) == 20 and {row["group"] for row in told["items"]} == {"old"}


def test_rows_in_a_file_carry_their_record(shell: Shell, table_model: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    ran = shell("generate", table_model, "-n", "25", "-o", path)
    assert ran.out == f"{path}\n" and len(pandas.read_parquet(path)) == 25
    assert json.loads(shell("verify", path, "--json").out)["place"] == "inside"

    bare = tmp_path / "bare.csv"
    shell("generate", table_model, "-n", "5", "-o", bare, "--no-record")
    assert [p.name for p in tmp_path.glob("bare*")] == ["bare.csv"]
    assert shell("verify", bare).code == 1


# --- pictures ---------------------------------------------------------------------------------


def test_pictures_go_to_files_with_free_names(
    shell: Shell, image_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fast = ("--steps", "2")
    first = shell("generate", image_model, "top", *fast)
    second = shell("generate", image_model, "top", *fast)
    assert first.out == "bright-0-0000.png\n" and second.out == "bright-0-0001.png\n"
    assert Path("bright-0-0000.png").read_bytes() != b""
    with Image.open("bright-0-0000.png") as image:
        assert image.size == (8, 8)
    many = shell("generate", image_model, "bottom", "-n", "3", "-o", "x.png", "--json", *fast)
    files = json.loads(many.out)["files"]
    assert len(files) == 3 and all(Path(f).name.startswith("x-") for f in files)
    assert shell("verify", files[2]).code == 0


def test_a_grid_is_one_sheet(shell: Shell, image_model: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    ran = shell("generate", image_model, "-n", "4", "--grid", "-o", path, "--steps", "2")
    assert ran.out == f"{path}\n"
    with Image.open(path) as image:
        assert image.width > 16
    ran = shell("generate", image_model, "--grid", "-o", tmp_path / "folder")
    assert ran.code == 2
    one_error(ran, "--grid", "folder.png")


def test_words_that_were_never_learnt_are_named(
    shell: Shell, image_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = shell("generate", image_model, "sideways", "-o", tmp_path / "x.png")
    assert ran.code == 2  # a class that does not exist
    one_error(ran, "sideways", "top")

    class Known:
        def unknown(self, text: str) -> list[str]:
            return ["purple"]

    from genloom.cli import generate

    warned: list[str] = []
    monkeypatch.setattr(generate, "warn", warned.append)
    model = generate.settings.load(image_model)
    want = generate.Want(
        model=model,
        name="m",
        request=_request("top"),
        target=None,
        grid=False,
        json=False,
        recorded=True,
    )
    monkeypatch.setattr(model.prompt, "unknown", Known().unknown, raising=False)
    generate._check(want)
    assert warned == ["the model never learnt 'purple'"]


def _request(prompt: str) -> object:
    from genloom.spec import Request

    return Request(prompt=prompt)


# --- what cannot be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["MODEL", "--steps", "3"], ["steps", "temperature"]),
        (["MODEL", "--temperature", "-1"], ["temperature"]),
        (["MODEL", "-n", "0"], ["count"]),
        (["MODEL", "--where", "age > 3"], ["where"]),
        (["MODEL", "x" * 500], ["context"]),
        (["MODEL", "--temprature", "1"], ["--temperature"]),
        (["MODEL", "--solver", "magic"], ["magic", "euler"]),
    ],
)
def test_what_a_model_cannot_do_is_misuse(
    shell: Shell, text_model: str, tokens: list[str], words: list[str]
) -> None:
    ran = shell("generate", *(text_model if t == "MODEL" else t for t in tokens))
    assert ran.code == 2
    one_error(ran, *words)


def test_an_injection_is_no_condition(shell: Shell, table_model: str) -> None:
    for where in ("__import__('os').system('id')", "nothing = 1", "age > 500"):
        ran = shell("generate", table_model, "--where", where)
        assert ran.code == 2, where
        one_error(ran)


def test_an_unknown_model_lists_the_known(shell: Shell, text_model: str) -> None:
    ran = shell("generate", "dogs")
    assert ran.code == 1
    one_error(ran, "'dogs'", text_model)


@pytest.mark.parametrize("harm", ["flip", "cut", "lose", "pickle"])
def test_a_damaged_or_unsafe_model_is_refused(
    shell: Shell, text_model: str, home: Path, tmp_path: Path, harm: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home / "models" / text_model, copy)
    weights = copy / "model.safetensors"
    content = bytearray(weights.read_bytes())
    if harm == "flip":
        content[len(content) // 2] ^= 1
        weights.write_bytes(content)
    elif harm == "cut":
        os.truncate(weights, len(content) // 2)
    elif harm == "lose":
        weights.unlink()
    else:
        (copy / "extra.pkl").write_bytes(b"\x80\x04N.")
    ran = shell("generate", copy)
    assert ran.code == 1
    one_error(ran, "extra.pkl" if harm == "pickle" else "model.safetensors")
