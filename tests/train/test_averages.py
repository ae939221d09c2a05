"""Averages that a training kept: other lengths afterwards, the model as it was, damage."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import toys

from genloom import adapted, api, averaging, store
from genloom.errors import ModelError, UsageError
from genloom.train import averages, ema


def recipe(**train):
    train = {"steps": 64, "rate": 3e-3, "keep": True, "ema": 0.1, **train}
    return toys.MADE["picture by class"](**train)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return api.train(recipe(), toys.captioned(), out=tmp_path_factory.mktemp("kept") / "model")


def pixels(model, guide, guidance: float):
    made = model.generate("above", 2, seed=1, guide=guide, guidance=guidance)
    return np.stack([np.asarray(image) for image in made])


def same(a, b, close: float = 1e-5) -> bool:
    pairs = zip(a.nets.parameters(), b.nets.parameters(), strict=True)
    return all(torch.allclose(x, y, atol=close) for x, y in pairs)


def test_the_same_length_is_the_model_itself_and_another_is_not(kept):
    found, size = averaging.kept(kept.folder)
    assert found.steps == (8, 16, 24, 32, 40, 48, 56, 64) and size > 8 * 2 * 4 * kept.parameters
    model, told = averaging.average(api.Model, kept.folder, 0.1)
    assert same(model, kept) and told["likeness"] == pytest.approx(1, abs=1e-4)
    other, told = averaging.average(api.Model, kept.folder, 0.2)
    assert not same(other, kept, 1e-4) and told["likeness"] > 0.95
    assert other.folder.name == "model-ema-0.2"


def test_any_length_is_what_a_training_of_that_length_ends_with(kept, tmp_path):
    """Another training with the same steps, which averaged over 0.07 from the start."""
    trained = api.train(recipe(ema=0.07, keep=False), toys.captioned(), out=tmp_path / "m")
    made, _ = averaging.average(api.Model, kept.folder, 0.07, out=tmp_path / "made")
    assert same(made, trained)
    assert averages.NAME not in [p.name for p in store.run_folder(tmp_path / "m").iterdir()]


def test_an_early_model_is_that_of_the_step_and_works(kept, tmp_path):
    early, told = averaging.average(api.Model, kept.folder, 0.1, at=0.125, out=tmp_path / "weak")
    assert (told["step"], told["of"]) == (8, 64)
    assert not same(early, kept, 1e-3)
    loaded = api.load(early.folder)
    assert same(loaded, early) and len(loaded.generate("above", 2)) == 2
    plain, led = (pixels(kept, guide, 2.0) for guide in (None, loaded))
    assert not np.array_equal(plain, led)  # Karras et al. 2024, autoguidance
    (parent,) = loaded.card["parents"]
    assert parent["as"] == "averaged" and parent["weights"] == kept.card.get(
        "weights", kept.digest()
    )
    assert loaded.card["average"]["step"] == 8 and loaded.card["metrics"] == {}
    assert loaded.recipe.train.ema == 0.1


def test_an_adapter_s_averages_are_its_own(kept, tmp_path):
    model = api.train(
        "image",
        toys.captioned(),
        out=tmp_path / "low",
        start=kept.folder,
        adapter="lora",
        changes=["train.steps=16", "train.keep=true"],
    )
    made, told = averaging.average(api.Model, model.folder, 0.1)
    assert told["of"] == 16 and adapted.is_adapted(made)
    assert adapted.digest(made) == adapted.digest(model)


@pytest.mark.parametrize(
    "width, at, words", [(0.0, 1.0, "width is 0"), (0.5, 1.0, "0.28"), (0.1, 0.0, "at is 0")]
)
def test_what_cannot_be_is_refused(kept, width, at, words):
    with pytest.raises(UsageError, match=words):
        averaging.average(api.Model, kept.folder, width, at)


def test_what_was_not_kept_is_damaged_or_another_s_is_named(tmp_path):
    plain = api.train(recipe(keep=False, steps=8), toys.captioned(), out=tmp_path / "plain")
    with pytest.raises(ModelError, match=r"train\.keep=true"):
        averaging.average(api.Model, plain.folder, 0.1)
    model = api.train(recipe(steps=8), toys.captioned(), out=tmp_path / "m")
    folder = store.run_folder(model.folder) / averages.NAME
    with pytest.raises(ModelError, match="is the model itself"):
        averaging.average(api.Model, model.folder, 0.1, out=model.folder)
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "weights": "00"}))
    with pytest.raises(ModelError, match="trained again without"):
        averaging.average(api.Model, model.folder, 0.1)
    file = folder / "000.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelError, match=r"000\.safetensors is damaged"):
        averaging.average(api.Model, model.folder, 0.1)
    (folder / "index.json").write_text("{")
    with pytest.raises(ModelError, match="damaged"):
        averaging.kept(model.folder)


def test_likeness_is_one_for_what_is_tracked_and_less_for_what_is_far():
    times, widths = [1.0, 1.0], [0.05, 0.1]
    assert ema.likeness(times, widths, 0.05) == pytest.approx(1)
    assert ema.likeness(times, widths, 0.01) < 0.85
