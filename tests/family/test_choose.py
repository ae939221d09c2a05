"""Sampling controls against slow, obvious versions written one row at a time."""

from __future__ import annotations

import math

import pytest
import torch

from genloom.family.choose import Controls, draw, penalise, truncate
from genloom.family.noise import keys, uniform
from genloom.spec import Options

LOGITS = torch.randn(6, 9, generator=torch.Generator().manual_seed(0)) * 2


def controls(**options: float) -> Controls:
    return Controls.of(Controls.state(Options(**options), len(LOGITS)))


def slow_truncate(row: list[float], options: dict[str, float]) -> list[float]:
    """Chances of one row after temperature, top-k, top-p and min-p, by loops."""
    heat = options.get("temperature", 1.0)
    weight = [math.exp(x / heat) for x in row]
    chance = [w / sum(weight) for w in weight]
    order = sorted(range(len(row)), key=lambda n: -chance[n])
    kept = order[: int(options.get("top_k", len(row)))]
    nucleus, mass = [], 0.0
    for n in order:
        nucleus.append(n)
        mass += chance[n]
        if mass >= options.get("top_p", 1.0):
            break
    least = options.get("min_p", 0.0) * max(chance)
    kept = [n for n in kept if n in nucleus and chance[n] >= least]
    whole = sum(chance[n] for n in kept)
    return [chance[n] / whole if n in kept else 0.0 for n in range(len(row))]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 0.5},
        {"temperature": 3.0},
        {"top_k": 1},
        {"top_k": 4},
        {"top_k": 100},
        {"top_p": 0.01},
        {"top_p": 0.6},
        {"top_p": 0.95},
        {"min_p": 0.2},
        {"min_p": 1.0},
        {"temperature": 2.0, "top_k": 5, "top_p": 0.7, "min_p": 0.1},
    ],
    ids=str,
)
def test_truncation_matches_the_slow_one(options: dict[str, float]) -> None:
    fast = truncate(LOGITS, controls(**options)).softmax(-1)
    slow = torch.tensor([slow_truncate(row.tolist(), options) for row in LOGITS])
    assert torch.allclose(fast, slow, atol=1e-5)


def test_rows_with_different_controls_share_a_batch() -> None:
    each = [{"top_k": 2}, {"temperature": 0.7}, {"min_p": 0.3}, {"top_p": 0.5}, {}, {"top_k": 3}]
    state = torch.cat([Controls.state(Options(**options), 1) for options in each])
    together = truncate(LOGITS, Controls.of(state))
    for row, options in enumerate(each):
        one = Controls.of(Controls.state(Options(**options), 1))
        alone = truncate(LOGITS[row : row + 1], one).softmax(-1)
        assert torch.allclose(together[row : row + 1].softmax(-1), alone, atol=1e-6)


def test_repetition_penalty_divides_positive_and_multiplies_negative() -> None:
    present = torch.zeros(LOGITS.shape, dtype=torch.bool)
    present[:, ::2] = True
    out = penalise(LOGITS, present, torch.full((len(LOGITS),), 1.5))
    for row in range(LOGITS.shape[0]):
        for n in range(LOGITS.shape[1]):
            x = float(LOGITS[row, n])
            if n % 2 == 0:
                x = x / 1.5 if x > 0 else x * 1.5
            assert float(out[row, n]) == pytest.approx(x, rel=1e-6)


def test_cold_rows_are_greedy_whatever_the_chance() -> None:
    cold = torch.tensor([True, False] * 3)
    chance = torch.full((6,), 0.999999)
    picked = draw(LOGITS, chance, cold)
    assert torch.equal(picked[cold], LOGITS.argmax(-1)[cold])
    last = LOGITS.shape[1] - 1
    assert bool((picked[~cold] == last).all())  # the inverse at almost 1 is the last id of any mass


def test_temperature_zero_leaves_the_order_of_the_logits() -> None:
    assert torch.equal(truncate(LOGITS, controls(temperature=0.0)), LOGITS)


def test_an_id_without_mass_is_never_drawn() -> None:
    logits = torch.tensor([[float("-inf"), 0.0, float("-inf"), 0.0, float("-inf")]])
    edges = torch.tensor([0.0, 0.25, 0.4999, 0.5, 0.75, 1 - 2.0**-24])
    picked = draw(logits.expand(len(edges), -1), edges)
    assert picked.tolist() == [1, 1, 1, 3, 3, 3]


def test_draws_follow_the_distribution() -> None:
    count = 20_000
    chance = uniform(keys(11, torch.arange(count)), 0)[:, 0]
    for row in LOGITS[:3]:
        seen = torch.bincount(draw(row.expand(count, -1), chance), minlength=len(row)).float()
        hoped = row.softmax(-1) * count
        chi = float(((seen - hoped) ** 2 / hoped).sum())
        assert chi < 8 + 5 * math.sqrt(16)  # eight degrees of freedom
        flat = torch.full_like(hoped, count / len(row))
        assert float(((seen - flat) ** 2 / flat).sum()) > 1000  # and the test can tell
