"""Columns in any order by boosted trees: is the value above or below the middle, of what is left?

Each position is halved again and again, by the order of its values where it has one, else by how
common they are; every half is a question to boosted trees that know any subset of the other columns
(McCarter 2024, UnmaskingTrees). For tables too small for a net that descends: one that grows. Same
call as `row_model`: the running sum of one number a column is the row so far.
Shape legend: ... [B, L], L positions, V ids, Q questions of a position, n ids of a position.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.errors import UsageError
from genloom.net.attention import Attention, RunningSum, SumCache
from genloom.net.forest import Forest, grow, sized_as_stored
from genloom.net.layers import project
from genloom.spec import Spec, TokenSpec

COPIES = 10  # of each row at most, with other columns known
ROWS = 8000  # in all, where there are fewer rows
LEAST = 25  # rows of a half
PARTS = 64  # halves of a position, or so, where rows are many
SMALLEST = 16  # rows of a leaf; with 8, made rows lie nearer to those learnt from
SMALL = 1e-3  # share of the rows that an id without any counts as


@dataclass(frozen=True, kw_only=True)
class TreeModelConfig:
    """least: rows on either side of a question; fewer are not told apart."""

    least: int = LEAST


class TreeModel(nn.Module):
    """Boosted trees that say how likely each id of a position is, given any others."""

    kind: ClassVar[str] = "trees"
    carries: ClassVar[type] = TokenSpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    most_items: ClassVar[int] = 5000  # up to so many it is tried beside a net that descends
    Config = TreeModelConfig

    @staticmethod
    def refuses(spec: TokenSpec) -> str | None:
        """Why it is not to be tried with such items, or None."""
        texts = [span.name for span in spec.spans if span.kind == "words"]
        return f"column {texts[0]!r} holds texts, which trees do not learn" if texts else None

    rank: Tensor  # int32 [V], the place of each id among those of its position, as it is halved
    questions: Tensor  # int32 [Q of all positions, 4]: position, first, middle and end rank

    def __init__(self, config: TreeModelConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, TokenSpec)
        if not spec.spans or not spec.ranges:
            raise ValueError("trees predict named fields, not streams: use net transformer")
        if (why := self.refuses(spec)) is not None:
            raise UsageError(f"{why}: use net row, or --set codec.texts=0 for placeholders")
        self.config, self.spec = config, spec
        self.offset = nn.Parameter(torch.zeros(spec.vocab))
        self.forest = Forest()
        place = torch.full((spec.vocab,), spec.length, dtype=torch.long)
        for position, (low, high) in enumerate(spec.ranges):
            place[low:high] = position
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("rank", torch.zeros(spec.vocab, dtype=torch.int32))
        self.register_buffer("questions", torch.zeros(0, 4, dtype=torch.int32))
        self.register_load_state_dict_pre_hook(sized_as_stored)

    # --- what it says -----------------------------------------------------------------------------

    def forward(
        self,
        ids: Tensor,
        position: Tensor,
        attention: Attention,
        before: Tensor | None = None,
        slots: tuple[Tensor, Tensor] | None = None,
    ) -> Tensor:
        """ids [B, L] -> [B, L, 2 * positions]: the rank of what is known of each, and that it is.
        Nothing here is learnt by descent."""
        count = self.spec.length
        at = self.place[ids][..., None]  # start and padding: one place too many
        said = torch.stack((self.rank[ids].float(), torch.ones(ids.shape, device=ids.device)), -1)
        rows = torch.zeros(*ids.shape, count + 1, 2, device=ids.device)
        rows.scatter_(-2, at[..., None].expand(*at.shape, 2), said.unsqueeze(-2))
        value = rows[..., :count, :].transpose(-1, -2).flatten(-2).unsqueeze(-2)
        return attention(0, value, value, value).squeeze(-2)

    def logits(self, hidden: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        bounds = (low, self.spec.vocab if high is None else high)
        if bounds in self.spec.ranges:
            return self._of(hidden, self.spec.ranges.index(bounds))
        parts = [self._of(hidden, n) for n in range(self.spec.length)]
        first = self.offset[: self.spec.ranges[0][0]].expand(*hidden.shape[:-1], -1)
        return torch.cat((first, *parts), -1)[..., low:high]

    def _of(self, hidden: Tensor, position: int) -> Tensor:
        """float [..., n] of one position."""
        low, high = self.spec.ranges[position]
        offset = self.offset[low:high].float()
        mine = (self.questions[:, 0] == position).nonzero()[:, 0]
        if not len(mine):
            return offset.expand(*hidden.shape[:-1], -1)
        count = self.spec.length
        flat = hidden.float().reshape(-1, 2 * count)
        row = flat[:, :count].masked_fill(flat[:, count:] < 0.5, float("nan"))
        row[:, position] = 0.0
        odds = self.forest(row, int(mine[0]), int(mine[-1]) + 1)
        first, middle, end = self.questions[mine, 1:].long().unsqueeze(-1).unbind(1)
        rank = self.rank[low:high].long()
        above = ((rank >= middle) & (rank < end)).float()  # [Q, n]
        below = ((rank >= first) & (rank < middle)).float()
        said = torch.cat((F.logsigmoid(odds), F.logsigmoid(-odds)), -1)
        out = project(said, torch.cat((above, below)).T.contiguous(), offset)
        return out.reshape(*hidden.shape[:-1], -1)

    def attention(self, document: Tensor | None) -> Attention:
        return RunningSum()

    def cache(self, rows: int, capacity: int) -> SumCache:
        return SumCache.empty(rows, 2 * self.spec.length, like=self.offset)

    # --- how it grows -----------------------------------------------------------------------------

    @torch.no_grad()
    def grow(self, items: Tensor, seed: int) -> None:
        """Learn from all rows at once, long [N, L]. The same rows and seed grow the same trees."""
        rng = np.random.default_rng(seed)
        ids = items.cpu().numpy()
        least = max(self.config.least, len(ids) // PARTS)
        rank, counts = np.zeros(self.spec.vocab, np.int64), np.zeros(self.spec.vocab)
        questions, offset = [], np.zeros(self.spec.vocab)
        for position, (low, high) in enumerate(self.spec.ranges):
            counts[low:high] = np.bincount(ids[:, position] - low, minlength=high - low)
            order, parts = self._order(position, counts[low:high])
            rank[low + order] = np.arange(high - low)
            ends = [0, *np.cumsum(parts)]
            asked = halves(counts[low + order], ends, least, self._fine(position))
            questions += [(position, *one) for one in asked]
            offset[low:high] = _shares(counts[low:high], rank[low:high], asked)
        rows = rank[ids].astype(np.float64)
        grown = [self._answered(rows, one, rng, seed) for one in questions]
        self.forest.plant(grown)
        self.rank.copy_(torch.from_numpy(rank))
        self.questions = torch.tensor(questions, dtype=torch.int32).reshape(-1, 4)
        self.offset.copy_(torch.from_numpy(offset))

    def _order(self, position: int, counts: np.ndarray) -> tuple[np.ndarray, list[int]]:
        """The ids of a position as they are halved, and how many are in each of the parts that are
        told apart first: those outside of the order, then those within; else all, common first."""
        levels = self.spec.levels[position] if self.spec.levels else ()
        if not levels:
            return np.argsort(-counts, kind="stable"), [len(counts)]
        level = np.array(levels)
        outside = int((level < 0).sum())
        return np.argsort(level, kind="stable"), [outside, len(level) - outside]

    def _fine(self, position: int) -> bool:
        """Whether a position only says where in a cell a value lies: nearly the same everywhere."""
        starts = {span.start for span in self.spec.spans}
        ordered = not self.spec.levels or bool(self.spec.levels[position])
        return position not in starts and ordered  # days and hours have no order

    def _answered(
        self, rows: np.ndarray, question: tuple[int, ...], rng: np.random.Generator, seed: int
    ) -> dict[str, np.ndarray]:
        """Trees for one question, from every row that it is about, several times: in half of them
        what comes first is known, in a quarter all else, in the others any share of it."""
        position, first, middle, end = question
        times = int(np.clip(ROWS // len(rows), 2, COPIES))
        mine = (rows[:, position] >= first) & (rows[:, position] < end)
        x = np.tile(rows[mine], (times, 1))
        way, share = rng.random((len(x), 1)), rng.random((len(x), 1))
        known = rng.random(x.shape) < np.where(way < 0.75, 1.0, share)
        known = np.where(way < 0.5, np.arange(x.shape[1]) < position, known)
        known[:, position] = True  # not to be seen: the same in all rows
        yes = x[:, position] >= middle
        x[:, position] = 0.0
        return grow(np.where(known, x, np.nan), yes, SMALLEST * times, seed)


def halves(
    counts: np.ndarray, ends: list[int], least: int, parts_only: bool
) -> list[tuple[int, int, int]]:
    """Questions (first, middle, end) over ranks of ids with these counts: first which of the parts
    between `ends`, then, unless parts_only, halves of those with as many rows, down to `least`."""
    out: list[tuple[int, int, int]] = []
    below = np.concatenate(([0], np.cumsum(counts)))

    def rows(first: int, end: int) -> float:
        return float(below[end] - below[first])

    def halve(first: int, end: int) -> None:
        if end - first < 2 or rows(first, end) < 2 * least:
            return
        middles = np.arange(first + 1, end)
        gap = np.abs(below[middles] - (below[first] + below[end]) / 2)
        middle = int(middles[gap.argmin()])
        if min(rows(first, middle), rows(middle, end)) < least:
            return
        out.append((first, middle, end))
        halve(first, middle)
        halve(middle, end)

    bounds = sorted(set(ends))
    for first, end in pairwise(bounds):
        if end < bounds[-1] and rows(first, end) and rows(end, bounds[-1]):
            out.append((first, end, bounds[-1]))
        if not parts_only:
            halve(first, end)
    return out


def _shares(
    counts: np.ndarray, rank: np.ndarray, questions: list[tuple[int, int, int]]
) -> np.ndarray:
    """log of the share that each id has among those that no question tells it apart from."""
    cuts = sorted({0, len(counts), *(cut for one in questions for cut in one)})
    part = np.searchsorted(cuts, rank, "right") - 1
    held = counts + SMALL * max(1.0, counts.sum()) / len(counts)
    out: np.ndarray = np.log(held / np.bincount(part, held, minlength=len(cuts))[part])
    return out
