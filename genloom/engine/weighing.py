"""How probable conditions are under a model of rows.

What is known, and the first field that is restricted, have exact chances; what the rest lets
through is the mean over candidates, which `Keeping` counts as it draws. Knows families and nets; no
column. Shape legend: L positions of a row, V ids of a position.
"""

from __future__ import annotations

from typing import Any

import torch

from genloom.engine import rows
from genloom.engine.requests import encode
from genloom.model import Model
from genloom.spec import Request


def first_chance(model: Model, request: Request) -> float:
    """The probability of what the request's conditions fix, times that which they allow of the
    first field they restrict. RequestError where no row can meet them; UsageError of a model whose
    fields have one order."""
    spec, family = rows.fields_of(model), model.family
    asked = encode(model, request)
    if asked.known is None and not asked.allowed:
        return 1.0
    order: Any = getattr(family, "given_first")(spec, asked)[0]  # noqa: B009 - not in the protocol
    drawn = torch.full((1, spec.length), rows.OPEN)
    chance = 1.0
    for place in order.tolist():
        fixed = int(asked.known[place]) if asked.known is not None else rows.OPEN
        if fixed == rows.OPEN and place not in asked.allowed:
            break
        share = rows.chances(model, drawn, place)[0]
        rule = None if asked.rules is None else asked.rules.mask(place, drawn)
        if rule is not None:
            share = share * rule[0] / (share * rule[0]).sum().clamp(min=1e-30)
        if fixed == rows.OPEN:
            return chance * float(share[asked.allowed[place]].sum())
        chance *= float(share[fixed - spec.ranges[place][0]])
        drawn[0, place] = fixed
    return chance
