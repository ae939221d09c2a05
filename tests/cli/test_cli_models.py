"""`models`, `show`, `rm`, `eval`, `doctor`, `completion`: what is printed and what is asked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import Shell, one_error


def test_models_are_listed_with_their_headline(
    shell: Shell, text_model: str, table_model: str, home: Path
) -> None:
    told = {each["name"]: each for each in json.loads(shell("models", "--json").out)}
    assert told[text_model]["medium"] == "text" and told[text_model]["family"] == "autoregressive"
    assert told[text_model]["metric"] == "held_out_loss" and told[text_model]["parameters"] > 1000
    assert not any(name.endswith(".run") for name in told)
    lines = shell("models").out.splitlines()
    assert lines[0].split()[:2] == ["name", "medium"]
    assert any(line.startswith(table_model) and "table" in line for line in lines)


def test_a_damaged_model_is_listed_as_such(shell: Shell, text_model: str, home: Path) -> None:
    broken = home / "models" / "broken"
    shutil.copytree(home / "models" / text_model, broken)
    (broken / "card.json").write_text("{", "utf-8")
    told = {each["name"]: each for each in json.loads(shell("models", "--json").out)}
    assert told["broken"]["medium"] == "damaged"
    ran = shell("show", "broken")
    assert ran.code == 1
    one_error(ran, "card.json")
    shutil.rmtree(broken)


def test_show_tells_what_it_learnt_from(shell: Shell, text_model: str, texts: Path) -> None:
    ran = shell("show", text_model)
    assert str(texts) in ran.out and "held_out_loss" in ran.out and "transformer" in ran.out
    told = json.loads(shell("show", text_model, "--json").out)
    assert told["recipe"]["codec"]["kind"] == "text"
    assert told["card"]["data"]["root"] == str(texts)


def test_rm_asks_or_is_told(shell: Shell, text_model: str, home: Path) -> None:
    copy = home / "models" / "spare"
    shutil.copytree(home / "models" / text_model, copy)
    ran = shell("rm", "spare")
    assert ran.code == 2 and copy.is_dir()
    one_error(ran, "--yes")
    ran = shell("rm", "spare", "--yes")
    assert ran.code == 0 and not copy.exists()
    assert shell("rm", "spare", "--yes").code == 1


def test_rm_on_a_terminal_takes_no_for_an_answer(
    shell: Shell, text_model: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genloom.cli import models

    monkeypatch.setattr(models, "_agreed", lambda path: False)
    ran = shell("rm", text_model)
    assert ran.code == 0 and "kept" in ran.err
    assert (home / "models" / text_model).is_dir()


def test_eval_prints_floors_and_ceilings(shell: Shell, text_model: str, texts: Path) -> None:
    ran = shell("eval", text_model, texts, "-n", "4", "--json", "-q")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    first = told["rows"][0]
    assert {"metric", "value", "floor", "ceiling", "better"} <= set(first)
    assert told["protocol"]["data"] == str(texts) and ran.err == ""
    ran = shell("eval", text_model, texts, "-n", "4")
    assert ran.out.splitlines()[0].split() == [
        "metric",
        "value",
        "floor",
        "ceiling",
        "better",
        "note",
    ]
    assert "reading the data" in ran.err


def test_eval_names_what_is_missing(shell: Shell, text_model: str) -> None:
    ran = shell("eval", text_model, "nowhere.txt", "-q")
    assert ran.code == 1
    one_error(ran, "nowhere.txt")


def test_doctor_knows_this_machine(
    shell: Shell, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(shell("doctor", "--json").out)
    assert told["home"] == str(home) and told["faults"] == [] and told["extras"]["pandas"]
    monkeypatch.setenv("GENLOOM_DEVICE", "abacus")
    ran = shell("doctor")
    assert ran.code == 1 and "abacus" in ran.err


def test_a_device_that_is_not_there_is_misuse(
    shell: Shell, text_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOOM_DEVICE", "cuda:99")
    ran = shell("generate", text_model)
    assert ran.code == 2
    one_error(ran, "cuda:99", "cpu")


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: Shell, shell_name: str) -> None:
    ran = shell("completion", shell_name)
    assert ran.code == 0
    assert "genloom" in ran.out and len(ran.out) > 200
    assert shell("completion", "tcsh").code == 2


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (["trian"], ["trian", '"train"']),
        (["data", "inspekt", "x"], ["inspekt", '"inspect"']),
        (["show"], ["MODEL"]),
        (["show", "a", "b"], ["b"]),
        (["models", "--jsno"], ["--jsno", "--json"]),
    ],
)
def test_unknown_commands_and_flags_suggest(
    shell: Shell, tokens: list[str], words: list[str]
) -> None:
    ran = shell(*tokens)
    assert ran.code == 2
    one_error(ran, *words)


def test_a_traceback_only_for_whoever_asks(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOOM_LOG", "debug")
    ran = shell("show", "nobody")
    assert ran.code == 1 and "Traceback" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: no model 'nobody'")


def test_a_fault_of_ours_is_one_line_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from genloom.cli import settings

    def broken() -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(settings, "store", broken)
    ran = shell("models")
    assert ran.code == 1
    one_error(ran, "RuntimeError: two lines", "GENLOOM_LOG=debug")


def test_version_is_one_word(shell: Shell) -> None:
    import genloom

    assert shell("--version").out == f"{genloom.__version__}\n"
