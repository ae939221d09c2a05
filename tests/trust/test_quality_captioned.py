"""Made pictures beside captions that no training picture has: right ones, strangers, floors."""

from __future__ import annotations

import itertools

import torch

from genloom.trust.quality_captioned import caption_rows

NAMES = [f"{a} {b}" for a, b in itertools.product("abcdefgh", "klmnopqr")]
SEEN = [n for i, n in enumerate(NAMES) if i % 2 == (i // 8) % 2]  # each letter in half of them


def picture(name: str, rng: torch.Generator) -> torch.Tensor:
    """A bar at a row for the first letter and at a column for the second."""
    x = -torch.ones(1, 16, 16) + 0.1 * torch.randn(1, 16, 16, generator=rng)
    row, column = ("abcdefgh".index(name[0]), "klmnopqr".index(name[2]))
    x[:, 2 * row : 2 * row + 2] += 1
    x[:, :, 2 * column : 2 * column + 2] += 1
    return x


def pictures(names: list[str], seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([picture(name, rng) for name in names])


def test_right_pictures_are_ranked_and_strangers_are_not():
    unseen = [name for name in NAMES if name not in SEEN]
    shown = [name for name in SEEN for _ in range(4)]
    known, held = pictures(shown, 0), pictures(unseen, 1)

    def rows(made: torch.Tensor):
        return caption_rows(known, shown, held, made, unseen, seed=0, shown=10_000)

    (right,) = rows(pictures(unseen, 2))
    (wrong,) = rows(pictures(unseen[16:] + unseen[:16], 2))
    assert right.ceiling is not None and right.ceiling > 0.8
    assert right.value is not None and wrong.value is not None
    assert right.value > 0.8 and right.floor == 10 / 32
    assert wrong.value < 0.6


def test_captions_that_training_has_are_no_question():
    x = pictures(SEEN, 0)
    assert caption_rows(x, SEEN, x, x, SEEN, seed=0, shown=100) == []
