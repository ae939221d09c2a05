"""MIDI there and back, as it was played, and broken."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from fractions import Fraction

import pytest

from genloom.errors import DataError
from genloom.music import midi_reading
from genloom.music.abc_reading import read_abc
from genloom.music.bars import faults
from genloom.music.keys import parse_key
from genloom.music.midi_reading import read_midi
from genloom.music.midi_writing import write_midi
from genloom.music.quantising import grid_of, quantised
from genloom.music.repeats import played
from genloom.music.score import Note, Part, Score

mido = pytest.importorskip("mido", reason="the extra music is not installed")

TUNE = (
    "X:1\nT:One\nR:jig\nM:6/8\nL:1/8\nQ:1/4=170\nK:Ador\n"
    'A|"Am"ABc d2e|(3efe d c3|A3- A2:|[M:4/4][K:G]G4 z2 (3BcB|[L:1/16]AB2A2B3A8|]\n'
)


def file_of(*tracks: list, ticks: int = 480, kind: int = 1) -> bytes:
    """A MIDI file of messages."""
    made = mido.MidiFile(type=kind, ticks_per_beat=ticks)
    made.tracks.extend(mido.MidiTrack(track) for track in tracks)
    out = io.BytesIO()
    made.save(file=out)
    return out.getvalue()


def note(kind: str, pitch: int, time: int, velocity: int = 64, channel: int = 0):
    return mido.Message(kind, note=pitch, velocity=velocity, time=time, channel=channel)


def test_a_tune_comes_back_with_its_key_type_metres_and_chords():
    score = read_abc(TUNE)[0]
    back = read_midi(write_midi(score))
    assert back.parts[0].sounding() == played(score).parts[0].sounding()
    for name in ("title", "kind", "key", "metre", "chords"):
        assert getattr(back, name) == getattr(played(score), name), name
    assert abs(back.tempo - 170) < 0.01 and not faults(back)
    turned = [(c.onset, str(c.key), str(c.metre)) for c in back.changes]
    short = (Fraction(31, 2), "None", "5/8")  # a bar that a repeat has cut
    assert turned == [short, (Fraction(18), "G major", "4/4")]


def test_parts_programmes_and_drums():
    notes = tuple(Note(Fraction(n), Fraction(1), 60 + n) for n in range(4))
    beat = Part(tuple(replace(n, pitch=38) for n in notes), "Kit", 0, drums=True)
    score = Score(parts=(Part(notes, "Top", 73), beat, Part(notes, "Low", 33)))
    data = write_midi(score)
    channels = {m.channel for t in mido.MidiFile(file=io.BytesIO(data)).tracks for m in t if not
                m.is_meta}  # fmt: skip
    assert channels == {0, 9, 1}
    back = read_midi(data)
    assert [(p.name, p.instrument, p.drums) for p in back.parts] == [
        ("Top", 73, False), ("Kit", 0, True), ("Low", 33, False)
    ]  # fmt: skip


def test_what_a_person_played_is_laid_on_the_grid():
    score = read_abc("X:1\nM:4/4\nL:1/8\nK:G\nG2AB c3d|(3efg d2 B4|A/B/c/d/ e2 d4|]\n")[0]
    draw, events = random.Random(0), []
    for one in score.parts[0].sounding():
        begin = max(0, int(one.onset * 480) + draw.randint(-12, 12))
        events += [(begin, "note_on", one.pitch), (int(one.end * 480) - 30, "note_off", one.pitch)]
    track, at = [], 0
    for when, kind, pitch in sorted(events):
        track.append(note(kind, pitch, when - at))
        at = when
    back = read_midi(file_of(track))
    wanted = [(n.onset, n.pitch) for n in score.parts[0].sounding()]
    assert [(n.onset, n.pitch) for n in back.parts[0].notes] == wanted
    same = sum(a.length == b.length for a, b in zip(back.parts[0].notes, score.parts[0].sounding(),
               strict=True))  # fmt: skip
    assert same >= len(wanted) - 1
    assert back.key.fifths == parse_key("G").fifths


def test_grids():
    assert grid_of([0.0, 0.34, 0.66]) == 3 and grid_of([0.01, 0.26, 0.5]) == 4
    exact = [Fraction(1, 8), Fraction(1, 6), Fraction(5, 3)]
    assert quantised(exact) == {one: one for one in exact}


def test_hanging_and_repeated_notes_end():
    track = [note("note_on", 60, 0), note("note_on", 60, 480), note("note_off", 61, 0),
             note("note_on", 64, 480), mido.MetaMessage("end_of_track", time=480)]  # fmt: skip
    lengths = [(n.pitch, n.length) for n in read_midi(file_of(track)).parts[0].notes]
    assert lengths == [(60, 1), (60, 2), (64, 1)]


def running(count: int) -> bytes:
    """So many notes one after the other, by running status."""
    body = b"\x00\x90\x3c\x40\x01\x3c\x00" + b"\x00\x3e\x40\x01\x3e\x00" * (count - 1)
    body += b"\x00\xff\x2f\x00"
    return GOOD[:12] + b"\x00\x04MTrk" + len(body).to_bytes(4, "big") + body


def test_long_files_are_read_up_to_a_limit(monkeypatch):
    assert read_midi(running(3_000)).notes == 3_000
    monkeypatch.setattr(midi_reading, "MOST_NOTES", 1_000)
    with pytest.raises(DataError, match="over 1,000 notes"):
        read_midi(running(3_000))
    with pytest.raises(DataError, match="over 100,000 quarter notes"):
        read_midi(file_of([note("note_on", 60, 2**27), note("note_off", 60, 2**27)]))


@pytest.mark.slow
def test_a_hundred_thousand_notes():
    assert read_midi(running(100_000)).notes == 100_000


GOOD = file_of([note("note_on", 60, 0), note("note_off", 60, 480)])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "does not begin with MThd"),
        (b"RIFF1234", "without MIDI"),
        (GOOD[:30], "cut short"),
        (GOOD[:14] + b"MTrX" + GOOD[18:], "damaged"),
        (GOOD[:22] + b"\x00\x3c\x40\x00\xff\x2f\x00" + GOOD[29:], "damaged"),  # running status
        (GOOD[:12] + b"\xe7\x28" + GOOD[14:], "film frames"),
        (file_of([note("note_on", 60, 0)], kind=2), "format 2"),
        (file_of([]), "without notes"),
        (file_of([note("note_off", 60, 0)]), "without notes"),
    ],
)
def test_broken_files_are_told_in_a_line(data, word):
    with pytest.raises(DataError, match=word) as told:
        read_midi(data)
    assert "\n" not in str(told.value)


def test_bytes_at_random_raise_nothing_else():
    draw = random.Random(1)
    for _ in range(200):
        data = bytearray(GOOD)
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(8, len(data))] = draw.randrange(256)
        try:
            read_midi(bytes(data))
        except DataError:
            continue
