"""From logits to one id a sample: penalties, biases, masks, temperature, truncation, a draw.

Every control is a value per row, so requests with different settings share a batch; a row's id
depends on that row alone. What a whole batch has in common is told once, when it changes, so that a
step of a text asks for nothing it does not use. `penalise`, `truncate` and `draw` are the plain way
for small ranges of ids; a large vocabulary goes through `likeliest`.
Shape legend: B samples, V ids in the range at hand, S ids seen so far, E ids barred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from genloom.family import likeliest
from genloom.family.likeliest import logprobs
from genloom.family.noise import uniform, uniform_few
from genloom.spec import Options

__all__ = ["Controls", "choose", "draw", "keep", "logprobs", "penalise", "truncate"]

COLD = 1e-5  # temperatures below it are greedy
_WIDE = 2048  # ids; below it rows are sorted whole
_FEW = 16  # rows; below it plain integers are faster than tensors
_NUCLEUS = 64  # ids looked at first for a nucleus
BARRED = -1e30  # still the one to take where nothing else is left


@dataclass(frozen=True)
class Controls:
    """float [B] each: temperature (0 greedy), top_k (0 off), top_p (1 off), min_p (0 off),
    penalty (1 off), frequency (0 off), presence (0 off); bias: ids long [B, n] and what is added to
    their logits, float [B, n], or None."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    penalty: Tensor
    frequency: Tensor
    presence: Tensor
    bias: tuple[Tensor, Tensor] | None = None

    NAMES = (
        *("temperature", "top_k", "top_p", "min_p"),
        *("repetition_penalty", "frequency_penalty", "presence_penalty"),
    )
    OFF = (1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0)

    @staticmethod
    def state(options: Options, count: int) -> Tensor:
        """float [B, 7] to keep with samples."""
        given = [getattr(options, name) for name in Controls.NAMES]
        values = [
            off if v is None else float(v) for v, off in zip(given, Controls.OFF, strict=True)
        ]
        return torch.tensor(values).expand(count, -1).clone()

    @classmethod
    def of(cls, state: Tensor, bias: tuple[Tensor, Tensor] | None = None) -> Controls:
        return cls(*state.unbind(1), bias=bias)

    @classmethod
    def batch(cls, options: Sequence[Options], device: torch.device | str = "cpu") -> Controls:
        """One row for each of the options: to be made when a batch changes, not at every step."""
        state = torch.cat([cls.state(o, 1) for o in options])
        given = [dict(o.logit_bias or {}) for o in options]
        most = max(map(len, given))
        if not most:
            return cls.of(state.to(device))
        ids = [[*b, *[0] * (most - len(b))] for b in given]
        values = [[*b.values(), *[0.0] * (most - len(b))] for b in given]
        return cls.of(
            state.to(device),
            (torch.tensor(ids, device=device), torch.tensor(values, device=device)),
        )

    def rows(self, rows: Tensor) -> Controls:
        """Of these rows alone."""
        bias = None if self.bias is None else (self.bias[0][rows], self.bias[1][rows])
        return Controls(*(column[rows] for column in self._columns), bias=bias)

    @property
    def _columns(self) -> tuple[Tensor, ...]:
        rest = (self.penalty, self.frequency, self.presence)
        return (self.temperature, self.top_k, self.top_p, self.min_p, *rest)

    # --- what the batch has in common, as plain values --------------------------------------------

    @cached_property
    def _range(self) -> tuple[list[float], list[float]]:
        """The least and the greatest of each column."""
        low, high = torch.stack(self._columns).aminmax(dim=1)
        return low.tolist(), high.tolist()

    def used(self, column: int) -> bool:
        """Whether any row sets the control of this number in NAMES."""
        low, high = self._range
        return not low[column] == high[column] == self.OFF[column]

    @cached_property
    def greedy(self) -> bool:
        return self._range[1][0] < COLD

    @cached_property
    def tempered(self) -> bool:
        return self.used(0)

    @cached_property
    def ranked(self) -> bool:
        """Whether any row has a top_k, a top_p or a min_p."""
        return self.used(1) or self.used(2) or self.used(3)

    @cached_property
    def repeated(self) -> bool:
        return self.used(4)

    @cached_property
    def counted(self) -> bool:
        return self.used(5) or self.used(6)

    @cached_property
    def first_count(self) -> int:
        """How many of the likeliest ids are looked at first."""
        low, high = self._range
        return int(high[1]) + 1 if low[1] > 0 else max(int(high[1]) + 1, _NUCLEUS)

    @cached_property
    def parts(self) -> list[tuple[Controls, Tensor | None]]:
        """The rows that are drawn alike, with their controls; None stands for all of them."""
        cold = self.temperature < COLD
        ranked = ((self.top_k > 0) | (self.top_p < 1) | (self.min_p > 0)) & ~cold
        kind = cold.long() + 2 * ranked.long()
        found = kind.unique().tolist()
        if len(found) == 1:
            return [(self, None)]
        rows = [(kind == one).nonzero()[:, 0] for one in found]
        return [(self.rows(some), some) for some in rows]


