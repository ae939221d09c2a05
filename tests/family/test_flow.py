"""Flow on nets whose answer is known: parameterisations, solvers, guidance, dropped prompts."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genloom.errors import RecipeError, RequestError
from genloom.family.flow import Flow, Parameterisation
from genloom.family.flow_solvers import span
from genloom.spec import ArraySpec, Batch, Encoded, Options

SPEC = ArraySpec(grid=(), channels=3)
POINT = torch.tensor([0.5, -0.2, 0.8])


class Point(nn.Module):
    """Knows that all data is one point, and answers in the parameterisation asked for."""

    def __init__(self, predicts: str) -> None:
        super().__init__()
        self.predicts = predicts

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        at = time[:, None].clamp(min=1e-6)
        noise = (x - (1 - at) * POINT) / at
        return {"velocity": noise - POINT, "data": POINT.expand_as(x), "noise": noise}[
            self.predicts
        ]


class Growth(nn.Module):
    """v = x: from time 1 to 0 every number shrinks by e."""

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        return x


class Prompts(nn.Module):
    """The null prompt of a net with prompts."""

    def null(self, ids: Tensor) -> Tensor:
        return torch.zeros_like(ids)


class Told(nn.Module):
    """Velocity is the prompt's first id, everywhere; keeps the prompts that it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.prompt = Prompts()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        assert prompt is not None
        self.seen.append(prompt)
        return prompt[:, :1].float().expand_as(x)


def made(flow: Flow, net: nn.Module, prompt: Tensor | None = None, **options: Any) -> Tensor:
    request = Encoded(seed=4, index=torch.arange(5), prompt=prompt, options=Options(**options))
    nets = {"net": net}
    samples = flow.start(nets, SPEC, request)
    while not bool(samples.done.all()):
        flow.step(nets, samples, None)
    out = flow.result(samples, SPEC)
    assert isinstance(out, Tensor)
    return out


def start() -> Tensor:
    flow = Flow()
    request = Encoded(seed=4, index=torch.arange(5))
    return flow.start({"net": Growth()}, SPEC, request).x


@pytest.mark.parametrize("predicts", ["velocity", "data", "noise"])
def test_what_knows_the_truth_has_the_true_velocity(predicts: str) -> None:
    noise, time = torch.randn(8, 3), torch.linspace(0.05, 0.95, 8)
    at = time[:, None]
    x = (1 - at) * POINT + at * noise
    out = Point(predicts)(x, time)
    velocity = Parameterisation(predicts=predicts).velocity(out, x, at)  # type: ignore[arg-type]
    assert torch.allclose(velocity, noise - POINT, atol=1e-4)


@pytest.mark.parametrize("predicts", ["velocity", "data", "noise"])
@pytest.mark.parametrize("solver", ["euler", "heun", "multistep"])
def test_what_knows_the_truth_arrives_there(predicts: str, solver: str) -> None:
    flow = Flow(predicts=predicts, solver=solver, steps=16)  # type: ignore[arg-type]
    exact = predicts == "velocity" or solver == "euler"
    assert torch.allclose(made(flow, Point(predicts)), POINT, atol=1e-4 if exact else 0.15)


@pytest.mark.parametrize("predicts", ["velocity", "data", "noise"])
def test_what_knows_the_truth_has_no_loss(predicts: str) -> None:
    flow = Flow(predicts=predicts, times="uniform")  # type: ignore[arg-type]
    batch = Batch(spec=SPEC, x=POINT.expand(16, -1), weight=torch.ones(16))
    right = flow.score({"net": Point(predicts)}, batch)
    wrong = flow.score({"net": Growth()}, batch)
    assert right.shape == (16,)
    assert float(right.min()) > -1e-4 > float(wrong.max())


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2), ("multistep", 2)])
def test_solvers_converge_at_their_order(solver: str, order: int) -> None:
    truth = start() * math.exp(-1)
    errors = [
        float((made(Flow(), Growth(), solver=solver, steps=n) - truth).abs().max())
        for n in (8, 16, 32)
    ]
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.3)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2), ("multistep", 2)])
def test_solvers_keep_their_order_where_steps_are_shifted(solver: str, order: int) -> None:
    errors = []
    for steps in (40, 80):
        flow = Flow(solver=solver, steps=steps, shift=5.0)  # type: ignore[arg-type]
        errors.append((made(flow, Growth()) - start() / math.e).abs().max().item())
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


def test_a_shift_gives_the_noise_more_of_the_steps_and_of_the_learning() -> None:
    flow = Flow(shift=6.0, steps=8)
    request = Encoded(seed=0, index=torch.arange(1))
    state = flow.start({"net": Growth()}, SPEC, request).state
    ends = [span(state, torch.tensor([n])) for n in range(8)]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))
    assert ends[0][0] == 1 and ends[-1][1] == 0
    assert float(ends[4][0]) == pytest.approx(6 / 7)  # half of the way
    rng = torch.Generator().manual_seed(0)
    for kind in ("uniform", "logit_normal"):
        times = Flow(shift=6.0, times=kind)._times(4000, rng)  # type: ignore[arg-type]
        assert float(times.median()) == pytest.approx(6 / 7, abs=0.02)
    item = Encoded(seed=0, index=torch.arange(1), item=POINT, options=Options(strength=0.5))
    state = flow.start({"net": Growth()}, SPEC, item).state
    assert float(span(state, torch.tensor([0]))[0]) == pytest.approx(0.5)
    with pytest.raises(RecipeError, match="shift"):
        Flow(shift=0.0)


