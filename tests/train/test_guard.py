"""What breaks a loss is skipped, then rolled back, then given up; what gets nowhere is named. In
real loops too."""

from __future__ import annotations

import random

import pytest
import torch
from toys import MADE, job

from genloom.errors import TrainingError
from genloom.train.guard import (
    EXPLODED,
    FALLEN,
    FIRST,
    PATIENCE,
    RISEN,
    ROLLBACKS,
    SETTLE,
    STILL,
    Course,
    Guard,
)
from genloom.train.loop import Loop


def settled() -> Guard:
    guard = Guard()
    for n in range(SETTLE + 10):
        assert guard.judge(1.0, 1.0 + 0.1 * (n % 3)) == "fine"
    return guard


@pytest.mark.parametrize("loss, norm", [(float("nan"), 1.0), (1.0, float("inf"))])
def test_what_is_not_finite_is_skipped_from_the_first_step(loss, norm):
    guard = Guard()
    assert guard.judge(loss, norm) == "skip"
    assert guard.skipped == 1 and guard.seen == 0


def test_a_spike_is_skipped_and_leaves_no_trace_in_the_mean():
    guard = settled()
    before = guard.mean, guard.variance
    assert guard.judge(1.0, 100.0) == "skip"
    assert (guard.mean, guard.variance) == before
    assert guard.judge(1.0, 1.1) == "fine"
    assert guard.bad == 0


def test_growth_that_is_no_spike_is_fine():
    guard = settled()
    assert guard.judge(50.0, 2.0) == "fine"


def test_five_bad_steps_in_a_row_roll_back_and_more_are_hopeless():
    guard = settled()
    for n in range(ROLLBACKS + 1):
        assert guard.hopeless is False
        verdicts = [guard.judge(float("nan"), 1.0) for _ in range(PATIENCE)]
        assert verdicts == ["skip"] * (PATIENCE - 1) + ["roll back"]
        assert guard.rollbacks == n + 1
    assert guard.hopeless


def test_state_round_trip():
    guard = settled()
    guard.judge(float("nan"), 1.0)
    assert Guard(**guard.state()) == guard


def test_a_poisoned_item_is_skipped_and_the_rest_learnt(tmp_path):
    ready = job(MADE["row by flow"](steps=20), tmp_path)
    ready.loader.source.groups[0][3] = float("nan")
    poisoned = sum(bool(ready.loader.batch(n).x.isnan().any()) for n in range(20))
    before = ready.model.digest()
    outcome = Loop(ready).fit()
    assert poisoned > 0 and outcome.skipped == poisoned and outcome.rollbacks == 0
    assert all(p.isfinite().all() for p in ready.model.nets.parameters())
    assert ready.model.digest() != before


def test_broken_weights_are_rolled_back_to_the_checkpoint(tmp_path):
    ready = job(MADE["row by flow"](steps=40), tmp_path)
    loop, heard = Loop(ready), []
    for _ in range(3):
        loop.advance(lambda *_, **__: None)
    loop.save()
    with torch.no_grad():
        loop.params[0].fill_(float("nan"))
    for _ in range(PATIENCE):
        loop.advance(lambda kind, step, **values: heard.append(values["verdict"]))
    assert heard == ["skip"] * (PATIENCE - 1) + ["roll back"]
    assert loop.step == 3
    outcome = loop.fit()
    assert outcome.steps == 40 and outcome.rollbacks == 1
    assert all(p.isfinite().all() for p in ready.model.nets.parameters())


def test_a_beginning_that_is_gone_back_to_is_judged_by_what_was_usual_then(tmp_path):
    """Norms fall as a training goes on: by those of its end, its beginning is one leap."""
    ready = job(MADE["row by flow"](steps=30), tmp_path)
    loop = Loop(ready)
    loop.save()
    for guard in loop.guards.values():  # far below what the first steps have
        guard.seen, guard.mean, guard.variance = SETTLE + 1, 1e-9, 1e-24
    for _ in range(PATIENCE):
        loop.advance(lambda *_, **__: None)
    outcome = loop.fit()
    assert outcome.steps == 30 and outcome.rollbacks == 1 and outcome.skipped == PATIENCE


def test_hopeless_data_ends_with_a_sentence(tmp_path):
    ready = job(MADE["row by flow"](steps=100), tmp_path)
    ready.loader.source.groups[0].fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"after 3 roll backs .*train\.rate=") as caught:
        Loop(ready).fit()
    assert "\n" not in str(caught.value)


