"""Clips of every make on an even clock, told frames, files with records, and what is broken."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from genloom.codec.video.clips import Clip, as_clip
from genloom.codec.video.codec import VideoCodec
from genloom.codec.video.collections import read_clips
from genloom.codec.video.files import clip_hash, write_clip
from genloom.codec.video.frames import Frames, clocked, placed
from genloom.datasets.medium import detected
from genloom.errors import DataError, MissingExtra, RecipeError, RequestError
from genloom.sound.wave import Sound
from genloom.trust.record_places import find_record


def frames(count: int = 8, rate: float = 4.0, size=(20, 14), sound: Sound | None = None) -> Frames:
    """A bright bar that goes one pixel to the right in each frame; frame n has the shade 6 n."""
    width, height = size
    pixels = np.zeros((count, height, width, 3), np.uint8)
    for n in range(count):
        pixels[n] = 6 * n
        pixels[n, 2:8, n : n + 4] = (250, 120, 30)
    return Frames(pixels, rate, sound)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv", ".mov", ".gif", ".webp"])
def test_every_format_is_read_as_it_was_written(tmp_path, suffix):
    path, made = tmp_path / f"a{suffix}", frames()
    write_clip(made, path)
    again = as_clip(path).open()
    assert len(again) == 8 and again.rate == pytest.approx(4.0, rel=0.02)
    assert again.pixels.shape == made.pixels.shape
    assert np.abs(again.rgb().astype(int) - made.pixels).mean() < 6


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif", ".png"])
def test_the_record_is_inside_and_changes_nothing_that_is_seen(tmp_path, suffix):
    path, bare, record = (
        tmp_path / f"a{suffix}",
        tmp_path / f"b{suffix}",
        {"seed": 3, "a": "\u00fc"},
    )
    write_clip(frames(), bare)
    assert write_clip(frames(), path, record)
    assert find_record(path) == (record, "inside")
    if suffix != ".png":
        assert clip_hash(path) == clip_hash(bare)
        other = frames()
        other.pixels[5, :7] = 0
        write_clip(other, bare)
        assert clip_hash(path) != clip_hash(bare)


def test_sound_comes_along(tmp_path):
    wave = 0.4 * torch.sin(torch.arange(32000) / 16000 * 440 * 2 * torch.pi)
    for suffix in (".mp4", ".webm"):
        path = tmp_path / f"a{suffix}"
        write_clip(frames(sound=Sound(wave[None], 16000)), path)
        heard = as_clip(path).open().sound
        assert heard is not None and abs(heard.seconds - 2.0) < 0.05
        assert 0.2 < float(heard.samples.abs().max()) < 0.6
    write_clip(frames(), path)
    assert as_clip(path).open().sound is None


def test_odd_sides_get_a_copied_edge(tmp_path):
    write_clip(frames(size=(21, 15)), tmp_path / "a.mp4")
    again = as_clip(tmp_path / "a.mp4").open()
    assert again.size == (22, 16)
    assert np.abs(again.pixels[:, :, 20].astype(int) - again.pixels[:, :, 21]).mean() < 6


# --- clocks ---------------------------------------------------------------------------------------


def test_a_variable_rate_is_put_on_an_even_clock():
    shades = [np.full((2, 2, 1), n, np.uint8) for n in range(4)]
    timed = list(zip((0.0, 0.1, 0.9, 1.0), shades, strict=True))
    seen = [int(one[0, 0, 0]) for one in clocked(timed, rate=5.0, count=99)]
    assert seen == [0, 1, 1, 1, 1, 3]
    backwards = [(0.0, shades[0]), (0.4, shades[1]), (0.2, shades[2]), (0.6, shades[3])]
    assert [int(x[0, 0, 0]) for x in clocked(backwards, 5.0, 99)] == [0, 0, 1, 3]
    with pytest.raises(DataError, match="no frame"):
        clocked([], 5.0, 4)


def test_frames_lie_where_their_times_are():
    half = [(n / 4, np.full((2, 2, 1), n, np.uint8)) for n in range(4)]
    assert sorted(placed(half, rate=8.0, count=8)) == [0, 2, 4, 6]
    long = [(n / 8, np.full((2, 2, 1), n, np.uint8)) for n in range(20)]
    kept = placed(long, rate=8.0, count=8)
    assert {tick: int(one[0, 0, 0]) for tick, one in kept.items()} == {0: 16, 1: 17, 2: 18, 3: 19}


def test_long_clips_are_learnt_in_pieces(tmp_path):
    write_clip(frames(40, rate=8.0, size=(16, 16)), tmp_path / "a.mp4")
    codec = VideoCodec(frames=8, size=16)
    items = codec.vary(codec.read(tmp_path).items, 0)
    codec.fit(items)
    x = codec.encode(items)
    assert x.shape == (5, 3, 8, 16, 16)
    shades = ((x[:, 0, 0, -1, -1] + 1) * 127.5 / 6).round().int().tolist()
    assert shades == [0, 8, 16, 24, 32]


# --- sets -----------------------------------------------------------------------------------------


def packed(path, **arrays) -> None:
    np.savez(path, **arrays)


def test_arrays_with_captions(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (3, 4, 8, 8), dtype=np.uint8)
    packed(tmp_path / "some.npz", frames=pixels, fps=np.float32(12))
    rows = [{"index": n, "caption": f"no {n}"} for n in (2, 0, 1)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "some.jsonl").write_text(text, "utf-8")
    assert detected(tmp_path / "some.npz") == "video"
    for place in (tmp_path / "some.npz", tmp_path):
        items = read_clips(place).items
        assert [one.caption for one in items] == ["no 0", "no 1", "no 2"]
        assert items[0].rate() == 12 and (items[1].open().pixels[..., 0] == pixels[1]).all()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"frames": np.zeros((2, 4, 8, 8), np.float32)}, "uint8"),
        ({"frames": np.zeros((2, 4, 8, 8, 7), np.uint8)}, "7 channels"),
        ({"frames": np.zeros((0, 4, 8, 8), np.uint8)}, "expected"),
        ({"words": np.array([{"a": 1}], dtype=object)}, "none of frames"),
    ],
)
def test_arrays_that_are_no_clips(tmp_path, arrays, says):
    packed(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=says):
        read_clips(tmp_path / "a.npz")


def test_an_array_that_would_unpack_to_terabytes(tmp_path):
    head = io.BytesIO()
    told = {"descr": "|u1", "fortran_order": False, "shape": (1 << 20, 1 << 20, 4, 4)}
    np.lib.format.write_array_header_1_0(head, told)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("frames.npy", head.getvalue())
    with pytest.raises(DataError, match="none of frames"):
        read_clips(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 no archive")
    with pytest.raises(DataError, match="make it again"):
        read_clips(tmp_path / "a.npz")


def test_what_is_broken_is_left_out_and_named(tmp_path):
    write_clip(frames(24), tmp_path / "good.mp4")
    whole = (tmp_path / "good.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.webm").write_bytes(b"no film at all " * 50)
    wave = Sound(torch.zeros(1, 16000) + 0.1, 16000)
    write_clip(frames(sound=wave), tmp_path / "sound.mp4")
    import av

    with av.open(str(tmp_path / "heard.mp4"), "w") as container:  # sound alone
        stream = container.add_stream("aac", rate=16000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    reading = read_clips(tmp_path)
    assert [one.name for one in reading.items] == ["good.mp4", "sound.mp4"]
    told = dict(reading.skipped)
    assert "no film" in told["cut.mp4"] and "empty" in told["empty.mp4"]
    assert "no film" in told["text.webm"] and "only sound" in told["heard.mp4"]
    (tmp_path / "good.mp4").unlink()
    (tmp_path / "sound.mp4").unlink()
    with pytest.raises(DataError, match="no usable clip"):
        read_clips(tmp_path)


def test_a_file_that_breaks_off_is_told_where(tmp_path):
    path = tmp_path / "a.webm"
    write_clip(frames(40, size=(64, 64)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="breaks off"):
        as_clip(path).open()
    assert len(Clip(path, name="a").frames(4.0, 4)) == 4  # what comes before is there


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    write_clip(frames(), tmp_path / "a.gif")
    write_clip(frames(), tmp_path / "b.mp4")
    monkeypatch.setitem(sys.modules, "av", None)
    assert len(as_clip(tmp_path / "a.gif").open()) == 8
    for work in (lambda: as_clip(tmp_path / "b.mp4").open(), lambda: read_clips(tmp_path)):
        with pytest.raises(MissingExtra, match=r"genloom\[video\]"):
            work()
    with pytest.raises(MissingExtra, match=r"genloom\[video\]"):
        write_clip(frames(), tmp_path / "c.mp4")
    assert not (tmp_path / "c.mp4").exists()
    with pytest.raises(RequestError, match=r"written as .*\.gif"):
        write_clip(frames(), tmp_path / "c.txt")


def test_pictures_alone_are_no_clips(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    codec = VideoCodec(size=8)
    with pytest.raises(DataError, match="none of the clips moves"):
        codec.fit(codec.read(tmp_path).items)


def test_options_that_cannot_be():
    for options in (
        {"frames": 1},
        {"rate": -1},
        {"size": 2},
        {"mode": "RGBA"},
        {"control": "edges"},
    ):
        with pytest.raises(RecipeError, match=f"codec.{next(iter(options))}"):
            VideoCodec(**options)
