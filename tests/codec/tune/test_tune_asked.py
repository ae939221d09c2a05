"""What is asked of a tune holds: chords, a melody to go on from, bars to fill; nothing copied."""

from __future__ import annotations

import random

import pytest
import torch

from genloom.codec.tune.chords import chorded, unchorded
from genloom.codec.tune.codec import TuneCodec
from genloom.codec.tune.form import guide_after
from genloom.codec.tune.fresh import Follower, Learnt
from genloom.codec.tune.given import bar_numbers
from genloom.codec.tune.item import CLOSING, around, tune
from genloom.codec.tune.kin import runs
from genloom.codec.tune.score import arranged, score_of
from genloom.codec.tune.words import AFTER, BAR, EOS, PLAN, SORT, WORDS
from genloom.errors import RequestError
from genloom.music.abc_reading import read_abc
from genloom.music.bars import faults
from genloom.music.midi_writing import write_midi

JIG = (
    "X:1\nT:One\nR:jig\nM:6/8\nL:1/8\nK:D\nA|dAF DFA|B3 d2^c|dAF GFE|D3- D2:|\n"
    "d|f3 e3|d2B A3|BAB dAF|D3- D2|]\n"
)


def drawn(known: list[int], seed: int, codec: TuneCodec, likely: list[int] = ()) -> list[int]:
    """Ids behind a beginning, at random within what the guide allows, or as near to `likely`."""
    draw, ids = random.Random(seed), list(known)
    guide, wanted = codec.guide(torch.tensor(known))(), list(likely)
    while not guide.done and len(ids) < 3000:
        allowed = guide.allowed()
        near = wanted.pop(0) if wanted else None
        ends = EOS in allowed and draw.random() < 0.3
        ids.append(near if near in allowed else EOS if ends else draw.choice(allowed))
        guide.accept(ids[-1])
    return ids


@pytest.mark.parametrize("seed", range(4))
def test_chords_that_are_asked_stand_over_the_bars(seed):
    codec = TuneCodec()
    where = "key=G and metre=6/8 and type=jig and chords=G Am | C D7"
    known = codec.condition(None, where).known.tolist()
    assert known[0] == PLAN and known.count(PLAN) == 2
    score = read_abc(codec.decode([torch.tensor(drawn(known, seed, codec))])[0])[0]
    assert not faults(score)
    told = [chord.name for chord in score.chords]
    wanted = ["G", "Am", "C", "D7"] * len(told)
    assert told and [a for a in told if a not in wanted] == []
    firsts = {n.onset: n for n in reversed(score.parts[0].notes) if not n.grace}
    tones = {"G": {7, 11, 2}, "Am": {9, 0, 4}, "C": {0, 4, 7}, "D7": {2, 6, 9, 0}}
    begun = [c for c in score.chords if c.onset in firsts]
    held = {n.end for n in score.parts[0].notes if n.tied}
    inside = [firsts[c.onset].pitch % 12 in tones[c.name] for c in begun if c.onset not in held]
    assert inside and all(inside)
    full = [bar for bar in score.bars if bar.length == score.metre.bar]
    assert len({c.onset for c in score.chords}) >= 0.8 * len(full)


def test_chords_of_a_tune_are_found_from_its_notes():
    ids = list(tune("X:1\nM:4/4\nL:1/8\nK:G\nG2B2 d2B2|c2e2 g2e2|d2f2 a2f2|G8|]\n").ids)
    score = score_of(chorded(ids))
    assert [chord.name for chord in score.chords] == ["G", "C", "D", "G"]
    assert unchorded(chorded(ids)) == ids == unchorded(ids)


@pytest.mark.parametrize("kind", ["abc", "midi"])
def test_a_melody_is_gone_on_from(kind):
    codec, begin = TuneCodec(), JIG.split("\nd|")[0] + "\n"
    item = begin if kind == "abc" else write_midi(read_abc(begin)[0])
    known = codec.given(item, None, "key=G").known.tolist()
    score = read_abc(codec.decode([torch.tensor(drawn(known, 1, codec))])[0])[0]
    own = [n.pitch + 5 for n in read_abc(begin)[0].parts[0].sounding()]
    made = [n.pitch for n in score.parts[0].sounding()]
    assert str(score.key) == "G major" and len(made) > len(own)
    assert len({(a - b) % 12 for a, b in zip(own, made, strict=False)}) == 1


