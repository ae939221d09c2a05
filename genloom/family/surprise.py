"""What a net makes of ids that are there: its states before each, and how much each surprises it.

Every objective over ids reads them here. Only ids that count as targets pass the head, and a few at
a time, so that the logits of a large vocabulary are never all in memory. Knows no objective.
Shape legend: B items, L positions of an item, N targets, V ids of a range, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from genloom.spec import Batch, TokenSpec

# Logits in memory at a time; in training those of more are computed twice. On 2 cores pieces that
# stay near the cache are faster all the same: 6144 x 4096 take 452 ms at once and 387 ms in these.
PIECE = 1 << 22
PIECE_OF_GPU = 1 << 28
AT_ONCE = 1 << 32


def states(net: Any, batch: Batch, order: Tensor | None = None) -> Tensor:
    """Hidden states, float [B, L, D]; the one at p predicts x[:, 1 + p].

    order: long [B, L], positions in the order they are predicted; None is the codec's own.
    """
    spec, x = batch.spec, batch.x
    assert isinstance(spec, TokenSpec)
    items, slots = x[:, 1:], None
    if spec.spans:
        if order is None:
            order = torch.arange(items.shape[1], device=x.device).expand_as(items)
        items = items.gather(1, order)
        slots = (F.pad(order[:, :-1] + 1, (1, 0)), order + 1)
    ids = torch.cat((x[:, :1], items[:, :-1]), 1)
    before = torch.cat((ids[:, :1], ids[:, :-1]), 1)
    document = None if batch.document is None else batch.document[:, :-1]
    position = torch.arange(ids.shape[1], device=x.device)[None, :, None]
    hidden: Tensor = net(ids, position, net.attention(document), before, slots)
    if not spec.spans:
        return hidden
    assert order is not None
    return hidden.gather(1, order.argsort(1)[..., None].expand_as(hidden))


def surprise(net: Any, batch: Batch, order: Tensor | None = None) -> Tensor:
    """-log p of each id given those before it, float [B, L]. To be read times the weight."""

    def of(low: int, high: int, target: Tensor, hidden: Tensor) -> Tensor:
        if tiled:
            out: Tensor = net.surprise(hidden, target)
            return out
        return F.cross_entropy(net.logits(hidden, low, high), target - low, reduction="none")

    spec: Any = batch.spec
    tiled = not spec.ranges and getattr(net, "tiles", False)  # pieces are its own affair
    whole = _at_once(net, batch)
    if whole is not None:
        return whole
    return each_target(batch, of, states(net, batch, order), pieces=not tiled)


def _at_once(net: Any, batch: Batch) -> Tensor | None:
    """On a GPU from one compiled piece, head and loss included, where the logits fit."""
    spec, x = batch.spec, batch.x
    assert isinstance(spec, TokenSpec)
    small = x.numel() * spec.vocab <= AT_ONCE
    packed = getattr(net, "quantized", None) is not None
    if x.device.type == "cpu" or spec.ranges or spec.spans or packed or not small:
        return None
    ids, before = x[:, :-1], torch.cat((x[:, :1], x[:, :-2]), 1)
    document = None if batch.document is None else batch.document[:, :-1]
    position = torch.arange(ids.shape[1], device=x.device)[None, :, None]
    out: Tensor = net(ids, position, net.attention(document), before, None, x[:, 1:])
    return out


def each_target(
    batch: Batch, of: Callable[..., Tensor], *states: Tensor, pieces: bool = True
) -> Tensor:
    """`of` for every id that counts, float [B, L, ...].

    of: (low, high, target [N], states [N, D] ...) -> float [N, ...] from the logits of ids low to
    high - 1. pieces: of so few targets at a time that their logits stay small.
    """
    spec, x = batch.spec, batch.x[:, 1:]
    assert isinstance(spec, TokenSpec)
    if spec.ranges:
        places = enumerate(spec.ranges)
        parts = [of(*bounds, x[:, p], *(s[:, p] for s in states)) for p, bounds in places]
        return torch.stack(parts, 1)
    counts = batch.weight[:, 1:] > 0
    every = bool(counts.all())
    rows = [t.flatten(0, 1) if every else t[counts] for t in (x, *states)]
    each = partial(of, 0, spec.vocab)
    found = _in_pieces(each, spec.vocab, rows) if pieces else each(*rows)
    if every:
        return found.unflatten(0, x.shape)
    return found.new_zeros(*x.shape, *found.shape[1:]).index_put((counts,), found)


def _in_pieces(of: Callable[..., Tensor], vocab: int, rows: list[Tensor]) -> Tensor:
    """Of all rows, few enough at a time; in training their logits are made again when needed."""
    most = PIECE if rows[0].device.type == "cpu" else PIECE_OF_GPU
    size = max(1, most // vocab)
    if len(rows[0]) <= size:
        return of(*rows)
    pieces = zip(*(t.split(size) for t in rows), strict=True)
    if not torch.is_grad_enabled():
        return torch.cat([of(*piece) for piece in pieces])
    again = partial(checkpoint, of, use_reentrant=False, preserve_rng_state=False)
    return torch.cat([again(*piece) for piece in pieces])
