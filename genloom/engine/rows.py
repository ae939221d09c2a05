"""Rows of which some fields are known: the others drawn, or the chances of one field told.

A family that learns any order of the fields knows p(field | any others) exactly, one field at a
time; so each row may lack other fields than its neighbour. Rows that lack as many positions go
through the net together. Knows families and nets; not what a field means.
Shape legend: N rows, L positions of a row, V ids of a position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from genloom.errors import UsageError
from genloom.family.base import Samples
from genloom.model import Model
from genloom.spec import Encoded, Rules, TokenSpec

TOGETHER = 4096  # rows of one call
OPEN = -1


def fields_of(model: Model) -> TokenSpec:
    """The spec of a model whose fields can be asked in any order. UsageError of any other."""
    spec, family = model.codec.spec, model.family
    able = isinstance(spec, TokenSpec) and spec.spans and getattr(family, "conditional", False)
    if not able:
        raise UsageError(
            f"{model.recipe.name} does not know its fields from one another: give a model of rows "
            "that was trained in any order of its columns (genloom train table)"
        )
    assert isinstance(spec, TokenSpec)
    return spec


def completed(
    model: Model,
    known: Tensor,
    allowed: Mapping[int, Tensor],
    seed: int = 0,
    heard: Callable[[int], None] = lambda done: None,
    index: Tensor | None = None,
    until: int | None = None,
    rules: Rules | None = None,
) -> Tensor:
    """known long [N, L], OPEN where an id is to be drawn -> long [N, L]. allowed: position -> bool
    [V], which ids may be drawn there, and rules beside which others. What is drawn depends on the
    seed, on the row's number and on what is known of the row. heard: told how many rows are done.
    index: long [N], numbers of the rows in place of their places. until: what is open from this
    position on stays OPEN."""
    spec = fields_of(model)
    out = known.clone()
    done = int((known != OPEN).all(1).sum())
    for rows in _alike(known):
        if bool((known[rows] != OPEN).all()):
            continue
        numbers = rows if index is None else index[rows]
        out[rows] = _drawn(model, spec, known[rows], numbers, allowed, seed, until, rules)
        done += len(rows)
        heard(done)
    return out


def _drawn(
    model: Model,
    spec: TokenSpec,
    known: Tensor,
    rows: Tensor,
    allowed: Mapping[int, Tensor],
    seed: int,
    until: int | None,
    rules: Rules | None,
) -> Tensor:
    asked = Encoded(seed=seed, index=rows, known=known, allowed=allowed, rules=rules)
    steps = int((known[0, :until] == OPEN).sum())  # in the codec's order they come first
    family, nets = model.family, dict(model.nets.items())
    with torch.inference_mode():
        samples = family.start(nets, spec, asked)
        assert isinstance(samples, Samples)
        cache = family.cache(nets, samples)
        for _ in range(steps):
            family.step(nets, samples, cache)
        found: Any = family.result(samples, spec)
    made: Tensor = found
    return made if until is None else torch.where(_before(until, spec), made, known)


def _before(until: int, spec: TokenSpec) -> Tensor:
    return torch.arange(spec.length) < until


def chances(model: Model, known: Tensor, place: int) -> Tensor:
    """float [N, V]: the probability of each id at one position, given what is known of each row,
    long [N, L]; what is known of that field itself is not looked at."""
    spec = fields_of(model)
    family: Any = model.family
    nets = dict(model.nets.items())
    low, high = spec.ranges[place]
    field = next(span for span in spec.spans if span.start <= place < span.stop)
    known = known.clone()
    known[:, place : field.stop] = OPEN
    out = torch.empty(len(known), high - low)
    for rows in _alike(known):
        with torch.inference_mode():
            out[rows] = family.chances(nets, spec, known[rows], place)
    return out


def _alike(known: Tensor) -> Iterator[Tensor]:
    """Numbers of rows of which as many positions are known, in parts of TOGETHER."""
    counts = (known != OPEN).sum(1)
    for count in counts.unique().tolist():
        yield from (counts == count).nonzero()[:, 0].split(TOGETHER)
