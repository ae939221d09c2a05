"""A training killed at any step and gone on with ends with the same weights, bit by bit, for every
family: averages, Muon, patience and the best weights so far included."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from toys import MADE, job

from genloom.errors import Stopped
from genloom.train.loop import Loop

STEPS = 21
HOW = {"ema": 0.1, "muon_rate": 0.01, "judge": 3, "patience": 99}


def judge(model) -> dict[str, float]:
    """Any number that follows from the weights: the best is somewhere in the middle."""
    return {"size": sum(float(p.detach().double().abs().sum()) for p in model.nets.parameters())}


def finished(made, run: Path, **rest) -> tuple[str, dict]:
    ready = job(made, run, judge=judge, **rest)
    loop = Loop(ready)
    loop.fit()
    return ready.model.digest(), {"best": loop.best, "best_step": loop.best_step}


class Killed(BaseException):
    """Nothing of ours catches it."""


def killed_at(step: int):
    def listener(event) -> None:
        if event.kind == "step" and event.step == step:
            raise Killed

    return listener


LONG = {  # seconds each, or by the way of another that is tried
    "sound by vocoder, before a critic",
    "text by reward",
    "picture through a latent, before a critic",
    "picture in few steps, before a critic",
    "picture by flow of latents",
    "picture by edges",
    "picture by class",
    "clip by flow",
    "row by transformer",
    "sound by flow",
    "sound by codes",
}


def each() -> list:
    slow = pytest.mark.slow
    return [pytest.param(n, marks=slow) if n in LONG else n for n in MADE]


@pytest.mark.parametrize("name", each())
def test_killed_and_resumed(tmp_path, name):
    """Saved after every step, killed at two places in a row, then let run to the end."""
    made = MADE[name](steps=STEPS, **HOW)
    whole = finished(made, tmp_path / "whole")
    often = MADE[name](steps=STEPS, **HOW, save_seconds=0.0)
    rng = random.Random(name)
    places = sorted(rng.sample(range(1, STEPS), 2))
    for number, place in enumerate(places):
        with pytest.raises(Killed):
            finished(often, tmp_path / "cut", listener=killed_at(place), resume=number > 0)
    assert finished(often, tmp_path / "cut", resume=True) == whole, places


@pytest.mark.parametrize("name", ["text", "row by GAN"])
def test_stopped_and_resumed(tmp_path, name):
    made = MADE[name](steps=STEPS, **HOW)
    whole = finished(made, tmp_path / "whole")
    polls = iter([False] * 6 + [True])
    with pytest.raises(Stopped, match=f"step 7 of {STEPS}"):
        finished(made, tmp_path / "cut", stop=lambda: next(polls))
    assert finished(made, tmp_path / "cut", resume=True) == whole


def test_patience_goes_on_waiting(tmp_path):
    """The wait that was under way when it was killed ends when it would have ended."""
    how = {"steps": 40, "judge": 2, "patience": 4, "save_seconds": 0.0}
    made = MADE["row by flow"](**how)
    scores = {2: 3.0, 4: 1.0}

    def run(folder: Path, **rest) -> tuple[int, str]:
        ready = job(made, folder, **rest)
        loop = Loop(ready)
        ready.judge = lambda model: {"score": scores.get(loop.step, 2.0)}
        outcome = loop.fit()
        assert loop.best_step == 4
        return outcome.steps, ready.model.digest()

    whole = run(tmp_path / "whole")
    assert whole[0] == 12
    with pytest.raises(Killed):
        run(tmp_path / "cut", listener=killed_at(9))
    assert run(tmp_path / "cut", resume=True) == whole


PROGRAM = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import torch
    from toys import MADE, job
    from genloom.train.loop import Loop
    torch.set_num_threads(1)
    made = MADE["picture by GAN"](steps=40, save_seconds=0.0)
    run = Path(sys.argv[1])
    ready = job(made, run, resume="resume" in sys.argv)
    Loop(ready).fit()
    print(ready.model.digest())
"""


@pytest.mark.slow
def test_a_process_killed_without_warning(tmp_path):
    """SIGKILL at moments nobody chose, saves under way included."""
    program = textwrap.dedent(PROGRAM.format(tests=str(Path(__file__).parents[1])))
    run = tmp_path / "cut"

    def start(*words: str) -> subprocess.Popen:
        command = [sys.executable, "-c", program, str(run), *words]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    for words, wait in (((), 0.05), (("resume",), 0.21)):
        lines = _lines(run)
        with start(*words) as process:
            while _lines(run) <= lines + 1 and process.poll() is None:
                time.sleep(0.01)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    assert _lines(run) > 2
    with start("resume") as process:
        digest = process.communicate()[0].strip()
    whole = job(MADE["picture by GAN"](steps=40), tmp_path / "whole")
    Loop(whole).fit()
    assert digest == whole.model.digest()


def _lines(run: Path) -> int:
    file = run / "metrics.jsonl"
    return file.read_text().count("\n") if file.is_file() else 0
