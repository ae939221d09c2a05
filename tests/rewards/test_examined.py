"""Tries that are programs: tests passed, and attempts to pass without passing."""

from __future__ import annotations

import pytest

from genloom.codec.pair.task import task
from genloom.rewards.base import Try
from genloom.rewards.examined import Examined, code_in

DOUBLE = ["assert f(1) == 2", "assert f(5) == 10"]


def worth(completion: str, tests: list[str] = DOUBLE, whole: bool = False, **fields: str) -> float:
    one = Try(task=task({"prompt": "p", "tests": tests, **fields}), completion=completion)
    (found,) = Examined(whole=whole, seconds=3.0)([one])
    return found


def test_the_share_of_tests_passed() -> None:
    assert worth("def f(x): return 2 * x") == 1.0
    assert worth("def f(x): return x + 1") == 0.5
    assert worth("def f(x): return x + 1", whole=True) == 0.0
    assert worth("def f(x) return") == 0.0


def test_code_in_a_fence_is_taken_out() -> None:
    assert code_in("Here:\n```python\nx = 1\n```\nThere.") == "x = 1\n"
    assert code_in("```\nx = 1") == "x = 1"
    assert worth("Sure!\n```python\ndef f(x):\n    return 2 * x\n```") == 1.0


def test_a_setup_goes_before() -> None:
    assert worth("def f(x): return g(x)", setup="def g(x): return 2 * x") == 1.0


@pytest.mark.parametrize(
    "cheat",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "print('passed'); print('0' * 32, 0)",
        "class E:\n  def __eq__(s, o): raise SystemExit\ndef f(x): return E()",
        "import builtins\nbuiltins.AssertionError = KeyError\nimport os; os.write(1, b'0 0\\n')",
        "while True: pass",
        "import os\nos.kill(os.getppid(), 9)",
    ],
)
def test_what_does_not_pass_is_worth_nothing(cheat: str) -> None:
    assert worth(cheat) == 0.0


def test_one_test_cannot_spoil_the_next() -> None:
    code = "done = []\ndef f(x):\n    done.append(x)\n    return 2 * x if len(done) == 1 else 0"
    assert worth(code) == 1.0


def test_equal_tries_run_once_and_all_are_told() -> None:
    one = Try(task=task({"prompt": "p", "tests": DOUBLE}), completion="def f(x): return 2 * x")
    other = Try(task=one.task, completion="def f(x): return 0")
    assert Examined(seconds=3.0)([one, other, one]) == [1.0, 0.0, 1.0]
