"""Tunes as words: back as the same tune, in any key, with gaps; what may follow adds up."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from genloom.codec.tune.codec import TuneCodec
from genloom.codec.tune.form import TuneGuide
from genloom.codec.tune.item import tune, varied
from genloom.codec.tune.score import score_of
from genloom.codec.tune.words import EOS, WORDS
from genloom.errors import DataError, RequestError
from genloom.music.abc_reading import read_abc
from genloom.music.bars import faults

JIG = "X:1\nT:One\nR:jig\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|B3 d2^c|dAF GFE|D3- D2:|\nd|f3 e3|d2B A3|]\n"
FOLK = Path(__file__).parents[2] / "../shared/data/folk_abc/irish"


def test_words_are_the_tune():
    codec = TuneCodec()
    ids = codec.encode([JIG])
    again = codec.decode(ids)
    assert read_abc(again[0])[0].parts[0].sounding() == read_abc(JIG)[0].parts[0].sounding()
    assert codec.encode(again)[0].tolist() == ids[0].tolist()


def test_variations_are_the_tune_in_other_words():
    draw, one = random.Random(0), tune(JIG)
    for _ in range(20):
        told = varied(one, draw, moves=True, gap=True)
        score = score_of(told.ids)
        steps = [n.pitch - score.key.pitch_class for n in score.parts[0].sounding()]
        own = [n.pitch - 2 for n in read_abc(JIG)[0].parts[0].sounding()]
        assert len({(a - b) % 12 for a, b in zip(steps, own, strict=True)}) == 1


def test_settings_of_a_tune_stay_together():
    codec = TuneCodec()
    other = JIG.replace("T:One", "T:Two").replace("K:D\n", "K:G\n")
    third = JIG.replace("T:One", "T:The One").replace("dAF GFE", "dBG GFE")
    keys = codec.keys([JIG, third, other.replace("B3 d2^c|dAF", "E3 E2E|EEE")])
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_form_allows_parses_and_adds_up(seed):
    draw, guide, ids = random.Random(seed), TuneGuide(), []
    while not guide.done and len(ids) < 2000:
        allowed, mask = guide.allowed(), guide.mask().tolist()
        assert {n for n in range(len(WORDS)) if mask[n // 32] >> (n % 32) & 1} == set(allowed)
        ends = EOS in allowed and draw.random() < 0.3
        ids.append(EOS if ends else draw.choice(allowed))
        guide.accept(ids[-1])
    assert guide.done
    score = read_abc(TuneCodec().decode([torch.tensor(ids)])[0])[0]
    assert not faults(score)


def test_the_form_knows_a_real_tune():
    guide = TuneGuide()
    for one in [*tune(JIG).ids, EOS]:
        assert one in guide.allowed(), WORDS[one]
        guide.accept(one)


def test_what_is_asked_begins_a_tune():
    codec = TuneCodec()
    by_where = codec.condition(None, {"key": "D mix", "metre": "6/8", "type": "jig"})
    assert codec.spelt(by_where.known.tolist()) == "tonic:2 mode:mixolydian metre:6/8 type:jig"
    by_words = codec.condition("a jig in D mixolydian, 6/8", None)
    assert set(by_words.known.tolist()) == set(by_where.known.tolist())
    motif = codec.condition("dAF D", "key = D and metre = 6/8").known.tolist()
    assert codec.spelt(motif).endswith("degree:7 degree:4 degree:2 degree:0")


@pytest.mark.parametrize(
    ("prompt", "where", "word"),
    [
        ("hello there", None, "nothing of a tune"),
        (None, {"colour": "red"}, "no field"),
        (None, {"type": "samba"}, "not known"),
        (None, {"key": "H"}, "key"),
        ("dAF|", {"key": "D"}, "metre"),
        ("K:D\nM:6/8\nD99/0", None, "motif"),
    ],
)
def test_what_cannot_be_met_is_said(prompt, where, word):
    with pytest.raises(RequestError, match=word):
        TuneCodec().condition(prompt, where)


def test_a_gap_is_told_from_both_sides():
    codec = TuneCodec()
    known = codec.gap("M:6/8\nK:D\ndAF DFA|", "D3 D3|]").tolist()
    assert codec.spelt(known).count("<after>") == 1
    told = codec.decode([torch.tensor([*known, *tune(JIG).ids[4:6]])])[0]
    assert told.count("|") >= 2


def test_files_that_hold_no_tunes_are_said(tmp_path):
    (tmp_path / "a.abc").write_text("X:1\nM:4/4\nL:1/8\nK:C\nC8|C5|C8|C8|\n\n" + JIG)
    found = TuneCodec().read(tmp_path)
    assert len(found.items) == 1 and "5/2 quarter notes" in next(iter(found.skipped.values()))
    (tmp_path / "a.abc").write_text("words")
    with pytest.raises(DataError, match="no tunes"):
        TuneCodec().read(tmp_path)


@pytest.mark.skipif(not FOLK.exists(), reason="the folk tunes are not here")
@pytest.mark.slow
def test_all_folk_tunes_come_back():
    codec = TuneCodec()
    items = codec.read(FOLK).items
    ids = codec.encode(items)
    assert len(items) > 650
    for a, b in zip(ids, codec.encode(codec.decode(ids)), strict=True):
        assert a.tolist() == b.tolist()


def test_a_tune_strays_as_far_as_another_key_is_likelier() -> None:
    body = "G2B2|d2B2|A2F2|G4|]"
    right, wrong, broken = (f"X:1\nM:2/4\nL:1/8\nK:{key}\n{body}\n" for key in ("G", "D mix", "?"))
    strays = TuneCodec().strays([right, wrong, broken])
    assert strays[0] == 0 < strays[1] < strays[2] == float("inf")
