"""FluidSynth where it is installed, and what is said where it is not."""

from __future__ import annotations

import shutil

import pytest

from genloom.codec.sound.files import read_sound
from genloom.errors import GenloomError, UsageError
from genloom.music.fluidsynth import FOLDERS, font_at, play_midi

# one note, a quarter long: a header, a track with note on, note off and the end
MIDI = bytes.fromhex("4d546864000000060000000100604d54726b0000000d00903c6460803c4000ff2f0000"[:-2])


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(UsageError, match="apt install fluidsynth"):
        play_midi(MIDI, program="no-such-program")
    with pytest.raises(UsageError, match="no sound font in"):
        font_at(None, [str(tmp_path)])
    with pytest.raises(UsageError, match="there is no sound font"):
        font_at(tmp_path / "a.sf2")


def test_a_note_is_played():
    if shutil.which("fluidsynth") is None:
        pytest.skip("fluidsynth is not installed")
    try:
        font = font_at(None, FOLDERS)
    except UsageError:
        pytest.skip("no sound font is installed")
    sound = read_sound(play_midi(MIDI, font, 22_050))
    assert sound.rate == 22_050 and float(sound.samples.abs().max()) > 0.001


def test_a_program_that_fails_is_told(tmp_path):
    font = tmp_path / "a.sf2"
    font.write_bytes(b"none")
    with pytest.raises(GenloomError):
        play_midi(MIDI, font, program="false")
