"""Drawn scenes, and the measuring of what a picture shows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image, ImageFilter

from genloom.codec.image.codec import ImageCodec
from genloom.demo.scenes import (
    COLOURS,
    PLACES,
    SHAPES,
    caption,
    coverage,
    draw,
    held_out_combinations,
    look,
    scenes,
    training_combinations,
    write_folder,
)
from genloom.errors import RequestError


def test_every_combination_is_seen_as_what_it_is():
    rng = np.random.default_rng(0)
    every = [*training_combinations(), *held_out_combinations()]
    wrong = [s for s in every if look(draw(*s, rng)) != s]
    assert len(every) == len(set(every)) == len(COLOURS) * len(SHAPES) * 9
    assert len(wrong) <= len(every) * 0.005, wrong


def test_held_out_scenes_leave_every_pair_of_words_in_training():
    kept, out = training_combinations(), held_out_combinations()
    assert len(out) == 36
    assert not set(kept) & set(out)
    for drop in range(3):
        pairs = {s[:drop] + s[drop + 1 :] for s in kept}
        assert {s[:drop] + s[drop + 1 :] for s in out} <= pairs
    for word in range(3):  # each word is held out about equally often
        counts = Counter(s[word] for s in out)
        assert max(counts.values()) - min(counts.values()) <= 4


def test_scenes_are_a_function_of_the_seed():
    first, again, other = scenes(6, seed=1), scenes(9, seed=1), scenes(6, seed=2)
    same = [np.array_equal(a.source, b.source) for a, b in zip(first, again[:6], strict=True)]
    assert all(same)
    assert [p.caption for p in first] == [p.caption for p in again[:6]]
    assert not np.array_equal(first[0].source, other[0].source)
    assert len({p.source.tobytes() for p in again}) == 9


def test_captions_belong_to_the_pictures_and_to_the_right_side():
    kept, out = ({caption(s) for s in f()} for f in (training_combinations, held_out_combinations))
    assert {p.caption for p in scenes(60, seed=3)} <= kept
    for picture in scenes(20, seed=3, held_out=True):
        assert picture.caption in out
        assert caption(look(picture)) == picture.caption
    assert caption(("orange", "ring", "top left")) == "an orange ring top left"


def test_edges_are_soft_and_places_are_apart():
    cover = coverage("circle", (16.3, 15.8), 5.0)
    assert ((cover > 0.1) & (cover < 0.9)).sum() > 8
    assert float(cover.sum()) == pytest.approx(np.pi * 25, rel=0.02)
    assert len(set(PLACES.values())) == 9


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_drawn_around_its_centroid(shape):
    cover = coverage(shape, (14.0, 17.0), 6.0)
    steps = np.arange(32) + 0.5
    assert cover.sum(1) @ steps / cover.sum() == pytest.approx(14, abs=0.15)
    assert cover.sum(0) @ steps / cover.sum() == pytest.approx(17, abs=0.15)


def changed(change, count=40):
    pictures = scenes(count, seed=5)
    seen = [look(Image.fromarray(change(p.source).astype(np.uint8))) for p in pictures]
    right = sum(
        s is not None and caption(s) == p.caption for s, p in zip(seen, pictures, strict=True)
    )
    return right / count, sum(s is None for s in seen) / count


def test_a_little_noise_is_no_obstacle():
    rng = np.random.default_rng(0)
    right, _ = changed(lambda x: np.clip(x + rng.normal(0, 5, x.shape), 0, 255))
    assert right >= 0.97


def test_what_is_unclear_is_not_guessed():
    rng = np.random.default_rng(0)

    def blurred(x):
        return np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(2.5)))

    assert changed(blurred)[1] >= 0.95
    assert changed(lambda x: np.clip(x + rng.normal(0, 50, x.shape), 0, 255))[1] >= 0.95
    assert changed(lambda x: rng.integers(0, 256, x.shape))[1] == 1
    assert (
        changed(lambda x: np.maximum(x, x[::-1, ::-1]), 60)[1] >= 0.8
    )  # two shapes, but at the centre


@pytest.mark.parametrize("colour", [(24, 26, 34), (255, 255, 255), (255, 0, 0)])
def test_an_empty_picture_shows_nothing(colour):
    assert look(Image.new("RGB", (32, 32), colour)) is None


def test_a_shape_of_an_unnamed_colour_or_form():
    rng = np.random.default_rng(0)
    grey = np.asarray(draw("white", "circle", "center", rng)) // 2
    assert look(Image.fromarray(grey)) is None
    dot = np.full((32, 32, 3), 25, np.uint8)
    dot[15:17, 15:17] = (220, 40, 45)
    assert look(Image.fromarray(dot)) is None
    bar = np.full((32, 32, 3), 25, np.uint8)
    bar[15:17, 4:28] = (220, 40, 45)
    assert look(Image.fromarray(bar)) is None


def test_enlarged_pictures_are_measured_too():
    picture = scenes(1, seed=4)[0]
    large = picture.open().resize((96, 96), Image.Resampling.NEAREST)
    assert caption(look(large)) == picture.caption


def test_unknown_words_are_refused():
    with pytest.raises(RequestError, match="pink"):
        draw("pink", "circle", "center", np.random.default_rng(0))


def test_a_written_folder_reads_back(tmp_path):
    write_folder(tmp_path / "a", 12, seed=6)
    codec = ImageCodec(size=32, mode="RGB")
    reading = codec.read(tmp_path / "a")
    drawn = scenes(12, seed=6)
    assert codec.captions(reading.items) == [p.caption for p in drawn]
    assert all(
        np.array_equal(a, b.source)
        for a, b in zip(codec.decode(codec.encode(reading.items)), drawn, strict=True)
    )
    assert not reading.skipped
