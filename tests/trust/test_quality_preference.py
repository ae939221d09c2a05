"""Which of two answers a model prefers: of one that was made to prefer, and of one that was not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import MADE, preferences, shaken

from genloom.trust import quality_preference


def measured(model):  # what a report shows of it
    rows, used = quality_preference.measure(
        model, [], preferences(), seed=0, count=None, tell=lambda stage: None
    )
    return {row.metric: row for row in rows}, used


def test_a_net_that_was_pushed_prefers(tmp_path: Path) -> None:
    """Every chosen answer is made likelier by gradient steps on nothing else."""
    model = shaken(MADE["preference"](), tmp_path)
    before, used = measured(model)
    assert used == {"pairs": len(preferences()), "start": "not at hand"}
    assert list(before) == ["preference_accuracy"]
    net = model.nets["net"].requires_grad_(True)
    codec, optimiser = model.codec, torch.optim.Adam(net.parameters(), 3e-3)
    ids, weights = codec.encode(preferences()), codec.weights(preferences())
    loader = quality_preference.evaluation(
        ids, codec.spec, batch=99, weights=weights, group=2, worth=codec.worths(preferences())
    )
    (batch,) = loader
    for _ in range(40):
        optimiser.zero_grad()
        (-(model.family.score({"net": net}, batch) * batch.worth).sum()).backward()
        optimiser.step()
    net.requires_grad_(False)
    after, _ = measured(model)
    assert after["preference_accuracy"].value == 1.0
    assert after["preference_accuracy"].floor == 0.5 and "95 %" in after["preference_accuracy"].note


def test_ties_are_a_coin() -> None:
    assert quality_preference._share(torch.zeros(10)).value == 0.5
    assert quality_preference._share(torch.tensor([1.0, -1.0, 2.0])).value == pytest.approx(2 / 3)
