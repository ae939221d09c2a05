"""How likely a model finds sequences and their variants: log-likelihood in nats.

Asks the codec how a sequence may be read (forwards, backwards, the other strand) and takes the mean
over these. Knows tensors and batches; no letter, file or screen.
Shape legend: N items, L ids of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from genloom.data.loader import evaluation
from genloom.errors import RequestError
from genloom.model import Model

IDS = 16_384  # of a batch


@dataclass(frozen=True)
class Likelihood:
    """nats: log p of the letters; letters: how many counted."""

    nats: float
    letters: int

    @property
    def perplexity(self) -> float:
        return math.exp(-self.nats / self.letters) if self.letters else float("nan")


def able(model: Model) -> bool:
    """Whether the codec says how its items may be read."""
    return hasattr(model.codec, "readings")


def likelihoods(
    model: Model,
    items: Sequence[Any],
    *,
    every: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> list[Likelihood]:
    """Of each item, the parts of a long one added up. every: the mean over all its readings, not
    the first alone. tell hears how many pieces are done."""
    codec: Any = model.codec
    if not able(model):
        raise RequestError(
            f"a model of {codec.kind} does not score variants: give a model of sequences"
        )
    pieces, owner, share = [], [], []
    for number, one in enumerate(items):
        ways = codec.readings(one) if every else codec.readings(one)[:1]
        for way in ways:
            pieces += way
            owner += [number] * len(way)
            share += [1.0 / len(ways)] * len(way)
    nats, letters = [0.0] * len(items), [0.0] * len(items)
    for n, (told, counted) in enumerate(_scored(model, pieces, tell)):
        nats[owner[n]] += share[n] * told
        letters[owner[n]] += share[n] * counted
    return [Likelihood(a, round(b)) for a, b in zip(nats, letters, strict=True)]


@torch.inference_mode()
def _scored(
    model: Model, pieces: Sequence[Any], tell: Callable[[int], None]
) -> list[tuple[float, float]]:
    """(log p of the letters, how many) of each piece. Those of one length share a batch."""
    codec: Any = model.codec
    nets: Any = model.nets
    out = [(0.0, 0.0)] * len(pieces)
    weights = [_letters_alone(one) for one in codec.weights(pieces)]
    told_of = [n for n, one in enumerate(weights) if float(one.sum()) > 0]
    order = sorted(told_of, key=lambda n: len(pieces[n]))
    done = 0
    while done < len(order):
        longest = len(pieces[order[min(len(order) - 1, done + 63)]]) + 16
        some = order[done : done + max(1, IDS // longest)]
        mine = [pieces[n] for n in some]
        counts = [weights[n] for n in some]
        batches = evaluation(codec.encode(mine), codec.spec, batch=len(mine), weights=counts)
        for batch in batches:
            told = model.family.score(nets, batch.to(model.device)).double().tolist()
            for n, nat, row in zip(some, told, batch.weight.sum(1).tolist(), strict=True):
                out[n] = (nat, row)
        done += len(some)
        tell(done)
    return out


def _letters_alone(weight: torch.Tensor) -> torch.Tensor:
    """Without the end of an item, so that pieces compare with wholes."""
    out = weight.clone()
    out[-1] = 0.0
    return out


def gains(
    model: Model,
    wild: Any,
    others: Sequence[Any],
    *,
    tell: Callable[[int], None] = lambda done: None,
) -> list[float]:
    """log p(variant) - log p(wild) of each, nats, over all readings of the window in which they
    differ: above 0 the model finds the variant likelier. A wild one of other length counts for as
    many letters as the variant has, so that none gains by being shorter alone."""
    codec: Any = model.codec
    if not able(model):
        raise RequestError(
            f"a model of {codec.kind} does not score variants: give a model of sequences"
        )
    pairs = [codec.beside(wild, one) for one in others]
    firsts = list(dict.fromkeys(a for a, _ in pairs))
    place = {one: n for n, one in enumerate(firsts)}
    told = likelihoods(model, [*firsts, *(b for _, b in pairs)], every=True, tell=tell)
    base, rest = told[: len(firsts)], told[len(firsts) :]
    wilds = [base[place[a]] for a, _ in pairs]
    return [
        one.nats - first.nats * one.letters / max(1, first.letters)
        for first, one in zip(wilds, rest, strict=True)
    ]
