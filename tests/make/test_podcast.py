"""A podcast follows its brief: who says what when, how long, how loud; its parts stay."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pytest
import torch

from genloom.codec.sound.files import read_sound, sound_marks
from genloom.errors import DataError, UsageError
from genloom.make import planning, podcast
from genloom.make.brief import Brief, Voice
from genloom.make.podcast import Podcast, Step
from genloom.make.writer import write
from genloom.sound.loudness import loudness, true_peak
from genloom.sound.wave import Sound
from genloom.trust import provenance

first = itemgetter(0)


def made(brief: Brief, target: Path, **more: float) -> Podcast:
    return podcast.make(planning.plan(brief, target), **more)


def heard(path: Path) -> Sound:
    return read_sound(path.read_bytes())


def test_everything_is_said_in_order_by_its_voice_and_the_record_tells_of_it(
    brief: Brief, tmp_path: Path
) -> None:
    target = tmp_path / "hills.wav"
    podcast_ = made(brief, target)
    said = [(one.speaker, one.text) for one in podcast_.timeline.sentences]
    turns = [(who, " ".join(text for _, text in some)) for who, some in groupby(said, first)]
    assert turns[:2] == [("anna", "Low hill. High hill!"), ("ben", "Who will go?")]
    assert len(turns) == 4 and heard(target).seconds == pytest.approx(podcast_.timeline.seconds)
    ends = [one.end for one in podcast_.timeline.sentences]
    begins = [one.at for one in podcast_.timeline.sentences]
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))
    assert [mark.title for mark in sound_marks(target)] == ["Hills", "Wool", "Oil"]
    verdict = provenance.verify(target)
    assert verdict.ok and verdict.record is not None and verdict.model == "same"
    parts = verdict.record["parts"]
    spoken = [part for part in parts if part["kind"] == "speech"]
    assert [(part["speaker"], part["text"]) for part in spoken] == said
    voices = {"anna": "ann", "ben": "bob"}
    assert all(f'name="{voices[part["speaker"]]}"' in part["prompt"] for part in spoken)
    assert all(part["model"] in verdict.record["models"] for part in spoken)
    assert next(part for part in parts if part["kind"] == "music")["file"] == "bed.wav"
    with pytest.raises(DataError, match="make podcast"):
        provenance.replay(target)
    changed = target.read_bytes().replace(b'"speaker":"ben"', b'"speaker":"eve"')
    target.write_bytes(changed)
    assert not provenance.verify(target).ok


@pytest.mark.parametrize(
    ("suffix", "loud"), [pytest.param(".wav", -23.0, marks=pytest.mark.slow), (".mp3", -16.0)]
)
def test_the_file_meets_the_norm(brief: Brief, tmp_path: Path, suffix: str, loud: float) -> None:
    if suffix != ".wav":
        pytest.importorskip("soundfile", reason="MP3 needs the extra audio")
    told = made(brief, tmp_path / f"hills{suffix}", loud=loud)
    sound = heard(tmp_path / f"hills{suffix}")
    assert loudness(sound) == pytest.approx(loud, abs=0.5) == told.loudness
    assert true_peak(sound) <= -0.99 and told.peak == pytest.approx(true_peak(sound))


@pytest.mark.parametrize("share", [pytest.param(0.85, marks=pytest.mark.slow), 1.25])
def test_it_is_as_long_as_the_brief_asks(brief: Brief, tmp_path: Path, share: float) -> None:
    natural = planning.plan(brief, tmp_path / "a.wav").seconds
    asked = replace(brief, minutes=share * natural / 60)
    done = made(asked, tmp_path / "b.wav")
    assert done.timeline.seconds == pytest.approx(share * natural, rel=0.01)
    assert not done.warnings


def test_every_sentence_lasts_as_long_as_was_foretold(brief: Brief, tmp_path: Path) -> None:
    plan = planning.plan(replace(brief, music=""), tmp_path / "a.wav")
    done = podcast.make(plan)
    for told, is_ in zip(plan.spoken, done.timeline.sentences, strict=True):
        assert is_.seconds == pytest.approx(told.seconds, abs=0.05), told.text


def test_a_script_that_cannot_fill_the_minutes_is_told(brief: Brief, tmp_path: Path) -> None:
    told = planning.plan(replace(brief, minutes=5), tmp_path / "a.wav").told()
    assert told["seconds"] < 100 and "make it longer" in told["warnings"][0]


def test_parts_are_taken_again_and_only_what_changed_is_made(brief: Brief, tmp_path: Path) -> None:
    brief = replace(brief, music="")
    once = made(brief, tmp_path / "a.wav")
    sound = heard(tmp_path / "a.wav")
    again = made(brief, tmp_path / "a.wav")
    assert once.parts == again.again > once.again
    assert heard(tmp_path / "a.wav").samples.equal(sound.samples)
    text = Path(brief.script).read_text("utf-8").replace("Who will go?", "Who will glow?")
    Path(brief.script).write_text(text, "utf-8")
    changed = planning.plan(brief, tmp_path / "a.wav", parts=tmp_path / "a.parts")
    told = podcast.make(changed)
    assert once.parts - 2 <= told.again < told.parts
    damaged = min((tmp_path / "a.parts").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-900])
    made(brief, tmp_path / "a.wav")
    assert provenance.verify(damaged).ok  # made anew


@pytest.mark.slow
def test_an_interrupted_one_goes_on_where_it_stopped(brief: Brief, tmp_path: Path) -> None:
    def stop(step: Step) -> None:
        if step.stage == "music":
            raise KeyboardInterrupt

    planned = planning.plan(brief, tmp_path / "a.wav")
    with pytest.raises(KeyboardInterrupt):
        podcast.make(planned, listener=stop)
    assert not (tmp_path / "a.wav").exists()
    steps: list[Step] = []
    done = podcast.make(planning.plan(brief, tmp_path / "a.wav"), listener=steps.append)
    assert done.again == done.parts
    assert [s.done for s in steps if s.stage == "speech"] == list(range(1, done.parts + 1))


@pytest.mark.slow
def test_music_makes_room_for_voices(brief: Brief, tmp_path: Path) -> None:
    """The chord's own tone is softer while somebody speaks than in the intro."""
    done = made(brief, tmp_path / "a.wav")
    sound = heard(tmp_path / "a.wav")
    line = done.timeline

    def level(begin: float, end: float) -> float:
        x = sound.samples.mean(0)[round(begin * sound.rate) : round(end * sound.rate)]
        turn = torch.arange(len(x)) / sound.rate * 2 * torch.pi * 330
        return float((x * torch.exp(1j * turn)).mean().abs())

    one = line.sentences[0]
    spoken = level(one.at + 0.05, one.end)
    assert level(1.0, line.intro - 0.5) > 2.5 * spoken


