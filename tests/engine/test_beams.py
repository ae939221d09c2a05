"""Beam search against writing every continuation down."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from genloom.engine.beams import Search, step

SIZE, MOST = 5, 4
ENDS = (0, 3)
Rule = Callable[[tuple[int, ...]], Tensor]


def rule(seed: int) -> Rule:
    """Log-probabilities [V] after any beginning, drawn once for each."""

    def next_of(ids: tuple[int, ...]) -> Tensor:
        number = seed + sum((n + 1) * 7 ** (k + 1) for k, n in enumerate(ids))
        return torch.randn(SIZE, generator=torch.Generator().manual_seed(number)).log_softmax(-1)

    return next_of


def every(next_of: Rule, penalty: float) -> list[tuple[float, tuple[int, ...]]]:
    """All texts of at most MOST ids with their scores, best first."""
    out = []
    for size in range(1, MOST + 1):
        for ids in itertools.product(range(SIZE), repeat=size):
            if any(n in ENDS for n in ids[:-1]) or (size < MOST and ids[-1] not in ENDS):
                continue
            total = sum(float(next_of(ids[:k])[n]) for k, n in enumerate(ids))
            out.append((total / size**penalty, ids))
    return sorted(out, reverse=True)


def searched(next_of: Rule, width: int, penalty: float) -> Search:
    search = Search(width, ENDS, MOST, penalty)
    while not search.finished:
        search.advance(torch.stack([next_of(beam) for beam in search.beams]))
    return search


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(5))
def test_wide_beams_find_the_best_of_all(seed: int, penalty: float) -> None:
    width = 3**MOST  # every beginning without an end
    found, hoped = searched(rule(seed), width, penalty).best(), every(rule(seed), penalty)
    assert [one.ids for one in found[:10]] == [ids for _, ids in hoped[:10]]
    assert found[0].score == pytest.approx(hoped[0][0], abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy(seed: int) -> None:
    next_of, ids = rule(seed), ()
    beams: list[tuple[int, ...]] = []
    search = Search(1, (), MOST, 0.0)
    while not search.finished:
        search.advance(next_of(search.beams[0])[None])
        ids = (*ids, int(next_of(ids).argmax()))
        beams += search.beams
    assert search.best()[0].ids == ids and beams == [ids[:n] for n in range(1, MOST)]


def test_narrow_beams_keep_the_best_beginnings() -> None:
    """Level by level, by loops."""
    next_of, width = rule(9), 3
    search = Search(width, ENDS, 3, 1.0)
    level: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(2):
        before = list(search.beams)
        parents = search.advance(torch.stack([next_of(b) for b in search.beams]))
        going = [
            (score + float(next_of(ids)[n]), (*ids, n))
            for score, ids in level
            for n in range(SIZE)
            if n not in ENDS
        ]
        level = sorted(going, reverse=True)[:width]
        assert search.beams == [ids for _, ids in level]
        assert search.scores.tolist() == pytest.approx([score for score, _ in level], abs=1e-5)
        assert [before[p] for p in parents] == [beam[:-1] for beam in search.beams]


def test_it_stops_when_nothing_alive_can_win() -> None:
    sure = torch.tensor([[0.98, 0.01, 0.01]]).log()
    search = Search(1, (0,), 1000, 1.0)
    search.advance(sure)
    assert not search.finished  # a thousand ids might average better than log 0.98
    search = Search(1, (0,), 1000, 0.0)
    search.advance(sure)
    assert search.finished and search.best()[0].ids == (0,)
    assert search.best()[0].score == pytest.approx(math.log(0.98), abs=1e-6)


def test_a_step_of_a_large_vocabulary_matches_a_sort() -> None:
    rng = torch.Generator().manual_seed(0)
    logprobs = torch.randn(4, 3000, generator=rng).log_softmax(-1)
    scores, ends = torch.tensor([-1.0, -1.5, -4.0, -9.0]), torch.tensor([7, 2999])
    made = step(scores, logprobs, ends, 16)
    sums = (scores[:, None] + logprobs).index_fill(1, ends, -math.inf).flatten()
    best = sums.topk(16)
    assert torch.equal(made.scores, best.values)
    assert torch.equal(made.parents * 3000 + made.ids, best.indices)
    assert torch.equal(made.ended, scores[:, None] + logprobs[:, ends])
