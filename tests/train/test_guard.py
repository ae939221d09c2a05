"""What breaks a loss is skipped, then rolled back, then given up; in real loops too."""

from __future__ import annotations

import pytest
import torch
from toys import MADE, job

from genloom.errors import TrainingError
from genloom.train.guard import PATIENCE, ROLLBACKS, SETTLE, Guard
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
    ready.loader.source.x[3] = float("nan")
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


def test_hopeless_data_ends_with_a_sentence(tmp_path):
    ready = job(MADE["row by flow"](steps=100), tmp_path)
    ready.loader.source.x.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"after 3 roll backs .*train\.rate=") as caught:
        Loop(ready).fit()
    assert "\n" not in str(caught.value)
