"""The latent space of a generator: where a real item lies in it, which directions mean something.

Knows models with a generator, their critic's eyes and latents; no medium, no file, no screen.
Shape legend: B latents, Z latent width, N directions, F numbers of an item, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.engine.requests import encode
from genloom.errors import RequestError
from genloom.family.noise import keys, normal
from genloom.family.steering import factorised, one_sign
from genloom.model import Model
from genloom.spec import ArraySpec, Request

Tell = Callable[[int, int, float], None]  # steps done, of how many, the error so far

DRAWN = 64  # random latents (a class each, where there are classes) that a search begins from
STARTS = 8  # of them, the nearest, that are improved
RATE = 0.1
NEARNESS = 1e-3  # weight of staying where training has put latents
SAMPLED = 512  # items that directions are read from
RIDGE = 1e-2  # of the latents' own variance
SIDE = 16  # of the grid to which items are averaged for it


def _quiet(done: int, of: int, error: float) -> None:
    """Tells nobody."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """The latent nearest to a given item. Errors are root mean squares over the item's numbers.

    item: as the codec saw it; found: what the generator makes of the latent, [C, *grid] both.
    error: between the two; random: of random latents on average, nearest: of the best of them.
    """

    latent: Tensor
    prompt: str | None
    item: Tensor
    found: Tensor
    error: float
    random: float
    nearest: float


@dataclass(frozen=True, kw_only=True)
class Directions:
    """vectors [N, Z] of length 1, the strongest first; shares [N], of all change that each makes;
    explained: how much of what is seen follows the latents along straight lines, where asked."""

    vectors: Tensor
    shares: Tensor
    explained: float | None = None


def generator_of(model: Model) -> Any:
    """RequestError where the model has no latents."""
    nets: Any = dict(model.nets.items())
    if "generator" not in nets or not hasattr(nets["generator"], "latent"):
        raise RequestError(
            "this model has no latents to look into: train one that has a generator, such as "
            "`genloom train image-gan DATA`"
        )
    return nets["generator"]


def latents(model: Model, count: int, seed: int) -> Tensor:
    """float [B, Z]: those of the samples that `generate` makes of this seed."""
    key = keys(seed, torch.arange(count, device=model.device))
    return normal(key, 0, (generator_of(model).latent,))


def told(model: Model, prompts: Sequence[str | None]) -> Tensor | None:
    """long [B, P], or None where the model takes no prompts. RequestError for an unknown one."""
    ids = {p: encode(model, Request(prompt=p)).prompt for p in set(prompts)}
    rows = [row for p in prompts if (row := ids[p]) is not None]
    return torch.stack(rows) if rows else None


def known(model: Model, prompt: str | None) -> list[str | None]:
    """The prompt asked for; else all classes, where the model has some; else none at all."""
    if prompt is not None:
        told(model, [prompt])
        return [prompt]
    return list(getattr(model.prompt, "labels", ())) or [None]


# --- projection -----------------------------------------------------------------------------------


def project(
    model: Model,
    item: Any,
    *,
    prompt: str | None = None,
    seed: int = 0,
    steps: int = 200,
    tell: Tell = _quiet,
) -> Projection:
    """Search for the latent whose item is nearest to a real one, by pixels at several scales and by
    what the critic sees of them (after Abdal et al. 2019, section 3, with the critic for a net from
    elsewhere). Without a prompt every class is tried at the start."""
    generator, spec = generator_of(model), model.codec.spec
    assert isinstance(spec, ArraySpec)
    codec: Any = model.codec
    target = codec.begin(item, spec.grid).to(model.device)[None]
    eyes = _Eyes(model, target)
    prompts = known(model, prompt)
    asked = [prompts[n % len(prompts)] for n in range(max(DRAWN, 4 * len(prompts)))]
    z, ids = latents(model, len(asked), seed), told(model, asked)
    with torch.no_grad():
        made = _made(generator, z, ids)
        far, errors = eyes.distance(made), _error(made, target)
    best = far.topk(min(STARTS, len(far)), largest=False).indices
    found = _improved(generator, eyes, z[best], None if ids is None else ids[best], steps, tell)
    made = _made(generator, found, None if ids is None else ids[best])
    near = int(eyes.distance(made).argmin())
    return Projection(
        latent=found[near].cpu(),
        prompt=asked[int(best[near])],
        item=target[0].cpu(),
        found=made[near].cpu(),
        error=float(_error(made, target)[near]),
        random=float(errors.mean()),
        nearest=float(errors.min()),
    )


def _improved(
    generator: Any, eyes: _Eyes, z: Tensor, ids: Tensor | None, steps: int, tell: Tell
) -> Tensor:
    """The latents after so many steps of Adam with a rate that falls to nothing."""
    z = z.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([z], lr=RATE, betas=(0.9, 0.99))
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        made = generator(z, ids)
        far = eyes.distance(made)
        loss = far + NEARNESS * z.square().mean(1)
        (z.grad,) = torch.autograd.grad(loss.sum(), z)
        optimiser.step()
        tell(step + 1, steps, float(_error(made.detach(), eyes.target)[int(far.argmin())]))
    return z.detach()


class _Eyes:
    """How far made items are from one real one: means over the numbers of each scale and of each
    layer of the critic, as shares of how large the real item's own are."""

    def __init__(self, model: Model, target: Tensor) -> None:
        nets: Any = dict(model.nets.items())
        self.critic, self.target = nets.get("critic"), target
        with torch.no_grad():
            self.views = self._views(target)
        self.sizes = [view.square().mean().clamp(min=1e-3) for view in self.views]

    def _views(self, x: Tensor) -> list[Tensor]:
        out = [x]
        while out[-1].dim() == 4 and min(out[-1].shape[2:]) >= 8:
            out.append(F.avg_pool2d(out[-1], 2))
        return out + (self.critic.seen(x) if hasattr(self.critic, "seen") else [])

    def distance(self, made: Tensor) -> Tensor:
        """float [B]"""
        parts = zip(self._views(made), self.views, self.sizes, strict=True)
        far = [(a - b).square().flatten(1).mean(1) / size for a, b, size in parts]
        return torch.stack(far).sum(0)


