"""One loop, three families, no branch: characters by autoregression, a mixture of eight heaps in
the plane by flow and by GAN."""

from __future__ import annotations

import ast
import inspect
import math
from collections import Counter

import pytest
import torch
import toys
from toys import Ring, job, points_job, recipe

from genloom import registry
from genloom.engine.engine import Engine
from genloom.recipe import Part, Train
from genloom.spec import Request
from genloom.train import loop as loop_file
from genloom.train.loop import Loop

WORDS = ("red", "green", "blue", "cat", "dog", "ship", "runs", "sleeps", "sings")


def sentences(count: int) -> list[str]:
    """Colour, animal, verb: the next letter is mostly certain, the next word never is."""
    rng = torch.Generator().manual_seed(0)
    picks = torch.randint(0, 3, (count, 3), generator=rng).tolist()
    return [" ".join((WORDS[a], WORDS[3 + b], WORDS[6 + c])) + "." for a, b, c in picks]


def test_characters_by_autoregression(tmp_path, monkeypatch):
    corpus = sentences(400)
    monkeypatch.setitem(toys.ITEMS, "text", lambda: ["".join(corpus)])
    text = Part("text", {"vocab": "bytes", "length": 32})
    made = recipe(text, Part("autoregressive"), {"net": "transformer"}, steps=150, rate=6e-3)
    ready = job(made, tmp_path)
    heard = []
    ready.listener = heard.append
    Loop(ready).fit()
    losses = [event.values["nats"] for event in heard if event.kind == "step"]
    counts = Counter("".join(corpus))
    total = sum(counts.values())
    unigram = -sum(n / total * math.log(n / total) for n in counts.values())
    assert losses[0] > unigram
    assert sum(losses[-10:]) / 10 < 0.4 * unigram
    with Engine(ready.model) as engine:
        (made_text,) = engine.submit(Request(prompt="red ", seed=1)).result()
    known = [w for w in made_text.replace(".", " ").split()[:-1] if w in WORDS]
    assert len(known) > 0.5 * len(made_text.split())


def finds_the_ring(points: torch.Tensor, share: float, contrast: float) -> None:
    """All heaps are there, most points belong to one, and few lie between."""
    ring = Ring()
    found = ring.near(points, ring.centres, 3)
    assert found.min() > len(points) / ring.modes / 4, found.tolist()
    assert found.sum() > share * len(points), found.sum() / len(points)
    peaks, gaps = (ring.near(points, at, 2).sum() for at in (ring.centres, ring.gaps))
    assert peaks > contrast * gaps, (peaks, gaps)


def points_of(ready) -> torch.Tensor:
    Loop(ready).fit()
    with Engine(ready.model) as engine:
        generation = engine.submit(Request(count=2000, seed=3))
        generation.result()
    return generation.tensors()


@pytest.mark.slow
def test_the_ring_by_flow(tmp_path):
    train = Train(steps=1200, rate=3e-3, muon_rate=0.02, weight_decay=0.0)
    net = Part("mlp_denoiser", {"width": 128, "depth": 3})
    family = Part("flow", {"times": "uniform"})
    points = points_of(points_job(family, {"net": net}, tmp_path, train, 512))
    finds_the_ring(points, share=0.85, contrast=6)


@pytest.mark.slow
def test_the_ring_by_gan(tmp_path):
    options = {"latent": 4, "normalised": False}
    nets = {
        "generator": Part("mlp_generator", {"width": 64, "depth": 3, **options}),
        "critic": Part("mlp_critic", {"width": 96, "depth": 3, **options}),
    }
    how = {"muon_rate": 0.0, "weight_decay": 0.0, "betas": (0.0, 0.9), "clip": 0.0, "ema": 0.05}
    train = Train(steps=1300, rate=2e-3, **how)
    ready = points_job(Part("adversarial", {"penalty": 0.1}), nets, tmp_path, train, 256)
    finds_the_ring(points_of(ready), share=0.7, contrast=3)


def test_the_measure_can_fail():
    ring = Ring()
    finds_the_ring(ring.draw(2000), share=0.97, contrast=100)
    rng = torch.Generator().manual_seed(1)
    haze = 3 * (2 * torch.rand(2000, 2, generator=rng) - 1)
    circle = ring.on_circle(ring.modes * torch.rand(2000, generator=rng))
    one = ring.centres[:1] + ring.spread * torch.randn(2000, 2, generator=rng)
    for bad in (haze, circle, one):
        with pytest.raises(AssertionError):
            finds_the_ring(bad, share=0.5, contrast=4)


def test_the_loop_names_no_family_player_or_medium():
    """What differs between families is theirs: the loop compares nothing with a name of one."""
    names = {n for sort in ("family", "codec", "net") for n in registry.names(sort)}
    for sort in ("family",):
        for kind in registry.names(sort):
            names |= set(registry.find(sort, kind)().players) - {"net"}
    names |= {"critic", "generator"}  # also of families that have them by a knob
    tree = ast.parse(inspect.getsource(loop_file))
    strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert not names & {s for s in strings if isinstance(s, str)}
    calls = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and hasattr(n.func, "id")}
    assert "isinstance" not in calls
