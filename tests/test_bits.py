"""A model of texts in fewer bits: loaded, used, refused where it makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom import api
from genloom.engine.reading import Reader
from genloom.errors import ModelError, UsageError

TEXT = "the cat sat on the mat. we saw three red ships."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Path(tmp_path_factory.mktemp("models"))
    wide = MADE["text"]().with_("codec.length=64", "net.net.width=64", "net.net.depth=2")
    for name, recipe in (("text", wide), ("row", MADE["row"]())):
        shaken(recipe, tmp_path_factory.mktemp("toy")).save(place / name)
    half = api.load(place / "text")
    half.nets.bfloat16()
    half.save(place / "half")
    return place


def nats(model: api.Model) -> float:
    with Reader(model) as reader:
        return reader.score([TEXT])[0].nats


def test_fewer_bits_say_nearly_the_same(folder: Path) -> None:
    plain = nats(api.load(folder / "text"))
    off = {bits: abs(nats(api.load(folder / "text", bits=bits)) / plain - 1) for bits in api.FORMS}
    assert off[32] < 1e-5 and off[16] < 0.01 and off[8] < 0.01 and off[4] < 0.1
    assert off[32] < off[16] < off[4] and off[8] < off[4]


def test_weights_stored_in_16_bits_are_served_so_and_measured_alike(folder: Path) -> None:
    half = api.load(folder / "half")
    assert half.nets["net"].quantized is not None
    assert nats(half) == pytest.approx(nats(api.load(folder / "text", bits=16)), rel=1e-3)
    (text,) = half.generate("the", seed=1, max_tokens=8)
    assert text.startswith("the")


@pytest.mark.parametrize("bits", api.FORMS)
def test_the_family_s_own_score_takes_them_too(folder: Path, bits: int) -> None:
    from genloom.spec import Batch

    model = api.load(folder / "text", bits=bits)
    x = torch.cat((torch.tensor([0]), model.codec.encode([TEXT])[0]))[None]
    weight = torch.ones(x.shape)
    weight[:, 0] = 0
    with torch.inference_mode():
        told = model.family.score(model.nets, Batch(spec=model.codec.spec, x=x, weight=weight))
    assert -float(told) == pytest.approx(nats(model), rel=0.02)


def test_what_makes_no_sense_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of 32, 16, 8, 4"):
        api.load(folder / "text", bits=5)
    with pytest.raises(UsageError, match="models of texts"):
        api.load(folder / "row", bits=8)
    with pytest.raises(ModelError, match="serving only"):
        api.load(folder / "text", bits=8).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()
