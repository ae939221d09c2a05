"""Tiny real parts that several tests share: items of every medium, recipes, points in a plane.

Knows which items a codec can learn from; a codec that is new in the registry adds its line to
ITEMS, and every test over the registry then takes it along.
"""

from __future__ import annotations

import atexit
import copy
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from toy_items import (
    asked_of_tables,
    captioned,
    chorales,
    clips,
    extracts,
    frame,
    labelled,
    molecules,
    pairs,
    preferences,
    scenes,
    sequences,
    shapes,
    sounds,
    talks,
    texts,
    tunes,
)

from genloom import registry
from genloom.api import Model
from genloom.codec.base import Condition
from genloom.data.loader import Loader
from genloom.material import Material, prepare
from genloom.recipe import Data, Part, Recipe, Start, Train
from genloom.spec import ArraySpec
from genloom.train.log import silent
from genloom.train.loop import Job, Loop
from genloom.tuning import Begun


def autoencoder(levels: tuple[int, ...] = ()) -> str:
    """The folder of an untrained autoencoder of such pictures, made once a process."""
    made = recipe(
        Part("image", OPTIONS["image"][0]), Part("reconstruction"), {"net": "autoencoder"}
    ).with_(f"net.net.levels={[*levels]}")
    return untrained(made, captioned())


def tokenizer() -> str:
    """The folder of an untrained tokenizer of such sounds."""
    made = recipe(
        Part("waves", OPTIONS["waves"][0]), Part("reconstruction"), {"net": "sound_tokenizer"}
    ).with_("net.net.levels=3", "net.net.codes=16")
    return untrained(made, sounds())


