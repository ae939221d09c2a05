"""When a training stops, is judged and shows what it makes."""

from __future__ import annotations

import json

import pytest
import torch
from toys import MADE, job

from genloom.errors import Stopped
from genloom.train import checkpoint
from genloom.train.loop import Loop

NAME = "row by transformer"


def kinds(run, kind):
    lines = (run / "metrics.jsonl").read_text().splitlines()
    return [line["step"] for line in map(json.loads, lines) if line["kind"] == kind]


def test_a_stop_saves_and_says_so_and_the_run_goes_on_as_if_unbroken(tmp_path):
    made = MADE[NAME](steps=12)
    whole = job(made, tmp_path / "whole")
    Loop(whole).fit()
    polls = iter([False] * 4 + [True])
    with pytest.raises(Stopped, match="stopped at step 5 of 12"):
        Loop(job(made, tmp_path / "run", stop=lambda: next(polls))).fit()
    assert checkpoint.load(tmp_path / "run")[1]["step"] == 5
    assert kinds(tmp_path / "run", "stop") == [5]
    rest = job(made, tmp_path / "run", resume=True)
    Loop(rest).fit()
    assert rest.model.digest() == whole.model.digest()
    assert kinds(tmp_path / "run", "step") == list(range(1, 13))


def test_a_second_without_a_save_is_too_long_when_the_recipe_says_so(tmp_path):
    Loop(job(MADE[NAME](steps=3, save_seconds=0.0), tmp_path)).fit()
    assert kinds(tmp_path, "save") == [1, 2, 3]


def test_patience_stops_early_and_keeps_the_best(tmp_path):
    scores, seen = iter([3.0, 1.0, 2.0, 2.5]), []

    def judge(model):
        seen.append([p.detach().clone() for p in model.nets.parameters()])
        return {"loss": next(scores)}

    ready = job(MADE[NAME](steps=100, judge=5, patience=2, ema=0.0), tmp_path, judge=judge)
    with pytest.raises(StopIteration):  # the final judgement has no score of its own left
        Loop(ready).fit()
    assert kinds(tmp_path, "judge") == [5, 10, 15, 20]
    last = list(ready.model.nets.parameters())
    assert all(torch.equal(a, b) for a, b in zip(last, seen[1], strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(last, seen[3], strict=True))


def test_without_patience_the_last_weights_stay(tmp_path):
    scores, seen = iter([1.0, 2.0, 3.0]), []

    def judge(model):
        seen.append([p.detach().clone() for p in model.nets.parameters()])
        return {"loss": next(scores)}

    ready = job(MADE[NAME](steps=12, judge=4), tmp_path, judge=judge)
    outcome = Loop(ready).fit()
    assert outcome.steps == 12 and outcome.metrics == {"loss": 3.0}
    last = list(ready.model.nets.parameters())
    assert all(torch.equal(a, b) for a, b in zip(last, seen[2], strict=True))


def test_previews_and_judgements_are_made_when_due(tmp_path):
    shown, judged = [], []

    def preview(model, step):
        assert not model.nets.training
        shown.append(step)
        return tmp_path / f"{step}"

    def judge(model):
        assert not model.nets.training
        judged.append(1)
        return {"loss": 1.0}

    ready = job(MADE[NAME](steps=10, judge=3, preview=4), tmp_path, judge=judge, preview=preview)
    Loop(ready).fit()
    assert shown == [4, 8, 10]  # and once at the end
    assert kinds(tmp_path, "judge") == [3, 6, 9] and len(judged) == 4


def test_looking_at_a_model_does_not_change_its_training(tmp_path):
    plain = job(MADE[NAME](steps=10), tmp_path / "plain")
    Loop(plain).fit()
    looked = job(
        MADE[NAME](steps=10, judge=3, preview=4),
        tmp_path / "looked",
        judge=lambda model: {"loss": float(torch.rand(()))},
        preview=lambda model, step: None,
    )
    Loop(looked).fit()
    assert plain.model.digest() == looked.model.digest()
