"""The forecast's arithmetic, and the refusal with its numbers."""

from __future__ import annotations

import pytest
import torch
from toys import MADE, job

from genloom.errors import ResourceError
from genloom.train import plan
from genloom.train.loop import Loop
from genloom.train.plan import Probe

FOUND = Probe(seconds=0.5, peak_bytes=1, start_seconds=3.0, judge_seconds=2.0, preview_seconds=1.0)


@pytest.mark.parametrize(
    "steps, judge, preview, seconds",
    [
        (100, 0, 0, 3 + 50),
        (100, 25, 0, 3 + 50 + 4 * 2),  # at 25, 50, 75 and the end
        (101, 25, 0, 3 + 50.5 + 5 * 2),
        (100, 0, 40, 3 + 50 + 3 * 1),  # at 40, 80 and the end
    ],
)
def test_total_seconds(steps, judge, preview, seconds):
    assert plan.total_seconds(FOUND, steps, judge, preview) == pytest.approx(seconds)


def test_steps_within_leaves_room_for_looking():
    assert plan.steps_within(FOUND, 100.0, 0, 0) == 200
    assert plan.steps_within(FOUND, 100.0, 10, 5) == 150
    assert plan.steps_within(FOUND, 1.0, 10, 5) == 10


def test_least_memory_counts_weights_gradients_moments_and_averages():
    assert plan.least_bytes(1000) == 4 * 1000 * (4 + 2 * 9)


def test_refusal_names_both_numbers_and_the_way_out():
    with pytest.raises(ResourceError, match=r"4\.00 GiB, but 2\.00 GiB are free: .*--size") as told:
        plan.refuse_if_too_big(4 << 30, 2 << 30, "training")
    assert "\n" not in str(told.value)


def test_what_fits_is_not_refused_and_some_memory_is_spared():
    plan.refuse_if_too_big(899, 1000, "training")
    with pytest.raises(ResourceError):
        plan.refuse_if_too_big(901, 1000, "training")


def test_memory_of_this_machine_is_plausible():
    cpu = torch.device("cpu")
    assert 10 << 20 < plan.resident_bytes() <= plan.free_bytes(cpu) < 1 << 50


def test_peak_notices_a_large_tensor():
    cpu = torch.device("cpu")
    plan.reset_peak(cpu)
    before = plan.peak_bytes(cpu)
    torch.ones(100 << 20, dtype=torch.uint8).sum()
    assert plan.peak_bytes(cpu) >= max(before, 100 << 20)


def test_a_probe_measures_and_keeps_nothing(tmp_path):
    looked = []
    ready = job(
        MADE["row by transformer"](steps=1000, judge=10, preview=10),
        tmp_path / "run",
        judge=lambda model: looked.append("judge") or {"loss": 1.0},
        preview=lambda model, step: looked.append("preview"),
    )
    found = plan.probe(ready, seconds=0.01)
    assert 0 < found.seconds < 5 and found.peak_bytes > 4 * ready.model.parameters
    assert looked == ["judge", "preview"]
    assert not (tmp_path / "run").exists()


def test_a_probe_that_breaks_does_not_fall_back_on_an_earlier_training(tmp_path):
    Loop(job(MADE["row by flow"](steps=40), tmp_path / "run")).save()
    ready = job(MADE["row by flow"](steps=50), tmp_path / "run")
    ready.loader.source.groups[0].fill_(float("nan"))
    assert plan.probe(ready, seconds=0.01).seconds > 0  # five steps in, it rolls back to nothing
