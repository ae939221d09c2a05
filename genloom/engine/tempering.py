"""How sure a model of rows may be: one temperature a field, from rows that it was not taught by.

A net that has seen its rows often is surer of a field than it is right; dividing its logits by one
number mends that and changes no order (Guo et al. 2017, section 4.2). Knows rows and chances; not
what a field means. Shape legend: N rows, L positions of a row, V ids of a position.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from genloom.engine import rows
from genloom.model import Model
from genloom.spec import TokenSpec

KEY = "temperatures"  # in the card
FEWEST = 50  # rows from which a temperature says anything
MOST = 500  # rows that are looked at
TRIED = tuple(1.04**n for n in range(-18, 46))  # 0.49 to 5.8
TINY = 1e-12


def temperatures(model: Model, held: Any) -> dict[str, float]:
    """Field -> the temperature at which its value is likeliest in held-out rows, long [N, L], given
    all other fields. Empty where the model does not know fields from one another, or rows are few.
    """
    spec = model.codec.spec
    if not (isinstance(spec, TokenSpec) and getattr(model.family, "conditional", False)):
        return {}
    if not spec.spans or held is None or len(held) < FEWEST:
        return {}
    known = held[:MOST]
    out = {}
    for span in spec.spans:
        low, _ = spec.ranges[span.start]
        found = rows.chances(model, known, span.start)
        out[span.name] = round(likeliest(found, known[:, span.start] - low), 4)
    return out


def likeliest(chances: Tensor, truth: Tensor) -> float:
    """Of the temperatures tried, that under which truth, long [N], is likeliest by chances, float
    [N, V]."""
    logits = chances.clamp(min=TINY).log()
    right = logits.gather(1, truth[:, None])[:, 0]
    losses = [float(((logits / t).logsumexp(1) - right / t).mean()) for t in TRIED]
    return TRIED[min(range(len(TRIED)), key=losses.__getitem__)]


def tempered(chances: Tensor, temperature: float) -> Tensor:
    """Chances [N, V] at a temperature."""
    return (chances.clamp(min=TINY).log() / temperature).softmax(-1)


def of_field(model: Model, name: str) -> float:
    """The temperature that the model's card has for a field; 1 where it has none."""
    return float(dict(model.card.get(KEY) or {}).get(name, 1.0))
