"""What may be asked of a training before its recipe is known: other data to judge by, passes,
rates, models kept on the way."""

from __future__ import annotations

import json

import pytest
from toys import texts

from genloom import api, store

SMALL = ["train.judge=2", "train.preview=0", "net.net.width=32", "net.net.depth=1"]
TEXT = [*SMALL, "net.net.heads=2", "codec.length=32", "data.batch=4"]


@pytest.fixture
def corpus(tmp_path):
    file = tmp_path / "corpus.txt"
    file.write_text("\n\n".join(texts(20)))
    return file


def train(corpus, out, **more):
    return api.train("text", corpus, out=out, size="tiny", changes=TEXT, **more)


def test_other_data_judges_and_all_of_the_first_is_learnt(corpus, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("\n\n".join(texts(5)))
    model = train(corpus, tmp_path / "m", validation=other, epochs=0.5)
    assert model.card["validation"]["root"] == str(other)
    assert model.card["protocol"]["holdout"] == 0.0
    assert "held_out_loss" in model.card["metrics"]
    assert "".join(model.training_items()) == corpus.read_text()
    assert "".join(model.held_out_items()) == other.read_text()


def test_passes_decide_the_steps_and_rates_are_a_factor(corpus, tmp_path):
    one = train(corpus, tmp_path / "one", epochs=1)
    two = train(corpus, tmp_path / "two", epochs=2, rates=0.5)
    assert two.card["steps"] in (2 * one.card["steps"] - 1, 2 * one.card["steps"])
    first, second = one.recipe.train, two.recipe.train
    assert second.rate == first.rate / 2 and second.muon_rate == first.muon_rate / 2


def test_models_at_the_ends_of_passes_stay_and_are_models(corpus, tmp_path):
    heard = []
    model = train(
        corpus, tmp_path / "m", epochs=4, checkpoints=2, listener=lambda e: heard.append(e)
    )
    steps = [event.step for event in heard if event.kind == "kept"]
    here = sorted(path.name for path in tmp_path.glob("m:step-*"))
    assert here == sorted(f"m:step-{step}" for step in steps[-2:]) and len(steps) == 3
    assert model.card["steps"] not in steps
    kept = api.load(tmp_path / here[-1])
    assert kept.card["steps"] == steps[-1] and kept.digest() != model.digest()
    assert len(kept.generate(count=1, max_tokens=4)) == 1
    recipe = json.loads((store.existing(tmp_path / here[0]) / "recipe.json").read_text())
    assert recipe["family"] == model.recipe.to_json()["family"]


def test_keeping_models_changes_nothing_of_the_training(corpus, tmp_path):
    plain = train(corpus, tmp_path / "plain", epochs=2)
    kept = train(corpus, tmp_path / "kept", epochs=2, checkpoints=1)
    assert plain.digest() == kept.digest()
