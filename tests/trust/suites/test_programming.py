"""Programs pass or fail for the reason that is told; hostile ones end."""

from __future__ import annotations

import pytest

from genloom.trust.suites import layouts, programming
from genloom.trust.suites.outcome import Asked

SUITE = layouts.named("humaneval")[0].suite
ROW = {
    "prompt": "def double(x):\n",
    "entry_point": "double",
    "test": "def check(f):\n    assert f(2) == 4, 'two'\n",
    "canonical_solution": "    return 2 * x\n",
}
WRITTEN = {
    "    return x + x\n": "",
    "    return x\n": "AssertionError: two",
    "    return (\n": "SyntaxError",
    "    while True: pass\n": "timeout",
    "    raise SystemExit(0)\n": "left before its last test",
    "    import os; os._exit(0)\n": "left before its last test",
    "    import os\n    while True: os.fork()\n": "",
    "    print('x' * 3_000_000)\n": "flood",
}


@pytest.fixture
def asked() -> Asked:
    return Asked(suite=SUITE, rows=[ROW], contexts=[""], samples=1, seed=0, tell=lambda stage: None)


@pytest.mark.parametrize(("text", "wanted"), WRITTEN.items())
def test_programs_are_judged_by_running_them(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, text: str, wanted: str
) -> None:
    endless = "while" in text
    monkeypatch.setattr(programming, "SECONDS", 1.0 if endless else 30.0)
    (why,) = programming.run([programming.program(SUITE, ROW, text)], asked)
    assert why.startswith(wanted)
    assert bool(why) == (endless or bool(wanted))  # of forks the first limit met is the system's


def test_floor_and_ceiling_are_programs_too(asked: Asked) -> None:
    assert programming._of_template(SUITE, asked, SUITE.idle) == 0.0
    assert programming._of_template(SUITE, asked, SUITE.reference) == 1.0
    assert programming._of_template(SUITE, asked, "{solution}") is None
    assert programming._of_template(SUITE, asked, "") is None
