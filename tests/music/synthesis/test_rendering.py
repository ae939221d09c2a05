"""A score as sound: notes where they belong, the same twice, at a loudness, within the peaks."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from genloom.errors import DataError, RequestError
from genloom.music.score import Note, Part, Score
from genloom.music.synthesis.rendering import Rendering, batches, notes_of, render
from genloom.sound.loudness import loudness, true_peak
from genloom.sound.reverb import Room, convolved, convolved_plainly, response

DRY = Room(share=0.0)


def score(*lines: list[int], instrument: int = 0, drums: bool = False) -> Score:
    """Quarters at 120, one pitch after another in each part."""
    parts = tuple(
        Part(
            tuple(Note(Fraction(n), Fraction(1), pitch) for n, pitch in enumerate(line)),
            name=f"part {k}",
            instrument=instrument,
            drums=drums,
        )
        for k, line in enumerate(lines)
    )
    return Score(tempo=120.0, parts=parts)


def test_notes_sound_when_they_should_and_nowhere_else():
    rest = score([60, 64])
    late = replace(
        rest.parts[0], notes=(rest.parts[0].notes[0], Note(Fraction(3), Fraction(1), 64))
    )
    made = render(replace(rest, parts=(late,)), Rendering(rate=22_050, room=DRY, loudness=None))
    x = made.mono()
    power = [float(x[int(t * 22_050) :][:2_000].square().mean()) for t in (0.1, 1.2, 1.6)]
    assert power[0] > 1e-4 and power[1] < 1e-3 * power[0] and power[2] > 1e-4


def test_the_same_score_is_the_same_sound_and_another_seed_is_not():
    one, again, other = (
        render(score([60, 67]), Rendering(rate=16_000, seed=seed)).samples for seed in (0, 0, 1)
    )
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_it_is_as_loud_as_asked_and_its_peaks_are_held():
    made = render(score([60, 64, 67], [48, 48, 55]), Rendering(rate=44_100, loudness=-14.0))
    assert abs(loudness(made) + 14.0) < 0.7 and true_peak(made) <= -0.9


def test_parts_stand_where_they_are_put():
    how = Rendering(rate=16_000, room=DRY, pans={"part 0": -1.0, 1: 1.0}, gains={1: -200.0})
    left, right = render(score([60], [64]), how).samples
    assert float(right.abs().max()) < 1e-3 * float(left.abs().max())


def test_drums_and_grace_notes_are_played():
    kit = render(score([36, 38, 42], drums=True), Rendering(rate=16_000))
    assert float(kit.samples.abs().max()) > 0.05
    graced = Part((Note(Fraction(1), Fraction(1), 60, grace=(62, 64)),))
    found = notes_of(Score(tempo=60.0, parts=(graced,)), graced, 0)
    assert found.pitch.tolist() == [62, 64, 60] and found.onset[1] < found.onset[2] == 1.0


def test_what_cannot_be_played_says_why():
    with pytest.raises(DataError, match="no notes"):
        render(Score())
    with pytest.raises(DataError, match="3,600 s at most"):
        render(score([60] * 9_000))
    with pytest.raises(RequestError, match="use one of"):
        render(score([60]), Rendering(instruments={0: "kazoo"}))
    with pytest.raises(RequestError, match="rate of 10"):
        Rendering(rate=10)


def test_batches_hold_every_note_once():
    lasts = torch.rand(50, generator=torch.Generator().manual_seed(0)).numpy() * 3
    seen = []
    for some, size in batches(lasts, 1_000):
        assert size >= lasts[some].max() * 1_000
        seen += some.tolist()
    assert sorted(seen) == list(range(50))


def test_a_room_is_a_convolution():
    x = torch.randn(1, 3_000, generator=torch.Generator().manual_seed(1))
    answer = response(Room(sixty=0.1), 2_000)
    assert torch.allclose(convolved(x, answer), convolved_plainly(x, answer), atol=1e-4)
    assert float(answer[:, -20:].abs().max()) < 0.01 * float(answer.abs().max())
    with pytest.raises(RequestError, match="a room"):
        Room(share=2.0)
