"""A table row and a text go through the same family, unchanged: one class, one loss, one engine.

How items in the making are kept differs (rows as arrays, texts as ragged streams over pages),
behind one interface.
"""

from __future__ import annotations

import pytest
import torch
from toys import MADE, job, trained

from genloom import registry
from genloom.engine.engine import Engine
from genloom.family.autoregressive import Autoregressive
from genloom.spec import Request, TokenSpec

NAMES = ("text", "row", "row by transformer")


@pytest.fixture(scope="module", params=NAMES)
def model(request, tmp_path_factory):
    return trained(MADE[request.param](steps=2), tmp_path_factory.mktemp("run"))


def test_one_class_serves_both(model):
    assert type(model.family) is registry.find("family", "autoregressive") is Autoregressive
    sampling = {"start", "cache", "step", "result", "score"}
    for other in Autoregressive.__subclasses__():  # further objectives, no further samplers
        assert not sampling & vars(other).keys(), other
    assert isinstance(model.codec.spec, TokenSpec)


def test_the_transformer_is_one_class_for_both(tmp_path):
    nets = [
        job(MADE[name](), tmp_path).model.nets["net"] for name in ("text", "row by transformer")
    ]
    assert type(nets[0]) is type(nets[1])


def test_both_pass_through_the_same_functions(model, tmp_path, monkeypatch):
    """Loss, start, cache, step, result: each is entered, whatever the medium."""
    entered, names = set(), ("loss", "_surprise", "start", "cache", "step", "result")
    for name in names:
        real = getattr(Autoregressive, name)

        def seen(*args, _name=name, _real=real, **rest):
            entered.add(_name)
            return _real(*args, **rest)

        monkeypatch.setattr(Autoregressive, name, seen)
    ready = job(model.recipe, tmp_path)
    batch = ready.loader.batch(0)
    ready.model.family.loss("net", ready.model.nets, batch, torch.Generator().manual_seed(0))
    with Engine(ready.model) as engine:
        engine.submit(Request(count=2)).result()
    assert entered == set(names)


def test_left_to_right_is_a_special_case_of_any_order(tmp_path):
    """With no field given first, the any-order loss is the plain one, on the same net."""
    model = job(MADE["row by transformer"](), tmp_path).model
    batch = job(MADE["row by transformer"](), tmp_path).loader.batch(0)
    losses = [
        Autoregressive(order=order, given=0.0).loss(
            "net", model.nets, batch, torch.Generator().manual_seed(0)
        )
        for order in ("left", "any")
    ]
    torch.testing.assert_close(losses[0].total, losses[1].total)
