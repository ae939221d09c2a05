"""Programs pass or fail for the reason that is told; hostile ones end."""

from __future__ import annotations

import time

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
    "    print('x' * 100_000_000)\n": "flood",
}


@pytest.fixture
def asked() -> Asked:
    return Asked(suite=SUITE, rows=[ROW], contexts=[""], samples=1, seed=0, tell=lambda stage: None)


def test_programs_are_judged_by_running_them(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programming, "SECONDS", 1.0)
    begun = time.monotonic()
    whys = programming.run([programming.program(SUITE, ROW, text) for text in WRITTEN], asked)
    assert time.monotonic() - begun < 60
    for (text, wanted), why in zip(WRITTEN.items(), whys, strict=True):
        if "fork" in text:
            assert why  # which limit is met first is the system's
        else:
            assert why.startswith(wanted) and bool(why) == bool(wanted), (text, why)


def test_floor_and_ceiling_are_programs_too(asked: Asked) -> None:
    assert programming._of_template(SUITE, asked, SUITE.idle) == 0.0
    assert programming._of_template(SUITE, asked, SUITE.reference) == 1.0
    assert programming._of_template(SUITE, asked, "{solution}") is None
    assert programming._of_template(SUITE, asked, "") is None
