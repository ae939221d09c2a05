"""A podcast follows its brief: who says what when, how long, how loud; its parts stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genloom.codec.sound_files import read_sound, sound_marks
from genloom.errors import UsageError
from genloom.make import planning, podcast
from genloom.make.brief import Brief, Voice
from genloom.make.podcast import Podcast, Step
from genloom.sound.loudness import loudness, true_peak
from genloom.sound.wave import Sound
from genloom.trust import provenance


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
    assert said[:3] == [("anna", "Low hill."), ("anna", "High hill!"), ("ben", "Who will go?")]
    assert len(said) == 7 and heard(target).seconds == pytest.approx(podcast_.timeline.seconds)
    assert [mark.title for mark in sound_marks(target)] == ["Hills", "Wool", "Oil"]
    verdict = provenance.verify(target)
    assert verdict.ok and verdict.record is not None and verdict.model == "same"
    parts = verdict.record["parts"]
    spoken = [part for part in parts if part["kind"] == "speech"]
    assert [(part["speaker"], part["text"]) for part in spoken] == said
    voices = {"anna": "ann", "ben": "bob"}
    assert all(part["where"] == {"voice": voices[part["speaker"]]} for part in spoken)
    assert all(part["model"] in verdict.record["models"] for part in spoken)
    assert next(part for part in parts if part["kind"] == "music")["file"] == "bed.wav"
    changed = target.read_bytes().replace(b'"speaker":"ben"', b'"speaker":"eve"')
    target.write_bytes(changed)
    assert not provenance.verify(target).ok


@pytest.mark.parametrize(("suffix", "loud"), [(".wav", -16.0), (".wav", -23.0), (".mp3", -16.0)])
def test_the_file_meets_the_norm(brief: Brief, tmp_path: Path, suffix: str, loud: float) -> None:
    if suffix != ".wav":
        pytest.importorskip("soundfile", reason="MP3 needs the extra audio")
    told = made(brief, tmp_path / f"hills{suffix}", loud=loud)
    sound = heard(tmp_path / f"hills{suffix}")
    assert loudness(sound) == pytest.approx(loud, abs=0.5) == told.loudness
    assert true_peak(sound) <= -0.99 and told.peak == pytest.approx(true_peak(sound))


@pytest.mark.parametrize("share", [0.85, 1.25])
def test_it_is_as_long_as_the_brief_asks(brief: Brief, tmp_path: Path, share: float) -> None:
    natural = planning.plan(brief, tmp_path / "a.wav").seconds
    asked = replace(brief, minutes=share * natural / 60)
    done = made(asked, tmp_path / "b.wav")
    assert done.timeline.seconds == pytest.approx(share * natural, rel=0.03)
    assert not done.warnings


def test_a_script_that_cannot_fill_the_minutes_is_told(brief: Brief, tmp_path: Path) -> None:
    told = planning.plan(replace(brief, minutes=5), tmp_path / "a.wav").told()
    assert told["seconds"] < 100 and "make it longer" in told["warnings"][0]


def test_parts_are_taken_again_and_only_what_changed_is_made(brief: Brief, tmp_path: Path) -> None:
    first = made(brief, tmp_path / "a.wav")
    sound = heard(tmp_path / "a.wav")
    again = made(brief, tmp_path / "a.wav")
    assert (first.parts, again.again) == (7, 7)
    assert heard(tmp_path / "a.wav").samples.equal(sound.samples)
    text = Path(brief.script).read_text("utf-8").replace("Who will go?", "Who will glow?")
    Path(brief.script).write_text(text, "utf-8")
    changed = planning.plan(brief, tmp_path / "a.wav", parts=tmp_path / "a.parts")
    count = len(list((tmp_path / "a.parts").iterdir()))
    told = podcast.make(changed)
    assert len(list((tmp_path / "a.parts").iterdir())) <= count + 1 and told.again >= 6
    damaged = min((tmp_path / "a.parts").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-900])
    assert made(brief, tmp_path / "a.wav").parts == 7
    assert provenance.verify(damaged).ok  # made anew


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


def test_music_makes_room_for_voices(brief: Brief, tmp_path: Path) -> None:
    """The chord's own tone is softer while somebody speaks than in the intro."""
    done = made(brief, tmp_path / "a.wav")
    sound = heard(tmp_path / "a.wav")
    line = done.timeline

    def level(begin: float, end: float) -> float:
        x = sound.samples.mean(0)[round(begin * sound.rate) : round(end * sound.rate)]
        turn = torch.arange(len(x)) / sound.rate * 2 * torch.pi * 330
        return float((x * torch.exp(1j * turn)).mean().abs())

    first = line.sentences[0]
    spoken = level(first.at + 0.05, first.end)
    assert level(1.0, line.intro - 0.5) > 2.5 * spoken
    plain = made(replace(brief, music=""), tmp_path / "b.wav")
    assert plain.timeline.seconds < line.seconds


def test_subtitles_are_those_of_the_timeline(brief: Brief, tmp_path: Path) -> None:
    done = made(brief, tmp_path / "a.wav")
    rows = done.published.srt.read_text("utf-8").split("\n\n")
    assert len(rows) == 7 and rows[2].splitlines()[2] == "ben: Who will go?"
    one = done.timeline.sentences[2]
    begin = f"{int(one.at // 60):02}:{int(one.at % 60):02},{round(one.at % 1 * 1000):03}"
    assert rows[2].splitlines()[1].startswith(f"00:{begin}")
    assert done.published.vtt.read_text("utf-8").startswith("WEBVTT\n\n00:00:")


def test_a_model_writes_what_the_brief_asks_for(brief: Brief, writer: str, tmp_path: Path) -> None:
    asked = replace(
        brief, script="", writer=writer, chapters=("High hills", "Wool"), minutes=0.3, music=""
    )
    planned = planning.plan(asked, tmp_path / "a.wav")
    chapters = planned.script.chapters
    assert [chapter.title for chapter in chapters] == ["High hills", "Wool"]
    for chapter in chapters:
        assert chapter.lines[0].text.startswith(f"{chapter.title}. ")
        assert [x.voice for x in chapter.lines[:2]] == ["anna", "ben"]
    assert planned.written is not None
    again = planning.plan(asked, tmp_path / "a.wav")
    assert again.script == planned.script
    longer = planning.plan(replace(asked, minutes=1.0), tmp_path / "a.wav")
    assert longer.script.words > 1.5 * planned.script.words


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
