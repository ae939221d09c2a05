"""The protocol for linked tables: integrity, children of a parent, what hangs together across links
and from row to row, each with a floor and a ceiling.

The floor are the real tables with links drawn at random, the ceiling another real sample where
there is one. Knows frames and schemas; trains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from genloom.linked.detecting import is_time
from genloom.linked.schema import Link, Schema, Table
from genloom.metric import linked as metric
from genloom.trust.quality import Row

_CHOICES = 64  # values up to which a column of texts is compared


def measure(
    schema: Schema,
    real: Mapping[str, Any],
    made: Mapping[str, Any],
    other: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> list[Row]:
    """Made against real tables. other: real ones that nothing was learnt from."""
    loose = unlinked(schema, real, seed)
    sides = {"value": made, "floor": loose} | ({} if other is None else {"ceiling": other})
    rows = []
    for table in schema.tables:
        for link in table.links:
            found = {n: _link(schema, table, link, real, side) for n, side in sides.items()}
            for name in found["value"]:
                told = {side: values[name] for side, values in found.items()}
                if name == "integrity":
                    told["floor"], told["ceiling"] = 0.0, 1.0
                rows.append(
                    Row(
                        metric=f"{name}:{table.name}.{link.column}",
                        value=told["value"],
                        floor=told["floor"],
                        ceiling=told.get("ceiling", float("nan")),
                        note=_NOTES[name],
                    )
                )
    return rows


_NOTES = {
    "integrity": "share of links that lead to a row",
    "counts_distance": "Kolmogorov-Smirnov, children of a parent; floor: links drawn at random",
    "cross_error": "mean gap of correlations between a parent's and a child's columns",
    "cross_error_max": "the greatest of them",
    "next_error": "mean gap of correlations between a row and the one before it",
}


def unlinked(schema: Schema, real: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The real rows, each leading to parents drawn at random."""
    rng = np.random.default_rng(seed)
    out = {}
    for table in schema.tables:
        frame = real[table.name].copy()
        for link in table.links:
            keys = real[link.parent][schema[link.parent].key]
            drawn = rng.integers(len(keys), size=len(frame))
            frame[link.column] = keys.iloc[drawn].to_numpy()
        out[table.name] = frame
    return out


def _link(
    schema: Schema, table: Table, link: Link, real: Mapping[str, Any], made: Mapping[str, Any]
) -> dict[str, float]:
    key = schema[link.parent].key
    assert key is not None
    counts, pairs, nexts = [], [], []
    for side in (real, made):
        child, parent = side[table.name], side[link.parent]
        counts.append(metric.children(child, link.column, parent[key]))
        pairs.append(metric.joined(child, link.column, parent, key))
        nexts.append(metric.neighbours(child, link.column, table.time))
    kinds = (_kinds(schema, link.parent, real), _kinds(schema, table.name, real))
    cross = metric.pair_errors(pairs[0], pairs[1], kinds)
    out = {
        "integrity": metric.integrity(made[table.name], link.column, made[link.parent][key]),
        "counts_distance": metric.counts_distance(counts[0], counts[1]),
        "cross_error": metric.mean(cross),
        "cross_error_max": max(cross.values(), default=float("nan")),
    }
    if link == table.owner:
        same = {n: {n: kind} for n, kind in kinds[1].items()}
        found: dict[Any, float] = {}
        for one in same.values():
            found |= metric.pair_errors(nexts[0], nexts[1], (one, one))
        out["next_error"] = metric.mean(found)
    return out


def _kinds(schema: Schema, name: str, frames: Mapping[str, Any]) -> dict[str, metric.Kind]:
    """The columns that are compared: no keys, no links, no times, no free texts."""
    table, frame = schema[name], frames[name]
    gone = {table.key, *(link.column for link in table.links)}
    out: dict[str, metric.Kind] = {}
    for column in frame.columns:
        if column in gone or is_time(frame[column]):
            continue
        numeric = frame[column].dtype.kind in "iuf"
        if numeric:
            out[column] = "number"
        elif frame[column].nunique() <= _CHOICES:
            out[column] = "choice"
    return out
