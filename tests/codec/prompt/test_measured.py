"""Prompts with numbers: what is told apart, what lies between, what is refused."""

from __future__ import annotations

import pytest
import torch

from genloom.codec.prompt.measured import MeasuredCodec, Phrase, phrases
from genloom.errors import DataError, ModelError, RequestError

CAPTIONS = [
    f"{colour} car, length {length}, height {height}"
    for colour, length, height in (
        ("red", 4.0, 1.4),
        ("blue", 4.4, 1.5),
        ("red", 4.8, 1.7),
        ("green", 5.0, 1.6),
    )
]


@pytest.fixture
def codec() -> MeasuredCodec:
    made = MeasuredCodec()
    made.fit(CAPTIONS)
    return made


def test_phrases_are_parted_and_units_understood():
    assert phrases("Red sedan, wheel base 2.71 m and height 145cm; seats") == [
        Phrase(("red", "sedan")),
        Phrase(("wheel", "base"), 2.71),
        Phrase(("height",), 1.45),
        Phrase(("seats",)),
    ]
    assert phrases("low-poly 3D model of a chair") == [
        Phrase(("low-poly", "3d", "model", "of", "a", "chair"))
    ]
    with pytest.raises(RequestError, match="2 numbers"):
        phrases("length 4 height 2")


def test_numbers_between_are_between(codec):
    ends = codec.encode([f"car, length {n}" for n in (4.0, 4.5, 5.0)])[:, 1]
    assert ends.shape[1] == codec.spec.width
    near = [float((ends[a] - ends[b]).norm()) for a, b in ((0, 1), (1, 2), (0, 2))]
    assert min(near) > 0.5
    told = ends[:, len(codec.known.words) + 2]
    assert told.tolist() == pytest.approx([-1, 0, 1], abs=1e-5)


def test_the_empty_prompt_is_nothing(codec):
    assert not codec.encode([None, ""]).any()


def test_the_order_of_phrases_is_kept_but_not_that_of_words(codec):
    one, two = codec.encode(["red car, length 4.5", "car red, length 4.5"])
    assert torch.equal(one, two)


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("unicorn", "no word of the prompt is known"),
        ("car, length 9", "learnt 4 to 5"),
        ("car, weight 4", "no measure"),
        ("car, length 4.2, length 4.3", "asked for twice"),
        ("red car, length 4.0, height 1.7", "contradicts"),
        ("a, b, c, d, e car", "phrases"),
    ],
)
def test_what_cannot_be_is_refused(codec, prompt, told):
    with pytest.raises(RequestError, match=told):
        codec.encode([prompt])
    codec.encode([prompt], strict=False)  # of a caption what is known is taken


def test_phrases_are_left_out_while_learning(codec):
    x = codec.encode(CAPTIONS * 100, strict=False)
    rng = torch.Generator().manual_seed(0)
    again = codec.retold(x, rng)
    gone = (x.abs().sum(2) > 0) & (again.abs().sum(2) == 0)
    assert 0.02 < float(gone.float().mean()) < 0.08
    assert MeasuredCodec(dropped=0).retold is None


def test_it_saves_and_loads(codec, tmp_path):
    codec.save(tmp_path)
    again = MeasuredCodec.load(tmp_path)
    assert again.known == codec.known and again.spec == codec.spec
    (tmp_path / "codec.json").write_text('{"kind": "measured"}')
    with pytest.raises(ModelError, match="missing"):
        MeasuredCodec.load(tmp_path)


def test_no_words_are_refused():
    with pytest.raises(DataError, match="no words"):
        MeasuredCodec().fit(["", "12"])
