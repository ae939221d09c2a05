"""Scores played and written from the command line, and what is refused."""

from __future__ import annotations

import pytest

from genloom.cli.play import play
from genloom.codec.music.scores import scores_in
from genloom.codec.sound.files import read_sound
from genloom.errors import DataError, RequestError, UsageError

TUNE = "X:1\nT:One\nM:3/4\nL:1/4\nK:D\nDFA|d3|]\n"


@pytest.fixture
def score(tmp_path):
    file = tmp_path / "a.abc"
    file.write_text(TUNE + "\n" + TUNE.replace("T:One", "T:Two"))
    return file


def test_a_score_becomes_sound_and_other_notations(score, tmp_path, capsys):
    play(str(score), out=str(tmp_path / "a.wav"), tempo=240.0, instrument="guitar")
    assert 1.0 < read_sound((tmp_path / "a.wav").read_bytes()).seconds < 5.0
    play(str(score), out=str(tmp_path / "a.musicxml"), number=2, instrument="flute")
    made = scores_in(tmp_path / "a.musicxml")[0]
    assert made.title == "Two" and made.parts[0].instrument == 73
    assert capsys.readouterr().out.count(str(tmp_path)) == 2


def test_what_cannot_be_played_is_said(score, tmp_path):
    with pytest.raises(DataError, match="holds 2 scores"):
        play(str(score), out=str(tmp_path / "b.wav"), number=3)
    with pytest.raises(RequestError, match="no instrument"):
        play(str(score), out=str(tmp_path / "b.wav"), instrument="kazoo")
    with pytest.raises(UsageError, match="is about sound"):
        play(str(score), out=str(tmp_path / "b.svg"), soundfont="any")
    with pytest.raises(DataError, match="No such file"):
        play(str(tmp_path / "c.abc"), out=str(tmp_path / "b.wav"))
    assert not list(tmp_path.glob("b*"))
