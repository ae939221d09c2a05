"""Films from a brief: what is heard and seen, every part's record inside, mouths in time."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from genloom.codec.video.clips import as_clip
from genloom.errors import UsageError
from genloom.make import film, planning
from genloom.make.face import Face
from genloom.metric.lip_sync import envelope, lag
from genloom.speech.mouth import LEAD, Mouth, stands
from genloom.speech.subtitles import Word
from genloom.trust import provenance


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    """A round face before nothing."""
    image = Image.new("RGBA", (120, 140), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.ellipse((10, 6, 110, 134), fill=(224, 180, 150, 255))
    for x in (45, 75):
        pen.ellipse((x - 6, 48, x + 6, 60), fill=(40, 40, 60, 255))
    path = tmp_path_factory.mktemp("face") / "face.png"
    image.save(path)
    return path


def made(brief, kind, target, **screen):
    screen = film.Screen(size=(160, 96), **screen)
    return film.make(planning.plan(brief, target), film.KINDS[kind], screen)


@pytest.mark.parametrize(
    "kind",
    [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ("slides", "clip")), "avatar"],
)
def test_a_film_has_pictures_sound_and_every_record(brief, face, tmp_path, kind):
    pytest.importorskip("av", reason="films need the extra video")
    target = tmp_path / f"{kind}.mp4"
    done = made(replace(brief, pictures=str(face)), kind, target)
    clip = as_clip(target).open()
    assert clip.size == (160, 96) and clip.rate == film.KINDS[kind].rate
    assert clip.seconds == pytest.approx(done.seconds, abs=0.2)
    assert clip.sound is not None and clip.sound.seconds == pytest.approx(done.seconds, abs=0.2)
    assert float(clip.sound.samples.abs().max()) > 0.05
    verdict = provenance.verify(target)
    assert verdict.faults() == [] and verdict.place == "inside" and verdict.record is not None
    record = json.loads(json.dumps(verdict.record))
    assert record["made"] == kind
    sorts = {part["kind"] for part in record["parts"]}
    assert sorts == {"speech", "music", "pictures"}
    seen = [part for part in record["parts"] if part["kind"] == "pictures"]
    assert all(part["file"] == "face.png" and len(part["sha256"]) == 64 for part in seen)
    assert len({part["model"] for part in record["parts"] if part["kind"] == "speech"}) == 1
    assert done.srt.read_text("utf-8").count("-->") >= 3 and done.vtt.is_file()
    assert (done.sync is not None) == (kind == "avatar")
    with pytest.raises(Exception, match=f"genloom make {kind}"):
        provenance.replay(target)


@pytest.mark.slow
def test_what_is_said_stands_in_the_picture(brief, face, tmp_path):
    pytest.importorskip("av", reason="films need the extra video")
    seen = replace(brief, pictures=str(face))
    plain = made(seen, "slides", tmp_path / "a.mp4", subtitled=False)
    told = made(seen, "slides", tmp_path / "b.mp4", subtitled=True)
    a, b = (as_clip(one.file).open().pixels.astype(int) for one in (plain, told))
    differs = np.abs(a - b).mean((2, 3)) > 8  # rows, frame by frame
    assert differs[:, -20:].any() and not differs[:, :40].any()


def test_what_cannot_be_seen_is_refused_before_anything_is_made(brief, tmp_path):
    for kind, fields, says in (
        ("clip", {}, "nothing to see"),
        ("avatar", {}, "nobody is seen"),
        ("clip", {"pictures": "nowhere.png"}, "no such file"),
        ("clip", {"pictures": str(tmp_path)}, "no picture"),
    ):
        with pytest.raises(UsageError, match=says):
            made(replace(brief, **fields), kind, tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="films are written as"):
        made(brief, "slides", tmp_path / "a.wav")
    with pytest.raises(UsageError, match="64 to 2160"):
        film.Screen(size=(10, 10))


# --- mouths ---------------------------------------------------------------------------------------


def test_a_mouth_opens_for_vowels_and_closes_for_lips_and_pauses():
    words = [Word(text="mama", begin=1.0, end=1.6), Word(text="oh", begin=2.4, end=2.8)]
    rate = 100.0
    mouths = stands(words, 4.0, rate)
    opened = np.array([mouth.open for mouth in mouths])
    assert opened[:85].max() == 0 and opened[170:228].max() == 0 and opened[300:].max() == 0
    # m a m a: a sixth, a third, a sixth, a third of the word, LEAD earlier
    at = [round(100 * (1.0 + 0.1 * part - LEAD)) for part in (0.5, 2, 3.5, 5)]
    assert [opened[n] > 0.85 for n in at] == [False, True, False, True]
    assert max(opened[at[0]], opened[at[2]]) < 0.15
    assert mouths[250].wide < mouths[at[1]].wide  # rounded for o


@pytest.mark.parametrize("late", [-0.12, 0.0, 0.2])
def test_a_lag_is_found_as_it_was_put_in(late):
    rng, rate, frames = np.random.default_rng(0), 8000, 25.0
    starts = np.cumsum(rng.uniform(0.35, 0.9, 14)) + 0.4
    seconds = float(starts[-1] + 1)
    samples, opening = np.zeros(int(seconds * rate)), np.zeros(int(seconds * frames))
    for start in starts:
        at = np.arange(int(start * rate), int((start + 0.2) * rate))
        samples[at] = 0.5 * np.sin(at / rate * 2 * np.pi * 180)
        opening[int((start + late) * frames) : int((start + late + 0.2) * frames)] = 1.0
    found, fit = lag(opening, frames, envelope(samples, rate))
    assert found == pytest.approx(1000 * late, abs=30) and fit > 0.6


def test_a_face_opens_its_mouth_where_it_is(face):
    image = Image.open(face)
    still = Face.of(image, (240, 280))
    shut, wide = (still.speaking(Mouth(open=o, wide=0.6)) for o in (0.0, 1.0))
    changed = np.abs(shut.astype(int) - wide).max(2) > 20
    rows, columns = np.nonzero(changed)
    assert 0.6 * 280 < rows.mean() < 0.95 * 280 and abs(columns.mean() - 120) < 6
    assert not changed[: 280 // 2].any()
    lower = Face.of(image, (240, 280), "0.25,0.5,0.2").speaking(Mouth(open=1.0, wide=0.6))
    assert np.abs(lower.astype(int) - still.pixels).max(2)[120:170, 30:90].max() > 100
    for wrong in ("0.5", "2,0.5,0.1", "a,b,c"):
        with pytest.raises(UsageError, match="ACROSS,DOWN,WIDTH"):
            Face.of(image, (64, 64), wrong)
    assert torch.from_numpy(wide.copy()).shape == (280, 240, 3)
