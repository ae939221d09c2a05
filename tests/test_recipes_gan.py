"""The preset of a GAN of pictures: legal at every size and side, with what few pictures need."""

from __future__ import annotations

import pytest
import torch

from genloom import registry
from genloom.codec.image.codec import ImageCodec
from genloom.recipe import Facts
from genloom.spec import TokenSpec

LABEL = TokenSpec(vocab=12, length=1, bos=0, eos=None, pad=0)
chooser = registry.find("recipe", "image-gan")


def facts(side: int, items: int = 4000) -> Facts:
    return Facts(items=items, units=items, captions=["a", "b"] * (items // 2), side=side)


@pytest.mark.parametrize("size", ["tiny", "small", "base", "large"])
@pytest.mark.parametrize("side", [16, 28, 32, 64, 128, 256])
def test_it_is_legal_and_its_grids_are_few_places(size: str, side: int) -> None:
    made = chooser(size, facts(side))
    made.check()
    assert set(made.net) == {"generator", "critic"} and made.prompt is not None
    if side > 28:
        patch = made.net["generator"].options["patch"]
        few = size == "tiny"
        assert side % patch == 0 and 16 <= side // patch * (1 + few) <= 32
        assert made.net["generator"].options["base"] >= 8 * patch
        assert ("augment" in made.family.options) != few


def test_many_pictures_need_no_changes() -> None:
    assert "augment" not in chooser("small", facts(32, 50_000)).family.options
    assert "augment" not in chooser("small", facts(28)).family.options


@pytest.mark.parametrize("side", [32, 64])
def test_its_parties_begin_with_spread_and_agree_on_shapes(side: int) -> None:
    made = chooser("tiny", facts(side)).with_(f"codec.size={side}", "codec.mode=RGBA")
    codec = made.make_codec()
    assert isinstance(codec, ImageCodec)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nets = made.make_nets(codec.spec, LABEL)
        z = torch.randn(16, nets["generator"].latent)
    with torch.no_grad():
        items = nets["generator"](z, torch.ones(16, 1, dtype=torch.long))
        assert items.shape == (16, 4, side, side)
        assert 0.25 < float(items.std(0).mean()) < 0.8  # of values from -1 to 1
        assert nets["critic"](items, torch.ones(16, 1, dtype=torch.long)).shape == (16,)


def test_a_run_is_judged_so_that_a_collapse_is_seen() -> None:
    assert chooser("small", facts(32)).train.judge > 0
