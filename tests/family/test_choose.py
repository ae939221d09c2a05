"""Sampling controls against slow, obvious versions written one row at a time."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from genloom.family import likeliest
from genloom.family.choose import Controls, choose, draw, keep, logprobs, penalise, truncate
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


# --- choose: a large vocabulary -------------------------------------------------------------------

WIDE = 5003  # no multiple of a block
EACH: list[dict[str, Any]] = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.7},
    {"top_k": 1},
    {"top_k": 40},
    {"top_k": 3000, "temperature": 1.5},
    {"top_p": 0.5},
    {"top_p": 0.9, "temperature": 0.6},
    {"top_p": 0.999},
    {"min_p": 0.1},
    {"min_p": 0.02, "top_k": 30, "top_p": 0.95},
    {"repetition_penalty": 1.3},
    {"frequency_penalty": 0.5, "presence_penalty": -0.3},
    {"logit_bias": {3: 5.0, 4000: -100.0}},
    {"logit_bias": {0: 2.0}, "temperature": 0.0},
    {"top_k": 20, "repetition_penalty": 0.8, "presence_penalty": 1.0, "logit_bias": {9: 1.0}},
]


def wide(rows: int, scale: float = 3.0, size: int = WIDE, seed: int = 0) -> Tensor:
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed)) * scale


def words(allowed: Tensor) -> Tensor:
    """bool [B, V] -> int32 [B, ceil(V / 32)], the first id the lowest bit."""
    short = -allowed.shape[1] % 32
    bits = torch.nn.functional.pad(allowed, (0, short)).unflatten(1, (-1, 32)).long()
    out = (bits << torch.arange(32)).sum(-1)
    return torch.where(out >= 1 << 31, out - (1 << 32), out).int()


@pytest.mark.parametrize("size", [97, WIDE])
def test_a_row_alone_and_among_64_is_the_same(size: int) -> None:
    """Bit for bit: the ids are equal, and so are the numbers that they are drawn by."""
    logits = wide(64, size=size)
    options = [Options(**EACH[n * 7 % len(EACH)]) for n in range(64)]
    options = [replace(o, logit_bias=None) if size < 4001 else o for o in options]
    key, number = keys(5, torch.arange(64)), torch.arange(64) * 3
    seen = torch.randint(-1, size, (64, 20), generator=torch.Generator().manual_seed(1))
    seen[7] = -1
    allowed = words(torch.rand(64, size, generator=torch.Generator().manual_seed(2)) > 0.3)
    barred = torch.tensor([[0, 5], [-1, -1], [4, -1], [1, 1]]).repeat(16, 1)

    def drawn(rows: slice) -> Tensor:
        return choose(
            logits[rows],
            Controls.batch(options[rows]),
            key[rows],
            number[rows],
            seen=seen[rows],
            made=seen[rows],
            barred=barred[rows],
            allowed=allowed[rows],
        )

    together = drawn(slice(0, 64))
    assert len(set(together.tolist())) > 20
    for row in range(0, 64, 3):
        assert drawn(slice(row, row + 1)).tolist() == [int(together[row])], options[row]
    weight, _ = likeliest.weights(logits, None)
    for row in range(0, 64, 9):
        alone, _ = likeliest.weights(logits[row : row + 1], None)
        assert torch.equal(alone[0], weight[row])
        assert torch.equal(likeliest.total(alone)[0], likeliest.total(weight)[row])


@pytest.mark.parametrize("scale", [0.0, 0.5, 4.0])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16], ids=str)
def test_the_leading_ids_are_those_of_a_stable_sort(scale: float, kind: torch.dtype) -> None:
    """Equals too, of which 16-bit logits have many; and where a grammar leaves few."""
    logits = wide(4, scale).to(kind).float()
    logits[3, 5:] = float("-inf")
    for count in (1, 7, 64, 700, WIDE, WIDE + 5):
        fast, slow = likeliest.leading(logits, count), likeliest.leading_slowly(logits, count)
        assert torch.equal(fast[0], slow[0]) and torch.equal(fast[1], slow[1]), count
    assert torch.equal(likeliest.best(logits), likeliest.leading_slowly(logits, 1)[1][:, 0])


@pytest.mark.parametrize("options", EACH[3:11], ids=str)
@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_what_is_drawn_from_is_what_a_full_sort_leaves(
    options: dict[str, Any], scale: float
) -> None:
    rows = 200
    row = wide(1, scale)
    controls = Controls.batch([Options(**options)])
    heat = controls.temperature if controls.tempered else None
    whole = likeliest.total(likeliest.weights(row, heat)[0])
    values, ids = likeliest.leading_slowly(row, WIDE)
    weight = torch.exp((values - values[:, :1]) / controls.temperature[:, None])
    left = keep(weight, whole, controls)
    support = ids[left].tolist()
    mass = weight.double().masked_fill(~left, 0.0).cumsum(1)[0]
    key, number = keys(3, torch.arange(rows)), torch.zeros(rows, dtype=torch.long)
    drawn = choose(row.expand(rows, -1), Controls.batch([Options(**options)] * rows), key, number)
    chance = uniform(key, number)[:, 0].double()
    slow = ids[0][torch.searchsorted(mass, chance * mass[-1], right=True)]
    assert set(drawn.tolist()) <= set(support)
    assert int((drawn != slow).sum()) <= 1  # where rounding to 32 bits decides
    if len(support) == 1:
        assert set(drawn.tolist()) == set(support)


def test_draws_from_a_large_vocabulary_follow_the_distribution() -> None:
    count, size = 8000, 3000
    row = torch.full((size,), -200.0)  # most of it far below what counts
    some = torch.tensor([0, 63, 64, 1500, 2998, 2999])
    row[some] = torch.tensor([1.0, 0.0, 2.0, 1.5, -1.0, 0.5])
    key, number = keys(11, torch.arange(count)), torch.zeros(count, dtype=torch.long)
    picked = choose(row.expand(count, -1), Controls.batch([Options()] * count), key, number)
    seen = torch.bincount(picked, minlength=size)[some].float()
    assert int(seen.sum()) == count
    hoped = row[some].softmax(-1) * count
    assert float(((seen - hoped) ** 2 / hoped).sum()) < 5 + 5 * math.sqrt(10)


def test_an_id_that_is_not_allowed_is_never_drawn_whatever_the_chance() -> None:
    logits = wide(1).masked_fill(torch.arange(WIDE) % 500 != 77, -math.inf)
    weight, _ = likeliest.weights(logits, None)
    edges = torch.tensor([0.0, 2.0**-24, 0.25, 0.5, 0.999, 1 - 2.0**-24])
    picked = likeliest.at(weight.expand(len(edges), -1, -1), edges)
    assert all(n % 500 == 77 for n in picked.tolist())
    assert int(picked[0]) == 77 and int(picked[-1]) == 4577


def test_masks_of_bits_and_of_bools_are_the_same() -> None:
    logits, key = wide(8), keys(0, torch.arange(8))
    allowed = torch.rand(8, WIDE, generator=torch.Generator().manual_seed(4)) > 0.9
    controls = Controls.batch([Options(temperature=2.0)] * 8)
    by_bool = choose(logits, controls, key, key, allowed=allowed)
    assert torch.equal(by_bool, choose(logits, controls, key, key, allowed=words(allowed)))
    assert bool(allowed.gather(1, by_bool[:, None]).all())


def test_barred_ids_come_only_where_nothing_else_may() -> None:
    logits = wide(2)
    best = int(logits[0].argmax())
    barred = torch.tensor([[best], [best]])
    allowed = torch.ones(2, WIDE, dtype=torch.bool)
    allowed[1] = torch.arange(WIDE) == best
    for heat in (0.0, 1.0, 0.01):
        controls = Controls.batch([Options(temperature=heat, top_p=0.9)] * 2)
        out = choose(logits, controls, keys(0, torch.arange(2)), torch.arange(2), barred=barred)
        assert best not in out.tolist()
        out = choose(
            *(logits, controls, keys(0, torch.arange(2)), torch.arange(2)),
            barred=barred,
            allowed=allowed,
        )
        assert int(out[0]) != best and int(out[1]) == best


def test_penalties_and_biases_match_a_loop_over_ids() -> None:
    from genloom.family.choose import _edited

    logits = wide(3, size=2100)
    seen = torch.tensor([[4, 4, 0, 2099, -1], [-1, -1, -1, -1, -1], [0, 7, 7, 7, -1]])
    made = torch.tensor([[4, 0, -1], [-1, -1, -1], [7, 7, -1]])
    asked = [
        {"repetition_penalty": 1.5, "frequency_penalty": 0.4, "logit_bias": {0: 1.0, 5: -2.0}},
        {"repetition_penalty": 2.0, "presence_penalty": 1.0},
        {"presence_penalty": 0.25, "frequency_penalty": -0.5, "logit_bias": {7: 3.0}},
    ]
    options = [Options(**o) for o in asked]
    out = _edited(logits, Controls.batch(options), seen, made, None, None)
    for row, one in enumerate(options):
        hoped = logits[row].tolist()
        for n in set(seen[row].tolist()) - {-1}:
            by = one.repetition_penalty or 1.0
            hoped[n] = hoped[n] / by if hoped[n] > 0 else hoped[n] * by
        for n in set(made[row].tolist()) - {-1}:
            times = made[row].tolist().count(n)
            hoped[n] -= (one.presence_penalty or 0.0) + times * (one.frequency_penalty or 0.0)
        for n, bias in (one.logit_bias or {}).items():
            hoped[n] += bias
        assert torch.allclose(out[row], torch.tensor(hoped), atol=1e-5)
    assert torch.equal(logits, wide(3, size=2100))  # the caller's own stay


def test_logprobs_are_those_of_the_models_own_distribution() -> None:
    logits = wide(5).bfloat16()
    ids = torch.tensor([0, 17, 5002, 3, 4])
    chosen, values, leaders = logprobs(logits, ids, 6)
    slow = logits.double().log_softmax(-1)
    assert torch.allclose(chosen.double(), slow.gather(1, ids[:, None])[:, 0], atol=1e-5)
    assert torch.allclose(values.double(), slow.gather(1, leaders), atol=1e-5)
    assert torch.equal(leaders, likeliest.leading_slowly(logits.float(), 6)[1])
    alone = logprobs(logits[2:3], ids[2:3], 6)
    assert torch.equal(alone[0], chosen[2:3]) and torch.equal(alone[1], values[2:3])
    assert logprobs(logits, ids, 0)[1].shape == (5, 0)


def test_low_temperatures_cost_no_more() -> None:
    """exp of what is too small to be normal is a hundred times as slow on common processors."""

    def seconds(heat: float) -> float:
        controls = Controls.batch([Options(temperature=heat)])
        best = math.inf
        for n in range(12):
            start = time.perf_counter()
            choose(logits, controls, key, key + n)
            best = min(best, time.perf_counter() - start)
        return best

    logits, key = wide(1, 6.0, 100_000), keys(0, torch.arange(1))
    assert seconds(0.05) < 4 * seconds(1.0)
