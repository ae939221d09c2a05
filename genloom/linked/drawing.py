"""Linked tables drawn: parents first, then the children that their counts ask for, in blocks.

A child is told its owner and the row before it, draws its time, chooses among the rows that its
other links lead to, is told these, and draws the rest. What is drawn depends on the seed and on
the number of the row alone. Knows plans and models; no files.
Shape legend: N rows of a block, L positions of a row, P owners of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom.codec.table.dataframes import pandas
from genloom.engine import rows as engine
from genloom.errors import UsageError
from genloom.linked import framing
from genloom.linked.cells import Cells
from genloom.linked.choosing import Places, nearest, to_sum
from genloom.linked.keys import written
from genloom.linked.learning import anchor_of, features_of
from genloom.linked.plan import (
    AT,
    GAP,
    RANK,
    START,
    Plan,
    before,
    count_name,
    of_parent,
    which,
)
from genloom.linked.schema import Link, Table

BLOCK = 50_000  # rows drawn at a time, about
MOST_ROWS = 1 << 31
_STRIDE = 1 << 20  # numbers of rows of one owner


@dataclass(kw_only=True)
class Held:
    """A parent that was drawn: what its children are told and how many they are."""

    keys: Any
    seen: Any
    counts: dict[str, np.ndarray]
    numbers: np.ndarray
    features: np.ndarray | None = None
    scaled: set[str] = field(default_factory=set)


class Drawing:
    """One request for linked tables."""

    def __init__(self, tables: Any, seed: int) -> None:
        self.tables, self.seed = tables, seed
        self.schema, self.plans = tables.schema, tables.plans
        self._held: dict[str, Held] = {}
        self._places: dict[str, Places] = {}
        self._drawn: dict[str, int] = {}
        self._coded: dict[str, Cells] = {}

    @staticmethod
    def scale_of(tables: Any, rows: int | None, scale: float | None) -> float:
        if rows is not None and scale is not None:
            raise UsageError("rows and a scale are given: give one of them")
        if rows is not None:
            roots = [tables.plans[t.name] for t in tables.schema.tables if t.owner is None]
            drawn = [plan.rows for plan in roots if not plan.kept]
            if not drawn:
                raise UsageError("every table without a parent is kept as it is: give a scale")
            scale = rows / max(drawn)
        scale = 1.0 if scale is None else scale
        if not 0 < scale < 1e9 or (rows is not None and rows < 1):
            raise UsageError(f"rows {rows}, scale {scale}: more than 0 are expected")
        return scale

    def blocks(self, scale: float) -> Iterator[tuple[str, Any]]:
        """(table, frame) until all are drawn."""
        for table in self.schema.tables:
            plan = self.plans[table.name]
            self._drawn[table.name] = 0
            parts = []
            made = self._kept(table, scale) if plan.kept else self._rows(table, plan, scale)
            for frame, whole, numbers in made:
                yield table.name, frame
                if self.schema.children(table.name):
                    parts.append((whole, frame[table.key], numbers))
            if parts:
                self._hold(table, plan, parts)

    # --- tables without a parent ----------------------------------------------------------------

    def _kept(self, table: Table, scale: float) -> Iterator[tuple[Any, Any, np.ndarray]]:
        frame = self.tables.kept[table.name]
        plan, rng = self.plans[table.name], self._chance(table.name)
        whole = frame.copy()
        for name in plan.counts:
            grown = frame[name].to_numpy(np.float64) * scale
            whole[name] = np.floor(grown + rng.random(len(frame))).astype(np.int64)
        yield frame[list(plan.columns)], whole, np.arange(len(frame))

    def _rows(self, table: Table, plan: Plan, scale: float) -> Iterator[Any]:
        if table.owner is None:
            yield from self._roots(table, plan, max(1, round(plan.rows * scale)))
        else:
            yield from self._children(table, plan, table.owner)

    def _roots(self, table: Table, plan: Plan, count: int) -> Iterator[Any]:
        model = self.tables.models[table.name]
        for start in range(0, count, BLOCK):
            numbers = np.arange(start, min(count, start + BLOCK))
            known = self._cells(table).nothing(len(numbers))
            ids = self._complete(table, known, numbers)
            whole = model.codec.decode(ids)
            yield self._finished(table, plan, whole, {}), whole, numbers

    # --- children -------------------------------------------------------------------------------

    def _children(self, table: Table, plan: Plan, link: Link) -> Iterator[Any]:
        owner = self._held[link.parent]
        counts = owner.counts[count_name(table.name, link.column)]
        total = int(counts.sum())
        if total > MOST_ROWS:
            raise UsageError(f"{total:,} rows of {table.name} are too many: ask for fewer")
        self._ready(table, plan, total)
        for start, stop, first, last in _cut(counts):
            place = np.repeat(np.arange(start, stop), counts[start:stop])[first:last]
            rank = framing.ranks(place) + (first if stop - start == 1 else 0)
            if not len(place):
                continue
            draw = self._chain if plan.chain else self._alone
            whole, chosen = draw(table, plan, link, owner, place, rank)
            numbers = owner.numbers[place] * _STRIDE + rank
            links = {link.column: owner.keys.iloc[place].reset_index(drop=True), **chosen}
            yield self._finished(table, plan, whole, links), whole, numbers
        if not total:
            whole = self._empty(table)
            gone = {one.column: pandas().Series([], dtype=object) for one in table.links}
            yield self._finished(table, plan, whole, gone), whole, np.zeros(0, np.int64)

    def _empty(self, table: Table) -> Any:
        cells = self._cells(table)
        return cells.codec.decode(torch.zeros(0, cells.length, dtype=torch.long))

    def _ready(self, table: Table, plan: Plan, total: int) -> None:
        """The places of what each further link chooses from."""
        for choice in plan.choices:
            name = f"{table.name}.{choice.column}"
            held = self._held[choice.parent]
            counts = held.counts[count_name(table.name, choice.column)]
            counts = to_sum(counts, total, self._chance(name))
            group = np.arange(len(counts))
            if name in self.tables.middles:
                if held.features is None:
                    raise AssertionError("a parent that is chosen from has features")
                group = nearest(held.features, self.tables.middles[name].astype(np.float64))
            groups = max(choice.groups, int(group.max(initial=0)) + 1)
            self._places[name] = Places.of(group, counts, groups, self._seed(name))

    def _chain(
        self, table: Table, plan: Plan, link: Link, owner: Held, place: np.ndarray, rank: np.ndarray
    ) -> tuple[Any, dict[str, Any]]:
        """The rows of whole owners, one of each at a time."""
        cells = self._cells(table)
        numbers = owner.numbers[place] * _STRIDE + rank
        ids = cells.nothing(len(place))
        firsts = np.flatnonzero(rank == 0)
        told = framing.told_of(owner.seen, place[firsts], link.column, self._told(plan, link))
        base = cells.told(cells.nothing(len(firsts)), told)
        plain = np.full(len(place), np.nan)
        start = None
        if plan.form is not None and plan.anchor is not None:
            start = anchor_of(owner.seen[plan.anchor], plan.form)[place[firsts]]
        chosen = {c.column: np.full(len(place), -1, np.int64) for c in plan.choices}
        earlier, shown = start, None
        alive = np.arange(len(firsts))
        step = 0
        sizes = np.diff(np.append(firsts, len(place)))
        while len(alive):
            now = firsts[alive] + step
            facts: dict[str, Any] = {RANK: np.full(len(now), step)}
            facts |= {before(n): None if shown is None else shown[n] for n in plan.lags}
            if plan.form is not None:
                facts[before(AT)] = earlier
            known = cells.told(base[torch.from_numpy(alive)], facts)
            made, when = self._row(table, plan, known, numbers[now], earlier, now, chosen)
            ids[torch.from_numpy(now)] = made
            plain[now] = np.nan if when is None else when
            more = sizes[alive] > step + 1
            alive, step = alive[more], step + 1
            if len(alive):
                kept = torch.from_numpy(np.flatnonzero(more))
                shown = cells.read(made[kept], plan.lags)
                earlier = None if when is None else when[more]
        whole = cells.codec.decode(ids)
        return self._with_time(table, plan, whole, plain), self._links(table, chosen)

    def _alone(
        self, table: Table, plan: Plan, link: Link, owner: Held, place: np.ndarray, rank: np.ndarray
    ) -> tuple[Any, dict[str, Any]]:
        """Rows that follow from their owner alone, those of an owner by time."""
        cells = self._cells(table)
        some, back = np.unique(place, return_inverse=True)
        told = framing.told_of(owner.seen, some, link.column, self._told(plan, link))
        known = cells.told(cells.nothing(len(some)), told)[torch.from_numpy(back)]
        numbers = owner.numbers[place] * _STRIDE + rank
        chosen = {c.column: np.full(len(place), -1, np.int64) for c in plan.choices}
        every = np.arange(len(place))
        ids, when = self._row(table, plan, known, numbers, None, every, chosen)
        if when is not None:
            order = np.lexsort((every, when, place))
            ids, when = ids[torch.from_numpy(order)], when[order]
            chosen = {name: found[order] for name, found in chosen.items()}
        plain = np.full(len(place), np.nan) if when is None else when
        whole = cells.codec.decode(ids)
        return self._with_time(table, plan, whole, plain), self._links(table, chosen)

    def _row(
        self,
        table: Table,
        plan: Plan,
        known: Tensor,
        numbers: np.ndarray,
        earlier: np.ndarray | None,
        now: np.ndarray,
        chosen: dict[str, np.ndarray],
    ) -> tuple[Tensor, np.ndarray | None]:
        """ids long [N, L] of rows of which the told ids are known, and their times."""
        cells = self._cells(table)
        when = None
        if plan.form is not None:
            names = [n for n in (GAP, START) if n in cells.columns]
            stop = max((cells.spans[n][1] for n in names if n in cells.spans), default=0)
            known = self._complete(table, known, numbers, stop)
            when = _moment(plan, cells.read(known, names), earlier)
            known = cells.told(known, {AT: when} | framing.parts_of(plan.form, when))
        for choice in plan.choices:
            name = f"{table.name}.{choice.column}"
            group = np.zeros(len(numbers), np.int64)
            if (span := cells.spans.get(which(choice.column))) is not None:
                known = self._complete(table, known, numbers, span[1])
                words = cells.read(known, [which(choice.column)])
                group = framing.group_numbers(words[which(choice.column)])
            row = self._places[name].take(group)
            chosen[choice.column][now] = row
            held = self._held[choice.parent]
            names = [n for n in self.plans[choice.parent].seen if "/" not in n]
            known = cells.told(known, framing.told_of(held.seen, row, choice.column, names))
        return self._complete(table, known, numbers), when

    def _told(self, plan: Plan, link: Link) -> list[str]:
        """Columns of the owner that the child's model is told."""
        held = self._held[link.parent].seen
        return [name for name in held.columns if of_parent(link.column, name) in plan.told]

    # --- ids and frames -------------------------------------------------------------------------

    def _cells(self, table: Table) -> Cells:
        if table.name not in self._coded:
            self._coded[table.name] = Cells(self.tables.models[table.name].codec)
        return self._coded[table.name]

    def _complete(
        self, table: Table, known: Tensor, numbers: np.ndarray, until: int | None = None
    ) -> Tensor:
        model = self.tables.models[table.name]
        index = torch.from_numpy(numbers)
        seed = self._seed(table.name)
        return engine.completed(model, known, {}, seed, index=index, until=until)

    def _with_time(self, table: Table, plan: Plan, whole: Any, plain: np.ndarray) -> Any:
        if plan.form is not None and table.time is not None:
            series = pandas().Series(plan.form.series(plain))
            whole[table.time] = series.to_numpy() if series.dtype == object else series
        return whole

    def _links(self, table: Table, chosen: dict[str, np.ndarray]) -> dict[str, Any]:
        """Column -> keys of the rows that were chosen; missing where none was."""
        out = {}
        for link in table.links[1:]:
            row, keys = chosen[link.column], self._held[link.parent].keys
            taken = keys.iloc[np.maximum(row, 0)].reset_index(drop=True)
            if (row < 0).any():
                whole = taken.dtype.kind in "iu" and isinstance(taken.dtype, np.dtype)
                taken = (taken.astype("Int64") if whole else taken).mask(row < 0)
            out[link.column] = taken
        return out

    def _finished(self, table: Table, plan: Plan, whole: Any, links: dict[str, Any]) -> Any:
        """The table as it is written: its own columns in their order."""
        pd = pandas()
        out = {}
        start = self._drawn[table.name]
        for name in plan.columns:
            if name == table.key and plan.keys is not None and name not in links:
                numbers = np.arange(start, start + len(whole))
                out[name] = written(plan.keys, numbers)
            elif name in links:
                out[name] = _as_was(links[name], plan.dtypes[name])
            else:
                out[name] = whole[name].reset_index(drop=True)
        self._drawn[table.name] += len(whole)
        return pd.DataFrame(out)

    def _hold(self, table: Table, plan: Plan, parts: list[Any]) -> None:
        pd = pandas()
        whole = pd.concat([part[0] for part in parts], ignore_index=True)
        keys = pd.concat([part[1] for part in parts], ignore_index=True)
        counts = {
            name: np.maximum(whole[name].to_numpy(np.float64).round().astype(np.int64), 0)
            for name in plan.counts
        }
        features = None
        if table.name in self.tables.looking:
            features = features_of(self.tables.looking[table.name], whole)
        names = [n for n in (*plan.seen, *plan.counts) if n in whole.columns]
        self._held[table.name] = Held(
            keys=keys,
            seen=whole[names],
            counts=counts,
            numbers=np.arange(len(keys)),
            features=features,
        )

    # --- chance ---------------------------------------------------------------------------------

    def _seed(self, name: str) -> int:
        """Another one for each table."""
        place = 0
        for letter in name.encode():
            place = (place * 257 + letter) % (1 << 31)
        return (self.seed * 1_000_003 + place) % (1 << 62)

    def _chance(self, name: str) -> np.random.Generator:
        return np.random.default_rng(self._seed(name))


