"""Chapters inside every kind of file come back, and the file beside them stays what it was."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch

from genloom.codec.sound.comments import commented, with_comments
from genloom.codec.sound.files import read_sound, sound_marks, sound_record, write_sound
from genloom.codec.sound.marks import Mark, chapters_in, cue_marks, with_chapters
from genloom.errors import DataError
from genloom.sound.wave import Sound

MARKS = (
    Mark(title="One", begin=0.0, end=0.75),
    Mark(title="Zwölf \U0001f41d", begin=0.75, end=1.0),
)


def noise(channels: int = 2, rate: int = 16_000) -> Sound:
    rng = torch.Generator().manual_seed(1)
    return Sound(0.2 * torch.randn(channels, rate, generator=rng), rate)


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".ogg", ".opus"])
def test_chapters_and_record_come_back(tmp_path: Path, suffix: str) -> None:
    if suffix != ".wav":
        pytest.importorskip("soundfile", reason="all but WAV need the extra audio")
    path, bare = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    write_sound(noise(), path, {"seed": 7}, MARKS)
    write_sound(noise(), bare, {"seed": 7})
    assert sound_marks(path) == list(MARKS) and sound_marks(bare) == []
    assert sound_record(path) == {"seed": 7}
    assert read_sound(path.read_bytes()).samples.equal(read_sound(bare.read_bytes()).samples)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".flac"])
@pytest.mark.parametrize("channels", [1, 2])
def test_two_channels_are_no_noise(tmp_path: Path, suffix: str, channels: int) -> None:
    """libsndfile 1.2 wrote whole numbers of two channels into MP3 as noise, 4 dB louder."""
    pytest.importorskip("soundfile", reason="FLAC, OGG and MP3 need the extra audio")
    time = torch.arange(24_000) / 24_000
    tone = torch.stack([torch.sin(2 * torch.pi * hertz * time) for hertz in (220, 330)])
    sound = Sound(0.5 * tone[:channels], 24_000)
    write_sound(sound, tmp_path / f"a{suffix}")
    again = read_sound((tmp_path / f"a{suffix}").read_bytes()).samples
    part = slice(4_000, 20_000)
    error = (again[:, part] - sound.samples[:, part]).square().mean()
    assert float(error / sound.samples.square().mean()) < 0.01


def test_a_tag_of_another_version_is_told_and_damage_ends() -> None:
    with pytest.raises(DataError, match=r"2\.4"):
        with_chapters(b"ID3\4\0\0\0\0\0\0", MARKS)
    whole = with_chapters(b"\xff\xfb", MARKS)
    for size in range(len(whole)):
        chapters_in(whole[:size])
    assert whole.endswith(b"\xff\xfb")
    assert cue_marks(struct.pack("<I", 1 << 31), b"adtllabl\xff\xff\xff\xff", 8_000, 1.0) == []


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus"])
def test_chapters_go_beside_long_comments_and_are_read_by_others(
    tmp_path: Path, suffix: str
) -> None:
    """A record of more than a page of OGG, and 200 chapters; told again, they take the place of
    those that are there. Damage ends."""
    library = pytest.importorskip("soundfile", reason="FLAC and OGG need the extra audio")
    path, record = tmp_path / f"a{suffix}", {"long": "x" * 70_000}
    many = [Mark(title=f"Part {n}", begin=n / 200, end=(n + 1) / 200) for n in range(200)]
    write_sound(noise(), path, record, many)
    assert sound_marks(path) == many and sound_record(path) == record
    again = with_comments(path.read_bytes(), MARKS)
    path.write_bytes(again)
    assert sound_marks(path) == list(MARKS) and sound_record(path) == record
    assert library.info(str(path)).frames == pytest.approx(noise().samples.shape[1], abs=400)
    for size in range(0, len(again), 997):
        commented(again[:size], 1.0)
    for other in (b"RIFF", b"OggS" + bytes(30)):
        with pytest.raises(DataError):
            with_comments(other, MARKS)
