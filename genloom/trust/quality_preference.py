"""The protocol for models that learnt from preferences: which of two held-out answers they prefer.

Knows pairs and a model that scores ids. The floors are a coin and the rule that the shorter answer
is the better one; how much the model has moved is told beside what it preferred at the start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from genloom import api, tuning
from genloom.data.loader import evaluation
from genloom.errors import DataError, GenloomError
from genloom.metric.interval import Interval, wilson
from genloom.trust.quality import Row, Tell

LONGEST = 2_000  # pairs
COIN = 0.5


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    some = held[: count or LONGEST]
    tell("scoring both answers")
    after, sizes = likelihoods(model, dict(model.nets.items()), some)
    each = after / sizes
    shorter = _share(sizes[:, 1] - sizes[:, 0])
    rows = [
        _row("preference_accuracy", _share(each[:, 0] - each[:, 1]), "likelihood an id", shorter)
    ]
    before = _start(model)
    if before is not None:
        tell("scoring with the start")
        past, _ = likelihoods(model, before, some)
        gain = after - past
        told = _share(gain[:, 0] - gain[:, 1])
        rows.insert(0, _row("reward_accuracy", told, "gain over the start", shorter))
        at_first = past / sizes
        told = _share(at_first[:, 0] - at_first[:, 1])
        rows.append(_row("preference_accuracy_at_start", told, "likelihood an id", shorter))
    used = {"pairs": len(after), "start": "not at hand" if before is None else "at hand"}
    return rows, used


@torch.inference_mode()
def likelihoods(
    model: api.Model, nets: Mapping[str, Any], pairs: Sequence[Any]
) -> tuple[Tensor, Tensor]:
    """(log-likelihoods in nats, ids that count), float [N, 2]: chosen, rejected."""
    codec: Any = model.codec
    ids, weights = codec.encode(pairs), codec.weights(pairs)
    batches = evaluation(
        ids,
        codec.spec,
        batch=model.recipe.data.batch,
        weights=weights,
        group=codec.group,
        worth=codec.worths(pairs),
    )
    found, sizes = [], []
    for batch in batches:
        found.append(model.family.score(nets, batch.to(model.device)).cpu().double())
        sizes.append(batch.weight.sum(1).double())
    if not found:
        raise DataError(f"of {len(pairs)} pairs none has two answers within the context")
    return torch.cat(found).view(-1, 2), torch.cat(sizes).view(-1, 2)


def _start(model: api.Model) -> Mapping[str, Any] | None:
    """The nets as they were before, or None where they are no longer to be had."""
    if model.recipe.start is None:
        return None
    try:
        found = tuning.again(model.recipe.start).model
    except GenloomError:
        return None
    if found is None:
        return None
    return dict(found.nets.float().to(model.device).eval().items())


def _share(margin: Tensor) -> Interval:
    """Of margins above zero; ties are halves, rounded down."""
    hits = int((margin > 0).sum()) + int((margin == 0).sum()) // 2
    return wilson(hits, len(margin))


def _row(metric: str, told: Interval, how: str, shorter: Interval) -> Row:
    return Row(
        metric=metric,
        value=told.value,
        floor=COIN,
        ceiling=1.0,
        better="higher",
        note=f"by {how}, 95 %: {told.low:.3f} to {told.high:.3f}; floor: a coin; the shorter "
        f"answer is the better one in {shorter}",
    )