def untrained(made: Recipe, items: Any) -> str:
    """The folder of a model of this recipe that has learnt nothing, kept while the tests run."""
    codec = made.make_codec()
    codec.fit(items)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        nets = made.make_nets(codec.spec, None)
    place = Path(tempfile.mkdtemp(prefix="genloom-toy-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    model = Model(recipe=made, codec=codec, prompt=None, nets=nets)
    return str(model.save(place / "untrained"))


# codec -> items of its medium; a codec of two carriers has an entry in OPTIONS for each
ITEMS: dict[str, Callable[[], Any]] = {
    "text": texts,
    "python": texts,
    "chat": talks,
    "preference": preferences,
    "pair": pairs,
    "summary": extracts,
    "sql": asked_of_tables,
    "image": captioned,
    "labelled": labelled,
    "latent": captioned,
    "codes": captioned,
    "video": clips,
    "sound": sounds,
    "sound_codes": sounds,
    "waves": sounds,
    "transcript": sounds,
    "shape": shapes,
    "drive": scenes,
    "molecule": molecules,
    "table": frame,
    "chorale": chorales,
    "tune": tunes,
    "sequence": sequences,
}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "text": [{"vocab": "bytes", "length": 32}, {"vocab": 260, "length": 32}],
    "python": [{"vocab": "bytes", "length": 32}],
    "chat": [{"vocab": "bytes", "length": 64}],
    "preference": [{"vocab": "bytes", "length": 64}],
    "pair": [{"vocab": "bytes", "length": 32}, {"vocab": 270, "length": 32}],
    "summary": [{"vocab": "bytes", "length": 40}],
    "sql": [{"vocab": 400, "length": 128}],
    "labelled": [{"size": 8}],
    "video": [{"size": 8, "control": "frames"}, {"size": 8, "mode": "L"}],
    "sound": [{"window": 256, "hop": 64, "bands": 16}],
    "waves": [
        {"control": "mel", "window": 128, "hop": 32, "bands": 16, "samples": 1024},
        {"window": 128, "hop": 32, "bands": 16, "samples": 1024},
    ],
    "transcript": [{"rate": 0, "window": 256, "hop": 64, "bands": 16, "fold": 2}],
    "tune": [{"length": 64}],
    "sequence": [{"length": 48}],
    "shape": [{"size": 8, "band": 2.0}],
    "drive": [{"movers": 7}],
    "molecule": [{"length": 48, "variations": 1}],
    "image": [
        {"size": 8, "mode": "RGB"},
        {"control": {"kind": "coarse", "factor": 2}, "mode": "RGB", "size": 8},
    ],
    "table": [{"carrier": "tokens", "bins": 10}, {"carrier": "array"}],
    "chorale": [{"frames": 16, "transpose": 0}],
}
TINY = {
    "width": 32,
    "depth": 1,
    "heads": 2,
    "summed": 32,
    "latent": 8,
    "base": 8,
    "blocks": 1,
    "most": 16,
    "group": 8,
    "patch": 2,
    "prompt_width": 8,
    "symbol_width": 32,
    "symbol_depth": 1,
    "told": 8,
    "head": 4,
}
SHORT = {"rate": 1e-3, "muon_rate": 0.01, "judge": 0, "preview": 0, "steps": 3}


def tiny(net: str) -> Part:
    """The net with every size that it has small."""
    config = registry.find("net", net).Config
    return Part(net, {f.name: TINY[f.name] for f in fields(config) if f.name in TINY})


def recipe(
    codec: Part, family: Part, nets: Mapping[str, str], prompt: str | None = None, **train: Any
) -> Recipe:
    return Recipe(
        name="toy",
        codec=codec,
        prompt=None if prompt is None else Part(prompt),
        family=family,
        net={role: tiny(net) for role, net in nets.items()},
        data=Data(batch=8, holdout=0.2, pack=codec.kind == "text"),
        train=Train(**{**SHORT, **train}),
    )


OPTIONS["sound_codes"] = [{"autoencoder": tokenizer(), "levels": 2}]
OPTIONS["latent"] = [{"autoencoder": autoencoder()}]
OPTIONS["codes"] = [{"autoencoder": autoencoder((4, 3, 3))}]

MADE: dict[str, Callable[..., Recipe]] = {
    "text": lambda **train: recipe(
        Part("text", OPTIONS["text"][0]), Part("autoregressive"), {"net": "transformer"}, **train
    ),
    "text with every trick": lambda **train: recipe(
        Part("text", OPTIONS["text"][0]), Part("autoregressive"), {"net": "transformer"}, **train
    ).with_(
        *("net.net.dropout=0.2", "net.net.valued=1", "net.net.bigram=16"),
        *("data.ramp=0.3", "data.short=0.3"),
    ),
    "text by teacher": lambda **train: recipe(
        Part("text", OPTIONS["text"][0]),
        Part("distillation", {"share": 1.0}),
        {"net": "transformer"},
        **train,
    ),
    "preference": lambda **train: recipe(
        Part("preference", OPTIONS["preference"][0]),
        Part("preference"),
        {"net": "transformer"},
        **train,
    ),
    "text by reward": lambda **train: recipe(
        Part("text", OPTIONS["text"][0]),
        Part("policy", {"tries": 4, "max_tokens": 6}),
        {"net": "transformer"},
        **train,
    ),
    "row": lambda **train: recipe(
        Part("table", OPTIONS["table"][0]),
        Part("autoregressive", {"order": "any"}),
        {"net": "row"},
        **train,
    ),
    "row by transformer": lambda **train: recipe(
        Part("table", OPTIONS["table"][0]),
        Part("autoregressive", {"order": "any"}),
        {"net": "transformer"},
        **train,
    ),
    "picture by flow": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("flow"),
        {"net": "diffusion_transformer"},
        "words",
        **train,
    ),
    "picture by class": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("flow", {"predicts": "data"}),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "picture in few steps": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("consistency", {"predicts": "data", "guidance": 1.5}),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "picture in few steps, before a critic": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("consistency", {"adversarial": 0.3}),
        {"net": "diffusion_transformer", "critic": "conv_critic"},
        "label",
        **train,
    ),
    "picture by GAN": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("adversarial"),
        {"generator": "conv_generator", "critic": "conv_critic"},
        "label",
        **train,
    ),
    "picture through a latent": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]), Part("reconstruction"), {"net": "autoencoder"}, **train
    ),
    "picture through a latent, before a critic": lambda **train: recipe(
        Part("image", OPTIONS["image"][0]),
        Part("reconstruction", {"adversarial": 0.1}),
        {"net": "autoencoder", "critic": "conv_critic"},
        **train,
    ).with_("net.critic.patches=true"),
    "picture enlarged": lambda **train: recipe(
        Part("image", OPTIONS["image"][1]), Part("reconstruction"), {"net": "upscaler"}, **train
    ).with_("net.net.factor=2"),
    "picture by edges": lambda **train: recipe(
        Part("image", {**OPTIONS["image"][0], "control": "edges"}),
        Part("flow"),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "picture by flow of latents": lambda **train: recipe(
        Part("latent", OPTIONS["latent"][0]),
        Part("flow"),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "clip by flow": lambda **train: recipe(
        Part("video", OPTIONS["video"][0]),
        Part("flow", {"predicts": "data"}),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "picture by codes": lambda **train: recipe(
        Part("codes", OPTIONS["codes"][0]), Part("autoregressive"), {"net": "transformer"}, **train
    ),
    "chorale": lambda **train: recipe(
        Part("chorale", OPTIONS["chorale"][0]),
        Part("masked", {"steps": 6}),
        {"net": "lattice"},
        **train,
    ),
    "sound by flow": lambda **train: recipe(
        Part("sound", OPTIONS["sound"][0]),
        Part("flow"),
        {"net": "diffusion_transformer"},
        "label",
        **train,
    ),
    "speech": lambda **train: recipe(
        Part("sound", OPTIONS["sound"][0]),
        Part("aligned_flow", {"predicts": "data"}),
        {"net": "aligned_transformer"},
        "spelled",
        **train,
    ).with_("prompt.letters=plain"),
    "sound by vocoder": lambda **train: recipe(
        Part("waves", OPTIONS["waves"][0]),
        Part("reconstruction", {"pixel": 0.0, "detail": 0.0, "spectral": 1.0, "resolutions": 2}),
        {"net": "vocoder"},
        **train,
    ),
    "sound by vocoder, before a critic": lambda **train: recipe(
        Part("waves", OPTIONS["waves"][0]),
        Part("reconstruction", {"pixel": 0.0, "spectral": 1.0, "adversarial": 0.1, "matching": 1}),
        {"net": "vocoder", "critic": "wave_critic"},
        **train,
    ).with_("net.critic.windows=[64]", "net.critic.periods=[3]"),
    "sound by codes": lambda **train: recipe(
        Part("sound_codes", OPTIONS["sound_codes"][0]),
        Part("autoregressive"),
        {"net": "transformer"},
        **train,
    ),
    "recogniser": lambda **train: recipe(
        Part("transcript", OPTIONS["transcript"][0]), Part("ctc"), {"net": "recogniser"}, **train
    ),
    "row by flow": lambda **train: recipe(
        Part("table", OPTIONS["table"][1]), Part("flow"), {"net": "mlp_denoiser"}, **train
    ),
    "row by GAN": lambda **train: recipe(
        Part("table", OPTIONS["table"][1]),
        Part("adversarial"),
        {"generator": "mlp_generator", "critic": "mlp_critic"},
        **train,
    ),
}


def material_of(made: Recipe) -> Material:
    """The toy items of the recipe's codec, made ready."""
    items = ITEMS[made.codec.kind]()
    if made.explores:
        return tasks_of(made, items)
    return prepare(made, items, None, None, made.train.seed, (), None, silent, None)


def tasks_of(made: Recipe, items: Any) -> Material:
    """The prompts of toy items, for a model that has learnt nothing; short tries are worth more."""
    made.check()
    codec = made.make_codec()
    codec.fit(items)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(made.train.seed)
        nets = made.make_nets(codec.spec, None)
    _shake(nets, 1)
    begun = Begun(model=Model(recipe=made, codec=codec, prompt=None, nets=nets))
    asked = [x if isinstance(x, str) else x.get("source") or x.get("prompt") for x in items]
    start = (Start(model="toy", weights=""), begun)
    return prepare(
        made,
        [
            {"prompt": text[:12] if isinstance(x, str) else text}
            for text, x in zip(asked, items, strict=True)
        ],
        *(None, None, made.train.seed, (), None, silent, None, start),
        reward=lambda item: -float(len(item["completion"])),
    )


def job(made: Recipe, run: Path, **rest: Any) -> Job:
    """A training of the recipe on the toy items of its codec, ready to start."""
    material = material_of(made)
    model = Model(
        recipe=material.recipe,
        codec=material.codec,
        prompt=material.prompt,
        nets=material.nets(),
    )
    rest = {"beside": beside(model), **rest}
    return Job(model=model, loader=material.loader(model), run=run, **rest)


def told(model: Model) -> torch.Tensor | None:
    """What a request has to tell the model besides a prompt, of one toy item; None for nothing."""
    codec: Any = model.codec
    if not getattr(codec.spec, "control", 0):
        return None
    (item,) = codec.encode(ITEMS[codec.kind]()[:1])
    return codec.told(item[None], torch.Generator().manual_seed(0))[1][0]


def asked(model: Model) -> str | None:
    """A prompt for a model that needs one."""
    codec: Any = model.codec
    needed = getattr(model.prompt, "needed", False)
    return codec.captions(ITEMS[codec.kind]()[:1])[0] if needed else None


def beside(model: Model) -> dict[str, Any]:
    """The family's frozen roles, filled by nets at rest that are not quite the model's own."""
    return {role: _shake(copy.deepcopy(model.nets["net"]), 1, 0.5) for role in model.family.frozen}


def trained(made: Recipe, run: Path) -> Model:
    """The toy model after the recipe's steps, ready to generate."""
    ready = job(made, run)
    Loop(ready).fit()
    return ready.model


def shaken(made: Recipe, run: Path, seed: int = 0) -> Model:
    """An untrained toy model in which no weight is zero: cheap, and nothing in it is silent."""
    model = job(made, run).model
    _shake(model.nets, seed)
    return model


def _shake(net: torch.nn.Module, seed: int, size: float = 0.2) -> torch.nn.Module:
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p += size * torch.randn(p.shape, generator=rng) * max(1, p.shape[-1]) ** -0.5
    return net.requires_grad_(False).eval()


class PointCodec:
    """Points of the plane as arrays of two channels: as plain as a codec can be."""

    kind: ClassVar[str] = "points"
    media: ClassVar[str] = "application/json"
    compares: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    spec = ArraySpec(grid=(), channels=2)

    def encode(self, items: Any) -> torch.Tensor:
        return torch.as_tensor(np.asarray(items), dtype=torch.float32)

    def decode(self, x: Any) -> Any:
        return [(float(a), float(b)) for a, b in x]

    def captions(self, items: Any) -> None:
        return None

    def condition(self, prompt: str | None, where: Any) -> Condition:
        return Condition()


@dataclass(frozen=True)
class Ring:
    """Eight round heaps of points on a circle, nine deviations from neighbour to neighbour."""

    modes: int = 8
    radius: float = 2.4
    spread: float = 0.21

    def on_circle(self, turns: torch.Tensor) -> torch.Tensor:
        turn = 2 * math.pi * turns / self.modes
        return self.radius * torch.stack((turn.cos(), turn.sin()), 1)

    @property
    def centres(self) -> torch.Tensor:
        return self.on_circle(torch.arange(self.modes))

    @property
    def gaps(self) -> torch.Tensor:
        """Half-way between neighbours, where hardly a point lies."""
        return self.on_circle(torch.arange(self.modes) + 0.5)

    def draw(self, count: int, seed: int = 0) -> torch.Tensor:
        rng = torch.Generator().manual_seed(seed)
        which = torch.randint(self.modes, (count,), generator=rng)
        return self.centres[which] + self.spread * torch.randn(count, 2, generator=rng)

    def near(self, points: torch.Tensor, places: torch.Tensor, sigmas: float) -> torch.Tensor:
        """How many points lie within so many deviations of each place."""
        return (torch.cdist(points, places) < sigmas * self.spread).sum(0)


def points_job(family: Part, nets: Mapping[str, Part], run: Path, train: Train, batch: int) -> Job:
    """A training on the ring."""
    codec, ring = PointCodec(), Ring()
    made = Recipe(name="ring", codec=Part("points"), family=family, net=dict(nets), train=train)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(train.seed)
        nets = made.make_nets(codec.spec, None)
    model = Model(recipe=made, codec=codec, prompt=None, nets=nets)
    loader = Loader(codec.encode(ring.draw(8192)), codec.spec, batch=batch, seed=train.seed)
    return Job(model=model, loader=loader, run=run)
