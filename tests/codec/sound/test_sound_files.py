"""Sound files: every form is read, the record comes back, damage ends in one line."""

from __future__ import annotations

import io
import math
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import torch

from genloom.codec.sound.files import (
    read_sound,
    sample_hash,
    sound_record,
    wav_bytes,
    write_sound,
)
from genloom.errors import DataError, RequestError
from genloom.sound.wave import Sound

RECORD = {"model": "x", "prompt": "süß \U0001f600 <voice>"}


def tone(rate: int = 16_000, channels: int = 1, seconds: float = 0.2) -> Sound:
    time = torch.arange(round(rate * seconds)) / rate
    return Sound(torch.sin(2 * math.pi * 440 * time).mul(0.5).expand(channels, -1).clone(), rate)


def test_wav_comes_back_and_the_standard_library_reads_it() -> None:
    sound = tone(22_050, 2)
    content = wav_bytes(sound, RECORD)
    again = read_sound(content)
    assert again.rate == 22_050
    assert torch.allclose(again.samples, sound.samples, atol=1 / 32_000)
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getnframes()) == (2, sound.samples.shape[1])


@pytest.mark.parametrize(("code", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)])
@pytest.mark.parametrize("extensible", [False, True])
def test_every_form_of_numbers(code: int, bits: int, extensible: bool) -> None:
    values = np.sin(np.arange(400) / 9.0) * 0.7
    if code == 3:
        data = values.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        data = np.round(values * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = np.round(values * (2 ** (bits - 1) - 1)).astype("<i8")
        data = b"".join(int(v).to_bytes(8, "little", signed=True)[: bits // 8] for v in whole)
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else code, 1, 8_000, 0, bits // 8, bits)
    form += struct.pack("<HHIH14s", 22, bits, 0, code, b"\0" * 14) if extensible else b""
    body = (
        b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data))
    )
    sound = read_sound(b"RIFF" + struct.pack("<I", len(body) + len(data)) + body + data)
    assert np.abs(sound.samples[0].numpy() - values).max() < 2 ** (1 - min(bits, 24)) * 1.5


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3"])
@pytest.mark.parametrize("rate", [8_000, 22_050, 96_000])
def test_the_record_is_inside(tmp_path: Path, suffix: str, rate: int) -> None:
    if suffix != ".wav":
        pytest.importorskip("soundfile", reason="FLAC, OGG and MP3 need the extra audio")
    path = tmp_path / f"a{suffix}"
    assert write_sound(tone(rate), path, RECORD)
    assert sound_record(path) == RECORD
    again = read_sound(path.read_bytes())
    assert again.seconds == pytest.approx(0.2, abs=0.1)
    assert float(again.samples.abs().max()) == pytest.approx(0.5, abs=0.1)


def test_the_hash_is_that_of_the_samples(tmp_path: Path) -> None:
    sound = tone()
    assert sample_hash(read_sound(wav_bytes(sound, RECORD))) == sample_hash(
        read_sound(wav_bytes(sound))
    )
    louder = Sound(sound.samples * 1.01, sound.rate)
    assert sample_hash(louder) != sample_hash(sound)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"#EXTM3U\nhttp://127.0.0.1/a.ts\n",
        wav_bytes(tone())[:40],
        b"ID3" + b"\0" * 500,
        b"OggS" + b"\xff" * 500,
        b"fLaC" + b"\0" * 100,
    ],
)
def test_what_is_no_sound_is_told_in_one_line(content: bytes) -> None:
    pytest.importorskip("soundfile", reason="what other formats hold is told by the extra audio")
    with pytest.raises(DataError) as caught:
        read_sound(content, "a.wav")
    assert "\n" not in str(caught.value) and str(caught.value).startswith("a.wav: ")
    assert "0x" not in str(caught.value)


def test_a_file_cut_short_is_read_as_far_as_it_goes() -> None:
    whole = wav_bytes(tone())
    assert 0 < read_sound(whole[: len(whole) // 2]).samples.shape[1] < tone().samples.shape[1]


@pytest.mark.parametrize(("channels", "rate"), [(32, 8_000), (1, 4_000), (1, 384_000)])
def test_many_channels_and_far_rates(channels: int, rate: int) -> None:
    again = read_sound(wav_bytes(tone(rate, channels)))
    assert (len(again.samples), again.rate) == (channels, rate)


def test_no_numbers_become_silence_and_unknown_forms_are_refused(tmp_path: Path) -> None:
    data = np.array([np.nan, np.inf, -np.inf, 0.5], "<f4").tobytes()
    head = struct.pack("<HHIIHH", 3, 1, 8_000, 0, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", 16) + data
    assert read_sound(b"RIFF" + struct.pack("<I", 44) + body).samples.tolist() == [[0, 1, -1, 0.5]]
    with pytest.raises(RequestError, match="are written as"):
        write_sound(tone(), tmp_path / "a.xyz")
    assert not list(tmp_path.iterdir())
