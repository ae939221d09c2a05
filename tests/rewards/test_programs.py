"""The user's own rewards: what works, and each way to break, named in one line."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from genloom.codec.pair.task import task
from genloom.errors import RewardError
from genloom.rewards.base import Try, judged
from genloom.rewards.named import reward_of
from genloom.rewards.programs import FunctionFile, OwnFunction, Program

FILE = """
import os, time

count = 0

def by_length(item):
    print("printed, and no number")
    global count
    count += 1
    return {
        "hang": lambda: time.sleep(60),
        "nan": lambda: float("nan"),
        "raise": lambda: {}["missing"],
        "text": lambda: "high",
        "none": lambda: None,
        "exit": lambda: os._exit(3),
        "count": lambda: count,
    }.get(item["completion"], lambda: len(item["completion"]) + item["bonus"])()

not_a_function = 3
"""


def tries(*completions: str) -> list[Try]:
    return [Try(task=task({"prompt": "p", "bonus": 10}), completion=c) for c in completions]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(FILE)
    return path


def program(code: str, **limits: float) -> Program:
    return Program(f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}", **limits)


def failed(reward: Any, some: Sequence[Try]) -> str:
    with pytest.raises(RewardError) as raised:
        judged(reward, some, 4)
    reward.close()
    assert "step 4" in str(raised.value) and "\n" not in str(raised.value)
    return str(raised.value)


# ---- a function in a file


def test_a_function_in_a_file_is_asked_item_by_item(file: Path) -> None:
    reward = reward_of(f"{file}:by_length")
    assert reward(tries("a", "abc")) == [11.0, 13.0]
    assert reward(tries("count")) == [3.0]  # it is the same process, until it is closed
    reward.close()
    assert reward(tries("count")) == [1.0]
    reward.close()


@pytest.mark.parametrize(
    ("completion", "said"),
    [
        ("nan", "nan"),
        ("raise", "KeyError: 'missing'"),
        ("text", "'high', but a number"),
        ("none", "no number"),
        ("exit", "status 3"),
    ],
)
def test_a_broken_function_is_named(file: Path, completion: str, said: str) -> None:
    told = failed(reward_of(f"{file}:by_length"), tries("a", completion, "b"))
    assert said in told and "try 2 of 3" in told


def test_a_function_that_hangs_is_ended(file: Path) -> None:
    reward = FunctionFile(f"{file}:by_length", seconds=0.5)
    began = time.monotonic()
    assert "has not answered in time" in failed(reward, tries("hang"))
    assert time.monotonic() - began < 20 and reward.talk is None


@pytest.mark.parametrize(
    ("name", "said"), [("missing", "no function missing"), ("not_a_function", "no function")]
)
def test_a_name_that_is_no_function_is_said(file: Path, name: str, said: str) -> None:
    assert said in failed(reward_of(f"{file}:{name}"), tries("a"))


# ---- a program


def test_a_program_reads_lines_and_writes_numbers() -> None:
    code = "import sys, json\nfor l in sys.stdin: print(len(json.loads(l)['completion']))"
    assert program(code)(tries("a", "abc")) == [1.0, 3.0]
    assert program(code)(tries(*["x" * 5000] * 100)) == [5000.0] * 100


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print(1)", "status 0 after 1 number"),
        ("for i in range(9): print(i)", "more lines than there are tries"),
        ("print('high'); print(1)", "'high'"),
        ("print('nan'); print(1)", "nan"),
        ("print('1e999'); print(1)", "inf"),
        ("import sys\nwhile 1: sys.stdout.write('x' * 999)", "without an end"),
        ("raise ValueError('no good')", "ValueError: no good"),
        ("import sys; sys.exit(3)", "status 3"),
    ],
)
def test_a_broken_program_is_named(code: str, said: str) -> None:
    assert said in failed(program(code), tries("a", "b"))


def test_a_program_that_hangs_is_ended() -> None:
    reward = program("import time; time.sleep(60)", seconds=0.2, start=0.2)
    began = time.monotonic()
    assert "has not answered in time" in failed(reward, tries("a", "b"))
    assert time.monotonic() - began < 20


# ---- a function of this process


def test_a_function_given_in_python() -> None:
    reward = reward_of(lambda item: item["bonus"])
    assert reward(tries("a", "b")) == [10.0, 10.0]


def test_a_function_given_in_python_may_break() -> None:
    assert "ZeroDivisionError" in failed(OwnFunction(lambda item: 1 / 0), tries("a"))
    assert "a number is expected" in failed(OwnFunction(lambda item: "x"), tries("a"))
    assert "inf" in failed(OwnFunction(lambda item: float("inf")), tries("a"))
    slow = OwnFunction(lambda item: time.sleep(1), seconds=0.1)
    assert "has not ended" in failed(slow, tries("a"))
