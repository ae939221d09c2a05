"""Recordings as they come: silent, clipped, endless, cut short, of any rate and number of channels,
and without the library that reads them."""

from __future__ import annotations

import struct
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from genloom.codec.sound.codec import SoundCodec
from genloom.codec.sound.files import read_sound, wav_bytes, write_sound
from genloom.codec.sound.recordings import read_recordings
from genloom.errors import DataError, MissingExtra
from genloom.sound.loudness import levelled, loudness, true_peak
from genloom.sound.mixing import Track, mixed
from genloom.sound.wave import Sound


def tone(rate: int, seconds: float = 0.5, channels: int = 1) -> Sound:
    time = torch.arange(round(rate * seconds)) / rate
    return Sound((0.5 * torch.sin(2 * torch.pi * 440 * time)).expand(channels, -1).clone(), rate)


def eight_bits(data: bytes) -> bytes:
    """A WAV file of 4 kHz."""
    head = struct.pack("<HHIIHH", 1, 1, 4_000, 4_000, 1, 8)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", len(data))
    return b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data


def test_rates_and_channels_meet_in_one_model(tmp_path: Path) -> None:
    """From 4 to 384 kHz, up to 32 channels: at the codec's rate it is the same tone."""
    forms = [(4_000, 1), (8_000, 2), (11_025, 1), (44_100, 6), (96_000, 32), (384_000, 1)]
    for rate, channels in forms:
        (tmp_path / f"{rate}.wav").write_bytes(wav_bytes(tone(rate, channels=channels)))
    reading = read_recordings(tmp_path)
    assert len(reading.items) == len(forms) and not reading.skipped
    codec = SoundCodec(rate=8_000, window=256, hop=64, bands=16)
    codec.fit(reading.items)
    frames = torch.stack(codec.encode(reading.items))
    heard = codec.mel(reading.items[0].open()).shape[1]
    assert frames.isfinite().all()
    middle = frames[:, :, 8 : heard - 8].mean(2)
    assert (middle - middle[1]).abs().max() < 0.4  # a deviation is a half


def test_clipping_and_eight_bits(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        loud = np.clip(np.sin(np.arange(8_000) * 0.3) * 900 + 128, 0, 255)
        file.writeframes(loud.astype(np.uint8).tobytes())
    reading = read_recordings(tmp_path)
    assert any("clipped" in note for note in reading.notes)
    sound = reading.items[0].open()
    assert float(sound.samples.abs().max()) <= 1
    made = levelled(sound, -16.0)
    assert loudness(made) == pytest.approx(-16, abs=0.3) and true_peak(made) <= -0.99


def test_an_hour_is_read_in_seconds_and_cut_to_what_a_model_holds() -> None:
    again = read_sound(eight_bits(b"\x80\x90" * (1800 * 4_000)))
    assert again.seconds == 3600
    codec = SoundCodec(window=256, hop=64, bands=16, seconds=2)
    codec.fit([again])
    (frames,) = codec.encode([again])
    assert frames.shape[1] <= 2 * codec.cut.rate // codec.cut.hop + 8
    start = Sound(again.samples[:, : 60 * 4_000], 4_000)
    assert torch.allclose(frames, codec.encode([start])[0], atol=1e-4)
    with pytest.raises(DataError, match="hours: at most"):
        read_sound(eight_bits(bytes(5 * 3600 * 4_000)), "long.wav")


def test_zero_length_and_silence_are_told_wherever_they_come() -> None:
    nothing, silence = (Sound(torch.zeros(1, n), 8_000) for n in (0, 8_000))
    with pytest.raises(DataError, match="without a single sample"):
        read_sound(wav_bytes(nothing), "a.wav")
    for sound in (nothing, silence):
        assert loudness(sound) == true_peak(sound) == -float("inf")
        assert levelled(sound).samples.equal(sound.samples)
        assert not mixed([Track(sound=sound, over=True)]).samples.any()


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_a_file_cut_anywhere_is_read_or_told(tmp_path: Path, suffix: str) -> None:
    if suffix != ".wav":
        pytest.importorskip("soundfile", reason="FLAC, OGG and MP3 need the extra audio")
    path = tmp_path / f"a{suffix}"
    write_sound(tone(8_000), path, {"seed": 1})
    whole = path.read_bytes()
    for size in np.linspace(0, len(whole) - 1, 40).astype(int):
        try:
            sound = read_sound(whole[:size], path.name)
        except DataError as error:
            assert str(error).startswith(path.name) and "\n" not in str(error)
        else:
            assert sound.samples.isfinite().all() and sound.seconds <= 0.7


@pytest.mark.parametrize(
    ("channels", "rate", "told"),
    [(0, 8_000, "0 channels"), (65, 8_000, "65 channels"), (1, 3_999, "rate"), (1, 0, "rate")],
)
def test_forms_beyond_what_is_taken(channels: int, rate: int, told: str) -> None:
    head = struct.pack("<HHIIHH", 1, channels, rate, 0, 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", 8) + bytes(8)
    with pytest.raises(DataError, match=told):
        read_sound(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    assert read_sound(wav_bytes(tone(8_000))).seconds == 0.5  # WAV needs none
    with pytest.raises(MissingExtra, match=r"genloom\[audio\]"):
        read_sound(b"fLaC" + bytes(100), "a.flac")
    with pytest.raises(MissingExtra, match=r"genloom\[audio\]"):
        write_sound(tone(8_000), tmp_path / "a.mp3")
    assert not list(tmp_path.iterdir())
    (tmp_path / "a.flac").write_bytes(b"fLaC" + bytes(100))
    with pytest.raises(MissingExtra, match=r"genloom\[audio\]"):
        read_recordings(tmp_path)
