"""From tables to what their models learn: one frame and one plan a table, parents first.

Joins frames, plans and groups; trains nothing. See `framing` for what a column is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from genloom.codec.table.codec import TableCodec
from genloom.codec.table.columns import CategoryColumn
from genloom.codec.table.dataframes import pandas
from genloom.codec.table.number_column import NumberColumn
from genloom.errors import DataError
from genloom.linked import choosing, framing
from genloom.linked.detecting import is_time
from genloom.linked.keys import learn_keys
from genloom.linked.plan import AT, FILLER, RANK, Choice, Plan, before, of_parent, which
from genloom.linked.schema import Link, Schema, Table

FEW = 30  # rows of a parent below which it stays as it is
MOST = 200_000  # rows that a table's model learns from


@dataclass(kw_only=True)
class Lesson:
    """frame: what a model learns, None where the table is kept."""

    plan: Plan
    frame: Any


@dataclass(kw_only=True)
class Learner:
    """frames as they are, without orphans. seed: of what is sampled of large tables."""

    schema: Schema
    frames: Mapping[str, Any]
    seed: int = 0
    plans: dict[str, Plan] = field(default_factory=dict)
    middles: dict[str, np.ndarray] = field(default_factory=dict)
    codecs: dict[str, TableCodec] = field(default_factory=dict)  # of parents that are chosen from
    _whole: dict[str, Any] = field(default_factory=dict)
    _groups: dict[str, np.ndarray] = field(default_factory=dict)

    def lesson(self, name: str) -> Lesson:
        """Of one table; its parents' must have been asked for before."""
        table, frame = self.schema[name], self.frames[name].reset_index(drop=True)
        keys = {table.key, *(link.column for link in table.links)} - {None}
        plan = Plan(
            rows=len(frame),
            columns=tuple(map(str, frame.columns)),
            dtypes={str(c): str(frame[c].dtype) for c in frame.columns},
            own=tuple(c for c in frame.columns if c not in keys and c != table.time),
            seen=(),
            keys=None if table.key is None else learn_keys(frame[table.key]),
        )
        counts = framing.counts_of(self.frames, self.schema, name)
        plan = replace(plan, counts=tuple(counts))
        if not table.links and counts and len(frame) < FEW:
            plan = replace(plan, kept=True, seen=_seen(frame, plan.own, table.time))
            self._remember(name, plan, frame.assign(**counts))
            return Lesson(plan=plan, frame=None)
        if table.owner is None:
            out = frame[list(plan.own)].assign(**counts)
            plan = replace(plan, seen=_seen(frame, plan.own, None))
        else:
            out, plan = self._child(table, frame, plan, counts)
        if not _learnable(out, plan.told):
            out[FILLER] = np.where(np.arange(len(out)) % 2, "a", "b")
        whole = out
        out = self._sampled(table, frame, out) if len(out) > MOST else out
        self._remember(name, plan, whole)
        out = out.drop(columns=[table.time], errors="ignore")  # it is drawn as the gap before it
        return Lesson(plan=plan, frame=out.reset_index(drop=True))

    def _child(
        self, table: Table, frame: Any, plan: Plan, counts: Mapping[str, np.ndarray]
    ) -> tuple[Any, Plan]:
        """The frame in the order of `frame`, whatever order rows follow each other in."""
        pd = pandas()
        owner = table.owner
        assert owner is not None
        of, parent = self.plans[owner.parent], self._whole[owner.parent]
        place = framing.rows_of(frame[owner.column], self._keys(owner))
        form = None if table.time is None else framing.time_form(frame[table.time])
        plain = None if form is None else form.plain(frame[table.time])
        chain = framing.chained(self.frames, table, of.rows)
        order = framing.in_order(frame, place, plain) if chain else np.arange(len(frame))
        frame, place = frame.iloc[order].reset_index(drop=True), place[order]
        plain = None if plain is None else plain[order]
        rank = framing.ranks(place) if chain else np.zeros(len(frame), np.int64)
        parts: dict[str, Any] = framing.told_of(parent, place, owner.column, of.seen)
        counted = [c for c in of.counts if c == f"#{table.name}.{owner.column}"]
        parts |= framing.told_of(parent, place, owner.column, counted)
        told, lags, own = list(parts), [], {}
        chosen, choices = self._chosen(table, frame)
        if chain:
            lags = [*_seen(frame, plan.own, None), *(which(c.column) for c in choices)]
            looked = frame.assign(**{k: v for k, v in chosen.items() if k in lags})
            parts |= {RANK: rank} | framing.lagged(looked, rank, lags)
            told += [RANK, *(before(name) for name in lags)]
        anchor = None
        if plain is not None and form is not None:
            anchor = self._anchor(owner, place, rank, plain, form) if chain else None
            earlier = None if anchor is None else anchor[1]
            columns, at = framing.times(plain, rank, earlier)
            if not chain:
                columns = {framing.START: plain}
            else:
                parts[before(AT)] = at
                told.append(before(AT))
            own |= columns
            later = {AT: plain} | framing.parts_of(form, plain)
            own |= later
            told += list(later)
        for choice in choices:
            own[which(choice.column)] = chosen[which(choice.column)]
            seen = {k: v for k, v in chosen.items() if k.startswith(f"{choice.column}/")}
            seen.pop(which(choice.column))
            own |= seen
            told += list(seen)
        own |= {name: frame[name] for name in plan.own}
        own |= {name: values[order] for name, values in counts.items()}
        out = pd.DataFrame(parts | own)
        if plain is not None:
            out[table.time] = frame[table.time]
        out = out.iloc[np.argsort(order)].reset_index(drop=True)
        told = [name for name in told if name in out.columns]
        above = [of_parent(owner.column, name) for name in of.seen]
        seen_own = _seen(out, (*plan.own, *above), table.time)
        plan = replace(
            plan,
            told=tuple(told),
            chain=chain,
            lags=tuple(lags),
            form=form,
            anchor=None if anchor is None else anchor[0],
            last=0.0 if plain is None else float(np.nanmax(plain)),
            choices=tuple(choices),
            seen=seen_own,
        )
        return out, plan

    def _chosen(self, table: Table, frame: Any) -> tuple[dict[str, Any], list[Choice]]:
        """Groups and seen columns of the rows that further links lead to."""
        out: dict[str, Any] = {}
        choices = []
        for link in table.links[1:]:
            group = self._group(table, link)
            place = framing.rows_of(frame[link.column], self._keys(link))
            out |= framing.groups_told(link.column, np.where(place < 0, -1, group[place]))
            seen = [n for n in self.plans[link.parent].seen if "/" not in n]
            out |= framing.told_of(self._whole[link.parent], place, link.column, seen)
            groups = int(group.max(initial=0)) + 1
            choices.append(Choice(column=link.column, parent=link.parent, groups=groups))
        return out, choices

    def _group(self, table: Table, link: Link) -> np.ndarray:
        """int64 [N] of a parent's rows."""
        if self.plans[link.parent].kept:
            return np.arange(self.plans[link.parent].rows)
        name = f"{table.name}.{link.column}"
        if link.parent not in self._groups:
            whole, plan = self._whole[link.parent], self.plans[link.parent]
            self.codecs[link.parent] = _looking(whole[columns_of(plan, whole)])
            self._groups[link.parent] = features_of(self.codecs[link.parent], whole)
        found = self._groups[link.parent]
        self.middles[name] = choosing.fit_groups(found, self.seed)
        return choosing.nearest(found, self.middles[name])

    def _anchor(
        self, owner: Link, place: np.ndarray, rank: np.ndarray, plain: np.ndarray, form: Any
    ) -> tuple[str, np.ndarray] | None:
        """A date of the owner that no row comes before, as this table counts times."""
        parent = self._whole[owner.parent]
        for name in (n for n in self.plans[owner.parent].seen if "/" not in n):
            if not is_time(parent[name]) or parent[name].isna().any():
                continue
            date = anchor_of(parent[name], form)[place]
            if framing.anchored(plain, rank, date):
                return name, date
        return None

    def _sampled(self, table: Table, frame: Any, out: Any) -> Any:
        """Rows of owners that are drawn, so many as are learnt from."""
        rng = np.random.default_rng(self.seed)
        if table.owner is None or RANK not in out.columns:
            return out.iloc[np.sort(rng.choice(len(out), MOST, replace=False))]
        codes, found = pandas().factorize(frame[table.owner.column])
        rank = rng.permutation(len(found))
        held = np.bincount(codes, minlength=len(found))
        enough = np.cumsum(held[np.argsort(rank)]) <= MOST
        chosen = np.zeros(len(found), bool)
        chosen[np.argsort(rank)[enough]] = True
        return out[chosen[codes]]

    def _keys(self, link: Link) -> Any:
        parent = self.schema[link.parent]
        return self.frames[link.parent][parent.key]

    def whole(self, name: str) -> Any:
        """All rows of a table with what they are told and how many children they have."""
        return self._whole[name]

    def _remember(self, name: str, plan: Plan, whole: Any) -> None:
        self.plans[name] = plan
        self._whole[name] = whole