def test_subtitles_are_those_of_the_timeline(brief: Brief, tmp_path: Path) -> None:
    done = made(brief, tmp_path / "a.wav")
    rows = [row.splitlines() for row in done.published.srt.read_text("utf-8").split("\n\n")]
    begins = [row for row in rows if row[2].startswith(("ANNA: ", "BEN: "))]
    assert [row[2].split()[0] for row in begins] == ["ANNA:", "BEN:", "ANNA:", "BEN:"]
    one = next(one for one in done.timeline.sentences if one.speaker == "ben")
    begin = begins[1][1].split(" --> ")[0].replace(",", ".").split(":")
    at = int(begin[1]) * 60 + float(begin[2])
    assert one.at - 0.01 <= at < one.end
    assert done.published.vtt.read_text("utf-8").startswith("WEBVTT\n\n00:00:")
    assert done.published.chapter_list.read_text("utf-8").splitlines()[0] == "00:00:00 Hills"


def test_a_model_writes_what_the_brief_asks_for(brief: Brief, writer: str, tmp_path: Path) -> None:
    asked = replace(brief, script="", writer=writer, chapters=("High hills", "Wool"))
    written = write(asked, 60, 0, tmp_path / "parts")
    assert [chapter.title for chapter in written.script.chapters] == ["High hills", "Wool"]
    for chapter in written.script.chapters:
        assert chapter.lines[0].text.startswith(f"{chapter.title}. ")
        assert [x.voice for x in chapter.lines[:2]] == ["anna", "ben"]
    again = write(asked, 60, 0, tmp_path / "parts")
    assert again.script == written.script and again.spoken_of == written.spoken_of
    longer = write(replace(asked, chapters=("Wool",)), 90, 0, tmp_path / "parts")
    assert len(longer.script.lines) == 6 > len(written.script.chapters[1].lines)
    told = [record["prompt"] for record in written.records]
    assert "ANNA and BEN" in told[0] and "High hills" in told[0] and "neutral" in told[0]


def test_what_cannot_be_made_is_told_before(brief: Brief, voices: str, tmp_path: Path) -> None:
    for change, told in (
        ({"voices": {}}, "nobody speaks"),
        ({"voices": {"anna": Voice(model=voices, voice="ann")}}, "BEN has no voice"),
        ({"voices": {"anna": Voice(model=voices, voice="eve")}}, "no voice 'eve'"),
        ({"voices": {"anna": Voice(model=voices, recording="a.wav")}}, "agrees"),
        ({"script": ""}, "nothing to say"),
        ({"script": "nowhere.md"}, "nowhere.md"),
        ({"chapters": ("Snow",)}, "no chapter 'Snow'"),
        ({"script": "", "writer": voices}, "writes no texts"),
    ):
        with pytest.raises(UsageError, match=told):
            planning.plan(replace(brief, **change), tmp_path / "a.wav")
