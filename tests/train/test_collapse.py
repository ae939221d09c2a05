"""A GAN whose items become alike, or cover ever less, is named early and stopped; the best weights
stay."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from toys import MADE, job, points_job

from genloom.errors import TrainingError
from genloom.material import prepare
from genloom.model import Model
from genloom.recipe import Data, Part, Recipe, Train
from genloom.train.collapse import BEGUN, STAYED, WARNED, Coverage, Least
from genloom.train.log import silent
from genloom.train.loop import Job, Loop
from genloom.watch import judge_of

NAME = "picture by GAN"


def lines(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def told(run: Path) -> list[dict]:
    return [line for line in lines(run) if line["kind"] == "guard"]


def test_what_rose_and_fell_is_warned_of_and_then_collapsed() -> None:
    least = Least(least=0.1)
    assert [least.see(0.02) for _ in range(50)] == [None] * 50  # it has only begun
    assert all(least.see(0.9) is None for _ in range(20))
    found = [least.see(0.0) for _ in range(200)]
    first = next(n for n, one in enumerate(found) if one == "warned")
    assert found.index("collapsed") - first == STAYED - WARNED
    assert found.count("warned") == found.count("collapsed") == 1


def test_what_never_rose_has_failed_once_it_had_its_time() -> None:
    least = Least(least=0.1)
    found = [least.see(0.05) for _ in range(BEGUN + STAYED + 5)]
    assert found.index("collapsed") == BEGUN + STAYED - 1


def test_a_dip_is_no_collapse() -> None:
    least = Least(least=0.1)
    found = [least.see(0.0 if n % 40 < 5 else 0.8) for n in range(400)]
    assert set(found) == {None}


def test_coverage_that_falls_is_warned_of_then_collapsed() -> None:
    coverage = Coverage()
    steps = [0.9, 0.5, 0.4, 0.88, 0.5, 0.9, 0.91]
    found = [coverage.see({"frechet_distance": 1.0, "recall_error": e}, n) for n, e in
             enumerate(steps)]  # fmt: skip
    assert found == [None, None, None, "warned", None, "warned", "collapsed"]
    assert coverage.best == pytest.approx(0.6) and coverage.best_step == 2
    assert "60% at step 2" in coverage.told(6, "collapsed", {"train.rate": 3e-3})
    assert "train.rate=0.001" in coverage.told(6, "collapsed", {"train.rate": 3e-3})


def test_what_covers_nothing_has_collapsed_at_once() -> None:
    coverage = Coverage()
    assert coverage.see({"coverage_error": 0.3}, 1) is None
    assert coverage.see({"coverage_error": 0.99}, 2) == "collapsed"


def test_what_has_no_coverage_is_not_judged_by_it() -> None:
    assert Coverage().see({"held_out_loss": 3.0}, 1) is None
    low = Coverage()  # a model that never covered much has nothing to lose
    assert [low.see({"recall_error": e}, n) for n, e in enumerate((0.9, 1.0, 1.0))] == [None] * 3


PARTIES = ("generator", "critic")


def test_weights_that_decay_to_nothing_are_named_and_stopped(tmp_path: Path) -> None:
    options = {"width": 32, "depth": 1, "latent": 4, "normalised": False}
    nets = {role: Part(f"mlp_{role}", options) for role in PARTIES}
    train = Train(steps=300, rate=1e-3, muon_rate=0.0, weight_decay=200.0, clip=0.0, ema=0.0)
    ready = points_job(Part("adversarial"), nets, tmp_path, train, 64)
    with pytest.raises(TrainingError, match=r"has collapsed.*spread.*train.rate=0.00033") as error:
        Loop(ready).fit()
    assert "\n" not in str(error.value)
    assert told(tmp_path)[0]["verdict"] == "warned" and told(tmp_path)[0]["step"] < 50


def squares(count: int) -> list[Image.Image]:
    rng, out = np.random.default_rng(0), []
    for _ in range(count):
        pixels = np.zeros((8, 8, 3), np.uint8)
        y, x = rng.integers(0, 5, 2)
        pixels[y : y + 4, x : x + 4] = rng.integers(90, 256, 3)
        out.append(Image.fromarray(pixels))
    return out


def test_an_absurd_rate_is_named_and_stopped_and_the_best_weights_stay(tmp_path: Path) -> None:
    """The rate climbs all the way: early steps learn, later ones undo it."""
    options = {"width": 64, "depth": 1, "latent": 16, "normalised": False, "bounded": True}
    made = Recipe(
        name="squares",
        codec=Part("image", {"size": 8, "mode": "RGB"}),
        family=Part("adversarial", {"penalty": 0.5}),
        net={role: Part(f"mlp_{role}", options) for role in PARTIES},
        data=Data(batch=32, holdout=0.2),
        train=Train(
            steps=400,
            rate=0.1,
            muon_rate=0.0,
            betas=(0.0, 0.99),
            clip=0.0,
            judge=20,
            warmup=1.0,
            decay=0.0,
            ema=0.0,
        ),
    )
    material = prepare(made, squares(300), None, None, 0, (), None, silent, None)
    model = Model(recipe=made, codec=material.codec, prompt=None, nets=material.nets())
    ready = Job(model=model, loader=material.loader(), run=tmp_path, judge=judge_of(material))
    outcome = Loop(ready).fit()
    assert outcome.steps < 200 and "has collapsed" in outcome.ended
    judged = [x for x in lines(tmp_path) if x["kind"] == "judge"]
    best = min(judged, key=lambda x: x["frechet_distance"])
    assert f"kept are the weights of step {best['step']}" in outcome.ended
    assert outcome.metrics["frechet_distance"] == pytest.approx(best["frechet_distance"], rel=1e-3)
    assert best["frechet_distance"] < judged[-1]["frechet_distance"]


def test_the_best_weights_that_were_judged_stay(tmp_path: Path) -> None:
    """By a judge whose made items cover less and less: the first judgement is the best."""
    covered, seen = iter([0.8, 0.7, 0.1, 0.1, 0.1, 0.1]), []

    def judge(model):
        seen.append([p.detach().clone() for p in model.nets.parameters()])
        now = next(covered)
        return {"frechet_distance": 1 / now, "recall_error": 1 - now}

    ready = job(MADE[NAME](steps=100, judge=5, ema=0.0), tmp_path, judge=judge)
    outcome = Loop(ready).fit()
    assert outcome.steps == 20 and "has collapsed" in outcome.ended
    assert "kept are the weights of step 5" in outcome.ended
    assert [line["verdict"] for line in told(tmp_path)] == ["warned", "collapsed"]
    last = list(ready.model.nets.parameters())
    assert all(torch.equal(a, b) for a, b in zip(last, seen[0], strict=True))


def test_a_run_that_goes_well_is_left_alone(tmp_path: Path) -> None:
    outcome = Loop(job(MADE[NAME](steps=30), tmp_path)).fit()
    assert outcome.ended == "" and told(tmp_path) == []


def test_the_watch_goes_on_where_it_was(tmp_path: Path) -> None:
    first = Loop(job(MADE[NAME](steps=12), tmp_path))
    first.job.run.mkdir(exist_ok=True)
    for _ in range(4):
        first.advance(lambda *_, **__: None)
    first.save()
    again = Loop(job(MADE[NAME](steps=12), tmp_path, resume=True))
    again.restore()
    assert again.leasts == first.leasts and again.leasts["spread"].seen == 4
