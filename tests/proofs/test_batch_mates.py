"""A sample's result does not depend on who shares its batch: not one bit, for tokens and arrays,
alone, among many, joined late, or after others left."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from toys import MADE, shaken, told

from genloom.engine.engine import Engine
from genloom.family.base import Samples
from genloom.net.conv import ConvConfig, ConvCritic, ConvGenerator
from genloom.net.diffusion_transformer import DiffusionTransformer, DiffusionTransformerConfig
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.layers import Linear
from genloom.spec import ArraySpec, Options, Request, TokenSpec

PROMPTS = {
    "text": ("the cat", "a dog ran in the park"),
    "picture": ("above", "below"),
    "clip": ("moving left", "moving right"),
    "sound": ("low", "high"),
    "speech": ("low", "high"),
}
OPTIONS = {
    "text": Options(max_tokens=36, temperature=0.9, top_k=200),
    "picture by flow": Options(steps=5, guidance=2.0),
    "picture by class": Options(steps=4, solver="heun", guidance=3.0),
    "row by flow": Options(steps=6),
}
OTHERS = {
    "text": Options(max_tokens=50, temperature=0.5, repetition_penalty=1.3),
    "picture by flow": Options(steps=9, solver="euler"),
    "picture by class": Options(steps=3),
    "row by flow": Options(steps=2, solver="heun"),
}


@pytest.fixture(scope="module", params=list(MADE))
def case(request, tmp_path_factory):
    """A model, what is asked of it, what others ask, and the answer alone."""
    name = request.param
    model = shaken(MADE[name](), tmp_path_factory.mktemp("run"))
    prompted = model.prompt is not None or name == "text"
    mine, theirs = PROMPTS[name.split()[0]] if prompted else (None, None)
    control, options = told(model), OPTIONS.get(name, Options())
    asked = Request(prompt=mine, seed=5, first=3, control=control, options=options)
    with Engine(model) as engine:
        generation = engine.submit(asked)
        generation.result()
    others = OTHERS.get(name, Options())
    return model, asked, (theirs, control, others), generation.tensors()[0]


def other(theirs, count: int, seed: int) -> Request:
    prompt, control, options = theirs
    control = None if control is None else control.flip(-1)
    return Request(prompt=prompt, seed=seed, count=count, control=control, options=options)


def same(generation, alone) -> bool:
    return torch.equal(generation.tensors()[0], alone)


@pytest.mark.parametrize("mates", [1, 7, 40])
def test_among_others(case, mates):
    model, asked, theirs, alone = case
    with Engine(model) as engine:
        generation = engine.submit(asked)
        engine.submit(other(theirs, mates, 9)).result()
        generation.result()
    assert same(generation, alone)


def test_among_others_who_came_first(case):
    model, asked, theirs, alone = case
    with Engine(model) as engine:
        engine.submit(other(theirs, 20, 8))
        generation = engine.submit(asked)
        generation.result()
    assert same(generation, alone)


def test_joined_late(case):
    model, asked, theirs, alone = case
    with Engine(model) as engine:
        engine.submit(other(theirs, 5, 9))
        engine.tick()
        engine.tick()
        generation = engine.submit(asked)
        engine.tick()
        engine.submit(other(theirs, 3, 1))
        generation.result()
    assert same(generation, alone)


def test_when_others_leave(case):
    model, asked, theirs, alone = case
    with Engine(model) as engine:
        leaving = [engine.submit(other(theirs, 4, n)) for n in range(3)]
        generation = engine.submit(asked)
        for gone in leaving:
            engine.tick()
            gone.cancel()
        generation.result()
    assert same(generation, alone)


def test_stopped_and_started_again(case):
    model, asked, _, alone = case
    with Engine(model) as engine:
        preempted = engine.submit(asked)
        engine.tick()
        preempted.cancel()
        again = engine.submit(asked)
        again.result()
    assert same(again, alone)


def test_one_of_a_hundred_of_the_same_seed(case):
    model, asked, _, alone = case
    many = replace(asked, first=0, count=100)
    with Engine(model) as engine:
        generation = engine.submit(many)
        generation.result()
    results = generation.tensors()
    assert len(results) == 100 and torch.equal(results[3], alone)
    drawn = asked.control is None or "steps" in model.family.takes
    assert torch.equal(results[4], alone) != drawn  # what is only restored is the same for any seed


def test_a_narrow_engine_gives_the_same(case):
    """Those who wait for room get what they would have got at once."""
    model, asked, theirs, alone = case
    with Engine(model, rows=3) as engine:
        engine.submit(other(theirs, 4, 2))
        generation = engine.submit(asked)
        generation.result()
    assert same(generation, alone)


# --- the nets at sizes that are used: kernels are picked by shape --------------------------------

COUNTS = (1, 2, 3, 7, 8, 15, 16, 17, 33)


def shake(net):
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn(p.shape, generator=rng) * max(1, p.shape[-1]) ** -0.5
    return net.eval().requires_grad_(False)


def rows_stand_alone(run, counts=COUNTS, most=40) -> None:
    with torch.inference_mode():
        whole = run(most)
        for count in counts:
            assert torch.equal(run(count), whole[:count]), count


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("ins, outs", [(64, 96), (384, 320), (1280, 320), (3072, 64)])
def test_rows_of_a_product(ins, outs, threads):
    layer = shake(Linear(ins, outs))
    x = torch.randn(500, ins, generator=torch.Generator().manual_seed(1))
    torch.set_num_threads(threads)
    try:
        rows_stand_alone(lambda n: layer(x[:n]), (*COUNTS, 64, 100, 200), 500)
    finally:
        torch.set_num_threads(1)


@pytest.mark.parametrize("patch", [1, 2])
def test_pictures_through_convolutions(patch):
    spec = ArraySpec(grid=(16, 16), channels=3)
    labels = TokenSpec(vocab=5, length=1, bos=0, eos=None, pad=0)
    config = ConvConfig(base=32, most=128, patch=patch)
    generator = shake(ConvGenerator(config, spec, labels))
    critic = shake(ConvCritic(config, spec, labels))
    rng = torch.Generator().manual_seed(2)
    z = torch.randn(40, config.latent, generator=rng)
    told = torch.randint(0, 5, (40, 1), generator=rng)
    rows_stand_alone(lambda n: generator(z[:n], told[:n]))
    with torch.inference_mode():
        made = generator(z, told)
    rows_stand_alone(lambda n: critic(made[:n], told[:n]))


def test_groups_of_pictures_equal_the_whole():
    spec, config = ArraySpec(grid=(8, 8), channels=1), ConvConfig(base=8, most=16, group=8)
    net = shake(ConvGenerator(config, spec, None))
    z = torch.randn(21, config.latent, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        torch.testing.assert_close(net(z), net.whole(z, None, None), atol=1e-4, rtol=1e-4)


def test_pictures_through_the_diffusion_transformer():
    spec = ArraySpec(grid=(16, 16), channels=3)
    words = TokenSpec(vocab=20, length=6, bos=0, eos=None, pad=0)
    config = DiffusionTransformerConfig(width=192, depth=2, heads=6)
    net = shake(DiffusionTransformer(config, spec, words))
    rng = torch.Generator().manual_seed(4)
    x, time = torch.randn(40, 3, 16, 16, generator=rng), torch.rand(40, generator=rng)
    told = torch.randint(0, 20, (40, 6), generator=rng)
    rows_stand_alone(lambda n: net(x[:n], time[:n], told[:n]))


def test_texts_of_unlike_lengths_through_the_language_model():
    spec = TokenSpec(vocab=300, length=64, bos=0, eos=0, pad=0)
    net = shake(LanguageModel(LanguageModelConfig(width=160, depth=2, heads=5), spec, None))
    ids = torch.randint(1, 300, (40, 64), generator=torch.Generator().manual_seed(5))
    lengths = [20, 5, 12, 31, 7, 3, 47]

    def run(count: int) -> torch.Tensor:
        cache = net.cache(count, 65)
        for row in range(count):
            size, some = lengths[row % 7], torch.tensor([row])
            position = torch.arange(size)[None, :, None]
            net(ids[some, :size], position, cache.attention(some, size), ids[some, :size])
            cache.advance(some, size)
        for _ in range(3):
            place = cache.length[:, None].clone()
            told = ids[:count].gather(1, place)
            hidden = net(told, place[..., None], cache.attention(None, 1), told)
            cache.advance(None, 1)
        return net.logits(hidden[:, -1])

    rows_stand_alone(run)


def test_kin_share_a_batch_and_strangers_do_not():
    a = Samples(torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool), {"key": torch.zeros(2)})
    assert a.kin(a.select(torch.tensor([0])))
    assert not a.kin(Samples(a.x, a.done, {**a.state, "prompt": torch.zeros(2, 1)}))