def _error(made: Tensor, target: Tensor) -> Tensor:
    return (made - target).square().flatten(1).mean(1).sqrt()


@torch.no_grad()
def _made(generator: Any, z: Tensor, ids: Tensor | None) -> Tensor:
    return generator(z, ids)


# --- directions -----------------------------------------------------------------------------------


def directions(
    model: Model,
    count: int = 6,
    *,
    by: Literal["weights", "items"] = "weights",
    prompt: str | None = None,
    seed: int = 0,
) -> Directions:
    """The directions along which most changes.

    weights: in the first products of the generator (Shen & Zhou 2021). items: in what is seen, by a
    linear fit of the items on their latents and its main axes (after Haerkoenen et al. 2020,
    GANSpace, section 2.2, for generators without a second latent space).
    """
    generator = generator_of(model)
    if not 1 <= count <= generator.latent:
        raise RequestError(f"{count} directions: this model has 1 to {generator.latent}")
    if by == "weights":
        found, shares = factorised(generator)
        return Directions(vectors=found[:count], shares=shares[:count])
    z, seen, _ = _sampled(model, prompt, seed)
    slopes = _slopes(z, seen)  # [Z, F]
    left, strength, _ = torch.linalg.svd(slopes, full_matrices=False)
    total = seen.square().sum().clamp(min=1e-12)
    explained = 1 - (seen - z @ slopes).square().sum() / total
    shares = strength.square() / strength.square().sum().clamp(min=1e-12)
    vectors = one_sign(left.T[:count]).float()
    return Directions(
        vectors=vectors, shares=shares[: len(vectors)].float(), explained=float(explained)
    )


def direction_towards(model: Model, goal: str, *, seed: int = 0) -> Directions:
    """The direction along which items of any prompt look more like those of `goal` to the critic: a
    linear fit of its verdicts under that prompt on the latents (supervised by the captions that the
    critic has learnt; after Shen et al. 2020, InterFaceGAN)."""
    if model.prompt is None:
        raise RequestError("this model knows no prompts to go towards: leave it out")
    z, _, made = _sampled(model, None, seed)
    nets: Any = dict(model.nets.items())
    with torch.no_grad():
        ids = told(model, [goal] * len(made))
        verdicts = nets["critic"](made, ids).reshape(len(made), -1).mean(1).double().cpu()
    verdicts = verdicts - verdicts.mean()
    slope = _slopes(z, verdicts[:, None])
    total = verdicts.square().sum().clamp(min=1e-12)
    explained = 1 - (verdicts[:, None] - z @ slope).square().sum() / total
    vector = F.normalize(slope.T, dim=1).float()
    return Directions(vectors=vector, shares=torch.ones(1), explained=float(explained))


def _sampled(model: Model, prompt: str | None, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Latents [B, Z], what is seen of their items, small, [B, F], without what the prompt says of
    them (the mean of its items), and the items [B, C, *grid]."""
    prompts = known(model, prompt)
    asked = [prompts[n % len(prompts)] for n in range(SAMPLED)]
    z = latents(model, SAMPLED, seed)
    made = _made(generator_of(model), z, told(model, asked))
    seen = F.adaptive_avg_pool2d(made, SIDE) if made.dim() == 4 else made
    seen = seen.flatten(1).double().cpu()
    for kind in range(len(prompts)):
        seen[kind :: len(prompts)] -= seen[kind :: len(prompts)].mean(0)
    return z.double().cpu(), seen, made


def _slopes(z: Tensor, y: Tensor) -> Tensor:
    """[Z, F] of the linear fit of y [B, F] on z [B, Z], with a little ridge."""
    gram = z.T @ z + RIDGE * len(z) * torch.eye(z.shape[1], dtype=z.dtype)
    return torch.linalg.solve(gram, z.T @ y)


def walk(
    model: Model, latent: Tensor, along: Tensor, amounts: Sequence[float], prompt: str | None
) -> Tensor:
    """float [N * A, C, *grid]: the item of a latent [Z], moved along each of the directions [N, Z]
    by each of the amounts, direction by direction."""
    moved = latent + along[:, None] * torch.tensor(amounts, dtype=along.dtype)[:, None]
    rows = moved.flatten(0, 1).to(model.device)
    ids = told(model, [prompt] * len(rows))
    return _made(generator_of(model), rows, ids).cpu()
