"""Items of unlike lengths: batches of about one length, an epoch's items each once."""

from __future__ import annotations

import pytest
import torch

from genloom.data.loader import Loader
from genloom.spec import TokenSpec

LINE = TokenSpec(vocab=2000, length=100, bos=0, eos=2, pad=1)


def items(count: int) -> list[torch.Tensor]:
    """The first id of each tells it from the others."""
    sizes = torch.randint(1, 90, (count,), generator=torch.Generator().manual_seed(0))
    return [torch.full((int(size),), 3 + n) for n, size in enumerate(sizes)]


def used(loader: Loader, steps: int) -> float:
    """The share of ids that are no padding."""
    made = [loader.batch(step) for step in range(steps)]
    return float(sum(b.count() for b in made) / sum(b.x[:, 1:].numel() for b in made))


@pytest.mark.parametrize("count", [5, 40, 803, 1600])
@pytest.mark.parametrize("ramp", [0, 3])
def test_each_epoch_has_each_item_once_and_another_order(count: int, ramp: int) -> None:
    loader = Loader(items(count), LINE, batch=8, seed=1, ramp=ramp)
    seen: list[int] = []
    step = 0
    while len(seen) < 3 * count:
        seen += loader.batch(step).x[:, 1].tolist()
        step += 1
    epochs = [seen[n * count : (n + 1) * count] for n in range(3)]
    assert all(sorted(epoch) == list(range(3, 3 + count)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_little_is_padded_and_batches_differ_from_epoch_to_epoch() -> None:
    loader = Loader(items(1603), LINE, batch=8, seed=1)
    made = [loader.batch(step) for step in range(600)]
    few = Loader(items(56), LINE, batch=8, seed=1)  # too few for pools: as they come
    assert used(few, 7) < 0.7 and used(loader, 600) > 0.9
    batches = [frozenset(batch.x[:, 1].tolist()) for batch in made]
    assert len(set(batches)) > 590
    long = [batch.x.shape[1] for batch in made]
    assert long != sorted(long) and max(long) > 3 * min(long)


def test_pairs_go_by_the_longer() -> None:
    data = items(800)
    loader = Loader(data, LINE, batch=4, seed=1, group=2)
    made = [loader.batch(step) for step in range(100)]
    assert sorted(torch.cat([b.x[:, 1] for b in made]).tolist()) == list(range(3, 803))
    for batch in made:
        assert torch.equal(batch.x[1::2, 1], batch.x[::2, 1] + 1)
    width = sum(batch.x.shape[1] for batch in made) / 100
    longest = sum(max(len(a), len(b)) for a, b in zip(data[::2], data[1::2], strict=True)) / 400
    assert width < 1.1 * longest + 4