def choose(
    logits: Tensor,
    controls: Controls,
    key: Tensor,
    number: Tensor,
    *,
    seen: Tensor | None = None,
    made: Tensor | None = None,
    barred: Tensor | None = None,
    allowed: Tensor | None = None,
) -> Tensor:
    """long [B]: an id of each row of logits [B, V].

    key, number   long [B]: the sample's key (`noise.keys`) and the number of this draw of it
    seen          long [B, S], -1 where empty: all ids so far, for the repetition penalty
    made          long [B, S], -1 where empty: those generated, for frequency and presence
    barred        long [B, E], -1 where empty: ids not to draw unless nothing else is allowed
    allowed       bool [B, V], or int32 [B, ceil(V / 32)] with a bit an id: what may be drawn
    """
    logits = _edited(logits.float(), controls, seen, made, barred, allowed)
    if controls.greedy:
        return likeliest.best(logits)
    chance = _chance(key, number)
    if logits.shape[1] < _WIDE:
        return draw(truncate(logits, controls), chance, controls.temperature < COLD)
    out = None
    for some, rows in controls.parts:
        if rows is None:
            return _one_way(logits, some, chance)
        out = torch.empty_like(key) if out is None else out
        out[rows] = _one_way(logits[rows], some, chance[rows])
    assert out is not None
    return out


def _chance(key: Tensor, number: Tensor) -> Tensor:
    """float [B]: `noise.uniform`."""
    if len(key) > _FEW or key.device.type != "cpu":
        return uniform(key, number)[:, 0]
    return torch.tensor(uniform_few(key.tolist(), number.tolist()))


def _one_way(logits: Tensor, controls: Controls, chance: Tensor) -> Tensor:
    """Rows that are all greedy, all cut to the likeliest, or neither."""
    if controls.greedy:
        return likeliest.best(logits)
    weight, _ = likeliest.weights(logits, controls.temperature if controls.tempered else None)
    if controls.ranked:
        return _of_leading(logits, weight, controls, chance)
    return likeliest.at(weight, chance)


def _of_leading(logits: Tensor, weight: Tensor, controls: Controls, chance: Tensor) -> Tensor:
    """One of the likeliest ids, of which as many are looked at as the controls need."""
    count, whole = controls.first_count, likeliest.total(weight)
    while True:
        values, ids = likeliest.leading(logits, count)
        weight = torch.exp((values - values[:, :1]) / controls.temperature[:, None])
        kept = keep(weight, whole, controls)
        if count >= logits.shape[1] or not bool(kept[:, -1].any()):
            break
        count = count * 8 if count < _NUCLEUS * 8 * 8 else logits.shape[1]
    mass = weight.masked_fill_(~kept, 0.0).cumsum(-1)
    last = kept.sum(-1, keepdim=True) - 1
    place = torch.searchsorted(mass, chance[:, None] * mass.gather(1, last), right=True)
    return ids.gather(1, torch.minimum(place, last))[:, 0]


def keep(weight: Tensor, whole: Tensor, controls: Controls) -> Tensor:
    """bool [B, n]: which of the n likeliest, in order, top_k, top_p and min_p leave.

    weight: float [B, n], that of the first is 1; whole: float [B, 1], the sum over all ids. What is
    kept is a beginning of the order, and never empty.
    """
    kept = weight >= controls.min_p.clamp(min=1e-37)[:, None]
    if controls.used(1):
        place = torch.arange(weight.shape[1], device=weight.device)
        kept &= place < torch.where(controls.top_k > 0, controls.top_k, float("inf"))[:, None]
    if controls.used(2):
        share = torch.where(controls.top_p < 1, controls.top_p, float("inf"))[:, None]
        kept[:, 1:] &= weight.cumsum(-1)[:, :-1] < share * whole
    kept[:, 0] = True
    return kept


# --- what changes logits ------------------------------------------------------------------------


