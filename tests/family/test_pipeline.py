"""The guest family over the plainest painter there can be: noise that fades, a step at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from genloom.errors import RequestError, UsageError
from genloom.family.noise import normal
from genloom.family.pipeline import Order, Paintings, Pipeline
from genloom.spec import ArraySpec, Encoded, Options

SPEC = ArraySpec(grid=(4, 4), channels=3)


class Fading:
    """The noise of the order's key, times what is left of its steps."""

    def __init__(self, order: Order) -> None:
        self.order, self.taken, self.steps = order, 0, order.steps
        self.done = False

    def step(self) -> None:
        if self.done:
            return
        self.taken += 1
        self.done = self.taken >= self.steps

    def picture(self) -> torch.Tensor:
        noise = normal(torch.tensor([self.order.key]), 0, (3, *self.order.grid))[0]
        return noise * (1 - self.taken / self.steps / 2)


class Painter:
    def begin(self, order: Order) -> Fading:
        return Fading(order)


NETS: dict[str, Any] = {"net": Painter()}


def begun(family: Pipeline, *numbers: int, seed: int = 1, **asked: Any) -> Paintings:
    options = Options(**asked.pop("options", {}))
    index = torch.tensor(numbers)
    return family.start(NETS, SPEC, Encoded(seed=seed, index=index, options=options, **asked))


def finished(family: Pipeline, samples: Paintings) -> Any:
    while not samples.done.all():
        family.step(NETS, samples, None)
    return family.result(samples, SPEC)


def test_a_sample_is_the_same_alone_and_among_others():
    family = Pipeline(steps=3)
    many = begun(family, 0, 1, 2)
    family.step(NETS, many, None)
    other = begun(family, 0, seed=9)
    assert many.kin(other)
    joined = Paintings.cat([many.select(torch.tensor([2, 0])), other])
    made = finished(family, joined)
    assert made.shape == (3, 3, 4, 4)
    for row, alone in enumerate((begun(family, 2), begun(family, 0), begun(family, 0, seed=9))):
        assert torch.equal(made[row], finished(family, alone)[0])
    assert not torch.equal(made[0], made[1])


def test_pictures_of_other_sizes_do_not_share_a_flight():
    family = Pipeline()
    wide = begun(family, 0, grid=(4, 8))
    assert not wide.kin(begun(family, 0))
    assert family.result(wide, SPEC)[0].shape == (3, 4, 8)


def test_what_was_asked_comes_before_what_is_usual():
    family = Pipeline(steps=7, guidance=3.0, does=("guidance", "item", "strength"))
    assert family.takes == {"steps", "size", "guidance", "item", "strength"}
    usual = begun(family, 0).items[0].order
    assert (usual.steps, usual.guidance, usual.strength) == (7, 3.0, None)
    asked = begun(family, 0, options={"steps": 2, "guidance": 1.5, "strength": 0.5})
    order = asked.items[0].order
    assert (order.steps, order.guidance, order.strength) == (2, 1.5, 0.5)
    family.step(NETS, asked, None)
    taken, steps = family.progress(asked)
    assert taken.tolist() == [1] and steps.tolist() == [2]


@pytest.mark.parametrize(
    ("family", "asked", "told"),
    [
        (Pipeline(), {"fresh": torch.ones(4, 4)}, "makes no part of a picture anew"),
        (Pipeline(guidance=1.0), {"negative": torch.ones(1)}, "ask for a guidance above 1"),
    ],
)
def test_what_it_cannot_do_is_refused(family, asked, told):
    with pytest.raises(RequestError, match=told):
        begun(family, 0, **asked)


def test_another_model_does_not_guide_it():
    with pytest.raises(RequestError, match="leave the guide out"):
        family = Pipeline()
        family.start(NETS | {"guide": object()}, SPEC, Encoded(seed=0, index=torch.zeros(1)))


def test_it_learns_nothing():
    for call in (lambda: Pipeline().score({}, None), lambda: Pipeline().loss("", {}, None, None)):
        with pytest.raises(UsageError, match="is not trained or scored here"):
            call()