def anchor_of(series: Any, form: Any) -> np.ndarray:
    """float64 [N], moments of a parent as a child's times are counted."""
    own = framing.time_form(series)
    other = framing.seconds(own, own.plain(series))
    return np.asarray(other / framing.seconds(form, np.ones(1))[0])


def columns_of(plan: Plan, frame: Any) -> list[str]:
    """What groups of a parent's rows are told by."""
    return [name for name in (*plan.own, *plan.counts) if name in frame.columns]


def _looking(frame: Any) -> TableCodec:
    """A codec that sees rows as points."""
    codec = TableCodec(texts=0)
    try:
        codec.fit(frame)
    except DataError:
        codec.fit({FILLER: ["a", "b"] * 20})
    return codec


def features_of(codec: TableCodec, frame: Any) -> np.ndarray:
    """float32 [N, F] of a parent's rows, as a codec of tables sees them."""
    if all(column.name not in frame.columns for column in codec.columns):
        return np.zeros((len(frame), 1), np.float32)
    found: np.ndarray = codec.features(frame).numpy()
    return found


def _seen(frame: Any, columns: Any, time: str | None) -> tuple[str, ...]:
    """Columns that a model can learn anything from, as many as children are told."""
    out = [time] if time is not None else []
    for name in columns:
        if name in frame.columns and _tells(frame[name]):
            out.append(name)
    return tuple(out[: framing.MOST_SEEN])


def _tells(series: Any) -> bool:
    codec = TableCodec(texts=0)
    try:
        codec.fit(series.head(20_000).to_frame())
    except DataError:
        return False
    return any(isinstance(c, NumberColumn | CategoryColumn) for c in codec.columns)


def _learnable(frame: Any, told: Any) -> bool:
    own = [c for c in frame.columns if c not in told]
    return any(_tells(frame[c]) for c in own)
