"""A style or a subject from a few pictures: an adapter beside a model, and a new word."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import toys

from genloom import adapted, api
from genloom.codec.image.pictures import Picture
from genloom.engine.engine import Engine
from genloom.errors import (
    DataError,
    GenloomError,
    ModelError,
    RecipeError,
    RequestError,
    UsageError,
)
from genloom.recipe import Part
from genloom.spec import Request

STEPS = "train.steps=100"


def red(count: int = 8) -> list[Picture]:
    """Bright red with a dark frame: nothing like what the base has seen."""
    rng = np.random.default_rng(7)
    out = []
    for _ in range(count):
        pixels = rng.integers(0, 40, (8, 8, 3), dtype=np.uint8)
        pixels[1:7, 1:7, 0] += 210
        out.append(Picture(pixels))
    return out


def base_recipe(prompt: str = "words", seed: int = 0):
    return toys.recipe(
        Part("image", toys.OPTIONS["image"][0]),
        Part("flow", {"predicts": "data", "steps": 6}),
        {"net": "diffusion_transformer"},
        prompt,
        steps=150,
        rate=4e-3,
        seed=seed,
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("style") / "base"
    return api.train(base_recipe(), toys.captioned(), out=folder)


@pytest.fixture(scope="module")
def styled(base):
    """A model of eight pictures with a new word."""
    return api.train(
        "image",
        red(),
        out=base.folder.parent / "styled",
        start=base.folder,
        adapter="lora",
        changes=[STEPS, "train.rate=6e-3", 'data.caption="zork"'],
    )


def made(model, prompt: str | None, count: int = 12):
    with Engine(model) as engine:
        generation = engine.submit(Request(prompt=prompt, seed=3, count=count))
        generation.result()
        return generation.tensors()


def far(x, codec) -> float:
    """Mean distance of items from the mean of the style's pictures."""
    goal = codec.encode(red()).mean(0)
    return float((x - goal).square().flatten(1).mean(1).sqrt().mean())


def test_what_is_made_moves_towards_eight_pictures_and_the_base_stays(base, styled):
    before = base.digest()
    plain, moved = made(base, "above"), made(styled, "zork")
    assert far(moved, base.codec) < 0.4 * far(plain, base.codec)
    again = api.load(base.folder)
    assert again.digest() == before and torch.equal(made(again, "above"), plain)
    assert sum(p.numel() for p in styled.nets.parameters() if p.requires_grad) == 0


def test_it_learns_from_all_of_a_few_and_says_so(styled):
    data = styled.recipe.data
    assert (data.holdout, data.crops, data.batch) == (0.0, 8, 32)
    assert styled.card["metrics"] == {}


def test_the_new_word_has_an_id_that_was_free(base, styled):
    assert styled.prompt.spec == base.prompt.spec  # so that the net's embedding fits
    assert "zork" in styled.prompt.words and "zork" not in base.prompt.words
    assert styled.prompt.spare == base.prompt.spare - 1
    with pytest.raises(RequestError, match="no word of the prompt"):
        made(base, "zork")


def test_saved_and_loaded_both_ways(base, styled):
    want = made(styled, "zork")
    assert torch.equal(made(api.load(styled.folder), "zork"), want)
    beside = api.load(base.folder, adapter=styled.folder)
    assert torch.equal(made(beside, "zork"), want)
    whole = adapted.whole(styled)
    assert torch.allclose(made(whole, "zork"), want, atol=1e-4)
    assert (styled.folder / "adapter" / "adapter_model.safetensors").is_file()
    assert not (styled.folder / "model.safetensors").exists()


def test_an_adapter_for_another_model_is_refused_by_name(base, styled):
    other = api.train(
        base_recipe(seed=5), toys.captioned(), out=base.folder.parent / "other",
        changes=["train.steps=2"],
    )  # fmt: skip
    with pytest.raises(ModelError, match=r"styled stands beside .*base.* not beside"):
        api.load(other.folder, adapter=styled.folder)


def test_dora_and_a_label_of_three_pictures(base):
    start = api.train(
        base_recipe("label"), toys.captioned(), out=base.folder.parent / "labels",
        changes=["train.steps=4"],
    )  # fmt: skip
    model = api.train(
        "image", red(3), out=base.folder.parent / "three", start=start, adapter="dora",
        changes=["train.steps=2", 'data.caption="my cat"', "data.flips=true"],
    )  # fmt: skip
    assert model.prompt.labels == ("above", "below", "my cat")
    assert made(api.load(model.folder), "my cat", 2).shape == (2, 3, 8, 8)


@pytest.mark.slow
def test_a_u_net_is_adapted_saved_and_loaded(base):
    recipe = toys.recipe(
        Part("image", toys.OPTIONS["image"][0]), Part("flow"), {"net": "unet"}, "words", steps=2
    )
    folder = base.folder.parent
    start = api.train(recipe, toys.captioned(), out=folder / "unet")
    model = api.train(
        "image",
        red(4),
        out=folder / "unet-red",
        start=start,
        adapter="lora",
        changes=["train.steps=4", 'data.caption="zork"'],
    )
    assert not torch.equal(made(model, "zork", 2), made(start, None, 2))
    assert torch.equal(made(api.load(model.folder), "zork", 2), made(model, "zork", 2))


@pytest.mark.parametrize(
    "options, items, kind, words",
    [
        ({"adapter": "lora"}, 2, DataError, "give at least 3"),
        ({"adapter": "lora"}, 4, DataError, "--caption"),
        ({"adapter": "lora", "bits": 8}, 4, RecipeError, "leave --bits out"),
    ],
)
def test_what_cannot_be_is_refused(base, options, items, kind, words):
    word = [] if words == "--caption" else ['data.caption="zork"']
    with pytest.raises(kind, match=words):
        api.train(
            "image", red(items), out=base.folder.parent / "no", start=base.folder,
            changes=[STEPS, *word], **options,
        )  # fmt: skip


def test_a_gan_has_no_adapters(base):
    gan = toys.MADE["picture by GAN"](steps=2)
    start = api.train(gan, toys.captioned(), out=base.folder.parent / "gan")
    with pytest.raises(GenloomError, match=r"adapter|start from another model"):
        api.train(
            "image-gan", red(), out=base.folder.parent / "no", start=start, adapter="lora",
            changes=['data.caption="zork"', STEPS],
        )  # fmt: skip


def test_several_at_once_are_refused_in_a_line(base, styled):
    with pytest.raises(UsageError, match="load this one with the adapter"):
        Engine(base, adapters={"red": styled.folder})
