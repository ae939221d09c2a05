"""The judge of captions: better than chance on captions it never saw, blind to shuffled ones."""

from __future__ import annotations

import itertools

import pytest
import torch

from genloom.errors import DataError
from genloom.metric.text_image import retrieval, train_text_image

COLOURS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1), "white": (1, 1, 1)}
PLACES = {"top": (0, 4), "middle": (6, 10), "bottom": (12, 16)}
FORMS = {"bar": (0, 16), "left": (0, 6), "right": (10, 16)}
PAIRS = list(itertools.product(COLOURS, PLACES, FORMS))


def picture(colour: str, place: str, form: str, rng: torch.Generator) -> torch.Tensor:
    x = torch.full((3, 16, 16), -0.5) + 0.1 * torch.randn(3, 16, 16, generator=rng)
    (top, below), (first, last) = PLACES[place], FORMS[form]
    x[:, top:below, first:last] = torch.tensor(COLOURS[colour]).float()[:, None, None]
    return x.clamp(-1, 1)


def drawn(parts: list, each: int, seed: int) -> tuple[torch.Tensor, list[str]]:
    rng = torch.Generator().manual_seed(seed)
    x = torch.stack([picture(*p, rng) for p in parts for _ in range(each)])
    return x, [" ".join(p) for p in parts for _ in range(each)]


def test_unseen_combinations_are_found_and_shuffled_captions_teach_nothing():
    known, unseen = PAIRS[::2], PAIRS[1::2]
    x, captions = drawn(known, 6, 0)
    there, asked = drawn(unseen, 1, 1)
    judge = train_text_image(x, captions, shown=15_000)
    found = retrieval(judge.score(there, asked), torch.arange(len(asked)), 3)
    assert found > 0.6  # chance is 3 of 18
    order = torch.randperm(len(captions), generator=torch.Generator().manual_seed(2)).tolist()
    blind = train_text_image(x, [captions[n] for n in order], shown=15_000)
    assert retrieval(blind.score(there, asked), torch.arange(len(asked)), 3) < found - 0.2


def test_the_same_seed_gives_the_same_judge():
    x, captions = drawn(PAIRS[:8], 4, 0)
    first, second = (train_text_image(x, captions, seed=3, shown=1000) for _ in range(2))
    assert torch.equal(first.score(x[:4], captions[:4]), second.score(x[:4], captions[:4]))


def test_retrieval_counts_places_and_gives_nothing_for_equal_scores():
    scores = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
    assert retrieval(scores, torch.tensor([0, 1, 0]), 1) == pytest.approx(1 / 3)
    assert retrieval(scores, torch.tensor([0, 1, 2]), 2) == pytest.approx(2 / 3)


def test_nothing_to_tell_apart_is_refused():
    with pytest.raises(DataError, match="four distinct"):
        train_text_image(torch.zeros(3, 1, 16, 16), ["a", "a", "b"])