@pytest.mark.parametrize("bars", ["1-1", "2-3", "5-7", "0-8"])
@pytest.mark.parametrize("seed", range(3))
def test_bars_are_filled_in_and_the_rest_stays(bars, seed):
    codec, score = TuneCodec(), read_abc(JIG)[0]
    known = codec.given(JIG, None, {"bars": bars}).known.tolist()
    made = read_abc(codec.decode([torch.tensor(drawn(known, seed, codec))])[0])[0]
    first, last = map(int, bars.split("-"))
    assert not faults(made)
    numbers = bar_numbers(score)
    start = score.bars[numbers.index(first)].onset
    stop = [b.end for b, n in zip(score.bars, numbers, strict=True) if n == last][-1]
    before = [n.pitch for n in score.parts[0].notes if n.onset < start]
    behind = [n.pitch for n in score.parts[0].notes if n.onset >= stop]
    pitches = [n.pitch for n in made.parts[0].notes]
    assert pitches[: len(before)] == before
    assert pitches[len(pitches) - len(behind) :] == behind


def test_a_gap_holds_what_was_there():
    body = list(tune(JIG).ids[4:])
    known = [*tune(JIG).ids[:4], *around(body, 2, 3, told=True)]
    assert known[4] == AFTER and arranged(known) == list(tune(JIG).ids)


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ("bars=9-12", "no bars '9-12' in a melody of 8 bars"),
        ("bars=x", "no bars"),
        ("chords=H and key=D", "no chord"),
        ("colour=red", "no field"),
    ],
)
def test_what_cannot_be_is_said(where, word):
    with pytest.raises(RequestError, match=word):
        TuneCodec().given(JIG, None, where)


def test_a_melody_that_is_none_is_said():
    with pytest.raises(RequestError, match="cannot be read"):
        TuneCodec().given(b"MThd", None, None)
    with pytest.raises(RequestError, match="holds 2 tunes"):
        TuneCodec().given(JIG + "\n" + JIG, None, None)
    with pytest.raises(RequestError, match="give the key"):
        TuneCodec().condition(None, "chords=D G")


# --- nothing copied -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_what_was_learnt_does_not_come_again(seed, tmp_path):
    codec = TuneCodec(fresh=4)
    codec.fit([JIG])
    codec.save(tmp_path)
    own, wanted = runs(tune(JIG).ids, 4), [*tune(JIG).ids, EOS]
    for one in (codec, TuneCodec.load(tmp_path)):
        made = drawn([], seed, one, wanted)
        assert not own & runs(arranged(made), 4)
        assert runs(arranged(made), 3) & runs(tune(JIG).ids, 3)  # up to there it is followed
    free = TuneCodec(fresh=0)
    free.fit([JIG])
    assert drawn([], seed, free, wanted) == wanted


def test_what_is_refused_is_what_would_make_a_run_whole():
    """The quick way, by digests, and the slow one: every id tried, all runs looked through."""
    ids = list(tune(JIG).ids)
    learnt, known = Learnt.of([ids], 4), runs(ids, 4)
    follower, met = Follower(learnt), 0
    sounds = [n for n in range(len(WORDS)) if SORT[n] in ("degree", "length", "sign")]
    for at, one in enumerate(ids):
        last = [n for n in sounds if _last_run([*ids[:at], n, BAR]) & known]
        assert follower.refused() == set(last)
        met += len(last)
        follower.take(one)
    assert met > 3


def _last_run(ids: list[int]) -> set:
    """The runs that the last bar closes."""
    closed = max((n + 1 for n, one in enumerate(ids[:-1]) if one in CLOSING), default=0)
    return runs(ids, 4) - (runs(ids[:closed], 4) if closed else set())


def test_a_guide_follows_what_was_given_and_copies_itself():
    codec = TuneCodec(fresh=4)
    codec.fit([JIG])
    guide = guide_after(tune(JIG).ids[:20], codec.learnt)
    twin = guide.copy()
    twin.take(twin.allowed()[0])
    assert guide.follower.bar != twin.follower.bar or guide.at != twin.at
