"""Tracks in a mix: where they begin, how loud, from where; a bed that goes down under a voice."""

from __future__ import annotations

import pytest
import torch

from genloom.errors import DataError, RequestError
from genloom.sound.mixing import Ducking, Track, ducked, mixed, room_for
from genloom.sound.wave import Sound

RATE = 8_000


def tone(seconds: float, level: float = 0.5) -> torch.Tensor:
    return level * torch.sin(torch.arange(round(seconds * RATE)) * 0.7)[None]


def test_tracks_begin_where_they_are_put_at_their_level_and_side():
    one = Track(sound=Sound(tone(0.5), RATE), at=1.0, gain=-6.0206, pan=-1.0)
    made = mixed([one, Track(sound=Sound(torch.zeros(1, 4 * RATE), RATE))])
    assert made.samples.shape == (2, 4 * RATE)
    assert float(made.samples[1].abs().max()) < 1e-6
    assert float(made.samples[0, : RATE - 1].abs().max()) == 0
    assert abs(float(made.samples[0].abs().max()) - 0.25) < 0.01


def test_fades_and_other_rates():
    track = Track(sound=Sound(tone(1.0), RATE), begin=0.2, end=0.2)
    made = mixed([track], 16_000)
    assert made.rate == 16_000 and made.samples.shape[1] == 16_000
    level = made.samples[0].abs()
    assert float(level[:400].max()) < 0.25 * float(level[6_000:9_000].max())
    assert float(level[-400:].max()) < 0.25 * float(level[6_000:9_000].max())


def test_a_bed_makes_room_before_the_first_word_and_comes_back():
    voice = torch.cat((torch.zeros(1, 2 * RATE), tone(2.0), torch.zeros(1, 4 * RATE)), 1)
    gain = room_for(voice[0], RATE, Ducking(by=12.0))
    assert abs(float(gain[RATE]) - 1) < 1e-4
    at_first_word = float(gain[2 * RATE])
    assert abs(at_first_word - 10 ** (-12 / 20)) < 0.02
    assert abs(float(gain[3 * RATE]) - 10 ** (-12 / 20)) < 0.01
    assert abs(float(gain[-1]) - 1) < 1e-4
    assert float((gain[1:] - gain[:-1]).abs().max()) < 0.01  # no click


def test_the_mix_ducks_what_is_under_what_is_over():
    bed = Sound(torch.full((1, 6 * RATE), 0.5), RATE)
    voice = Sound(tone(2.0, 1e-9), RATE)  # heard by the bed alone
    under = Track(sound=bed, under=Ducking())
    alone = mixed([under]).samples
    both = mixed([under, Track(sound=voice, at=2.0, over=True)]).samples
    assert torch.allclose(alone[:, :RATE], both[:, :RATE], atol=1e-6)
    assert float(both[0, 3 * RATE]) < 0.3 * float(alone[0, 3 * RATE])
    made = ducked(bed, Sound(tone(2.0), RATE))
    assert float(made.samples[0, RATE]) < 0.15 < float(made.samples[0, -1])


def test_silence_ducks_nothing():
    assert torch.equal(room_for(torch.zeros(RATE), RATE, Ducking()), torch.ones(RATE))


def test_what_cannot_be_mixed_says_why():
    with pytest.raises(DataError, match="no tracks"):
        mixed([])
    with pytest.raises(RequestError, match="a track at -1"):
        Track(sound=Sound(tone(0.1), RATE), at=-1.0)
    with pytest.raises(DataError, match="resample one"):
        ducked(Sound(tone(0.1), RATE), Sound(tone(0.1), 16_000))