# --- trainings that get nowhere


def found(losses, norm: float = 1.0) -> dict[str, int]:
    """What is found in this run of losses, and at which step."""
    course, out = Course(), {}
    for n, loss in enumerate(losses, 1):
        finding = course.see(loss, norm)
        if finding is not None and finding not in out:
            out[finding] = n
    return out


def noisy(steps: int, start: float, end: float, noise: float = 0.2, seed: int = 0) -> list[float]:
    rng = random.Random(seed)
    return [start + (end - start) * n / steps + rng.gauss(0, noise) for n in range(steps)]


def test_a_loss_that_falls_is_left_alone():
    assert found(noisy(400, 5.5, 2.0)) == {}
    assert found(noisy(400, 2.0, 1.5)) == {}
    assert found(noisy(50, 2.0, 2.0)) == {}  # too early to say


def test_a_loss_that_does_not_fall_is_named_once_and_early():
    for seed in range(8):
        course = Course()
        told = [course.see(loss, 1.0) for loss in noisy(1000, 2.0, 2.0, seed=seed)]
        assert told.count("flat") == 1 and set(told) == {None, "flat"}
        assert FALLEN - 1 <= told.index("flat") < 2 * FALLEN
    assert found([0.693147] * 300) == {"flat": FALLEN}


def test_no_gradient_is_the_end_unless_all_is_learnt():
    assert found([5.5] * STILL, norm=0.0) == {"dead": STILL}
    course = Course()
    for n in range(100):
        course.see(5.5 - 0.05 * n, 1.0)
    assert [course.see(0.0, 0.0) for _ in range(2 * STILL)] == [None] * 2 * STILL


def test_a_loss_far_above_its_beginning_is_named_and_then_the_end():
    told = found([2.0] * FIRST + [12.0] * (EXPLODED + 20))
    assert told["rising"] == FIRST + RISEN and told["exploded"] == FIRST + EXPLODED
    back = found([2.0] * FIRST + [12.0] * 40 + [1.5] * 400)
    assert "rising" in back and "exploded" not in back
    assert found([1e-4] * FIRST + [0.1] * 300).keys() == {"flat"}  # little is not far
    early = found([2.0] * 3 + [1e6] * 300)
    assert early == {"rising": 3 + RISEN, "exploded": 3 + EXPLODED}  # before the beginning is over


def test_course_round_trip():
    course = Course()
    for loss in noisy(60, 2.0, 1.0):
        course.see(loss, 1.0)
    assert Course(**course.state()) == course


@pytest.mark.parametrize("finding", ["dead", "flat", "rising", "exploded"])
def test_a_finding_is_a_line_that_says_what_to_try(finding):
    course = Course(seen=200, first=2.0, now=2.1, still=12)
    told = course.told(finding, 200, {"train.rate": 3e-3, "train.muon_rate": 0.0})
    assert "\n" not in told and "muon" not in told
    assert "--set train.rate=0.001" in told and ("what is frozen" in told) == (finding == "dead")


def heard_in(made, run, before=lambda loop: None) -> list:
    heard = []
    loop = Loop(job(made, run, listener=heard.append))
    before(loop)
    loop.fit()
    return [e for e in heard if e.kind == "guard"]


def test_a_training_without_a_rate_is_named(tmp_path):
    made = MADE["row by transformer"](steps=FALLEN + 30, rate=1e-12, muon_rate=0.0)
    (event,) = heard_in(made, tmp_path)
    assert event.values["verdict"] == "flat" and "has not fallen in" in event.values["told"]


def test_a_training_that_learns_is_not(tmp_path):
    assert heard_in(MADE["row by transformer"](steps=FALLEN + 30), tmp_path) == []


def test_a_net_that_no_gradient_reaches_ends_at_once(tmp_path):
    def cut(loop: Loop) -> None:
        torch.nn.init.zeros_(loop.nets["net"].transformer.norm.gain)

    with pytest.raises(TrainingError, match="no gradient has reached the weights for 10") as caught:
        heard_in(MADE["text"](steps=50), tmp_path, cut)
    assert "\n" not in str(caught.value)


def test_rates_far_too_high_end_with_a_sentence(tmp_path):
    made = MADE["row by flow"](steps=400, rate=1.0, muon_rate=0.0)
    words = r"stays far above its beginning of 1\.\d+ for 200 steps, .*train\.rate=0\.33"
    with pytest.raises(TrainingError, match=words):
        heard_in(made, tmp_path)
