"""Every instrument in tune, without clicks, and brighter where it is played harder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genloom.errors import RequestError
from genloom.music.synthesis.drums import DRUMS, drum
from genloom.music.synthesis.instruments import (
    CHOSEN,
    INSTRUMENTS,
    instrument,
    name_of,
    programme_of,
)
from genloom.music.synthesis.modes import partials, ring, ring_plainly
from genloom.music.synthesis.notes import Notes
from genloom.music.synthesis.plucked import Loop, by_recursion

RATE = 44_100
HIGH = 96  # C7
LOW = 33  # A1


def notes(pitches: list[int], force: float = 0.8, length: float = 0.5) -> Notes:
    count = len(pitches)
    return Notes(
        onset=np.zeros(count),
        length=np.full(count, length),
        pitch=np.array(pitches, float),
        velocity=np.full(count, force),
        seed=np.arange(count) + 7,
    )


def spectrum(x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """(Hz, power), eight times finer than the samples tell by themselves."""
    window = np.hanning(len(x))
    power = np.abs(np.fft.rfft(x.numpy() * window, 8 * len(x))) ** 2
    return np.fft.rfftfreq(8 * len(x), 1 / RATE), power


def cents_off(x: torch.Tensor, pitch: float) -> float:
    """How far the strongest partial near the fundamental lies from where it should be."""
    aim = 440 * 2 ** ((pitch - 69) / 12)
    hertz, power = spectrum(x)
    near = np.flatnonzero((hertz > 0.95 * aim) & (hertz < 1.05 * aim))
    at = near[power[near].argmax()]
    a, b, c = np.log(power[at - 1 : at + 2])
    found = (at + 0.5 * (a - c) / (a - 2 * b + c)) * hertz[1]
    return float(1200 * np.log2(found / aim))


def centroid(x: torch.Tensor) -> float:
    hertz, power = spectrum(x)
    return float((hertz * power).sum() / power.sum())


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_an_instrument_is_in_tune_from_end_to_end(name):
    pitches = [LOW, 60, HIGH]
    played = instrument(name).play(
        notes(pitches), 22_050 + int(INSTRUMENTS[name].release * RATE), RATE
    )
    for row, pitch in zip(played, pitches, strict=True):
        assert abs(cents_off(row[2_000:24_000], pitch)) < 5
        assert abs(float(row.mean())) < 5e-3 * float(row.abs().max())
        assert abs(float(row[0])) < 1e-3 and abs(float(row[-1])) < 0.05 * float(row.abs().max())


@pytest.mark.parametrize("name", ["piano", "guitar", "flute", "strings", "brass"])
def test_force_makes_it_louder_and_brighter(name):
    soft, hard = (instrument(name).play(notes([60], f), 22_050, RATE)[0] for f in (0.3, 1.0))
    assert hard.square().mean() > 10 * soft.square().mean()
    assert centroid(hard) > 1.03 * centroid(soft)


def test_what_the_rate_cannot_hold_does_not_come_back_from_above():
    """Between the partials of a high note there is nothing: what folds back would lie there."""
    for name in ("piano", "guitar", "organ", "brass"):
        x = instrument(name).play(notes([100], 1.0, 1.0), 44_100, RATE)[0][8_000:40_000]
        hertz, power = spectrum(x)
        first = 440 * 2 ** (31 / 12)
        below = power[(hertz > 100) & (hertz < 0.8 * first)].max()
        breath = 1e-4 if name == "organ" else 1e-6  # an organ's wind is meant to be there
        assert below < breath * power.max(), name


def test_the_string_is_the_loop_that_it_stands_for():
    """Its modes, excited by an impulse and its negative (which leaves nothing at 0 Hz), are what
    the recursion makes sample by sample."""
    for hertz, sixty in ((441.0, 1.0), (987.8, 0.5)):
        loop = Loop.tuned(torch.tensor([hertz]).double(), torch.tensor([sixty]).double(), 0.3, RATE)
        slow = by_recursion(loop, np.array([1.0, -1.0]), 4_000)
        s, residue = loop.modes()
        fast = ring_plainly(s, 2 * residue * (1 - torch.exp(-s)), 4_000)[0].numpy()
        assert np.abs(slow - fast)[1_500:].max() < 0.01 * np.abs(slow[1_500:]).max()
        assert abs(float(s[0, 0].imag) * RATE / (2 * np.pi) - hertz) < 0.01
        assert abs(-6.9078 / float(s[0, 0].real) / RATE - sixty) < 0.01


def test_modes_by_products_are_modes_by_sines():
    rng = torch.Generator().manual_seed(0)
    hertz, decay, size, phase = (torch.rand(3, 5, generator=rng).double() for _ in range(4))
    found = partials(100 + 9_000 * hertz, 0.05 + decay, size, phase, RATE)
    assert torch.allclose(ring(*found, 5_000).double(), ring_plainly(*found, 5_000), atol=2e-5)


def test_a_piano_falls_fast_and_then_slowly():
    x = instrument("piano").play(notes([57], 0.8, 4.0), 4 * RATE, RATE)[0]
    level = [float(x[int(t * RATE) :][:4_410].square().mean().log10()) for t in (0.05, 0.65, 3.2)]
    assert (level[0] - level[1]) / 0.6 > 1.5 * (level[1] - level[2]) / 2.55 > 0


def test_drums_sound_where_they_should_and_die_away():
    for pitch in DRUMS:
        hit = drum(pitch)
        size = int(hit.release * RATE)
        x = hit.play(notes([pitch]), size, RATE)[0]
        assert float(x.abs().max()) > 0.05 and float(x[-64:].abs().max()) < 0.01
    assert centroid(drum(36).play(notes([36]), 20_000, RATE)[0]) < 300
    assert centroid(drum(42).play(notes([42]), 10_000, RATE)[0]) > 4_000


def test_every_programme_has_an_instrument():
    assert {name_of(programme) for programme in range(128)} <= set(INSTRUMENTS)
    assert (name_of(0), name_of(19), name_of(40), name_of(73)) == (
        "piano",
        "organ",
        "strings",
        "flute",
    )
    with pytest.raises(RequestError, match="use one of piano"):
        instrument("kazoo")


def test_the_programme_told_for_an_instrument_is_played_by_it():
    assert set(CHOSEN) == set(INSTRUMENTS)
    assert all(name_of(programme_of(name)) == name for name in INSTRUMENTS)
    assert programme_of(" 71 ") == 71
