"""Clips of moving pictures: what is said of them is what is seen, and they can be learnt from."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from genloom.codec.video.codec import VideoCodec
from genloom.datasets.drawn import drawn
from genloom.datasets.moving import SPEEDS, WAYS, draw_moving, moving, solids

TOLD = re.compile(r"a digit (\d) starting ([a-z ]+) at (\w+) speed")


def test_a_picture_moves_as_its_caption_says_and_stays_whole() -> None:
    pictures = np.zeros((2, 6, 4), np.uint8)
    pictures[0], pictures[1] = 100, 200
    frames, captions = moving(pictures, ["a digit 0", "a digit 1"], 80, 3, side=20, frames=9)
    alone = 0
    for clip, caption in zip(frames, captions, strict=True):
        assert caption.endswith(", bouncing off the edges")
        told = TOLD.findall(caption)
        assert len(told) in (1, 2)
        if len(told) == 2:
            continue
        alone += 1
        digit, way, speed = told[0]
        assert set(np.unique(clip)) == {0, 100 * (1 + int(digit))}
        assert ((clip > 0).sum((1, 2)) == 24).all(), "it is never cut off"
        corner = np.stack([np.argwhere(frame)[0] for frame in clip])
        steps = np.diff(corner, axis=0)
        for axis, sign in enumerate(WAYS[way]):
            room = 20 - pictures.shape[1 + axis]
            full = SPEEDS[speed] * sign
            moved, at = steps[:, axis], corner[:-1, axis]
            inner = (at + SPEEDS[speed] <= room) & (at - SPEEDS[speed] >= 0)
            assert (np.abs(moved[inner]) == abs(full)).all()
            if 0 <= at[0] + full <= room:
                assert moved[0] == full
    assert 25 <= alone <= 55


def test_seeds_hold_and_too_large_pictures_are_refused() -> None:
    one, same, other = (draw_moving(4, seed) for seed in (1, 1, 2))
    assert np.array_equal(one[0], same[0]) and one[1] == same[1]
    assert one[1] != other[1]
    with pytest.raises(ValueError, match="fit"):
        moving(np.zeros((1, 48, 48), np.uint8), ["x"], 1, 0)
    pictures, names = solids()
    assert len(set(names)) == len(pictures) == 18
    assert len({p.tobytes() for p in pictures}) == 18 and all(p.any() for p in pictures)


def test_what_is_drawn_can_be_read(tmp_path: Path) -> None:
    told = drawn("moving", 5, 0, tmp_path / "moving.npz")
    assert told["learn"] == f"genloom train video {told['path']}"
    codec = VideoCodec(size=24)
    items = codec.read(Path(told["path"])).items
    assert codec.captions(items) == draw_moving(5, 0)[1]
    codec.fit(items)
    assert codec.encode(items).shape == (5, 1, 16, 24, 24)
