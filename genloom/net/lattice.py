"""Places on a lattice of rows and columns, some of them hidden, to logits for every place.

What is known of a row, and what is known next above and below it in every column, is summed into
one vector; residual blocks see neighbours ever farther away by shifting (dilated, as van den Oord
et al. 2016, section 2.1, but to both sides), a few layers of attention see all rows. What stands
next in the column may be copied: an extra weight for that id, as a pointer (See et al. 2017,
section 2.2). Rows may be any number. Knows ids and which are known; no family or medium.
Shape legend: B items, L positions, P positions before the lattice, R rows, C columns, D width, V
ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import Linear, RMSNorm, initialise
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import Spec, TokenSpec

FAR = 6  # distances are told apart by their powers of two, up to this one
SIDES = 2  # above and below


@dataclass(frozen=True, kw_only=True)
class LatticeConfig:
    """reach: the farthest shift; from 1 it doubles from block to block, then begins anew. period:
    rows after which the beat comes again (0: none). attention: layers of it behind the blocks."""

    width: int = 128
    depth: int = 8
    reach: int = 16
    expansion: float = 2.0
    attention: int = 2
    heads: int = 4
    period: int = 16
    dropout: float = 0.1


class LatticeBlock(nn.Module):
    """h + f(h, its neighbour before, its neighbour behind), `shift` rows away."""

    def __init__(self, config: LatticeConfig, shift: int) -> None:
        super().__init__()
        self.shift, self.dropout = shift, config.dropout
        self.norm = RMSNorm(config.width)
        hidden = round(config.expansion * config.width)
        self.up = Linear(3 * config.width, hidden, bias=False)
        self.down = Linear(hidden, config.width, bias=False)

    def forward(self, h: Tensor) -> Tensor:
        x, s = self.norm(h), self.shift
        wide = F.pad(x, (0, 0, s, s))
        near = torch.cat((wide[:, : x.shape[1]], x, wide[:, 2 * s :]), -1)
        out = self.down(F.relu(self.up(near)).square())
        return h + F.dropout(out, self.dropout, self.training)


class LatticeModel(nn.Module):
    """Fills in what is hidden of items that lie on a lattice."""

    kind: ClassVar[str] = "lattice"
    carries: ClassVar[type] = TokenSpec
    fills: ClassVar[frozenset[str]] = frozenset({"filler"})
    Config = LatticeConfig

    def __init__(self, config: LatticeConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, TokenSpec)
        if len(spec.lattice) != 2:
            raise ValueError(
                "a lattice net fills in items of rows and columns, which this codec has none of: "
                "use family autoregressive"
            )
        self.config, self.vocab = config, spec.vocab
        rows, self.columns = spec.lattice
        self.before = spec.length - rows * self.columns
        width, size, columns = config.width, spec.vocab + 1, self.columns
        self.embed = nn.Embedding((self.before + columns) * size, width)
        self.embed_near = nn.Embedding(SIDES * columns * size, width)
        self.embed_far = nn.Embedding(SIDES * columns * (FAR + 1), width)
        self.embed_beat = nn.Embedding(config.period, width) if config.period else None
        shifts = [1 << n for n in range(max(1, config.reach.bit_length()))]
        blocks = [LatticeBlock(config, shifts[n % len(shifts)]) for n in range(config.depth)]
        self.blocks = nn.ModuleList(blocks)
        self.transformer = self._attending() if config.attention else None
        self.norm = RMSNorm(width)
        self.head = Linear(width, columns * spec.vocab)
        self.head_copy = Linear(width, SIDES * columns)
        self.embed_hold = nn.Embedding(2 * columns * (FAR + 1) ** 2, SIDES)
        self.head_whole = Linear(width, self.before * spec.vocab) if self.before else None
        initialise(self, zero=tuple(b.down for b in blocks))
        for table in (self.embed, self.embed_near, self.embed_far):
            nn.init.normal_(table.weight, std=(3 * columns) ** -0.5)
        for part in (self.head, self.head_copy, self.head_whole):
            if part is not None:
                nn.init.zeros_(part.weight)
        nn.init.constant_(self.embed_hold.weight, 2.0)

    def _attending(self) -> Transformer:
        c = self.config
        return Transformer(
            TransformerConfig(
                width=c.width,
                depth=c.attention,
                heads=c.heads,
                expansion=c.expansion,
                dropout=c.dropout,
            )
        )

    def forward(self, ids: Tensor, known: Tensor) -> Tensor:
        """ids long and known bool [B, L] -> logits [B, L, V]."""
        seen = torch.where(known, ids, self.vocab)
        rows = seen[:, self.before :].unflatten(1, (-1, self.columns))
        sides, far = next_known(rows, self.vocab)
        h = self._entered(seen[:, : self.before], rows, sides, far)
        for block in self.blocks:
            h = block(h)
        if self.transformer is not None:
            position = torch.arange(h.shape[1], device=h.device)[None, :, None]
            h = self.transformer(h, position, FullAttention())
        h = self.norm(h)
        out = self.head(h).unflatten(2, (self.columns, self.vocab))
        out = self._copied(out, self.head_copy(h), sides, far).flatten(1, 2)
        if self.head_whole is None:
            return out
        first = self.head_whole(h.mean(1)).view(len(ids), self.before, self.vocab)
        return torch.cat((first, out), 1)

    def _entered(self, first: Tensor, rows: Tensor, sides: Tensor, far: Tensor) -> Tensor:
        """float [B, R, D]: what is known of each row, beside it, and of the whole."""
        h = _summed(self.embed, _slots(rows, self.vocab + 1, self.before))
        h = h + _summed(self.embed_near, _slots(sides.flatten(2), self.vocab + 1))
        h = h + _summed(self.embed_far, _slots(far.flatten(2), FAR + 1))
        if self.before:
            h = h + _summed(self.embed, _slots(first, self.vocab + 1))[:, None]
        if self.embed_beat is not None:
            place = torch.arange(h.shape[1], device=h.device) % self.config.period
            h = h + self.embed_beat(place)
        return h

    def _copied(self, logits: Tensor, weight: Tensor, sides: Tensor, far: Tensor) -> Tensor:
        """Logits [B, R, C, V] with a weight [B, R, 2 C] for the id next above and below, and one
        for how far these are and whether they are alike."""
        alike = (sides[:, :, 0] == sides[:, :, 1]).long()
        kind = 2 * ((FAR + 1) * far[:, :, 0] + far[:, :, 1]) + alike
        usual = self.embed_hold(_slots(kind, 2 * (FAR + 1) ** 2))
        weight = weight.unflatten(2, (SIDES, self.columns)).transpose(2, 3) + usual
        weight = weight.to(logits.dtype)
        wide = F.pad(logits, (0, 1))  # the last one for where nothing is known
        return wide.scatter_add(3, sides.transpose(2, 3), weight)[..., : self.vocab]


def _summed(table: nn.Embedding, ids: Tensor) -> Tensor:
    """float [..., D]: the sum of the rows of ids [..., C]."""
    flat = F.embedding_bag(ids.flatten(0, -2), table.weight, mode="sum")
    return flat.unflatten(0, ids.shape[:-1])


def _slots(ids: Tensor, size: int, first: int = 0) -> Tensor:
    """Each column's ids in a range of their own."""
    return ids + size * (first + torch.arange(ids.shape[-1], device=ids.device))


def next_known(rows: Tensor, unknown: int) -> tuple[Tensor, Tensor]:
    """(ids, distances) long [B, R, 2, C]: in each column what is known next above and next below,
    `unknown` where nothing is; distances by powers of two."""
    count = rows.shape[1]
    at = torch.arange(count, device=rows.device)[None, :, None].expand_as(rows)
    there = rows != unknown
    above = torch.where(there, at, -1).cummax(1).values
    below = torch.where(there, at, count).flip(1).cummin(1).values.flip(1)
    above, below = _beyond(above, at, -1), _beyond(below, at, count)
    places = torch.stack((above, below), 2)
    found = (places >= 0) & (places < count)
    wide = rows[:, :, None].expand(-1, -1, SIDES, -1)
    ids = wide.gather(1, places.clamp(0, count - 1))
    steps = (places - at[:, :, None]).abs().clamp(min=1).float().log2().long().clamp(max=FAR - 1)
    return torch.where(found, ids, unknown), torch.where(found, steps, FAR)


def _beyond(place: Tensor, at: Tensor, none: int) -> Tensor:
    """Of a place that is known itself, nothing: it needs no neighbour."""
    return torch.where(place == at, none, place)
