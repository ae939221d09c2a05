"""A model that is told more than its start was: what begins at zero, what moves, what is kept."""

from __future__ import annotations

import copy
import shutil

import pytest
import torch
import toys
from PIL import Image

from genloom import api, tuning
from genloom.engine.requests import Encoder
from genloom.errors import RecipeError, RequestError, UsageError
from genloom.recipe import Part
from genloom.spec import Request

EDGES = "codec.control=edges"
GREY = 'codec.control={"kind": "grey"}'
QUICK = ("train.preview=0", "train.judge=0", "train.compile=off", "train.precision=fp32")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A small flow without captions, saved."""
    folder = tmp_path_factory.mktemp("base")
    made = toys.recipe(
        Part("image", toys.OPTIONS["image"][0]),
        Part("flow", {"predicts": "data", "steps": 6}),
        {"net": "diffusion_transformer"},
        steps=120,
        rate=3e-3,
    ).with_("net.net.depth=2", "net.net.width=48", "data.batch=16")
    model = toys.trained(made, folder / "run")
    model.save(folder / "model")
    return folder / "model"


def told(base, out, *changes, **fields):
    return api.train(
        "image", toys.captioned(48), out=out, start=base, changes=(*QUICK, *changes), **fields
    )


def test_the_new_part_begins_at_zero_and_alone_learns(base):
    before = api.load(base)
    heard = copy.deepcopy(before.recipe).with_(GREY)
    start, begun = tuning.start_of(base, None, None, None)
    recipe = tuning.recipe_from(heard, start, begun).with_(GREY)
    nets = tuning.nets_of(recipe, begun.model)
    free = {name for name, p in nets.named_parameters() if p.requires_grad}
    parts = {name.split(".")[1] for name in free}
    assert parts == {"control", "modulation", "final"}
    x, time = torch.randn(3, 3, 8, 8), torch.tensor([0.2, 0.5, 0.9])
    other = torch.randn(3, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(nets["net"](x, time, None, other), before.nets["net"](x, time))


@pytest.mark.slow
def test_what_was_learnt_stays_and_what_is_told_is_followed(base, tmp_path):
    model = told(base, tmp_path / "grey", GREY, "train.steps=250", "data.batch=16")
    known, now = api.load(base).nets.state_dict(), model.nets.state_dict()
    same = {name for name in known if torch.equal(known[name], now[name])}
    moved = {name.split(".")[1] for name in set(now) - same}
    assert moved == {"control", "modulation", "final"}
    loaded = api.load(tmp_path / "grey")
    assert all(torch.equal(now[name], p) for name, p in loaded.nets.state_dict().items())
    codec = loaded.codec
    for item in toys.captioned(2):
        with loaded.engine() as engine:
            made = engine.submit(Request(control=item, count=8, seed=3)).result()
        x = codec.encode(made).mean((1, 3))  # [8, rows]
        bright = x[:, :4].mean(1) > x[:, 4:].mean(1)
        assert int((bright == (item.caption == "above")).sum()) >= 7


def test_with_an_adapter_it_is_saved_whole(base, tmp_path):
    place = tmp_path / "moved"
    shutil.copytree(base, place)
    model = told(place, tmp_path / "edges", EDGES, "train.steps=6", adapter="lora")
    assert not (tmp_path / "edges" / "adapter").exists()
    shutil.rmtree(place)  # it needs its base no more
    loaded = api.load(tmp_path / "edges")
    request = Request(control=toys.captioned(1)[0], seed=2)
    results = []
    for one in (model, loaded):
        with one.engine() as engine:
            generation = engine.submit(request)
            generation.result()
            results.append(generation.tensors())
    assert torch.allclose(*results, atol=1e-5)
    known, now = api.load(base).nets.state_dict(), loaded.nets.state_dict()
    assert bool(now["net.control.weight"].any())
    moved = {name for name, x in known.items() if not torch.equal(x, now[name])}
    assert moved and all(name.endswith("weight") for name in moved)  # low-rank parts, worked in


def test_a_start_that_was_told_something_else_is_refused(base, tmp_path):
    told(base, tmp_path / "edges", EDGES, "train.steps=2")
    with pytest.raises(RecipeError, match="is told"):
        told(tmp_path / "edges", tmp_path / "other", GREY, "train.steps=2")
    again = told(tmp_path / "edges", tmp_path / "more", "train.steps=2")
    assert again.codec.spec.control == 1  # it goes on with what it was told


def test_without_what_it_is_told_nothing_is_made(base, tmp_path):
    model = told(base, tmp_path / "edges", EDGES, "train.steps=2")
    with pytest.raises(RequestError, match="control"):
        model.generate(1)
    with pytest.raises(RequestError, match="without a control"), api.load(base).engine() as engine:
        engine.submit(Request(control=toys.captioned(1)[0]))


def test_nets_that_would_change_their_shape_are_refused(tmp_path):
    toys.trained(toys.MADE["picture by GAN"](steps=2), tmp_path / "run").save(tmp_path / "gan")
    with pytest.raises((RecipeError, UsageError), match="train anew"):
        api.train(
            "image-gan",
            toys.captioned(24),
            out=tmp_path / "x",
            start=tmp_path / "gan",
            changes=(*QUICK, EDGES, "train.steps=2"),
        )


def test_a_mask_tells_a_model_of_holes_where_they_are(base, tmp_path):
    """A start that learns to fill holes: the item and the mask of a request are what it is told."""
    model = told(base, tmp_path / "filling", "codec.control=masked", "train.steps=2")
    item, white = toys.captioned(1)[0], Image.new("L", (8, 8), 255)
    mask = Image.new("L", (8, 8), 0)
    mask.paste(255, (0, 0, 4, 8))
    encoded = Encoder(model)(Request(item=item, mask=mask))
    assert encoded.control is not None and encoded.control.shape == (4, 8, 8)
    assert bool((encoded.control[3, :, :4] == 1).all() & (encoded.control[3, :, 4:] == -1).all())
    assert bool((encoded.control[:3, :, :4] == 0).all())
    assert torch.allclose(encoded.control[:3, :, 4:], model.codec.encode([item])[0, :, :, 4:])
    whole = Encoder(model)(Request(item=item, mask=white))
    assert whole.control is not None and bool((whole.control[:3] == 0).all())