def _cut(counts: np.ndarray) -> Iterator[tuple[int, int, int | None, int | None]]:
    """Owners [start, stop) with about BLOCK rows together; of one that has more, rows [first, last)
    at a time."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        base = int(ends[start - 1]) if start else 0
        stop = int(np.searchsorted(ends, base + BLOCK, "right"))
        if stop <= start:
            for first in range(0, int(counts[start]), BLOCK):
                yield start, start + 1, first, first + BLOCK
            start += 1
            continue
        yield start, stop, 0, None
        start = stop


def _moment(plan: Plan, drawn: dict[str, Any], earlier: np.ndarray | None) -> np.ndarray:
    """float [N], when rows are: no earlier than what was before them, no later than was learnt."""
    out = drawn[START].to_numpy(np.float64) if START in drawn else None
    if earlier is not None and GAP in drawn:
        gap = np.maximum(np.nan_to_num(drawn[GAP].to_numpy(np.float64)), 0.0)
        later = np.maximum(np.minimum(earlier + gap, plan.last), earlier)
        known = ~np.isnan(earlier)
        out = later if out is None else np.where(known, later, out)
    assert out is not None
    return np.round(np.where(np.isnan(out), plan.last, out))


def _as_was(series: Any, dtype: str) -> Any:
    """As the column was typed, where that holds the values."""
    try:
        return series.reset_index(drop=True).astype(dtype)
    except (TypeError, ValueError):
        return series.reset_index(drop=True)
