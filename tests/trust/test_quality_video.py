"""Clips are judged by what moves in them: what captions ask, flicker, what follows; each judgement
is shown to fail on what is bad."""

from __future__ import annotations

import pytest
import torch
from toys import MADE, clips, shaken

from genloom.metric.motion import (
    WAYS,
    centroids,
    changes,
    cut_out,
    flicker,
    headings,
    moving_on,
    standing,
    starts,
)
from genloom.trust.quality_video import Told, asked, measure


def ball(way: tuple[int, int], at=(16, 16), frames: int = 8, side: int = 40) -> torch.Tensor:
    """[1, 1, T, H, W]: a square that goes so many pixels (down, right) a frame, and turns at
    edges."""
    x = torch.full((1, 1, frames, side, side), -1.0)
    place, step = list(at), list(way)
    for n in range(frames):
        x[0, 0, n, place[0] : place[0] + 6, place[1] : place[1] + 6] = 1.0
        for axis in (0, 1):
            if not 0 <= place[axis] + step[axis] <= side - 6:
                step[axis] = -step[axis]
            place[axis] += step[axis]
    return x


def test_the_eight_ways():
    steps = ((0, 2), (2, 2), (2, 0), (2, -2), (0, -2), (-2, -2), (-2, 0), (-2, 2))
    for number, step in enumerate(steps):
        x = ball(step)
        assert headings(x, 7).tolist() == [number] and bool(starts(x, number))
        assert not bool(starts(x, (number + 4) % 8)) and not bool(starts(x, (number + 1) % 8))
    assert headings(ball((0, 0)), 7).tolist() == [-1]
    turned = ball((0, 2), at=(16, 34))  # stands at the edge and turns
    assert bool(starts(turned, WAYS.index("right"))) and bool(starts(turned, WAYS.index("left")))


def test_what_captions_ask():
    one = asked("a digit 7 starting up and left at slow speed")
    assert one is not None and WAYS[one.way] == "up left" and one.first
    assert one.rest == "a digit 7 starting at slow speed"
    two = asked("pixel art rune moving right on a blue background")
    assert two is not None and WAYS[two.way] == "right" and not two.first
    assert asked("a 9 starting down and a 7 starting left") is None and asked("a dog") is None


def test_flicker_sees_what_is_not_found_again():
    still, noisy = ball((1, 2)), ball((1, 2))
    noisy[:, :, ::2] += 0.1
    broken = ball((1, 2))
    broken[:, :, ::2] = -1.0
    assert float(flicker(still)) < 0.2 * float(flicker(noisy))
    assert float(flicker(still)) < 0.2 * float(flicker(broken))
    assert float(changes(noisy)) > 2 * float(changes(still))


def test_what_moves_is_cut_out_and_goes_on():
    x = ball((2, 0), at=(2, 10), frames=12)
    cut = cut_out(x, 12)
    assert cut.shape == (1, 1, 12, 12, 12)
    assert torch.equal(cut[:, :, :-1], cut[:, :, 1:])  # it stays in the middle
    assert centroids(x)[0, 0].tolist() == pytest.approx([4.5, 12.5], abs=1e-3)
    known, rest = x[:, :, :6], x[:, :, 6:]
    error = [
        float((side - rest).square().mean()) for side in (moving_on(known, 6), standing(known, 6))
    ]
    assert error[0] < 1e-6 < 0.05 < error[1]
    turns = ball((3, 0), at=(16, 10), frames=12)  # meets the edge within what is asked
    on = moving_on(turns[:, :, :5], 7)
    assert float(centroids(on)[0, -1, 0]) < 34


def test_the_protocol_tells_a_maker_that_moves_wrongly(tmp_path):
    model = shaken(MADE["clip by flow"](), tmp_path)
    rows, used = measure(
        model, clips(24), clips(12), seed=1, count=8, tell=lambda text: None, shown=0
    )
    found = {row.metric: row for row in rows}
    moves = found["moves_as_asked"]
    assert moves.ceiling == 1.0 and moves.floor < 0.6 and moves.value < 0.9
    going = found["going_on_error"]
    assert going.ceiling < going.floor and going.value > going.ceiling
    assert found["flicker_ratio"].ceiling == pytest.approx(1.0, abs=0.2)
    assert found["frechet_distance"].value > found["frechet_distance"].ceiling
    assert used["clips"] == 8 and {"near_copies"} <= set(found)


def test_real_clips_are_as_asked():
    codec_clips = clips(8)
    x = torch.stack([torch.from_numpy(c.open().pixels).permute(3, 0, 1, 2) for c in codec_clips])
    told = Told.of(x.float() / 127.5 - 1, [c.caption for c in codec_clips])
    assert bool(told.right().all()) and not bool(
        Told(x=told.x, asked=(*told.asked[1:], told.asked[0])).right().any()
    )
