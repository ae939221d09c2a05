"""MusicXML there and back, read by another program, and hostile."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from genloom.errors import DataError
from genloom.music.abc_reading import read_abc
from genloom.music.musicxml_reading import read_musicxml
from genloom.music.musicxml_words import spelt
from genloom.music.musicxml_writing import write_musicxml
from genloom.music.score import Note, Part, Score

TUNE = (
    'X:1\nT:One & <two>\nR:jig\nM:6/8\nL:1/8\nK:Ador\nA|"Am"ABc d2e|{g}(ef) e [CEG]3|A3- A2:|\n'
    '|:[M:C][K:G]"D7/F#"G5 (3BcB A-|[1 A6 B2:|[2 G8|]\n'
)


def test_a_tune_comes_back_whole():
    score = read_abc(TUNE)[0]
    back = read_musicxml(write_musicxml(score))
    assert back.parts[0].sounding() == score.parts[0].sounding()
    for name in ("title", "kind", "key", "metre", "tempo", "bars", "chords", "changes"):
        assert getattr(back, name) == getattr(score, name), name
    graced = [n.grace for n in back.parts[0].notes if n.grace]
    assert graced == [n.grace for n in score.parts[0].notes if n.grace]


def test_notes_that_sound_together_are_one_row_of_tied_ones():
    low = Note(Fraction(0), Fraction(4), 48)
    high = [Note(Fraction(n), Fraction(1), 60 + 2 * n) for n in range(4)]
    score = Score(parts=(Part((low, *high), "Piano"),))
    assert read_musicxml(write_musicxml(score)).parts[0].sounding() == [low, *high]


def test_drums_and_programmes_come_back():
    notes = tuple(Note(Fraction(n), Fraction(1), 36 + 2 * n) for n in range(4))
    parts = (Part(notes, "Kit", drums=True), Part(notes, "Bass", 33))
    back = read_musicxml(write_musicxml(Score(parts=parts))).parts
    assert back[0].drums and back[0].notes == notes
    assert (back[1].name, back[1].instrument) == ("Bass", 33)


@pytest.mark.parametrize("length", ["1/2", "3/4", "5/4", "1/3", "4/3", "7/2", "9", "1/6"])
def test_lengths_are_spelt_exactly(length):
    pieces = spelt(Fraction(length))
    assert sum(piece[0] for piece in pieces) == Fraction(length) and len(pieces) < 4


def test_another_program_reads_the_same_notes():
    verovio = pytest.importorskip("verovio", reason="the extra music is not installed")
    score = read_abc("X:1\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|B3 d2^c|dAF GFE|D3- D2|]\n")[0]
    toolkit = verovio.toolkit()
    assert toolkit.loadData(write_musicxml(score).decode())
    toolkit.renderToMIDI()
    heard = [
        (round(one["qstamp"] * 24), pitch)
        for one in toolkit.renderToTimemap({"includeRests": False})
        for pitch in (toolkit.getMIDIValuesForElement(n)["pitch"] for n in one.get("on", ()))
    ]
    wanted = [(round(n.onset * 24), n.pitch) for n in score.parts[0].notes]
    assert set(heard) == set(wanted)


def xml(inside: str) -> bytes:
    listed = '<part-list><score-part id="P1"/></part-list>'
    return f'<score-partwise>{listed}<part id="P1">{inside}</part></score-partwise>'.encode()


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


NOTE = "<note><pitch><step>C</step><octave>{}</octave></pitch><duration>{}</duration></note>"
ENTITIES = b'<!DOCTYPE a [<!ENTITY b "ha">]><score-partwise/>'


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"<html/>", "first element is html"),
        (b"<score-timewise/>", "score-partwise"),
        (b"<score-partwise><part>", "damaged"),
        (ENTITIES, "entities"),
        (ENTITIES.decode().encode("utf-16"), "entities"),
        (b"<a>" * 100, "nested"),
        (xml("<measure/>"), "without notes"),
        (xml(f"<measure>{NOTE.format(4, 'x')}</measure>"), "no number"),
        (xml(f"<measure>{NOTE.format(99, 1)}</measure>"), "MIDI does not have"),
        (xml("<measure><attributes><divisions>0</divisions></attributes></measure>"), "divisions"),
        (xml("<measure><backup><duration>4</duration></backup></measure>"), "goes back"),
        (b"PK\x03\x04broken", "damaged .mxl"),
        (packed({"a.txt": b"x"}), "without a score"),
        (packed({"a.xml": b" " * (33 << 20)}), "an archive of"),
    ],
)
def test_what_is_no_score_is_told_in_a_line(data, word):
    with pytest.raises(DataError, match=word) as told:
        read_musicxml(data)
    assert "\n" not in str(told.value)


def test_beams_stay_within_beats():
    root = ElementTree.fromstring(write_musicxml(read_abc("X:1\nM:6/8\nL:1/8\nK:D\nABc d>ef|]")[0]))
    beams = [[b.text for b in note.findall("beam")] for note in root.iter("note")]
    assert beams[:3] == [["begin"], ["continue"], ["end"]]
    assert beams[3:] == [["begin"], ["continue", "backward hook"], ["end"]]
