"""One id after another: left to right for streams, in any order over the fields of a row.

Knows ids, positions and fields; not what they stand for. The same code serves a text and a row: a
row is an item of fixed length whose positions have ranges of their own.
Shape legend: B items, L positions of an item, V ids of a range, D width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RequestError
from genloom.family import streams
from genloom.family.base import NONE, Cache, Making, Nets, Samples
from genloom.family.choose import Controls, draw, penalise, truncate
from genloom.family.noise import keys, uniform
from genloom.family.streams import Streams
from genloom.family.surprise import surprise
from genloom.spec import Batch, Encoded, Loss, Spec, TokenSpec

DRAWING = frozenset({"temperature", "top_k", "top_p", "min_p", "repetition_penalty"})


@dataclass(frozen=True, kw_only=True)
class Autoregressive:
    """order "any" learns p(rest | any subset of fields); `given` is the share of rows in which a
    random subset comes first (the others keep the codec's order, which sampling uses)."""

    kind: ClassVar[str] = "autoregressive"
    carries: ClassVar[type] = TokenSpec
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    players: ClassVar[tuple[str, ...]] = ("net",)
    takes: ClassVar[frozenset[str]] = frozenset(
        {
            *("max_tokens", "min_tokens", "temperature", "top_k", "top_p", "min_p"),
            *("repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias"),
            *("logprobs", "stop", "stop_ids", "ignore_eos", "schema", "regex", "grammar"),
            *("suffix", "beams", "item"),
        }
    )
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = True

    order: Literal["left", "any"] = "left"
    given: float = 0.5

    @property
    def frozen(self) -> frozenset[str]:
        return NONE

    def acts(self, spec: Spec) -> frozenset[str]:
        """Where all items have one length, it is only about how an id is drawn."""
        assert isinstance(spec, TokenSpec)
        return self.takes if spec.eos is not None else DRAWING

    @property
    def usual(self) -> Mapping[str, Any]:
        off = dict(zip(Controls.NAMES, Controls.OFF, strict=True))
        return {**off, "max_tokens": streams.DEFAULT_TOKENS}

    @property
    def conditional(self) -> bool:
        """Whether some fields of a row can be given, and the others drawn."""
        return self.order == "any"

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """Cross-entropy of each id given those before it, nats."""
        order = self._orders(batch, rng) if self.order == "any" else None
        total = (self._surprise(nets, batch, order) * batch.weight[:, 1:]).sum()
        return Loss(total, {"nats": total.detach()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """Exact log-likelihood in the codec's order, nats [B]."""
        return -(self._surprise(nets, batch, None) * batch.weight[:, 1:]).sum(1)

    def _orders(self, batch: Batch, rng: Generator) -> Tensor | None:
        """long [B, L]: positions in the order they are to be predicted; None is the codec's own."""
        spec = batch.spec
        assert isinstance(spec, TokenSpec)
        if not spec.spans:
            return None
        rows, device = batch.x.shape[0], batch.x.device
        shape = (rows, len(spec.spans))
        share = torch.rand(rows, 1, generator=rng, device=rng.device)
        early = torch.rand(shape, generator=rng, device=rng.device) < share
        early &= torch.rand(rows, 1, generator=rng, device=rng.device) < self.given
        place = torch.rand(shape, generator=rng, device=rng.device) - 1.0
        field_key = torch.where(early, place, torch.arange(shape[1], device=rng.device).float())
        return _by_field(field_key.to(device), spec)

    def _surprise(self, nets: Nets, batch: Batch, order: Tensor | None) -> Tensor:
        """-log p of each target id, float [B, L] at the place of the id in x."""
        return surprise(nets["net"], batch, order)

    # --- sampling -------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Making:
        assert isinstance(spec, TokenSpec)
        if spec.eos is not None:
            return streams.start(spec, request)
        rows, device = len(request.index), request.index.device
        known = torch.full((spec.length,), -1) if request.known is None else request.known
        known, order = torch.atleast_2d(known), None
        if spec.spans:
            order = self.given_first(spec, request)
            known = known.gather(1, order) if len(order) == len(known) else known[:, order[0]]
        counts = (known >= 0).sum(1)
        end = 1 + spec.length
        x = torch.full((rows, end), spec.pad, dtype=torch.long)
        x[:, 0] = spec.bos
        x[:, 1:] = torch.where(torch.arange(spec.length) < counts[:, None], known, spec.pad)
        length = (1 + counts).expand(rows).clone()
        state = {
            "key": keys(request.seed, request.index),
            "length": length,
            "prefix": length.clone(),
            "controls": Controls.state(request.options, rows),
        }
        if order is not None:
            state["order"] = order.expand(rows, -1).clone()
            state["low"], state["high"] = _bounds(spec, rows)
            state["mass"] = torch.zeros(rows)
        if request.allowed:
            state["allowed"] = _allowed(spec, request.allowed).expand(rows, -1)
        done = length >= end
        state = {k: v.to(device) for k, v in state.items()}
        return Samples(x.to(device), done.to(device), state, rules=request.rules)

    def given_first(self, spec: TokenSpec, request: Encoded) -> Tensor:
        """long [1 or B, L]: what is known, then what is restricted, then the rest in the codec's
        order."""
        known = torch.atleast_2d(torch.full((1,), -1) if request.known is None else request.known)
        known = known.expand(len(known), spec.length) >= 0
        key = torch.arange(len(spec.spans)).float().repeat(len(known), 1)
        for place, span in enumerate(spec.spans):
            whole = known[:, span.start : span.stop].all(1)
            key[whole, place] -= 2.0 * len(spec.spans)
            if any(p in request.allowed for p in range(span.start, span.stop)):
                key[~whole, place] -= len(spec.spans)
        if self.order == "left" and bool((key < 0).any()):
            raise RequestError(
                "this model was trained left to right and cannot take conditions: train with "
                "--set family.order=any"
            )
        return _by_field(key, spec)

    def cache(self, nets: Nets, samples: Making, memory: Any = None) -> Cache | None:
        if isinstance(samples, Streams):
            cache: Cache = memory.sequences(len(samples))
            return cache
        assert isinstance(samples, Samples)
        return nets["net"].cache(len(samples), samples.x.shape[1])

    def step(self, nets: Nets, samples: Making, cache: Any) -> None:
        """Feed what is new since the last step, then draw one id a sample."""
        if isinstance(samples, Streams):
            streams.step(nets, samples, cache)
            return
        assert isinstance(samples, Samples)
        pending = samples.state["length"] - cache.length
        counts = pending[:1] if bool((pending == pending[:1]).all()) else pending.unique()
        counts = counts.tolist()
        for count in counts:
            rows = None if len(counts) == 1 else (pending == count).nonzero()[:, 0]
            hidden = self._feed(nets, samples, cache, rows, count)
            self._extend(nets, samples, rows, hidden)

    def _feed(
        self, nets: Nets, samples: Samples, cache: Any, rows: Tensor | None, count: int
    ) -> Tensor:
        """Hidden state [b, D] after the last of `count` new ids of each of these rows."""
        state, x = samples.state, samples.x
        pick = (lambda t: t) if rows is None else (lambda t: t[rows])
        at = pick(cache.length)[:, None] + torch.arange(count, device=x.device)
        ids = pick(x).gather(1, at)
        before = pick(x).gather(1, (at - 1).clamp(min=0))
        before = torch.where(at > 0, before, ids)
        slots = None
        if "order" in state:
            padded = F.pad(pick(state["order"]) + 1, (1, 0))
            to = padded.gather(1, (at + 1).clamp(max=padded.shape[1] - 1))
            slots = (padded.gather(1, at), to)
        attention = cache.attention(rows, count)
        net = getattr(nets["net"], "last", nets["net"])  # the others' states are not asked for
        hidden = net(ids, at[..., None], attention, before, slots)
        cache.advance(rows, count)
        return hidden[:, -1]

    def _extend(self, nets: Nets, samples: Samples, rows: Tensor | None, hidden: Tensor) -> None:
        """Draw the next id of these rows and write it."""
        every = torch.arange(len(samples), device=samples.x.device)
        mine = every if rows is None else rows
        for place, some in self._places(samples, mine):
            low, high = self._range(samples, place)
            part = hidden if some is None else hidden[some]
            where = rows if some is None else mine[some]
            rule = self._rule(samples, where, place)
            state = samples.state
            if where is not None:
                state = {k: v[where] for k, v in state.items() if k != "order"}
            ids, mass = self._drawn(
                samples.x, where, state, nets["net"].logits(part, low, high), low, rule
            )
            at, length = every if where is None else where, state["length"]
            samples.x[at, length] = ids
            samples.done[at] = length + 1 >= samples.x.shape[1]
            if mass is not None:
                samples.state["mass"][at] += mass
            samples.state["length"][at] = length + 1

    def _places(self, samples: Samples, rows: Tensor) -> list[tuple[int, Tensor | None]]:
        """The rows by the position that is next; 0 for all where positions have no order."""
        state = samples.state
        if "order" not in state:
            return [(0, None)]
        place = state["order"][rows, state["length"][rows] - 1]
        slots = place[:1] if bool((place == place[:1]).all()) else place.unique()
        if len(slots) == 1:
            return [(int(slots[0]), None)]
        return [(slot, (place == slot).nonzero()[:, 0]) for slot in slots.tolist()]

    def _range(self, samples: Samples, place: int) -> tuple[int, int | None]:
        state = samples.state
        if "order" not in state:
            return 0, None
        return int(state["low"][0, place]), int(state["high"][0, place])

    def _rule(self, samples: Samples, where: Tensor | None, place: int) -> Tensor | None:
        """bool [b, V]: what these rows leave of a position's ids."""
        if samples.rules is None or place not in samples.rules.places:
            return None
        every = slice(None) if where is None else where
        x, order = samples.x[every, 1:], samples.state["order"][every]
        drawn = torch.arange(x.shape[1], device=x.device) < samples.state["length"][every, None] - 1
        known = torch.full_like(x, -1).scatter_(1, order, torch.where(drawn, x, -1))
        return samples.rules.mask(place, known)

    def _drawn(
        self,
        x: Tensor,
        where: Tensor | None,
        state: dict[str, Tensor],
        logits: Tensor,
        low: int,
        rule: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """(ids, what is to be added to the mass or None) of samples in this state. A rule is a part
        of the distribution, no restriction: it tells in the mass only where it leaves nothing, for
        such a sample is not to be kept."""
        mass, dead, length = None, None, state["length"]
        controls = Controls.of(state["controls"])
        if rule is not None:
            rule, dead = _alive(rule, state, low)
            mass = torch.where(dead, float("-inf"), 0.0)
            logits = logits.masked_fill(~rule, float("-inf"))
        if "allowed" in state:
            allowed = state["allowed"][:, low : low + logits.shape[1]]
            # the first restricted id is drawn from its exact marginal; the later ones are corrected
            later = length > state["prefix"]
            inside = torch.where(later, _log_mass(logits, allowed), 0.0)
            mass = inside if mass is None else torch.minimum(mass, inside)
            allowed = allowed if dead is None else allowed | dead[:, None]
            logits = logits.masked_fill(~allowed, float("-inf"))
        if bool((controls.penalty != 1).any()):
            seen = x if where is None else x[where]
            present = _present(seen, length, low, logits.shape[1])
            logits = penalise(logits, present, controls.penalty)
        plain = torch.tensor(Controls.OFF, device=logits.device)
        if bool((state["controls"] != plain).any()):
            logits = truncate(logits, controls)
        chance = uniform(state["key"], length)[:, 0]
        return low + draw(logits, chance, controls.temperature <= 0), mass

    def chances(self, nets: Nets, spec: TokenSpec, known: Tensor, place: int) -> Tensor:
        """float [B, V]: the probability of each id at a position, given the ids of other fields,
        long [B, L], -1 where open; as many of each row."""
        order = self.given_first(spec, Encoded(seed=0, index=torch.arange(len(known)), known=known))
        count = int((known[0] >= 0).sum())
        order = order[:, :count]
        start = torch.full((len(known), 1), spec.bos)
        ids = torch.cat((start, known.gather(1, order)), 1)
        at = F.pad(order + 1, (1, 0))
        to = torch.cat((at[:, 1:], torch.full((len(known), 1), place + 1)), 1)
        net, position = nets["net"], torch.arange(count + 1).expand(len(known), -1)[..., None]
        before = torch.cat((ids[:, :1], ids[:, :-1]), 1)
        hidden = net(ids, position, net.attention(None), before, (at, to))[:, -1]
        return net.logits(hidden, *spec.ranges[place]).float().softmax(-1)

    def result(self, samples: Making, spec: Spec) -> list[Tensor] | Tensor:
        if isinstance(samples, Streams):
            return streams.result(samples)
        assert isinstance(samples, Samples)
        items = samples.x[:, 1:]
        order = samples.state.get("order")
        return items if order is None else items.gather(1, order.argsort(1))


def _by_field(key: Tensor, spec: TokenSpec) -> Tensor:
    """Positions sorted by their field's key, float [B, fields] -> long [B, L]."""
    field = torch.zeros(spec.length, dtype=torch.long, device=key.device)
    for place, span in enumerate(spec.spans):
        field[span.start : span.stop] = place
    return key[:, field].sort(dim=1, stable=True).indices


def _bounds(spec: TokenSpec, rows: int) -> tuple[Tensor, Tensor]:
    """long [B, L] each: lowest and one past the highest id of each position."""
    ranges = torch.tensor(spec.ranges or [(0, spec.vocab)] * spec.length)
    return ranges[:, 0].expand(rows, -1), ranges[:, 1].expand(rows, -1)


def _allowed(spec: TokenSpec, masks: Mapping[int, Tensor]) -> Tensor:
    """bool [1, V]: which ids may be drawn at all, each range belonging to one position."""
    out = torch.ones(1, spec.vocab, dtype=torch.bool)
    for place, mask in masks.items():
        low, high = spec.ranges[place]
        out[0, low:high] = mask
    return out


def _alive(rule: Tensor, state: Mapping[str, Tensor], low: int) -> tuple[Tensor, Tensor]:
    """(the rule, bool [B]: rows of which it leaves nothing that is allowed), anything there."""
    left = rule
    if "allowed" in state:
        left = rule & state["allowed"][:, low : low + rule.shape[1]]
    dead = ~left.any(1)
    return rule | dead[:, None], dead


def _log_mass(logits: Tensor, allowed: Tensor) -> Tensor:
    """log of the probability that lies on the allowed ids, float [B]."""
    inside = logits.masked_fill(~allowed, float("-inf")).logsumexp(-1)
    return inside - logits.logsumexp(-1)


def _present(x: Tensor, length: Tensor, low: int, size: int) -> Tensor:
    """bool [B, V]: which ids of the range stand in x before length."""
    there = torch.arange(x.shape[1], device=x.device) < length[:, None]
    inside = there & (x >= low) & (x < low + size)
    out = torch.zeros(len(x), size + 1, dtype=torch.bool, device=x.device)
    out.scatter_(1, torch.where(inside, x - low, size), True)
    return out[:, :size]
