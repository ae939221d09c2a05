"""Beginning from an item, keeping a part, frames between two ends, edges that meet, guides."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genloom.errors import RequestError
from genloom.family import flow_editing as editing
from genloom.family.base import Samples
from genloom.family.flow import Flow
from genloom.family.flow_solvers import walk
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Options

SPEC = ArraySpec(grid=(6, 6), channels=2)
ITEM = torch.linspace(-1, 1, 72).reshape(2, 6, 6)
HALF = torch.zeros(6, 6)
HALF[:, 3:] = 1


class Prompts(nn.Module):
    """The null prompt of a net with prompts."""

    def null(self, ids: Tensor) -> Tensor:
        return torch.zeros_like(ids)


class Net(nn.Module):
    """Clean items are flat, of the value that the prompt's first id says (0 without one); keeps
    the times and the inputs that it saw."""

    def __init__(self, more: float = 0.0) -> None:
        super().__init__()
        self.prompt, self.more = Prompts(), more
        self.times: list[float] = []
        self.seen: list[Tensor] = []

    def forward(
        self, x: Tensor, time: Tensor, prompt: Tensor | None = None, control: Tensor | None = None
    ) -> Tensor:
        self.times.append(float(time[0]))
        self.seen.append(x.detach().clone())
        value = x.new_zeros(len(x)) if prompt is None else prompt[:, 0].float()
        flat = (value + self.more)[:, None, None, None].expand_as(x)
        return flat if control is None else flat + control


class Mean(Net):
    """Clean items are flat: each is the mean of what is there."""

    def forward(self, x: Tensor, time: Tensor, *_: Any, **__: Any) -> Tensor:
        return x.mean((1, 2, 3), keepdim=True).expand_as(x)


class Bordered(nn.Module):
    """Clean items have a bright first column, whatever is there."""

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        out = torch.zeros_like(x)
        out[..., 0] = 1
        return out


def encoded(count: int = 3, first: int = 0, seed: int = 4, **fields: Any) -> Encoded:
    names = set(Encoded.__dataclass_fields__)
    given = {name: fields.pop(name) for name in list(fields) if name in names}
    index = torch.arange(first, first + count)
    return Encoded(seed=seed, index=index, options=Options(**fields), **given)


def begun(nets: Any, request: Encoded, **knobs: Any) -> tuple[Flow, Samples]:
    flow = Flow(**{"predicts": "data", "solver": "euler", "steps": 8, **knobs})
    return flow, flow.start(nets, SPEC, request)


def made(nets: Any, request: Encoded, **knobs: Any) -> Tensor:
    flow, samples = begun(nets, request, **knobs)
    with torch.inference_mode():
        while not bool(samples.done.all()):
            flow.step(nets, samples, None)
        out = flow.result(samples, SPEC)
    assert isinstance(out, Tensor)
    return out


# --- from an item ---------------------------------------------------------------------------------


def test_no_strength_gives_the_item_itself_without_a_step() -> None:
    _, samples = begun({"net": Net()}, encoded(item=ITEM, strength=0.0))
    assert bool(samples.done.all())
    assert torch.equal(made({"net": Net()}, encoded(item=ITEM, strength=0.0))[0], ITEM)


def test_strength_begins_part_way_with_its_share_of_the_steps() -> None:
    net = Net()
    out = made({"net": net}, encoded(item=ITEM, strength=0.5))
    assert net.times == pytest.approx([0.5, 0.375, 0.25, 0.125])
    noise = normal(keys(4, torch.arange(3)), 0, SPEC.shape)
    assert torch.allclose(net.seen[0], 0.5 * ITEM + 0.5 * noise)
    assert out.abs().max() < 1e-4


def test_full_strength_forgets_the_item() -> None:
    alone = made({"net": Mean()}, encoded())
    assert torch.allclose(made({"net": Mean()}, encoded(item=ITEM, strength=1.0)), alone)


def test_variations_keep_more_of_the_item_than_of_nothing() -> None:
    usual = begun({"net": Net()}, encoded(item=ITEM))[1]
    assert usual.state["begin"].tolist() == pytest.approx([editing.STRENGTH] * 3)
    assert not torch.equal(usual.x[0], usual.x[1])


# --- a part of it ---------------------------------------------------------------------------------


def test_what_stays_is_the_item_to_the_last_bit() -> None:
    out = made({"net": Net(0.3)}, encoded(item=ITEM, fresh=HALF))
    stays = HALF == 0
    assert torch.equal(out[:, :, stays], ITEM[:, stays].expand(3, -1, -1))
    assert not torch.isclose(out[:, :, ~stays], ITEM[:, ~stays]).any()


def test_what_stays_is_shown_at_the_noise_of_the_time() -> None:
    net = Net()
    made({"net": net}, encoded(count=1, item=4 * ITEM, fresh=HALF), steps=4)
    for time, x in zip(net.times, net.seen, strict=True):
        off = (x[0] - (1 - time) * 4 * ITEM)[:, HALF == 0]
        assert float(off.std()) == pytest.approx(time, rel=0.5, abs=1e-6)


def test_steps_are_taken_again_from_above_but_the_last() -> None:
    net = Net()
    made({"net": net}, encoded(count=1, item=ITEM, fresh=HALF), steps=4)
    assert net.times == pytest.approx([1.0, 1.0, 0.75, 0.75, 0.5, 0.5, 0.25])
    assert walk(2, 0.8, 3) == [(0.8, 0.4)] * 3 + [(0.4, 0.0)]


def test_the_rest_is_pulled_to_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    item = torch.ones_like(ITEM)
    asked = encoded(item=item, fresh=HALF)

    def off() -> float:
        return float((made({"net": Mean()}, asked)[..., 3:] - 1).abs().mean())

    pulled = off()
    monkeypatch.setattr(editing, "PULL", 0.0)
    assert pulled < 0.8 * off()


def test_every_solver_keeps_what_stays() -> None:
    for solver in ("euler", "heun", "multistep"):
        out = made({"net": Mean()}, encoded(item=ITEM, fresh=HALF, solver=solver, strength=0.7))
        assert torch.equal(out[..., :3], ITEM[..., :3].expand(3, -1, -1, -1))
        assert bool(out.isfinite().all())


def test_an_edited_sample_is_the_same_whoever_is_there() -> None:
    fields = {"item": ITEM, "fresh": HALF, "seamless": True}
    three = made({"net": Mean()}, encoded(**fields))
    one = made({"net": Mean()}, encoded(count=1, first=2, **fields))
    assert torch.equal(three[2:], one)


# --- frames ---------------------------------------------------------------------------------------


def test_between_two_noises_lies_noise_of_the_same_spread() -> None:
    a, b = torch.randn(1, 500), torch.randn(1, 500)
    part = torch.tensor([0.0, 0.5, 1.0])
    found = editing.slerp(a.expand(3, -1), b.expand(3, -1), part)
    assert torch.allclose(found[0], a[0], atol=1e-5) and torch.allclose(found[2], b[0], atol=1e-5)
    assert float(found[1].std()) == pytest.approx(1, abs=0.1)
    assert torch.allclose(editing.slerp(a, a, part[1:2]), a, atol=1e-4)


def test_frames_lead_from_one_seed_to_another() -> None:
    frames = made({"net": Mean()}, encoded(count=5, frames=5, towards_seed=9))
    for frame, seed in ((frames[0], 4), (frames[4], 9)):
        alone = made({"net": Mean()}, encoded(count=1, seed=seed))[0]
        assert torch.allclose(frame, alone, atol=1e-4)
    middle = made({"net": Mean()}, encoded(count=1, first=2, frames=5, towards_seed=9))
    assert torch.equal(frames[2:3], middle)


def test_frames_lead_from_one_prompt_to_another() -> None:
    ends = {"prompt": torch.tensor([2, 1]), "towards": torch.tensor([6, 1])}
    frames = made({"net": Net()}, encoded(count=5, frames=5, **ends))
    assert frames.mean((1, 2, 3)).tolist() == pytest.approx([2, 3, 4, 5, 6], abs=1e-4)
    one = made({"net": Net()}, encoded(count=1, first=4, frames=5, **ends))
    assert torch.equal(one, frames[4:])


# --- edges ----------------------------------------------------------------------------------------


def test_turning_around_and_back_changes_nothing() -> None:
    x, shift = torch.randn(2, 3, 5, 4), torch.tensor([[1, 3], [4, 0]])
    there = editing.rolled(x, shift)
    assert torch.equal(there[0], x[0].roll((1, 3), (1, 2)))
    assert torch.equal(editing.rolled(there, -shift), x)


def test_seamless_items_show_no_border_of_the_net() -> None:
    plain = made({"net": Bordered()}, encoded(count=1), steps=64).mean((0, 1, 2))
    seamless = made({"net": Bordered()}, encoded(count=1, seamless=True), steps=64)
    assert plain.tolist() == pytest.approx([1, 0, 0, 0, 0, 0], abs=0.03)
    step = (seamless - seamless.roll(1, 3)).abs().mean((0, 1, 2))
    assert float(step[0]) < 2.5 * float(step[1:].mean())


def test_what_has_no_edges_cannot_be_seamless() -> None:
    with pytest.raises(RequestError, match="no edges"):
        Flow().start({"net": Net()}, ArraySpec(grid=(), channels=3), encoded(seamless=True))


# --- guidance -------------------------------------------------------------------------------------


def test_a_negative_prompt_is_led_away_from() -> None:
    asked = {"prompt": torch.tensor([2]), "negative": torch.tensor([3])}
    out = made({"net": Net()}, encoded(guidance=2.0, **asked))
    assert out.mean() == pytest.approx(2 + (2 - 3), abs=1e-4)
    with pytest.raises(RequestError, match="acts through guidance"):
        begun({"net": Net()}, encoded(guidance=1.0, **asked))


def test_guidance_acts_within_the_interval_that_is_asked_for() -> None:
    nets, prompt = {"net": Net()}, torch.tensor([2])
    for interval, calls in (((0.0, 1.0), 16), ((0.3, 0.6), 8 + 2)):
        net = Net()
        made({"net": net}, encoded(prompt=prompt, guidance=3.0, guidance_interval=interval))
        assert len(net.times) == calls
    inside = made(nets, encoded(prompt=prompt, guidance=3.0, guidance_interval=(0.0, 1.0)))
    assert inside.mean() == pytest.approx(6, abs=1e-3)


@pytest.mark.parametrize("prompt", [None, torch.tensor([2])])
def test_a_weaker_model_takes_the_place_of_the_empty_prompt(prompt: Tensor | None) -> None:
    nets = {"net": Net(1.0), "guide": Net(0.25)}
    base = 0 if prompt is None else 2
    out = made(nets, encoded(prompt=prompt, guidance=3.0))
    assert out.mean() == pytest.approx(base + 0.25 + 3 * 0.75, abs=1e-3)
    assert made(nets, encoded(prompt=prompt)).mean() == pytest.approx(base + 1.75, abs=1e-3)


# --- what is told, and the size -------------------------------------------------------------------


def test_control_reaches_the_net_in_training_and_at_use() -> None:
    control = torch.full((1, 6, 6), 0.5)
    out = made({"net": Net()}, encoded(control=control))
    assert torch.allclose(out, torch.full_like(out, 0.5), atol=1e-4)
    batch = Batch(spec=SPEC, x=ITEM[None], weight=torch.ones(1), control=ITEM[None])
    flow = Flow(predicts="data")
    right = flow.score({"net": Net()}, batch)
    batch.control = None
    assert float(right) > -1e-6 > float(flow.score({"net": Net()}, batch))
    loss = flow.loss("net", {"net": Net()}, batch, torch.Generator().manual_seed(0))
    assert float(loss.total) > 0


def test_items_of_any_size() -> None:
    assert made({"net": Net()}, encoded(grid=(4, 10))).shape == (3, 2, 4, 10)


def test_edited_and_plain_samples_fly_apart() -> None:
    plain, varied, filled = (
        begun({"net": Net()}, encoded(**fields))[1]
        for fields in ({}, {"item": ITEM}, {"item": ITEM, "fresh": HALF})
    )
    assert plain.kin(varied) and not plain.kin(filled)
    assert not plain.kin(begun({"net": Net()}, encoded(grid=(4, 10)))[1])
