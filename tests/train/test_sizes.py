"""Pictures of unlike shapes are learnt whole, resumed exactly, and made in any of their sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from PIL import Image

from genloom.api import Model
from genloom.codec.image.pictures import Picture
from genloom.engine.engine import Engine
from genloom.forecast import fresh, job_of
from genloom.material import Material, prepare
from genloom.recipe import Part, Recipe
from genloom.spec import Options, Request
from genloom.train.log import silent
from genloom.train.loop import Loop
from genloom.watch import held_out

SHAPES = ((8, 8), (16, 4), (8, 8), (4, 16))


def pictures(count: int = 40) -> list[Picture]:
    rng = np.random.default_rng(2)
    made = []
    for n in range(count):
        width, height = SHAPES[n % 4]
        pixels = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        made.append(Picture(Image.fromarray(pixels), ("a wide one", "a tall one")[n % 2]))
    return made


def recipe(**train) -> Recipe:
    codec = Part("image", {"size": 8, "sizes": "auto", "mode": "RGB"})
    net = {"net": "diffusion_transformer"}
    made = toys.recipe(codec, Part("flow"), net, "words", **{"steps": 6, "rate": 1e-2, **train})
    return made.with_("prompt.dropped=0.3", "data.batch=6")


def ready(made: Recipe) -> Material:
    return prepare(made, pictures(), None, None, 0, (), None, silent, None)


def run(material: Material, folder: Path, steps: int, resume: bool = False) -> Model:
    """As many of the recipe's steps."""
    model = fresh(material, Model)
    loop = Loop(job_of(material, model, folder, silent, lambda: False, False))
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        loop.restore()
    while loop.step < steps:
        loop.advance(lambda *_, **__: None)
    loop.save()
    return model


def test_a_training_over_several_grids_resumes_to_the_bit(tmp_path):
    material = ready(recipe())
    assert len(material.codec.spec.grids) == 3
    shapes = {x.x.shape[2:] for step in range(6) for x in material.loader().batches(step)}
    assert shapes == {torch.Size(grid) for grid in material.codec.spec.grids}
    whole = run(material, tmp_path / "whole", 6)
    run(material, tmp_path / "parts", 3)
    again = run(material, tmp_path / "parts", 6, resume=True)
    for a, b in zip(whole.nets.parameters(), again.nets.parameters(), strict=True):
        assert torch.equal(a, b)
    assert held_out(whole, material, {})["held_out_loss"] > 0


@pytest.mark.parametrize("size", [None, (4, 16), (16, 4)])
def test_any_of_the_grids_is_made_and_none_changes_another(tmp_path, size):
    material = ready(recipe())
    model = Model.load(run(material, tmp_path / "run", 2).save(tmp_path / "model"))
    assert model.codec.spec == material.codec.spec
    options = Options(size=size, steps=2)
    with Engine(model) as engine:
        asked = engine.submit(Request(prompt="a tall one", count=2, options=options))
        other = engine.submit(Request(count=3, seed=4, options=Options(steps=2)))
        made, _ = asked.result(), other.result()
    height, width = size or (8, 8)
    assert [picture.size for picture in made] == [(width, height)] * 2
    with Engine(model) as engine:
        alone = engine.submit(Request(prompt="a tall one", count=2, options=options))
        alone.result()
    for a, b in zip(asked.tensors(), alone.tensors(), strict=True):
        assert torch.equal(a, b)
