"""Arrays of unlike grids are drawn grid by grid, once an epoch each; what is drawn anew."""

from __future__ import annotations

import pytest
import torch

from genloom.data.loader import Loader, evaluation
from genloom.spec import ArraySpec

GRIDS = ((4, 4), (2, 8), (8, 2))
SPEC = ArraySpec(grid=(4, 4), channels=1, grids=GRIDS)


def items(count: int = 45) -> list[torch.Tensor]:
    """Each is full of its own number; one grid is rare."""
    grids = [GRIDS[0 if n % 3 else 1 + (n % 9 == 0)] for n in range(count)]
    return [torch.full((1, *grid), float(n)) for n, grid in enumerate(grids)]


def numbers(batches) -> list[int]:
    return [int(row.flatten()[0]) for batch in batches for row in batch.x]


def loader(**rest) -> Loader:
    prompts = torch.arange(45)[:, None]
    return Loader(items(), SPEC, **{"batch": 4, "seed": 5, "prompts": prompts, **rest})


@pytest.mark.parametrize("ramp", [0, 7])
def test_every_item_comes_once_an_epoch(ramp):
    made = loader(ramp=ramp)
    seen = torch.zeros(45, dtype=torch.long)
    for step in range(60):
        seen += torch.bincount(torch.tensor(numbers(made.batches(step))), minlength=45)
        epochs, more = divmod(int(seen.sum()), 45)
        assert seen.min() == epochs and int((seen > epochs).sum()) == more
    assert numbers(made.batches(9)) != numbers(made.batches(9 + 45))


def test_a_batch_has_one_grid_and_is_a_function_of_seed_and_step():
    first, second = loader(), loader()
    for step in (11, 3, 200, 3):
        a, b = first.batches(step), second.batches(step)
        assert [x.x.shape for x in a] == [x.x.shape for x in b]
        assert all(torch.equal(x.x, y.x) for x, y in zip(a, b, strict=True))
        assert sum(len(x.x) for x in a) == 4
        for part in a:  # prompts go with their items
            assert part.prompt[:, 0].tolist() == numbers([part])


def test_most_batches_are_of_one_grid():
    """Left to chance, hardly any of four would be."""
    made = loader()
    alone = sum(len(made.batches(step)) == 1 for step in range(45))
    assert alone >= 30


@pytest.mark.parametrize("accumulate", [1, 2, 3, 4])
def test_parts_are_enough_for_every_process_and_lose_nothing(accumulate):
    made = loader()
    for step in range(24):
        parts = made.batches(step, accumulate)
        assert len(parts) >= accumulate
        assert sorted(numbers(parts)) == sorted(numbers(made.batches(step)))
        assert sum(float(p.count()) for p in parts) == 4


def test_evaluation_sees_each_once():
    seen = numbers(evaluation(items(), SPEC, batch=7))
    assert sorted(seen) == list(range(45))


def test_prompts_are_said_anew_each_step_and_again_the_same_for_the_same_step():
    def noisy(prompts, rng):
        return prompts + 100 * torch.randint(1, 1000, prompts.shape, generator=rng)

    made, again = loader(retold=noisy), loader(retold=noisy)
    for step in (2, 9):
        (*_, a), (*_, b) = made.batches(step), again.batches(step)
        assert torch.equal(a.prompt, b.prompt) and bool((a.prompt >= 100).all())
    far = 45 * 4 + 2  # the same place of a later epoch
    assert set(made.batches(2)[0].prompt.flatten().tolist()).isdisjoint(
        made.batches(far)[0].prompt.flatten().tolist()
    )


def test_features_stand_as_prompts():
    features = torch.randn(45, 3, 5, dtype=torch.float16)
    batch = Loader(items(), SPEC, batch=4, seed=0, prompts=features).batches(0)[0]
    assert batch.prompt.shape == (len(batch.x), 3, 5) and batch.prompt.dtype == torch.float32
    assert torch.equal(batch.prompt[0], features[numbers([batch])[0]].float())
