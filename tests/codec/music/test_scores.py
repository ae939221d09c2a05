"""Music by suffix: every notation, pictures with their record, sounds; files without a name."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import toys

from genloom.codec.chorale.codec import ChoraleCodec
from genloom.codec.image.files import read_record
from genloom.codec.image.tracing import drawing_record
from genloom.codec.music.scores import NOTATIONS, scores_in
from genloom.codec.sound.files import read_sound
from genloom.codec.tune.codec import TuneCodec
from genloom.errors import DataError, MissingExtra, RequestError

JIG = "X:1\nT:One\nR:jig\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|B3 d2^c|dAF GFE|D3- D2:|\nd|f3 e3|d2B A3|]\n"


@pytest.mark.parametrize("suffix", sorted(NOTATIONS))
def test_tunes_and_chorales_come_back_from_every_notation(suffix, tmp_path):
    codec, piece = TuneCodec(), toys.chorales()[0]
    codec.write(JIG, tmp_path / f"a{suffix}")
    ChoraleCodec().write(piece, tmp_path / f"b{suffix}")
    back = codec.read(tmp_path / f"a{suffix}").items[0]
    assert scores_in(back)[0].key == scores_in(JIG)[0].key
    if ":|" in back:
        assert codec.encode([back])[0].tolist() == codec.encode([JIG])[0].tolist()
    chorale = ChoraleCodec().read(tmp_path / f"b{suffix}").items[0]
    assert np.array_equal(chorale.voices, piece.voices)
    data = (tmp_path / f"a{suffix}").read_bytes()
    assert scores_in(data)[0].parts[0].sounding()[0].pitch == 69


def test_pictures_hold_their_record(tmp_path):
    pytest.importorskip("verovio", reason="the extra music is not installed")
    codec, told = TuneCodec(), {"model": "x", "prompt": "a & b"}
    assert codec.write(JIG, tmp_path / "a.svg", told) and codec.write(JIG, tmp_path / "a.png", told)
    assert drawing_record(tmp_path / "a.svg") == told == read_record(tmp_path / "a.png")
    first = (tmp_path / "a.svg").read_bytes()
    codec.write(JIG, tmp_path / "a.svg", told)
    assert (tmp_path / "a.svg").read_bytes() == first
    from PIL import Image

    pixels = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    assert pixels.shape[1] == 1600 and 0.01 < (pixels < 128).mean() < 0.2


def test_a_tune_sounds_at_its_pitch(tmp_path):
    text = "X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\n%%MIDI program 73\nA4|A4|]\n"
    TuneCodec().write(text, tmp_path / "a.wav")
    sound = read_sound((tmp_path / "a.wav").read_bytes())
    piece = sound.samples.mean(0).numpy()[sound.rate : 3 * sound.rate]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    assert abs(spectrum.argmax() * sound.rate / len(piece) - 440.0) < 1.0


def test_folders_of_midi_teach_melodies_and_chorales(tmp_path):
    (tmp_path / "in").mkdir()
    TuneCodec().write(JIG, tmp_path / "in" / "a.mid")
    (tmp_path / "in" / "b.mid").write_bytes(b"MThd broken")
    (tmp_path / "in" / "c.abc").write_text("X:1\nM:4/4\nL:1/8\nK:C\nC8|C5|C8|C8|\n")
    found = TuneCodec().read(tmp_path / "in")
    assert len(found.items) == 1 and set(found.skipped) == {"b.mid", "c.abc:1"}
    with pytest.raises(DataError, match="no chorales"):
        ChoraleCodec().read(tmp_path / "in" / "b.mid")


def test_what_cannot_be_written_or_read_is_said(tmp_path, monkeypatch):
    with pytest.raises(RequestError, match=r"written as .*\.mid"):
        TuneCodec().write(JIG, tmp_path / "a.doc")
    with pytest.raises(DataError, match="not as dict"):
        scores_in({})
    real = builtins.__import__

    def without(name, *rest):
        if name in ("mido", "verovio"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match="music"):
        TuneCodec().write(JIG, tmp_path / "a.mid")
    with pytest.raises(MissingExtra, match="music"):
        scores_in(b"MThd")
    assert not list(tmp_path.iterdir())
