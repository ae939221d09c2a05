"""An array from what is told of it: from itself through a narrow latent, or from its control.

One family for autoencoders and for nets that restore: where the batch has a control (a coarse or a
damaged version), the net is called with that and has to put out the item; else with the item
itself. Knows arrays and errors, not what is drawn nor how the net is narrow.
Shape legend: B items, C channels, K channels of what is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RecipeError, RequestError
from genloom.family.adversarial import Adversarial
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.noise import keys, normal
from genloom.family.spectral import some, spectral_distance
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

LEVELS = 4  # of the pyramid, halvings while every side has two


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Pixel error, the error of the details at every scale (a Laplacian pyramid: Bojanowski et al.
    2018, section 3.2), for signals the distance of their spectra (family/spectral.py), what the net
    itself asks for (such as the divergence of its latents), and a critic that pairs each item with
    its reconstruction, where `adversarial` is above 0 (Isola et al. 2017, by the relativistic loss
    of family/adversarial.py). Each has a weight, 0 to leave it out.

    A net is `net(given) -> (out [B, C, *grid], parts)`: parts holds further losses by name, float
    [B], to be added as they are. Where it can also make items from nothing, `net.latents(grid)` is
    the shape of what `net.decode` turns into an item.
    """

    kind: ClassVar[str] = "reconstruction"
    carries: ClassVar[type] = ArraySpec
    takes: ClassVar[frozenset[str]] = frozenset({"item", "control"})
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    repeats: ClassVar[bool] = True  # what is made is a given item again
    parts: ClassVar[dict[str, str]] = {"net": "reconstructor"}  # what fills a role, if not its name

    error: Literal["absolute", "squared"] = "absolute"
    pixel: float = 1.0  # weight of the error place by place
    detail: float = 1.0  # of the pyramid
    spectral: float = 0.0  # of the spectra, of items of one grid axis
    resolutions: int = 0  # of the spectra, in each batch anew; 0 for all of them
    adversarial: float = 0.0
    matching: float = 0.0  # of what the critic sees in each layer, where there is one
    penalty: float = 0.1  # of the critic's slopes
    penalised: float = 0.25

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self.players)

    @property
    def players(self) -> tuple[str, ...]:
        return ("critic", "net") if self.adversarial else ("net",)

    @property
    def falls(self) -> bool:
        return not self.adversarial

    def begins(self, nets: Nets) -> bool:
        return hasattr(nets["net"], "latents")

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        rival = Adversarial(penalty=self.penalty, penalised=self.penalised)
        if player == "critic":
            with torch.no_grad():
                out, _ = nets["net"](given(batch))
            return rival.judge(nets["critic"], batch, out.float())
        net = nets["net"]
        shown = (batch.x,) if getattr(net, "learns_of", False) else ()
        out, parts = net(given(batch), *shown)
        sizes = some(batch.x.shape[-1], self.resolutions, rng) if self.spectral else []
        errors = {**self.errors(out.float(), batch.x, sizes), **parts}
        sums = {name: (value * batch.weight).sum() for name, value in errors.items()}
        total: Any = sum(weight * sums[name] for name, weight in self.weights.items())
        total = total + sum(sums[name] for name in parts)
        if self.adversarial and self.matching:
            sums["matching_error"] = (unmatched(nets["critic"], out, batch) * batch.weight).sum()
            total = total + self.matching * sums["matching_error"]
        if self.adversarial:
            convinced = rival.convince(nets["critic"], batch, out.float()).total
            sums["critic_doubt"] = convinced
            total = total + self.adversarial * convinced
        return Loss(total, {name: value.detach() for name, value in sums.items()})

    @property
    def weights(self) -> dict[str, float]:
        """Of the errors that are taken."""
        every = {
            "pixel_error": self.pixel,
            "detail_error": self.detail,
            "spectral_error": self.spectral,
        }
        return {name: weight for name, weight in every.items() if weight}

    def errors(self, out: Tensor, x: Tensor, sizes: Sequence[int] = ()) -> dict[str, Tensor]:
        """float [B] each: a mean over the item's elements, a sum of such over its details, a mean
        over its spectra of windows of these sizes."""
        found = {}
        if self.pixel:
            found["pixel_error"] = self._distance(out, x)
        if self.detail:
            pairs = zip(details(out), details(x), strict=True)
            every = [self._distance(a, b) for a, b in pairs]
            found["detail_error"] = sum(every, torch.zeros(len(x), device=x.device))
        if self.spectral:
            if x.dim() != 3:
                raise RecipeError(
                    f"family.spectral is {self.spectral:g}, but items of the shape "
                    f"{tuple(x.shape[1:])} are no signals: use family.spectral=0"
                )
            found["spectral_error"] = spectral_distance(out, x, sizes)
        return found

    def _distance(self, a: Tensor, b: Tensor) -> Tensor:
        gap = a - b
        return (gap.abs() if self.error == "absolute" else gap.square()).flatten(1).mean(1)

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """Minus the errors by their weights, float [B]: no likelihood."""
        errors = self.errors(nets["net"](given(batch))[0].float(), batch.x)
        nothing = torch.zeros(len(batch.x), device=batch.x.device)
        return -sum((self.weights[name] * error for name, error in errors.items()), nothing)

    # --- making ---------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        """From the request's control, else its item, else a latent of normal numbers."""
        assert isinstance(spec, ArraySpec)
        rows, grid = len(request.index), request.grid or spec.grid
        key = keys(request.seed, request.index)
        told = request.item if request.control is None else request.control
        if told is not None:
            grid = tuple(told.shape[1:]) if request.control is None else spec.grid_of(told)
            state = {"given": told.expand(rows, *told.shape).clone()}
        elif self.begins(nets):
            state = {"latent": normal(key, 0, nets["net"].latents(grid))}
        else:
            raise RequestError("this model makes items out of others: give one to begin from")
        done = torch.zeros(rows, dtype=torch.bool, device=key.device)
        x = torch.zeros(rows, spec.channels, *grid, device=key.device)
        return Samples(x, done, {"key": key, **state})

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        state, net = samples.state, nets["net"]
        samples.x = net(state["given"])[0] if "given" in state else net.decode(state["latent"])
        samples.done = torch.ones_like(samples.done)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        return samples.x


def given(batch: Batch) -> Tensor:
    """What the net sees, [B, K, *grid]."""
    return batch.x if batch.control is None else batch.control


def unmatched(critic: Any, out: Tensor, batch: Batch) -> Tensor:
    """float [B]: how differently the critic sees `out` and the items, a mean over its layers."""
    if not hasattr(critic, "seen"):
        raise RecipeError(
            "family.matching needs a critic that tells what it sees in its layers, and this one "
            "does not: use family.matching=0"
        )
    control = None if batch.control is None else torch.cat((batch.control, batch.control))
    found = []
    for layer in critic.seen(torch.cat((out.float(), batch.x)), control):
        made, real = layer.float().flatten(1).chunk(2)
        real = real.detach()
        found.append((made - real).abs().mean(1) / real.abs().mean().clamp(min=1e-6))
    return torch.stack(found).mean(0)


def details(x: Tensor) -> list[Tensor]:
    """What each halving of x [B, C, *grid] loses, finest first: its Laplacian pyramid (Burt &
    Adelson 1983) without what is left in the end, which is the business of the pixel error."""
    out: list[Tensor] = []
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}.get(x.dim() - 2)
    while pool is not None and len(out) < LEVELS and min(x.shape[2:]) > 1:
        fine, x = x, pool(x, 2, ceil_mode=True)
        out.append(fine - F.interpolate(x, fine.shape[2:], mode="nearest"))
    return out
