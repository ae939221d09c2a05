"""`genloom generate` with a model that says texts: pieces, subtitles, a pipe, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import small_server
from commands import Shell, one_error

from genloom.cli import main
from genloom.cli.speech_options import SpeechOptions
from genloom.codec.sound.files import read_sound
from genloom.errors import UsageError

LONG = "Low high low. High low!"


@pytest.fixture(scope="session")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("speakers")
    return home / "models" / small_server.speakers(home)


def test_a_text_with_its_times_and_subtitles(shell: Shell, speakers: Path, tmp_path: Path) -> None:
    out, shown = tmp_path / "a.wav", tmp_path / "a.srt"
    ran = shell("generate", speakers, LONG, "-o", out, "--subtitles", shown, "--json")
    told = json.loads(ran.out)
    assert told["files"] == [str(out)] and ran.err == ""
    words = [word for piece in told["pieces"] for word in piece["words"]]
    assert [word["text"].strip(".!") for word in words] == [w.strip(".!") for w in LONG.split()]
    assert words[-1]["end"] <= read_sound(out.read_bytes()).seconds
    assert shown.read_text("utf-8").startswith("1\n00:00:00,")
    assert shell("verify", out).code == 0
    again = tmp_path / "again.wav"
    assert shell("replay", out, "-o", again).code == 0
    same = read_sound(out.read_bytes()).samples.equal(read_sound(again.read_bytes()).samples)
    assert same


def test_what_is_piped_is_what_is_written(
    capsysbinary: pytest.CaptureFixture[bytes], speakers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.wav"
    for target in ("-", str(out)):
        with pytest.raises(SystemExit) as left:
            main(["generate", str(speakers), LONG, "-o", target, "--speed", "0.5"])
        assert not left.value.code
        if target == "-":
            piped = read_sound(capsysbinary.readouterr().out).samples
    assert piped.equal(read_sound(out.read_bytes()).samples)


def test_what_is_refused(shell: Shell, speakers: Path) -> None:
    ask = ("generate", speakers)
    one_error(shell(*ask, "low", "--subtitles", "a.ass"), ".srt or .vtt")
    one_error(shell(*ask, "low", "-n", "2", "--subtitles", "a.srt"), "one sound")
    one_error(shell(*ask, "low", "--speaker", "nobody.wav"), "no such file")
    one_error(shell(*ask, "<speak>low"), "is none")
    one_error(shell(*ask, "\U0001f600"), "can be said")
    with pytest.raises(UsageError, match="says none"):
        SpeechOptions(subtitles="a.srt").check(False, 1)


def test_emphasis_is_said_to_be_read_like_the_rest(
    shell: Shell, speakers: Path, tmp_path: Path
) -> None:
    marked = "<speak>low <emphasis>high</emphasis></speak>"
    ran = shell("generate", speakers, marked, "-o", tmp_path / "a.wav")
    assert ran.code == 0 and "no emphasis" in ran.err
