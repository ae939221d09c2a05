"""Rows of whole items: every id once, weights and documents in place, each loss as alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import toys
from torch import Tensor

from genloom.data.loader import Loader, evaluation
from genloom.errors import RecipeError
from genloom.material import prepare
from genloom.recipe import Part
from genloom.spec import TokenSpec
from genloom.train.log import silent

SPEC = TokenSpec(vocab=50, length=16, bos=0, eos=0, pad=1)
APART = TokenSpec(vocab=50, length=16, bos=2, eos=0, pad=1)


def items(count: int = 40) -> tuple[list[Tensor], list[Tensor]]:
    rng = torch.Generator().manual_seed(0)
    sizes = torch.randint(2, 12, (count,), generator=rng).tolist()
    x = [torch.randint(3, 50, (size,), generator=rng) for size in sizes]
    return x, [(torch.arange(size + 1) >= size // 2).float() for size in sizes]


@pytest.mark.parametrize("spec", [SPEC, APART])
def test_every_item_is_there_once_with_its_weights_in_a_document_of_its_own(spec) -> None:
    x, weights = items()
    loader = Loader(x, spec, batch=1, seed=3, weights=weights, pack=True)
    found = []
    for step in range(loader.epoch_size):
        batch = loader.batch(step)
        assert batch.document is not None
        (row,), (weight,), (document,) = batch.x, batch.weight, batch.document
        for number in range(1, int(document.max()) + 1):
            places = (document == number).nonzero()[:, 0]
            start, stop = int(places[0]), int(places[-1]) + 1
            stop += int(spec.bos == spec.eos)  # the eos is seen as the next item's bos
            assert row[start] == spec.bos and row[stop - 1] == spec.eos
            found.append((row[start + 1 : stop - 1].tolist(), weight[start + 1 : stop].tolist()))
        padding = row == spec.pad
        assert not weight[padding].any()
    expected = [(a.tolist(), w.tolist()) for a, w in zip(x, weights, strict=True)]
    assert sorted(found) == sorted(expected)
    assert loader.targets == int(sum(w.sum() for w in weights))


def test_rows_are_nearly_full_and_the_same_for_the_same_seed() -> None:
    x, weights = items(400)
    made = [Loader(x, SPEC, batch=4, seed=s, weights=weights, pack=True) for s in (0, 0, 1)]
    rows = [loader.batch(0).x for loader in made]
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])
    ids = sum(len(one) + 1 for one in x)
    assert ids / (made[0].epoch_size * SPEC.length) > 0.95


@pytest.mark.parametrize("bigram", [0, 16])
@pytest.mark.parametrize("codec", ["pair", "molecule"])
def test_packed_items_lose_as_much_as_each_alone(tmp_path: Path, codec: str, bigram: int) -> None:
    options = {"pair": {"vocab": "bytes", "length": 32}, "molecule": {"length": 48}}[codec]
    made = toys.recipe(Part(codec, options), Part("autoregressive"), {"net": "transformer"})
    model = toys.shaken(made.with_(f"net.net.bigram={bigram}"), tmp_path)
    codec, nets = model.codec, dict(model.nets.items())
    some = toys.ITEMS[made.codec.kind]()
    x, weights = codec.encode(some), codec.weights(some)
    rows = Loader(x, codec.spec, batch=1, seed=0, weights=weights, pack=True)
    with torch.inference_mode():
        whole = sum(
            float(model.family.score(nets, rows.batch(n)).sum()) for n in range(rows.epoch_size)
        )
        alone = sum(
            float(model.family.score(nets, batch).sum())
            for batch in evaluation(x, codec.spec, batch=1, weights=weights, pack=True)
        )
    assert whole == pytest.approx(alone, rel=1e-4)


def test_an_item_over_the_context_is_cut_and_one_without_targets_left_out() -> None:
    x = [torch.full((30,), 7), torch.full((4,), 8), torch.full((4,), 9)]
    weights = [torch.ones(31), torch.zeros(5), torch.ones(5)]
    loader = Loader(x, SPEC, batch=4, seed=0, weights=weights, pack=True)
    assert loader.epoch_size == 2 and loader.targets == 16 + 5


def test_items_that_belong_together_are_not_packed() -> None:
    made = toys.MADE["preference"]()
    with pytest.raises(RecipeError, match=r"data\.pack=false"):
        recipe = made.with_("data.pack=true")
        prepare(recipe, toys.ITEMS[made.codec.kind](), None, None, 0, (), None, silent, None)
