"""Rows by trees: what depends on what is learnt whatever is known, and chances are chances."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from genloom.net.tree_model import TreeModel, TreeModelConfig, halves
from genloom.spec import Span, TokenSpec

NUMBER = 12
SPEC = TokenSpec(
    vocab=2 + 2 + NUMBER + 3,
    length=3,
    bos=1,
    eos=None,
    pad=0,
    spans=tuple(
        Span(name=str(n), start=n, size=1, kind="number" if n == 1 else "choice") for n in range(3)
    ),
    ranges=((2, 4), (4, 4 + NUMBER), (4 + NUMBER, 4 + NUMBER + 3)),
    levels=((), (-1.0, *(n / 10 for n in range(11))), ()),
)


def rows(count: int = 600) -> Tensor:
    """The first says in which half the second lies; one in ten of these is missing; the third is
    the first but for one in five."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, count)
    second = 1 + rng.integers(0, 5, count) + 6 * first
    second[rng.random(count) < 0.1] = 0
    third = np.where(rng.random(count) < 0.2, 2, first)
    low = [bounds[0] for bounds in SPEC.ranges]
    return torch.from_numpy(np.stack((first, second, third), 1) + low)


@pytest.fixture(scope="module")
def model() -> TreeModel:
    made = TreeModel(TreeModelConfig(least=15), SPEC, None)
    made.grow(rows(), seed=0)
    return made.requires_grad_(False).eval()


def chances(model: TreeModel, known: dict[int, int], position: int) -> Tensor:
    """Of one position, given ids of others."""
    ids = torch.tensor([[SPEC.bos, *known.values()]])
    places = torch.tensor([[0, *(p + 1 for p in known)]])
    to = torch.cat((places[:, 1:], torch.tensor([[position + 1]])), 1)
    at = torch.arange(ids.shape[1])[None, :, None]
    hidden = model(ids, at, model.attention(None), None, (places, to))[:, -1]
    return model.logits(hidden, *SPEC.ranges[position]).softmax(-1)[0]


def test_each_column_is_told_from_any_others(model: TreeModel) -> None:
    low = [bounds[0] for bounds in SPEC.ranges]
    alone = chances(model, {}, 1)
    assert abs(float(alone[0]) - 0.1) < 0.04 and abs(float(alone[7:].sum()) - 0.45) < 0.08
    for first in (0, 1):
        found = chances(model, {0: low[0] + first}, 1)
        assert found[7:].sum() > 0.8 if first else found[7:].sum() < 0.1
        back = chances(model, {2: low[2] + first}, 0)
        assert back[first] > 0.65 > 0.55 > alone[7:].sum()
    both = chances(model, {1: low[1] + 9, 2: low[2] + 2}, 0)  # out of the usual order
    assert both[1] > 0.7
    assert torch.isclose(both.sum(), torch.tensor(1.0))


def test_the_number_itself_is_not_looked_at(model: TreeModel) -> None:
    low = SPEC.ranges[1][0]
    known = [chances(model, {1: low + n}, 1) for n in (2, 9)]
    assert torch.equal(known[0], known[1])


def test_logits_of_a_range_are_a_part_of_all(model: TreeModel) -> None:
    hidden = model(rows(5), torch.arange(3)[None, :, None], model.attention(None))[:, -1]
    whole = model.logits(hidden)
    assert whole.shape == (5, SPEC.vocab)
    for bounds in (*SPEC.ranges, (3, 9)):
        assert torch.equal(model.logits(hidden, *bounds), whole[:, bounds[0] : bounds[1]])


def test_the_same_rows_and_seed_grow_the_same_trees(model: TreeModel) -> None:
    again = TreeModel(TreeModelConfig(least=15), SPEC, None)
    again.grow(rows(), seed=0)
    stored = model.state_dict()
    assert all(torch.equal(x, stored[name]) for name, x in again.state_dict().items())
    loaded = TreeModel(TreeModelConfig(least=15), SPEC, None)
    loaded.load_state_dict(stored, assign=True)
    assert torch.equal(chances(loaded, {}, 2), chances(model, {}, 2))


def test_halves_tell_apart_what_has_rows_enough() -> None:
    counts = np.array([5, 40, 40, 40, 40])
    found = halves(counts, [0, 1, 5], 30, False)
    assert found == [(0, 1, 5), (1, 3, 5), (1, 2, 3), (3, 4, 5)]  # what is missing, then by halves
    assert halves(counts, [0, 1, 5], 30, True) == [(0, 1, 5)]
    assert halves(counts, [0, 5], 100, False) == []
    assert halves(np.array([0, 90]), [0, 2], 10, False) == []
    with pytest.raises(ValueError, match="use net transformer"):
        TreeModel(TreeModelConfig(), TokenSpec(vocab=4, length=4, bos=0, eos=1, pad=2), None)