def _edited(
    logits: Tensor,
    controls: Controls,
    seen: Tensor | None,
    made: Tensor | None,
    barred: Tensor | None,
    allowed: Tensor | None,
) -> Tensor:
    """Logits after penalties, biases and masks; the caller's own are left as they are."""
    penalties = (controls.repeated and seen is not None) or (controls.counted and made is not None)
    if penalties or controls.bias is not None or barred is not None:
        logits = logits.clone()
    if controls.repeated and seen is not None and seen.shape[1]:
        _penalise_seen(logits, seen, controls.penalty)
    if controls.counted and made is not None and made.shape[1]:
        _penalise_counts(logits, made, controls)
    if controls.bias is not None:
        logits.scatter_add_(1, *controls.bias)
    if barred is not None and barred.shape[1]:
        ids, there = _filled(barred)
        logits.scatter_(1, ids, torch.where(there, BARRED, logits.gather(1, ids)))
    return logits if allowed is None else _masked(logits, allowed)


def _masked(logits: Tensor, allowed: Tensor) -> Tensor:
    """-inf where not allowed. A table of bytes is faster than any comparison of 151,936 ids."""
    if allowed.dtype == torch.bool:
        return logits.masked_fill(~allowed, float("-inf"))
    if allowed.device.type == "cpu":
        bytes_ = allowed.contiguous().numpy().view(np.uint8)
        added = torch.from_numpy(_OF_BYTE.take(bytes_, axis=0)).flatten(1)
        return logits + added[:, : logits.shape[1]]
    places = torch.arange(32, device=allowed.device, dtype=torch.int32)
    bits = (allowed[:, :, None] >> places) & 1
    return logits.masked_fill(bits.flatten(1)[:, : logits.shape[1]] == 0, float("-inf"))


def _of_byte() -> np.ndarray:
    """float32 [256, 8]: what to add to the logits of eight ids, the lowest bit first."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    return np.where(bits == 1, 0.0, -np.inf).astype(np.float32)


_OF_BYTE = _of_byte()


def _filled(ids: Tensor) -> tuple[Tensor, Tensor]:
    """(ids, the empty places repeating another of the row, bool [B, 1]: whether it has any)."""
    another = ids.max(1, keepdim=True).values
    return torch.where(ids < 0, another.clamp(min=0), ids), another >= 0


def _penalise_seen(logits: Tensor, seen: Tensor, penalty: Tensor) -> None:
    """`penalise` in place, at the ids seen alone."""
    ids, there = _filled(seen)
    factor = torch.where(there, penalty[:, None], 1.0)
    x = logits.gather(1, ids)
    logits.scatter_(1, ids, torch.where(x > 0, x / factor, x * factor))


def _penalise_counts(logits: Tensor, made: Tensor, controls: Controls) -> None:
    """Less presence where an id occurred, less frequency for each time it did, in place."""
    ids, there = _filled(made)
    x = logits.gather(1, ids)
    logits.scatter_(1, ids, x - torch.where(there, controls.presence[:, None], 0.0))
    each = torch.where(made >= 0, controls.frequency[:, None], 0.0)
    logits.scatter_add_(1, ids, -each)


def penalise(logits: Tensor, present: Tensor, penalty: Tensor) -> Tensor:
    """Divide positive and multiply negative logits of ids already present (Keskar et al. 2019).

    present: bool [B, V]; penalty: float [B].
    """
    factor = torch.where(present, penalty[:, None], 1.0)
    return torch.where(logits > 0, logits / factor, logits * factor)


# --- the plain way ------------------------------------------------------------------------------


def truncate(logits: Tensor, controls: Controls) -> Tensor:
    """Temperature, then top-k, top-p and min-p; what falls away becomes -inf."""
    cold = controls.temperature < COLD
    logits = logits / torch.where(cold, 1.0, controls.temperature)[:, None]
    if controls.ranked:
        ranked, order = logits.sort(dim=-1, descending=True, stable=True)
        weight = torch.exp(ranked - ranked[:, :1])
        kept = keep(weight, weight.sum(-1, keepdim=True), controls)
        ranked = ranked.masked_fill(~kept, float("-inf"))
        logits = torch.empty_like(logits).scatter_(1, order, ranked)
    return logits


def draw(logits: Tensor, chance: Tensor, cold: Tensor | None = None) -> Tensor:
    """long [B]: the distribution inverted at chance, float [B] in [0, 1); cold rows greedily."""
    most, best = logits.max(-1, keepdim=True)
    weight = torch.exp(logits - most)
    mass = weight.cumsum(-1)
    aim = chance[:, None] * mass[:, -1:]
    pick = torch.searchsorted(mass, aim, right=True).clamp(max=logits.shape[1] - 1)
    # rounding can point one past the last id of any mass: step back to the likeliest
    pick = torch.where(weight.gather(1, pick) > 0, pick, best)
    return (pick if cold is None else torch.where(cold[:, None], best, pick))[:, 0]
