"""Recipes: what is legal, what the refusal says, changes, and the way to JSON and back."""

from __future__ import annotations

import json

import pytest
from toys import MADE

from genloom.errors import RecipeError
from genloom.recipe import Part, Recipe


@pytest.mark.parametrize("name", MADE)
def test_json_round_trip(name):
    made = MADE[name]()
    made.check()
    again = Recipe.from_json(json.loads(json.dumps(made.to_json())))
    assert again.digest() == made.digest() and again.to_json() == made.to_json()
    again.check()


def test_changes_are_applied_to_a_copy():
    made = MADE["text"]()
    changed = made.with_("train.steps=77", "net.net.width=64", "train.precision=bf16")
    assert (changed.train.steps, changed.train.precision) == (77, "bf16")
    assert changed.net["net"].options["width"] == 64
    assert made.train.steps == 3
    assert len({made.digest(), changed.digest(), made.with_("train.seed=5").digest()}) == 3


def test_training_replaces_fields():
    assert MADE["text"]().training(seed=9).train.seed == 9


@pytest.mark.parametrize(
    "change, told",
    [
        ("net.net.widht=32", "net.net has no key 'widht': did you mean 'width'"),
        ("train.step=3", "train has no key 'step': did you mean 'steps'"),
        ("data.batches=3", "data has no key 'batches': did you mean 'batch'"),
        ("codec.lenght=3", "did you mean 'length'"),
        ("famly.kind=flow", "the recipe has nothing at famly"),
        ("trian=3", "did you mean 'train'"),
        ("train.steps", "is not of the form key=value"),
        ("train.steps=many", "train.steps is 'many', but int is expected"),
        ("train.steps=1.5", "train.steps is 1.5, but int is expected"),
        ("train.steps=true", "train.steps is True, but int is expected"),
        ("train.precision=fp8", "'auto' or 'fp32' or 'bf16'"),
        ("net.net=5", "an object with a 'kind' is expected"),
    ],
)
def test_a_wrong_change_says_what_is_expected(change, told):
    with pytest.raises(RecipeError) as caught:
        MADE["text"]().with_(change)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        *("train.steps=0", "train.accumulate=0", "train.rate=-1", "train.rate=NaN"),
        *("train.warmup=1.5", "train.decay=-0.1", "train.ema=0.5", "data.batch=0"),
        *("data.holdout=0.95", "data.holdout=-1"),
    ],
)
def test_numbers_out_of_range(change):
    key = change.partition("=")[0]
    with pytest.raises(RecipeError, match=rf"{key} is .* to .* is expected"):
        MADE["text"]().with_(change)


def test_a_family_of_another_carrier_names_those_that_fit():
    values = {**MADE["text"]().to_json(), "family": {"kind": "flow"}}
    with pytest.raises(RecipeError, match=r"hands out tokens: use family .*'autoregressive'"):
        Recipe.from_json(values).check()


def test_a_net_that_cannot_fill_the_role_names_those_that_can():
    values = {**MADE["text"]().to_json(), "net": {"net": {"kind": "conv_critic"}}}
    with pytest.raises(RecipeError, match=r"cannot be the net of family .*use .*transformer"):
        Recipe.from_json(values).check()


def test_roles_must_be_filled():
    values = MADE["row by GAN"]().to_json()
    del values["net"]["critic"]
    with pytest.raises(RecipeError, match=r"needs nets for .*critic.*generator"):
        Recipe.from_json(values).check()


def test_token_families_take_no_prompt_codec():
    with pytest.raises(RecipeError, match="without the recipe's prompt"):
        MADE["text"]().with_('prompt={"kind":"words"}')


@pytest.mark.parametrize("part", ["codec", "family", "net"])
def test_an_unknown_kind_is_told(part):
    values = MADE["text"]().to_json()
    values[part] = {"kind": "txet"} if part != "net" else {"net": {"kind": "txet"}}
    with pytest.raises(RecipeError, match="txet"):
        Recipe.from_json(values).check()


@pytest.mark.parametrize("values", [None, [], {"name": "x"}, {"codec": 5}])
def test_what_is_no_recipe_is_told(values):
    with pytest.raises(RecipeError):
        Recipe.from_json(values)


def test_digest_does_not_depend_on_the_order_of_options():
    a = Part("text", {"vocab": "bytes", "length": 32})
    b = Part("text", {"length": 32, "vocab": "bytes"})
    values = MADE["text"]().to_json()
    made = [Recipe.from_json({**values, "codec": p.to_json()}) for p in (a, b)]
    assert made[0].digest() == made[1].digest()