def test_an_unknown_solver_is_refused() -> None:
    with pytest.raises(RequestError, match="multistep"):
        made(Flow(), Growth(), solver="leapfrog")


def test_guidance_without_a_prompt_to_strengthen_is_refused() -> None:
    with pytest.raises(RequestError, match="without prompts"):
        made(Flow(), Growth(), guidance=2.0)
    assert torch.equal(made(Flow(), Growth(), guidance=1.0), made(Flow(), Growth()))


def test_what_puts_out_the_noise_begins_where_it_can_tell_it_from_its_input() -> None:
    times = []

    class Told(Point):
        def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
            times.append(float(time[0]))
            return super().forward(x, time, prompt)

    made(Flow(predicts="noise", solver="euler", steps=4), Told("noise"))
    assert times == pytest.approx([0.95, 0.7125, 0.475, 0.2375])


class Bell(nn.Module):
    """Knows that all data is normal, and what noise that makes likeliest."""

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        at = time[:, None]
        return at * x / (at**2 + (1 - at) ** 2)


def test_what_puts_out_the_noise_makes_as_much_spread_as_the_data_has() -> None:
    flow = Flow(predicts="noise", solver="heun", steps=64)
    request = Encoded(seed=1, index=torch.arange(20_000))
    nets: dict[str, nn.Module] = {"net": Bell()}
    samples = flow.start(nets, SPEC, request)
    while not bool(samples.done.all()):
        flow.step(nets, samples, None)
    assert float(samples.x.std()) == pytest.approx(1.0, abs=0.015)


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guidance_goes_from_the_empty_prompt_past_the_given(scale: float) -> None:
    flow, prompt = Flow(solver="euler", steps=4), torch.tensor([2, 7])
    guided = made(flow, Told(), prompt, guidance=scale)
    # free velocity 0, given velocity 2: 0 + scale * (2 - 0) along a unit of time
    assert torch.allclose(guided, start() - 2 * scale, atol=1e-5)


def test_guidance_acts_only_within_its_times() -> None:
    flow = Flow(solver="euler", steps=4, guided=(0.4, 0.8))  # of 1, 3/4, 1/2, 1/4: two of four
    guided = made(flow, Told(), torch.tensor([2, 7]), guidance=3.0)
    assert torch.allclose(guided, start() - (2 * 0.5 + 6 * 0.5), atol=1e-5)


def test_samples_with_and_without_guidance_share_a_batch() -> None:
    flow, prompt, nets = Flow(solver="euler", steps=4), torch.tensor([2, 7]), {"net": Told()}
    request = Encoded(seed=4, index=torch.arange(5), prompt=prompt)
    samples = flow.start(nets, SPEC, request)
    samples.state["guidance"][2] = 3.0
    while not bool(samples.done.all()):
        flow.step(nets, samples, None)
    fall = (start() - samples.x)[:, 0]
    assert fall.tolist() == pytest.approx([2, 2, 6, 2, 2], abs=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_prompts_are_dropped_at_their_share(share: float) -> None:
    net, flow = Told(), Flow(unprompted=share)
    prompt = torch.tensor([[3, 5]]).expand(2000, -1)
    batch = Batch(spec=SPEC, x=torch.zeros(2000, 3), weight=torch.ones(2000), prompt=prompt)
    flow.loss("net", {"net": net}, batch, torch.Generator().manual_seed(0))
    (seen,) = net.seen
    dropped = (seen == 0).all(1)
    assert torch.equal(seen[~dropped], prompt[~dropped])  # whole prompts, or nothing of them
    assert float(dropped.float().mean()) == pytest.approx(share, abs=0.05)


def test_the_loss_is_a_sum_weighted_by_item() -> None:
    flow, nets = Flow(), {"net": Growth()}
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(1))

    def total(weight: Tensor) -> float:
        batch = Batch(spec=SPEC, x=x, weight=weight)
        return float(flow.loss("net", nets, batch, torch.Generator().manual_seed(2)).total)

    ones = total(torch.ones(6))
    half = torch.tensor([1.0, 1, 1, 0, 0, 0])
    assert total(half) + total(1 - half) == pytest.approx(ones, rel=1e-5)
    assert total(2 * half) == pytest.approx(2 * total(half), rel=1e-5)
    assert 0 < total(half) < ones


def test_an_unfinished_sample_shows_where_it_is_heading() -> None:
    flow, nets = Flow(steps=8), {"net": Point("velocity")}
    samples = flow.start(nets, SPEC, Encoded(seed=4, index=torch.arange(5)))
    flow.step(nets, samples, None)
    assert not bool(samples.done.any())
    preview = flow.result(samples, SPEC)
    assert torch.allclose(preview, POINT.expand(5, -1), atol=1e-5)  # type: ignore[arg-type]
