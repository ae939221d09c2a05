"""The codec of chorales: files, ids in any key, what may be given and asked for, and written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import toys

from genloom.codec.chorale.codec import ChoraleCodec, home
from genloom.codec.chorale.files import pieces_in, read_chorales
from genloom.codec.chorale.item import SILENT, VOICES, Chorale, key_of, of_score
from genloom.codec.sound.files import read_sound
from genloom.errors import DataError, RecipeError, RequestError
from genloom.music.keys import parse_key
from genloom.music.score import Part


@pytest.fixture
def codec() -> ChoraleCodec:
    made = ChoraleCodec(frames=16)
    made.fit(made.vary(toys.chorales(), 0))
    return made


def test_a_key_is_found_and_ids_do_not_depend_on_it(codec):
    piece = toys.chorales()[0]
    assert str(Chorale(piece.voices).key.mode) in ("major", "minor")
    in_c = Chorale(piece.voices, told=parse_key("C major"))
    in_d = in_c.transposed(2)
    assert str(in_d.key) == "D major" and home(in_d.key) == 2
    a, b = codec.encode([in_c, in_d])
    assert torch.equal(a[1:], b[1:]) and a[0] != b[0]
    back = codec.decode([b])[0]
    assert np.array_equal(back.voices, in_d.voices) and back.key == in_d.key


def test_windows_overlap_and_stay_in_what_voices_sing():
    pieces = [Chorale(np.tile([[70 + n, 65, 60, 50]], (40, 1))) for n in (0, 3)]
    made = ChoraleCodec(frames=16, stride=8, transpose=5).vary(pieces, 0)
    assert len([p for p in made if len(p) == 16]) == len(made) >= 8
    every = np.concatenate([p.voices for p in made])
    assert every.min(0).tolist() == [70, 65, 60, 50]
    assert len(ChoraleCodec(frames=16, stride=8, transpose=0).vary(pieces, 0)) == 8


def test_short_pieces_and_rests_come_back(codec):
    voices = toys.chorales()[0].voices[:10].copy()
    voices[4:6, 1] = SILENT
    back = codec.decode(codec.encode([Chorale(voices)]))[0]
    assert np.array_equal(back.voices, voices)


def test_json_is_read_as_research_sets_and_as_we_write_it(tmp_path):
    frames = toys.chorales()[0].voices.tolist()
    notes: list[str] = []
    data = json.dumps({"train": [frames, frames], "test": [frames]}).encode()
    assert len(pieces_in(data, "set.json", "train", notes)) == 2 and "test left out" in notes[0]
    chords = [[48, 64, 67, 72], [48, 67, 72], []]
    (made,) = pieces_in(json.dumps([chords]).encode(), "set.json", "train", [])
    assert len(made) == 12 and made.voices[0].tolist() == [72, 67, 64, 48]
    assert made.voices[4].tolist() in ([72, 72, 67, 48], [72, 67, 67, 48])
    assert made.voices[8].tolist() == [SILENT] * 4
    codec = ChoraleCodec(frames=16)
    codec.write(toys.chorales()[0], tmp_path / "a.json")
    (tmp_path / "b.json").write_text("{]")
    found = codec.read(tmp_path)
    assert np.array_equal(found.items[0].voices, toys.chorales()[0].voices)
    assert list(found.skipped) == ["b.json"]


@pytest.mark.parametrize(
    "text", ["[]", "[[1]]x", '{"a": 1}', "[[[1, 2, 3, 200]]]", "[[[1, 2, 3, 4, 5]]]"]
)
def test_what_is_no_chorale_is_refused(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"holds no chorales: a\.json"):
        read_chorales(tmp_path, {})


def test_a_melody_is_kept_and_the_rest_is_open(codec):
    alone = toys.chorales()[0].voices.copy()
    alone[:, 1:] = SILENT
    known = codec.given(Chorale(alone, told=parse_key("C major")), None, None).known
    cells = known[1:].view(-1, len(VOICES))
    assert bool((cells[:, 0] >= 0).all()) and bool((cells[:, 1:] == -1).all())
    assert known[0] == codec.condition("C major", None).known[0]


def test_voices_and_bars_are_asked_for_by_name(codec):
    piece = Chorale(np.tile(toys.chorales()[0].voices, (3, 1)), told=parse_key("C major"), upbeat=4)

    def open_(where):
        return (codec.given(piece, None, where).known[1:] == -1).view(-1, 4).numpy()

    assert open_("make=alto, tenor").all(0).tolist() == [False, True, True, False]
    assert open_({"keep": ["soprano"]}).all(0).tolist() == [False, True, True, True]
    bars = open_("bars=2")
    assert bars[20:36].all() and bars.sum() == 16 * 4
    assert open_("make=bass and bars=0-1").sum() == 20
    for where, told in (
        (None, "all four voices"),
        ("make=drums", "no voice"),
        ("bars=9", "no bars"),
        ("maek=alto", "did you mean 'make'"),
    ):
        with pytest.raises(RequestError, match=told):
            codec.given(piece, None, where)
    with pytest.raises(RequestError, match="give the piece, too"):
        codec.condition(None, "bars=2")
    with pytest.raises(RequestError, match="nearest"):
        codec.condition("G magor", None)


def test_a_given_piece_out_of_range_or_unreadable_is_refused(codec, tmp_path):
    high = Chorale(np.full((4, 4), 120), told=parse_key("C major"))
    with pytest.raises(RequestError, match="transpose it"):
        codec.given(high, None, "make=bass")
    with pytest.raises(RequestError, match="cannot be read"):
        codec.given(tmp_path, None, None)
    with pytest.raises(RecipeError, match="frames is 1"):
        ChoraleCodec(frames=1)


def test_a_score_of_a_chorale_is_that_chorale():
    piece = Chorale(toys.chorales()[0].voices, told=parse_key("C major"), upbeat=4)
    score = piece.score()
    assert [p.name for p in score.parts] == ["Soprano", "Alto", "Tenor", "Bass"]
    again = of_score(score)
    assert np.array_equal(again.voices, piece.voices) and again.upbeat == 4
    alone = of_score(type(score)(parts=(Part(score.parts[0].notes),)))
    assert (alone.voices[:, 1:] == SILENT).all() and alone.voices[0, 0] == piece.voices[0, 0]
    with pytest.raises(DataError, match="four are expected"):
        of_score(type(score)(parts=(*score.parts, score.parts[0])))
    assert key_of(piece.transposed(2).voices) == key_of(piece.voices).up(2)


def test_a_chorale_is_written_as_a_sound(codec, tmp_path):
    piece = toys.chorales()[0]
    assert codec.write(piece, tmp_path / "a.wav", {"seed": 1})
    sound = read_sound((tmp_path / "a.wav").read_bytes())
    assert abs(sound.seconds - piece.score().seconds) < 4 and len(sound.samples) == 2
    with pytest.raises(RequestError, match="written as"):
        codec.write(piece, tmp_path / "a.doc")
    assert codec.preview([piece] * 2, tmp_path / "a.x").suffix == ".png"
