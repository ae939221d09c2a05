"""Any part of an item from any other: hidden places are filled in, all at once or bit by bit.

An orderless autoregressive estimator (Uria, Murray & Larochelle 2014, eq. 8; Hoogeboom et al. 2022,
eq. 9): the mean surprise of the hidden places, over random sets of them, bounds -log p. Items are
drawn in a random order of places, or by blocked Gibbs sampling with ever smaller blocks (Yao et al.
2014; Huang et al. 2017, section 5). Knows ids and places; not what they stand for.
Shape legend: B items, L positions of an item, V ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RecipeError
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.choose import Controls, draw, truncate
from genloom.family.hiding import hidden, leading, shape, strata
from genloom.family.noise import keys, uniform
from genloom.spec import Batch, Encoded, Loss, Spec, TokenSpec

OFF = float("-inf")
DRAWING = ("temperature", "top_k", "top_p", "min_p")


@dataclass(frozen=True, kw_only=True)
class Masked:
    """sampler: "gibbs" draws a random block of the places anew at every step, `largest` of them at
    first and `smallest` after `settling` of the steps; "order" draws every place once, in a random
    order, equally many a step: with as many steps as places, exactly what was learnt. temperature:
    where a request says none."""

    kind: ClassVar[str] = "masked"
    carries: ClassVar[type] = TokenSpec
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    parts: ClassVar[Mapping[str, str]] = MappingProxyType({"net": "filler"})
    players: ClassVar[tuple[str, ...]] = ("net",)
    takes: ClassVar[frozenset[str]] = frozenset({*DRAWING, "steps", "item"})
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = True
    conditional: ClassVar[bool] = True

    sampler: Literal["gibbs", "order"] = "gibbs"
    steps: int = 128
    largest: float = 0.9
    smallest: float = 0.02
    settling: float = 0.75
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.smallest <= self.largest <= 1 or not self.settling > 0:
            raise RecipeError(
                f"family.steps {self.steps}, smallest {self.smallest}, largest {self.largest}, "
                f"settling {self.settling}: 1 step or more, 0 < smallest <= largest <= 1 and a "
                "settling above 0 are expected"
            )
        if not 0 < self.temperature <= 2:
            raise RecipeError(f"family.temperature is {self.temperature}: above 0, to 2")

    @property
    def usual(self) -> Mapping[str, Any]:
        off = dict(zip(Controls.NAMES, Controls.OFF, strict=True))
        usual = {name: off[name] for name in DRAWING}
        return {**usual, "temperature": self.temperature, "steps": self.steps}

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """The mean surprise of an item's hidden places, nats, times its length: a bound on -log p
        in expectation over what is hidden. A sum over items."""
        spec, x = _tokens(batch.spec), batch.x[:, 1:]
        away = hidden(spec, len(x), rng).to(x.device)
        total = self._bound(nets, spec, x, away, batch.weight[:, 1:]).sum()
        return Loss(total, {"nats": total.detach()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """The same bound with the same places hidden of every item, nats [B]."""
        spec, x = _tokens(batch.spec), batch.x[:, 1:]
        found = [
            self._bound(nets, spec, x, away.expand_as(x), batch.weight[:, 1:])
            for away in strata(spec).to(x.device)
        ]
        return -torch.stack(found).mean(0)

    def _bound(
        self, nets: Nets, spec: TokenSpec, x: Tensor, away: Tensor, weight: Tensor
    ) -> Tensor:
        """float [B]: the mean over hidden places, times the number of all."""
        counts = weight * away
        each = self.surprise(nets, spec, x, ~away) * counts
        return each.sum(1) * weight.sum(1) / counts.sum(1).clamp(min=1e-6)

    def surprise(self, nets: Nets, spec: TokenSpec, x: Tensor, known: Tensor) -> Tensor:
        """-log p of each id, float [B, L], given those that are known, bool [B, L]."""
        logits = self.logits(nets, spec, x, known)
        return F.cross_entropy(logits.flatten(0, 1), x.flatten(), reduction="none").view(x.shape)

    def logits(self, nets: Nets, spec: TokenSpec, x: Tensor, known: Tensor) -> Tensor:
        """float32 [B, L, V]; -inf for ids that a position cannot have."""
        legal = legal_ids(spec, x.shape[1]).to(x.device)
        return nets["net"](x, known).float().masked_fill(~legal, OFF)

    # --- sampling -------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        """What is given may have more rows than the spec's items, and fewer."""
        spec, rows, device = _tokens(spec), len(request.index), request.index.device
        known = torch.full((spec.length,), -1) if request.known is None else request.known
        x = known.clamp(min=0).expand(rows, 1, -1).clone()
        steps, options = torch.full((rows,), request.options.steps or self.steps), request.options
        if options.temperature is None:
            options = replace(options, temperature=self.temperature)
        state = {
            "key": keys(request.seed, request.index),
            "step": torch.zeros(rows, dtype=torch.long),
            "steps": steps,
            "given": (known >= 0).expand(rows, -1).clone(),
            "controls": Controls.state(options, rows),
        }
        legal = legal_ids(spec, len(known))
        for place, mask in request.allowed.items():
            low, high = spec.ranges[place]
            legal[place, low:high] &= mask.cpu()
        state["legal"] = legal.expand(rows, -1, -1)
        done = (known >= 0).all().expand(rows).clone()
        return Samples(x.to(device), done.to(device), {k: v.to(device) for k, v in state.items()})

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def progress(self, samples: Samples) -> tuple[Tensor, Tensor]:
        """long [B] each: the steps that are done, and how many there are."""
        return samples.state["step"], samples.state["steps"]

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """Draw the places of this step's block, each given all places outside it."""
        state, x = samples.state, samples.x[:, 0]
        length = x.shape[1]
        chance = uniform(state["key"], state["step"], 2 * length)
        block, known = self._block(state, chance[:, :length])
        rows, places = block.nonzero(as_tuple=True)
        if len(rows):
            logits = nets["net"](x, known).float()[rows, places]
            logits = logits.masked_fill(~state["legal"][rows, places], OFF)
            controls = Controls.of(state["controls"][rows])
            x[rows, places] = draw(
                truncate(logits, controls),
                chance[rows, length + places],
                controls.temperature <= 0,
            )
        state["step"] = state["step"] + 1
        samples.done = state["step"] >= state["steps"]

    def _block(self, state: dict[str, Tensor], chance: Tensor) -> tuple[Tensor, Tensor]:
        """bool [B, L] each: what is drawn in this step, and what is known meanwhile."""
        step, steps, open_ = state["step"][:, None], state["steps"][:, None], ~state["given"]
        if self.sampler == "order":
            rank = uniform(state["key"], 1 << 40, chance.shape[1])
            block = open_ & (rank >= step / steps) & (rank < (step + 1) / steps)
            return block, state["given"] | (rank < step / steps)
        fall = (self.largest - self.smallest) * step / (self.settling * steps)
        share = (self.largest - fall).clamp(min=self.smallest)
        share = torch.where(step == 0, 1.0, share)
        block = open_ & (chance < share)
        return block, ~block

    def result(self, samples: Samples, spec: Spec) -> Tensor:
        return samples.x[:, 0]


def _tokens(spec: Spec) -> TokenSpec:
    assert isinstance(spec, TokenSpec)
    return spec


def legal_ids(spec: TokenSpec, length: int) -> Tensor:
    """bool [L, V]: the ids that each position may have; beyond the spec's rows, those of its first
    row."""
    before, (_, columns) = leading(spec), shape(spec)
    bounds = spec.ranges or [(0, spec.vocab)] * spec.length
    if length > spec.length:
        row = bounds[before : before + columns]
        bounds = [*bounds, *row * (-(-(length - spec.length) // columns))]
    low, high = torch.tensor(bounds[:length]).T
    ids = torch.arange(spec.vocab)
    return (ids >= low[:, None]) & (ids < high[:, None])
