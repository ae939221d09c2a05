"""Data sets of recordings are understood, cleaned and split as others are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from genloom.codec.sound.codec import SoundCodec
from genloom.codec.sound.files import read_sound, wav_bytes, write_sound
from genloom.codec.sound.recordings import read_recordings
from genloom.datasets.items import collection, repeats
from genloom.datasets.report import look
from genloom.datasets.samples import write_samples
from genloom.errors import UsageError
from genloom.sound.wave import Sound


def tone(hertz: float) -> Sound:
    return Sound(0.5 * torch.sin(2 * torch.pi * hertz * torch.arange(4_000) / 8_000)[None], 8_000)


def test_equal_ones_are_found_told_of_and_written(tmp_path: Path) -> None:
    pytest.importorskip("soundfile", reason="FLAC needs the extra audio")
    folder = tmp_path / "set"
    folder.mkdir()
    for name, hertz in (("low_ann_0", 200.0), ("low_ann_1", 210.0), ("high_bob_2", 400.0)):
        (folder / f"{name}.wav").write_bytes(wav_bytes(tone(hertz)))
    write_sound(tone(400.0), folder / "high_bob_3.flac")  # the same samples in another file
    reading = read_recordings(folder)
    found = collection(reading.items, SoundCodec())
    keys = dict(zip([one.name for one in reading.items], found.keys(), strict=True))
    assert keys["high_bob_2.wav"] == keys["high_bob_3.flac"] and sum(repeats([*keys.values()])) == 1
    told = found.summary()
    assert (told["seconds"], told["rates"], told["captioned"]) == (2.0, {"8,000 Hz": 4}, 4)
    assert told["voices"] == {"ann": 2, "bob": 2} and told["peak"] == pytest.approx(-6.0, abs=0.1)
    again = read_recordings(found.write(reading.items, tmp_path / "again"))
    assert [(x.caption, x.voice) for x in again.items] == [
        (x.caption, x.voice) for x in reading.items
    ]
    first = json.loads((tmp_path / "again" / "metadata.jsonl").read_text().splitlines()[0])
    assert first["file_name"] == "000000.wav" or first["file_name"] == "000000.flac"
    shown = write_samples(look(folder, "sound"), tmp_path / "shown")
    assert [one["media"] for one in shown] == ["audio/wav"] * 4
    assert {one["caption"] for one in shown} == {"ann: low", "bob: high"}
    heard = read_sound((tmp_path / "shown" / shown[0]["name"]).read_bytes())
    assert heard.seconds == 0.5
    with pytest.raises(UsageError, match="to a folder"):
        found.write(reading.items, tmp_path / "a.wav")
