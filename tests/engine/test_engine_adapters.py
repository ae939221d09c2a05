"""Several adapters in one engine: each text is its own to the last bit, whoever shares the step;
beginnings are not shared between adapters; unknown names are refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.engine import Engine
from genloom.errors import ModelError, RequestError, UsageError
from genloom.model import Model
from genloom.net.lora import Adapter, LowRank, adapted, attach, beside, detach, merge
from genloom.net.quantize import quantize
from genloom.spec import Options, Request

LONG = "the cat sat on the mat. a dog ran in the park. we saw three red ships. no one came"
Lows = dict[str, dict[str, LowRank]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    recipe = MADE["text"]().with_("codec.length=160", "net.net.depth=2")
    return shaken(recipe, Path(tmp_path_factory.mktemp("toy")))


@pytest.fixture(scope="module")
def lows(model: Model) -> Lows:
    """Three adapters of different kinds, ranks and places."""
    made: Lows = {}
    net: Any = model.nets["net"]
    told = {
        "poet": Adapter(rank=3),
        "clerk": Adapter(kind="dora", rank=2, targets=("qkv.q", "down")),
        "a.b": Adapter(rank=1, targets=("out",)),
    }
    for seed, (name, adapter) in enumerate(told.items()):
        attach(net, adapter, seed)
        rng = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for p in net.parameters():
                if p.requires_grad:
                    p.add_(torch.randn(p.shape, generator=rng) * 0.3)
        made[name] = {path: part.low for path, part in adapted(net)}
        detach(net)
    return made


def asked(adapter: str | None, prompt: str = LONG, seed: int = 0) -> Request:
    options = Options(max_tokens=20, ignore_eos=True)
    return Request(prompt=prompt, seed=seed, adapter=adapter, options=options)


def made(model: Model, lows: Lows, *requests: Request, **more: Any) -> list[torch.Tensor]:
    with Engine(model, adapters=lows, **more) as engine:
        generations = [engine.submit(r) for r in requests]
        for generation in generations:
            generation.result()
        return [g.tensors()[0] for g in generations]


NAMES = (None, "poet", "clerk", "a.b")


def test_each_text_is_its_own_whoever_shares_the_step(model: Model, lows: Lows) -> None:
    requests = [asked(n, seed=s, prompt=LONG[4 * s :]) for s in range(2) for n in NAMES]
    together = made(model, lows, *requests)
    for request, got in zip(requests, together, strict=True):
        assert torch.equal(made(model, lows, request)[0], got)
    assert len({tuple(x.tolist()) for x in together}) == len(requests)


@pytest.mark.parametrize("name", ["poet", "clerk", "a.b"])
def test_the_chances_are_those_of_the_merged_model(model: Model, lows: Lows, name: str) -> None:
    whole = copy.copy(model)
    whole.nets = copy.deepcopy(model.nets)
    beside(whole.nets["net"], copy.deepcopy(lows[name]))
    merge(whole.nets["net"])
    options = Options(max_tokens=12, temperature=0.0, logprobs=2, ignore_eos=True)
    request = Request(prompt="the cat", adapter=name, options=options)
    plain = Request(prompt="the cat", options=options)
    found = []
    for engine, one in ((Engine(model, adapters=lows), request), (Engine(whole), plain)):
        generation = engine.submit(one)
        generation.result()
        found.append(generation.endings[0].logprobs)
    assert [c.drawn for c in found[0]] == [c.drawn for c in found[1]]
    for ours, merged in zip(*found, strict=True):
        assert ours.logprob == pytest.approx(merged.logprob, abs=1e-4)


def test_beginnings_are_not_shared_between_adapters(model: Model, lows: Lows) -> None:
    with Engine(model, adapters=lows) as engine:
        reused = []
        for name in ("poet", "poet", None, "clerk", None):
            generation = engine.submit(asked(name))
            generation.result()
            reused.append(generation.endings[0].reused > 0)
    assert reused == [False, True, False, False, True]


def test_memory_that_is_short_changes_nothing(model: Model, lows: Lows) -> None:
    requests = [asked(name, seed=3) for name in NAMES]
    pages = 7 * model.nets["net"].layout().page_bytes
    for got, wanted in zip(
        made(model, lows, *requests, memory=pages), made(model, lows, *requests), strict=True
    ):
        assert torch.equal(got, wanted)


def test_beams_and_guesses_keep_to_their_adapter(model: Model, lows: Lows) -> None:
    options = Options(max_tokens=8, beams=2)
    request = Request(prompt="the cat", adapter="poet", options=options)
    (alone,) = made(model, {"poet": lows["poet"]}, request)
    (among, _) = made(model, lows, request, asked("clerk"))
    assert torch.equal(alone, among)
    (guessed,) = made(model, lows, asked("poet"), speculate="lookup")
    assert torch.equal(guessed, made(model, lows, asked("poet"))[0])


def test_packed_weights_serve_adapters_too(model: Model, lows: Lows) -> None:
    small = copy.copy(model)
    small.nets = copy.deepcopy(model.nets)
    net: Any = small.nets["net"]
    quantize(net, "int8")
    kept = net.quantized
    one, other = made(small, lows, asked("poet"), asked("clerk"))
    assert torch.equal(one, made(small, lows, asked("poet"))[0])
    assert not torch.equal(one, other)
    assert net.quantized is kept  # the model itself goes on as before


def test_refusals(model: Model, lows: Lows, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no adapter 'bard': known are a\.b, clerk, poet"):
        Engine(model, adapters=lows).submit(asked("bard"))
    with pytest.raises(RequestError, match="known are none"):
        Engine(model).submit(asked("poet"))
    with pytest.raises(ModelError):
        Engine(model, adapters={"x": tmp_path})
    own = copy.copy(model)
    own.nets = copy.deepcopy(model.nets)
    attach(own.nets["net"], Adapter(rank=1))
    with pytest.raises(UsageError, match="is an adapter itself"):
        Engine(own, adapters=lows)
