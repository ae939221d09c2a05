"""The segmenter learns tiny scenes, ranks better teachers above worse ones, and is exact."""

from __future__ import annotations

import pytest
import torch
from labelled_scenes import scenes

from genloom.codec.image.labelled import LabelledCodec
from genloom.errors import DataError
from genloom.metric.segmenter import mean_overlap, overlaps, train_segmenter


def arrays(count, seed):
    codec = LabelledCodec(size=16)
    items = scenes(count, seed, rare=0.5)
    codec.fit(items)
    x = codec.encode(items)
    strength, number = x[:, 3:].max(1)
    return x[:, :3], torch.where(strength > 0, number + 1, 0)


def test_overlaps_by_hand():
    masks = torch.tensor([[[0, 1], [1, 1]]])
    found = torch.tensor([[[0, 1], [0, 1]]])
    assert overlaps(found, masks, 2) == [1 / 2, 2 / 3, None]
    assert mean_overlap(found, masks, 2) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert mean_overlap(masks, masks, 1) == 1.0


@pytest.mark.slow
def test_it_learns_from_right_masks_and_not_from_wrong_ones():
    x, masks = arrays(48, 0)
    rest, wanted = arrays(32, 1)
    right = train_segmenter(x, masks, classes=2, shown=1600)
    wrong = train_segmenter(x, masks.roll(1, 0), classes=2, shown=1600)
    none = mean_overlap(torch.zeros_like(wanted), wanted, 2)
    good, bad = (mean_overlap(model.predict(rest), wanted, 2) for model in (right, wrong))
    assert good > 0.8 > bad and good > 2 * none


def test_the_same_seed_gives_the_same_one():
    x, masks = arrays(8, 0)
    a, b = (train_segmenter(x, masks, classes=2, shown=64) for _ in range(2))
    assert torch.equal(a.predict(x), b.predict(x))


def test_shapes_are_checked_and_odd_sides_pass():
    with pytest.raises(DataError, match="masks"):
        train_segmenter(torch.zeros(4, 3, 8, 8), torch.zeros(4, 8, 9).long(), classes=1)
    shown = {"classes": 1, "shown": 1}
    model = train_segmenter(torch.zeros(2, 1, 9, 7), torch.zeros(2, 9, 7).long(), **shown)
    assert model.predict(torch.zeros(2, 1, 9, 7)).shape == (2, 9, 7)
