"""A recogniser end to end: it learns two words, writes them down with their times, tells how often
it errs, and a long recording is heard piece by piece."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from toy_items import sounds

from genloom import api, hearing
from genloom.cli import main
from genloom.codec.sound.files import wav_bytes
from genloom.errors import UsageError
from genloom.sound.wave import Sound
from genloom.trust.quality import evaluate

CHANGES = (
    *("codec.rate=8000", "codec.window=256", "codec.hop=64", "codec.bands=16", "codec.fold=2"),
    *("net.net.width=32", "net.net.heads=2", "net.net.depth=1", "net.net.kernel=3"),
    *("train.steps=40", "train.preview=0", "train.compile=off", "data.batch=8"),
)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for n, one in enumerate(sounds(24)):
        (folder / f"{n:02d}.wav").write_bytes(wav_bytes(one.open()))
        (folder / f"{n:02d}.txt").write_text(f"{one.caption}!" if n % 3 else f"{one.caption}")
    return folder


@pytest.fixture(scope="module")
def ears(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    out = tmp_path_factory.mktemp("models") / "ears"
    changes = (*CHANGES, "data.holdout=0")
    return api.train("recogniser", recordings, out=out, size="tiny", changes=changes)


def test_it_writes_down_what_it_learnt(ears: api.Model) -> None:
    unseen = sounds(40)[24:]
    made = hearing.transcripts(ears, unseen)
    assert made == [one.caption for one in unseen]
    assert hearing.transcripts(ears, unseen[:2], beams=4) == made[:2]
    (word,) = made[0].words
    assert 0 <= word.begin < word.end <= made[0].seconds <= 0.12 and 0 < word.confidence <= 1


def test_errors_are_those_of_what_was_said(ears: api.Model) -> None:
    unseen = sounds(28)[24:]
    assert hearing.character_errors(ears, unseen, ["High.", "LOW", "high", "low"]).value == 0.0
    wrong = ["high", "low", "high", "lows"]
    assert hearing.character_errors(ears, unseen, wrong).value == pytest.approx(1 / 15)
    assert hearing.word_errors(ears, unseen, wrong).value == pytest.approx(1 / 4)
    with pytest.raises(UsageError, match="a text to each"):
        hearing.word_errors(ears, unseen, ["high"])


def test_a_long_recording_is_heard_whole(ears: api.Model) -> None:
    """More than fits at once: cut at pauses, times go on."""
    some = [one.open().samples for one in sounds(24)]
    pause = torch.randn(1, 400, generator=torch.Generator().manual_seed(3)) * 1e-3
    long = Sound(torch.cat([x for one in some * 9 for x in (pause, one)], 1), 8000)
    assert long.seconds / ears.codec.place > 2 * ears.family.longest
    (made,) = hearing.transcripts(ears, [long])
    assert made.seconds == pytest.approx(long.seconds, abs=ears.codec.place)
    assert made.words[0].begin < 0.2 and made.words[-1].end > 0.9 * long.seconds
    assert len(made) > 216  # of 216 words of three and four letters, which follow no space here


def test_what_is_made_is_measured(ears: api.Model, recordings: Path) -> None:
    report = evaluate(ears, recordings)
    row = report["character_error_rate"]
    assert row.value == 0.0 and row.floor is not None and row.floor > 0.3 and row.ceiling == 0.0
    assert report["word_error_rate"].floor == pytest.approx(0.5)
    assert report.protocol["recordings"] == 24 and report.protocol["exact"] == 1.0


def test_the_command_line_prints_the_text(
    ears: api.Model, recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["generate", str(ears.folder), "--item", str(recordings / "01.wav")]
    assert run(asked, capsys) == (0, "low\n")
    told = json.loads(run([*asked, "--json"], capsys)[1])
    assert told["items"] == ["low"] and told["details"][0]["words"][0]["word"] == "low"
    assert run([*asked, "-o", str(tmp_path / "it.srt")], capsys)[0] == 0
    assert "-->" in (tmp_path / "it.srt").read_text()
    assert run(["generate", str(ears.folder)], capsys)[0] == 2


def run(asked: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and stdout."""
    with pytest.raises(SystemExit) as left:
        main(asked)
    return int(left.value.code or 0), capsys.readouterr().out
