"""What every codec, family and net promises, asked of each line of the registry."""

from __future__ import annotations

import pytest
import torch
import toys

from genloom import registry
from genloom.codec.base import Codec
from genloom.engine.engine import Engine
from genloom.recipe import Part
from genloom.spec import ArraySpec, Request, TokenSpec
from genloom.train.loop import Loop

CODECS = [(kind, n) for kind in registry.names("codec") for n in range(len(toys.OPTIONS[kind]))]


@pytest.fixture(params=CODECS, ids=lambda p: f"{p[0]}-{p[1]}")
def codec(request):
    kind, n = request.param
    made = registry.find("codec", kind)(**toys.OPTIONS[kind][n])
    made.fit(toys.ITEMS[kind]())
    return kind, made


def test_a_codec_keeps_its_protocol(codec):
    kind, made = codec
    assert isinstance(made, Codec) and made.kind == kind
    assert isinstance(made.spec, made.carries)


def test_a_codec_round_trips(codec):
    """Encoding what was decoded gives the same tensors: nothing is lost the second time."""
    kind, made = codec
    x = made.encode(toys.ITEMS[kind]())
    again = made.encode(made.decode(x))
    assert len(x) == len(again) == len(toys.ITEMS[kind]()) * getattr(made, "group", 1)
    for a, b in zip(x, again, strict=True):
        near = getattr(made, "lossy", False)  # what a learnt codec decodes is not the same
        assert a.shape == b.shape and (near or torch.allclose(a.float(), b.float(), atol=1e-2))


def test_a_codec_stays_within_its_spec(codec):
    kind, made = codec
    for row in made.encode(toys.ITEMS[kind]()):
        if isinstance(made.spec, ArraySpec):
            item = row[: made.spec.channels]  # what is told of it lies beside
            assert tuple(item.shape) == made.spec.shape and item.abs().max() <= 1.5
        else:
            assert row.dtype == torch.long and row.min() >= 0 and row.max() < made.spec.vocab
            for place, (low, high) in enumerate(made.spec.ranges):
                assert low <= row[place] < high


def test_a_codec_saves_and_loads(codec, tmp_path):
    kind, made = codec
    made.save(tmp_path)
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} <= {".json", ".safetensors"}
    loaded = type(made).load(tmp_path)
    assert loaded.spec == made.spec
    items = toys.ITEMS[kind]()
    for a, b in zip(made.encode(items), loaded.encode(items), strict=True):
        assert torch.equal(a, b)


# the family -> a toy recipe that it learns, the loss it must lower, by how much at least
LEARNS = {
    "autoregressive": ("text", "nats", 0.7),
    "masked": ("chorale", "nats", 0.7),
    "flow": ("picture by flow", "velocity_error", 0.7),
    "aligned_flow": ("speech", "velocity_error", 0.7),
    "reconstruction": ("picture through a latent", "pixel_error", 0.7),
    "preference": ("preference", "loss", 0.7),
    "distillation": ("text by teacher", "divergence", 0.7),
}


def test_every_family_is_asked():
    """But those that learn nothing."""
    learn = {n for n in registry.names("family") if registry.find("family", n)().players}
    assert {toys.MADE[m]().family.kind for m in toys.MADE} == learn


@pytest.mark.parametrize("kind", sorted(LEARNS))
def test_a_family_lowers_a_toy_loss(kind, tmp_path):
    name, part, share = LEARNS[kind]
    heard = []
    ready = toys.job(toys.MADE[name](steps=60, rate=6e-3), tmp_path, listener=heard.append)
    Loop(ready).fit()
    losses = [event.values[part] for event in heard if event.kind == "step"]
    assert sum(losses[-10:]) < share * sum(losses[:10])


def test_rewards_become_commoner(tmp_path):
    heard = []
    made = toys.MADE["text by reward"](steps=20, rate=0.4, muon_rate=0.0)
    Loop(toys.job(made, tmp_path, listener=heard.append)).fit()
    worth = [event.values["reward"] for event in heard if event.kind == "step"]
    assert sum(worth[-5:]) > sum(worth[:5]) + 2.5


def test_an_adversary_learns_to_tell(tmp_path):
    """Alone, the critic must come to tell real from made: its gap leaves zero."""
    ready = toys.job(toys.MADE["picture by GAN"](steps=40, rate=3e-3, muon_rate=0.0), tmp_path)
    loop = Loop(ready)
    still = loop.optimisers["generator"]
    still.parts, still.rates = [], []  # it stays as it is
    gaps = [loop.advance(lambda *_, **__: None)["gap"] for _ in range(40)]
    assert sum(gaps[-5:]) / 5 > sum(gaps[:5]) / 5 + 0.1


@pytest.mark.parametrize("name", sorted(toys.MADE))
def test_scores_are_one_a_row_and_do_not_depend_on_the_batch(name, tmp_path):
    model = toys.shaken(toys.MADE[name](), tmp_path)
    batch = toys.job(toys.MADE[name](), tmp_path).loader.batch(0)
    with torch.inference_mode():
        whole = model.family.score(model.nets, batch)
    assert whole.shape == (len(batch.x),) and bool(torch.isfinite(whole).all())


@pytest.mark.parametrize("name", sorted(toys.MADE))
def test_nets_run_in_bf16(name, tmp_path):
    model = toys.shaken(toys.MADE[name](), tmp_path)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        batch = toys.job(toys.MADE[name](), tmp_path).loader.batch(0)
        assert bool(torch.isfinite(model.family.score(model.nets, batch)).all())
    with Engine(model) as engine:
        request = Request(prompt=toys.asked(model), count=2, control=toys.told(model))
        assert len(engine.submit(request).result()) == 2


@pytest.mark.parametrize("kind", registry.names("net"))
def test_a_net_says_what_it_is(kind):
    net = registry.find("net", kind)
    assert net.kind == kind and net.fills and net.carries in (TokenSpec, ArraySpec)
    toys.tiny(kind)
    assert isinstance(toys.tiny(kind), Part)
