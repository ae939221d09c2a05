"""The codec of sounds: any recording to frames and back, voices in prompts, collections on disk."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import pytest
import torch

from genloom.codec.sound.codec import SoundCodec
from genloom.codec.sound.files import wav_bytes
from genloom.codec.sound.recordings import Recording, read_recordings
from genloom.errors import DataError, RecipeError, RequestError
from genloom.sound.wave import Sound


def tone(hertz: float = 440, seconds: float = 0.3, rate: int = 8_000, channels: int = 1) -> Sound:
    time = torch.arange(round(rate * seconds)) / rate
    return Sound(torch.sin(2 * math.pi * hertz * time).mul(0.5).expand(channels, -1).clone(), rate)


def pitch(sound: Sound) -> float:
    spectrum = torch.fft.rfft(sound.mono(), 1 << 16).abs()
    return float(spectrum.argmax()) * sound.rate / (1 << 16)


def fitted(**options: float) -> SoundCodec:
    codec = SoundCodec(**options)  # type: ignore[arg-type]
    codec.fit([Recording(tone(300 + 20 * n, 0.1 + 0.02 * n)) for n in range(20)])
    return codec


def test_a_tone_comes_back_at_its_pitch() -> None:
    codec = fitted()
    for hertz in (330.0, 620.0):
        (made,) = codec.decode(codec.encode([tone(hertz)]))
        assert pitch(made) == pytest.approx(hertz, abs=16)  # a bin of the frames
        assert made.seconds == pytest.approx(0.3, abs=0.1)


def test_rates_and_channels_are_brought_to_one() -> None:
    codec = fitted()
    plain, wide = codec.encode([tone(440), tone(440, rate=48_000, channels=6)])
    assert plain.shape == wide.shape
    inside = plain[:, 4:16] - wide[:, 4:16]
    assert float(inside.abs().mean()) < 0.1


def test_lengths_are_a_few_and_the_longest_is_cut() -> None:
    codec = fitted()
    assert len(codec.lengths) <= 12
    shapes = {x.shape[1] for x in codec.encode([tone(seconds=s) for s in (0.01, 0.2, 9.0)])}
    assert shapes <= set(codec.lengths) and max(shapes) == codec.lengths[-1]


def test_silence_decodes_and_is_the_same_after_disk(tmp_path: Path) -> None:
    codec = fitted(bands=40)
    codec.save(tmp_path)
    again = SoundCodec.load(tmp_path)
    items = [tone(500), Sound(torch.zeros(1, 1_000), 8_000)]
    for a, b in zip(codec.encode(items), again.encode(items), strict=True):
        assert torch.equal(a, b)
    assert again.spec == codec.spec
    assert all(torch.isfinite(s.samples).all() for s in again.decode(again.encode(items)))


def test_voices_are_part_of_the_prompt() -> None:
    codec = SoundCodec()
    codec.fit([Recording(tone(), "one & two", "anna"), Recording(tone(), "three", "ben")])
    told = codec.captions([Recording(tone(), "one & two", "anna")])
    assert told == ['<voice name="anna">one &amp; two</voice>']
    assert codec.worded("hi", {"voice": "ben"}) == '<voice name="ben">hi</voice>'
    assert codec.worded("hi", "voice = 'ben'") == '<voice name="ben">hi</voice>'
    assert codec.worded("hi", None) == "hi"
    with pytest.raises(RequestError, match="anna, ben"):
        codec.worded("hi", {"voice": "carl"})
    with pytest.raises(RequestError, match="the condition voice alone"):
        codec.worded("hi", {"age": 3})


def test_options_that_do_not_fit() -> None:
    with pytest.raises(RecipeError, match="rate is 3"):
        SoundCodec(rate=3)
    with pytest.raises(RecipeError, match="is to divide"):
        SoundCodec(rate=8_000, window=256, hop=100)


# --- collections ----------------------------------------------------------------------------------


def write(path: Path, sound: Sound) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav_bytes(sound))


def test_names_folders_and_tables_tell_what_is_said(tmp_path: Path) -> None:
    for name in ("seven_anna_0", "seven_anna_1", "two_ben_0"):
        write(tmp_path / "named" / f"{name}.wav", tone())
    reading = read_recordings(tmp_path / "named")
    assert [(r.caption, r.voice) for r in reading.items] == [
        *[("seven", "anna")] * 2,
        ("two", "ben"),
    ]
    write(tmp_path / "lj" / "wavs" / "a1.wav", tone())
    (tmp_path / "lj" / "metadata.csv").write_text("a1|Dr. X|Doctor X\ngone|no|no\n")
    lj = read_recordings(tmp_path / "lj")
    assert [r.caption for r in lj.items] == ["Doctor X"]
    assert "gone" in lj.skipped
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("x/a.wav", wav_bytes(tone()))
        archive.writestr("metadata.jsonl", '{"file_name": "x/a.wav", "text": "hi", "speaker": "c"}')
    (zipped,) = read_recordings(tmp_path / "c.zip").items
    assert (zipped.caption, zipped.voice) == ("hi", "c")


def test_what_is_broken_or_silent_is_left_out_with_its_reason(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", tone())
    write(tmp_path / "loud.wav", Sound(tone().samples.mul(9).clamp(-1, 1), 8_000))
    write(tmp_path / "silent.wav", Sound(torch.zeros(1, 800), 8_000))
    write(tmp_path / "empty.wav", Sound(torch.zeros(1, 0), 8_000))
    (tmp_path / "list.wav").write_bytes(b"#EXTM3U\nhttp://127.0.0.1/a.ts")
    reading = read_recordings(tmp_path)
    assert [r.name for r in reading.items] == ["good.wav", "loud.wav"]
    assert reading.skipped["silent.wav"] == "silence"
    assert "without a single sample" in reading.skipped["empty.wav"]
    assert any("1 of 2 recordings are clipped" in note for note in reading.notes)
    assert set(reading.skipped) == {"silent.wav", "empty.wav", "list.wav"}


def test_nothing_to_hear_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_recordings(tmp_path / "none")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match="no sound's suffix"):
        read_recordings(tmp_path)
