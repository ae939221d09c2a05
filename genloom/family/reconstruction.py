"""An array from what is told of it: from itself through a narrow latent, or from its control.

One family for autoencoders and for nets that restore: where the batch has a control (a coarse or a
damaged version), the net is called with that and has to put out the item; else with the item
itself. Knows arrays and errors, not what is drawn nor how the net is narrow.
Shape legend: B items, C channels, K channels of what is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RequestError
from genloom.family.adversarial import Adversarial
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

LEVELS = 4  # of the pyramid, halvings while every side has two


@dataclass(frozen=True, kw_only=True)
class Reconstruction:
    """Pixel error, the error of the details at every scale (a Laplacian pyramid: Bojanowski et al.
    2018, section 3.2), what the net itself asks for (such as the divergence of its latents), and a
    critic that pairs each item with its reconstruction, where `adversarial` is above 0 (Isola et
    al. 2017, by the relativistic loss of family/adversarial.py).

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
    detail: float = 1.0  # weight of the pyramid
    adversarial: float = 0.0
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
        out, parts = nets["net"](given(batch))
        errors = {**self.errors(out.float(), batch.x), **parts}
        sums = {name: (value * batch.weight).sum() for name, value in errors.items()}
        total: Any = sums["pixel_error"] + self.detail * sums["detail_error"]
        total = total + sum(sums[name] for name in parts)
        if self.adversarial:
            convinced = rival.convince(nets["critic"], batch, out.float()).total
            sums["critic_doubt"] = convinced
            total = total + self.adversarial * convinced
        return Loss(total, {name: value.detach() for name, value in sums.items()})

    def errors(self, out: Tensor, x: Tensor) -> dict[str, Tensor]:
        """float [B] each: a mean over the item's elements, and a sum of such over its details."""
        pairs = zip(details(out), details(x), strict=True)
        found = [self._distance(a, b) for a, b in pairs]
        pixel = self._distance(out, x)
        return {"pixel_error": pixel, "detail_error": sum(found, torch.zeros_like(pixel))}

    def _distance(self, a: Tensor, b: Tensor) -> Tensor:
        gap = a - b
        return (gap.abs() if self.error == "absolute" else gap.square()).flatten(1).mean(1)

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """Minus the errors of pixels and details, float [B]: no likelihood."""
        errors = self.errors(nets["net"](given(batch))[0].float(), batch.x)
        return -(errors["pixel_error"] + self.detail * errors["detail_error"])

    # --- making ---------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        """From the request's control, else its item, else a latent of normal numbers."""
        assert isinstance(spec, ArraySpec)
        rows, grid = len(request.index), request.grid or spec.grid
        key = keys(request.seed, request.index)
        told = request.item if request.control is None else request.control
        if told is not None:
            grid = tuple(told.shape[1:])
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


def details(x: Tensor) -> list[Tensor]:
    """What each halving of x [B, C, *grid] loses, finest first: its Laplacian pyramid (Burt &
    Adelson 1983) without what is left in the end, which is the business of the pixel error."""
    out: list[Tensor] = []
    pool = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}.get(x.dim() - 2)
    while pool is not None and len(out) < LEVELS and min(x.shape[2:]) > 1:
        fine, x = x, pool(x, 2, ceil_mode=True)
        out.append(fine - F.interpolate(x, fine.shape[2:], mode="nearest"))
    return out
