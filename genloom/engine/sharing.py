"""Rows in shares that are not the model's own: balanced over a column, made fair, or all of them
from a rare part; with the weight of each, so that totals can be corrected.

Each share is a condition of its own, whose rows follow the model's conditional distribution
exactly. Knows the engine and a codec with `shares`; no column.
Shape legend: N rows, S shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from genloom.engine.engine import Engine
from genloom.engine.keeping import MOST_DRAWN, Keeping
from genloom.engine.requests import refuse
from genloom.engine.weighing import first_chance
from genloom.errors import RequestError
from genloom.model import Model
from genloom.spec import Request

ASKS = ("balance", "fair", "weights")
APART = 1 << 32  # numbers of candidates between two shares
MOST = 400  # shares
PILOT = 4096  # candidates, where the chance of a share has to be known before


@dataclass(frozen=True, kw_only=True)
class Share:
    """where: its condition. said: in words. chance: under the model, where it is known before."""

    where: Any
    said: str
    count: int
    chance: float | None = None


class Sharing:
    """Draws one share after the other. Submit `next()`, hand its generation to `take` when it is
    complete, until `done`. RequestError where a column has no shares."""

    whole: ClassVar[bool] = True  # what is kept is one collection

    def __init__(self, model: Model, request: Request, together: int = MOST_DRAWN) -> None:
        refuse(model, request)
        _refuse(request)
        self.model, self.request = model, request
        self.codec: Any = model.codec
        options = replace(request.options, balance=None, fair=None, weights=None)
        self.plain = replace(request, prompt=None, options=options)
        self.fair: dict[str, Any] | None = None
        self.shares = self._shares()
        seen: dict[str, np.ndarray] = {}
        self.keepings = [
            Keeping(self.codec, self._asked(share, n), together, seen)
            for n, share in enumerate(self.shares)
        ]

    def _asked(self, share: Share, number: int) -> Request:
        first = self.request.first + number * APART
        return replace(self.plain, where=share.where, count=share.count, first=first)

    # --- which shares

    def _shares(self) -> list[Share]:
        codec = self.codec
        asked, count = self.request, self.request.count
        where = codec.joined(asked.where, asked.prompt, ())
        if asked.options.fair is not None:
            return self._fair_shares(asked.options.fair)
        if asked.options.balance is None:
            return [Share(where=where, said="", count=count)]
        found = []
        for node, said in self._parts([name.strip() for name in asked.options.balance.split(",")]):
            if self._possible(node):
                found.append((node, said))
        if not found:
            raise RequestError("balance: no row can meet the conditions: loosen them")
        if len(found) > count:
            raise RequestError(
                f"balance: {count} rows are asked for, of {len(found)} shares: ask for more"
            )
        each = [count // len(found) + (n < count % len(found)) for n in range(len(found))]
        return [
            Share(where=node, said=said, count=rows)
            for (node, said), rows in zip(found, each, strict=True)
        ]

    def _parts(self, names: Sequence[str]) -> list[tuple[Any, str]]:
        """Every combination of values of these columns, with the request's own conditions."""
        codec = self.codec
        found: list[tuple[tuple[Any, ...], str]] = [((), "")]
        for name in names:
            parts = codec.shares(name)
            found = [
                ((*nodes, node), f"{words}, {said}" if words else said)
                for nodes, words in found
                for node, said in parts
            ]
            if len(found) > MOST:
                raise RequestError(f"{name!r} makes more than {MOST} shares: name fewer columns")
        asked = self.request
        return [(codec.joined(asked.where, asked.prompt, nodes), said) for nodes, said in found]

    def _possible(self, node: Any) -> bool:
        try:
            self.codec.condition(None, node)
        except RequestError:
            return False
        return True

    def _fair_shares(self, words: str) -> list[Share]:
        """The outcome with the same rates in every group: groups and outcomes as they are, but
        independent of each other."""
        groups, sign, outcome = words.partition(":")
        names = [name.strip() for name in groups.split(",")]
        if not sign or not all(names) or not outcome.strip():
            raise RequestError(
                f"fair is {words!r}: a protected column and an outcome are expected, such as "
                "sex:income"
            )
        if outcome.strip() in names:
            raise RequestError(f"fair is {words!r}: a column cannot be fair to itself")
        rows = len(self._parts(names))
        both = self._parts([*names, outcome.strip()])
        chance = np.array([self._chance(node) for node, _ in both]).reshape(rows, -1)
        if not chance.sum():
            raise RequestError("fair: no row can meet the conditions: loosen them")
        share = chance / chance.sum()
        wanted = share.sum(1, keepdims=True) * share.sum(0, keepdims=True)
        lost = (share <= 0) & (wanted > 0.5 / self.request.count)
        if lost.any():
            said = both[int(lost.ravel().argmax())][1]
            raise RequestError(
                f"fair: the model makes no rows with {said}, so rates cannot be even"
            )
        counts = _rounded(wanted.ravel() * self.request.count)
        self._note_fair(words, both, share, rows)
        return [
            Share(where=node, said=said, count=int(n), chance=float(p))
            for (node, said), n, p in zip(both, counts, chance.ravel(), strict=True)
            if n
        ]

    def _note_fair(self, words: str, both: list[Any], share: np.ndarray, rows: int) -> None:
        """What is shifted, to be told: the outcome's rates in each group before and after."""
        after = share.sum(0)
        within = share / np.maximum(share.sum(1, keepdims=True), 1e-30)
        said = [text for _, text in both]
        groups = [text.rpartition(", ")[0] for text in said[:: len(said) // rows]]
        values = [text.rpartition(", ")[2] for text in said[: len(after)]]
        self.fair = {
            "of": words,
            "before": {
                group: {v: round(float(p), 4) for v, p in zip(values, line, strict=True)}
                for group, line in zip(groups, within, strict=True)
            },
            "after": {v: round(float(p), 4) for v, p in zip(values, after, strict=True)},
            "rows_shifted": round(
                float(np.abs(share - share.sum(1, keepdims=True) * after).sum() / 2), 4
            ),
        }

    def _chance(self, node: Any) -> float:
        """Exact where all that is asked are values; else from a few candidates."""
        if not self._possible(node):
            return 0.0
        asked = replace(self.plain, where=node, count=PILOT, first=(1 << 40))
        first = first_chance(self.model, asked)
        if not self.codec.uncertain(node):
            return first
        pilot = Keeping(self.codec, asked)
        with Engine(self.model) as engine:
            generation = engine.submit(asked)
            generation.finish()
        pilot.weigh(generation)
        return first * pilot.rate[0]

    # --- drawing

    @property
    def done(self) -> bool:
        return all(keeping.done for keeping in self.keepings)

    @property
    def _now(self) -> Keeping:
        return next(keeping for keeping in self.keepings if not keeping.done)

    def next(self) -> Request:
        """The next candidates of the share that is drawn."""
        return self._now.next()

    def take(self, generation: Any) -> None:
        """Keep of these candidates what is to be kept. Any thread may do it."""
        self._now.take(generation)

    def items(self) -> Any:
        """All shares, mixed by the seed, each row with its weight where that is asked for."""
        codec = self.codec
        asked, total = self.request, self.request.count
        chances, errors = zip(*map(self._weighed, self.shares, self.keepings), strict=True)
        weights = [p * total / s.count for p, s in zip(chances, self.shares, strict=True)]
        order = np.random.default_rng([asked.seed, asked.first]).permutation(total)
        if len(self.shares) == 1:
            order = np.arange(total)
        made = codec.gathered([k.rows() for k in self.keepings], order)
        if getattr(codec, "exacting", False):
            made = codec.numbered(made, asked.seed, asked.first)
        if asked.options.weights is not None:
            each = np.repeat(weights, [share.count for share in self.shares])[order]
            made = codec.beside(made, asked.options.weights, each)
        told: dict[str, Any] = {
            "probability": float(f"{sum(chances):.4g}"),
            "standard_error": float(f"{float(np.hypot.reduce(errors)):.2g}"),
        }
        if len(self.shares) > 1:
            told["shares"] = [
                {"of": s.said, "rows": s.count, "weight": float(f"{w:.4g}")}
                for s, w in zip(self.shares, weights, strict=True)
            ]
        if self.fair is not None:
            told["fair"] = self.fair
        return codec.noted(made, told)

    def _weighed(self, share: Share, keeping: Keeping) -> tuple[float, float]:
        """The chance of a share under the model, and its standard error."""
        if share.chance is not None and not self.codec.uncertain(share.where):
            return share.chance, 0.0
        first = first_chance(self.model, replace(keeping.request, count=1))
        rate, error = keeping.rate
        return first * rate, first * error


def _rounded(wanted: np.ndarray) -> np.ndarray:
    """Whole numbers of the same sum, by the largest remainders."""
    low = np.floor(wanted + 1e-9).astype(np.int64)
    most = np.argsort(-(wanted - low), kind="stable")[: round(float(wanted.sum())) - int(low.sum())]
    low[most] += 1
    return low


def _refuse(request: Request) -> None:
    options = request.options
    if options.balance is not None and options.fair is not None:
        raise RequestError("balance and fair each decide over the shares: give one of them")
    drawing = {"temperature", "top_k", "top_p", "min_p", "repetition_penalty"}
    bent = sorted(drawing & set(options.given()))
    if bent:
        asked = next(name for name in ASKS if getattr(options, name) is not None)
        raise RequestError(
            f"{asked} is about the model's own distribution, which {', '.join(bent)} changes: "
            "leave one out"
        )


def needs_sharing(request: Request) -> bool:
    """Whether shares, or weights, are asked for."""
    return any(getattr(request.options, name) is not None for name in ASKS)


def shared(engine: Engine, request: Request) -> Any:
    """The request's items, with the engine for itself."""
    sharing = Sharing(engine.model, request)
    while not sharing.done:
        generation = engine.submit(sharing.next())
        generation.finish()
        sharing.take(generation)
    return sharing.items()
