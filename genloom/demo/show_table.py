"""The room of tables: made rows beside real ones, each column's distribution, associations.

Knows frames and the demo's model of a table; no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from genloom.demo import gallery, plots
from genloom.demo.assets import Made, make
from genloom.demo.gallery import Room
from genloom.demo.lessons import Learnt
from genloom.metric.table import cramers_v
from genloom.spec import Request
from genloom.train.log import Listener
from genloom.trust.quality import Row, evaluate

BESIDE = 8  # rows shown of each
ASKED_ROWS = 200  # made under conditions
BINS = 5  # of a number, for associations
MOST_PLOTS = 12
MOST_PAIRED = 12  # columns whose associations are shown


def show(
    learnt: Learnt, folder: Path, seed: int, listener: Listener
) -> tuple[Room, Made, str, tuple[Any, Any]]:
    """The room, the rows made, the conditions that were tried, and (real, made) frames."""
    model: Any = learnt.model
    real, rest = model.training_items(), model.held_out_items()
    kinds = model.codec.kinds()
    where = conditions(real, kinds)
    requests = [
        Request(seed=seed, count=len(real)),
        Request(seed=seed, count=ASKED_ROWS, where=where),
    ]
    whole, asked = make(model, requests, folder / "made" / "table")
    own = whole.items
    body = _beside(real, own) + _asked(where, asked) + _distributions(real, own, kinds)
    drawn, row = _associations(real, own, rest, kinds)
    report = evaluate(model, seed=seed, listener=listener)
    room = Room(
        key="table",
        title="Table",
        lead=_lead(learnt),
        body=body + drawn,
        quality={learnt.lesson.name: (*report.rows, row)},
        records={"table: all rows": whole.record, "table: rows on conditions": asked.record},
    )
    return room, whole, where, (real, own)


def conditions(real: Any, kinds: Any) -> str:
    """On the last category and the first number: what a person might ask of this table."""
    choice = [name for name, kind in kinds.items() if kind == "choice"][-1]
    number = next(name for name, kind in kinds.items() if kind == "number")
    value = str(real[choice].value_counts().index[-1]).replace("'", "''")
    return f"{choice} = '{value}' and {number} < {real[number].quantile(0.5):.4g}"


def _lead(learnt: Learnt) -> str:
    return (
        f"{learnt.diary.items:,} rows of {learnt.data.name} ({learnt.diary.licence or 'no licence'}"
        f"), from inside a library that is installed here. Learnt in {learnt.diary.steps:,} steps "
        f"and {learnt.seconds:.0f} seconds with {learnt.model.parameters:,} weights; one model "
        "makes whole rows, rows on conditions, and fills gaps. The quality table says how many "
        "made rows equal a real one, beside how many rows that were held back do."
    )


def _beside(real: Any, own: Any) -> str:
    """As many real rows as made ones, from all over the table."""
    parts = []
    for told, frame in (("real rows", real), ("made rows", own)):
        some = frame.iloc[:: max(1, len(frame) // BESIDE)].head(BESIDE)
        parts.append(gallery.rows(told, list(some.columns), cells(some)))
    return gallery.heading("Real and made") + "".join(parts)


def cells(frame: Any) -> list[list[Any]]:
    """Plain Python values, None where there is none."""
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return [[v.item() if hasattr(v, "item") else v for v in row] for row in rows]


def _asked(where: str, asked: Made) -> str:
    frame = asked.items.head(5)
    told = f"made rows where {where}"
    return gallery.heading("On conditions") + gallery.rows(told, list(frame.columns), cells(frame))


def _distributions(real: Any, own: Any, kinds: Any) -> str:
    parts = []
    for name in list(kinds)[:MOST_PLOTS]:
        parts.append(gallery.figure(name, distribution(real[name], own[name], kinds[name])))
    keys = gallery.key(real="real", made="made")
    return gallery.heading("Columns") + keys + gallery.side_by_side(parts, "plots")


def distribution(real: Any, own: Any, kind: str) -> str:
    """A plot of one column of both tables."""
    if kind == "number":
        sides = (side.to_numpy(dtype=float, na_value=np.nan) for side in (real, own))
        return plots.numbers(str(real.name), *sides)
    texts = (
        ["missing" if v is None else str(v) for (v,) in cells(s.to_frame())] for s in (real, own)
    )
    return plots.choices(str(real.name), *texts)


# --- associations ---------------------------------------------------------------------------------


def _associations(real: Any, own: Any, rest: Any, kinds: Any) -> tuple[str, Row]:
    names = list(kinds)[:MOST_PAIRED]
    edges = {n: _edges(real[n]) for n in names if kinds[n] == "number"}
    tables = [_pairs(_codes(frame, names, edges)) for frame in (real, own, rest)]
    gaps = [_gap(tables[0], other) for other in (tables[1], np.zeros_like(tables[0]), tables[2])]
    row = Row(
        metric="association_error",
        value=gaps[0],
        floor=gaps[1],
        ceiling=gaps[2],
        note=f"mean gap of Cramér's V over all pairs of columns, numbers in {BINS} equal parts; "
        f"floor: columns that know nothing of each other; ceiling: {len(rest):,} held-out rows",
    )
    pieces = [
        gallery.figure(told, plots.associations(told, names, values))
        for told, values in zip(("real", "made"), tables[:2], strict=True)
    ]
    told = "How strongly each pair of columns hangs together (Cramér's V, numbers in fifths). "
    told += f"Mean gap {gaps[0]:.3f}; columns shuffled apart would have {gaps[1]:.3f}."
    found = gallery.heading("Pairs of columns") + gallery.note(told) + gallery.side_by_side(pieces)
    return found, row


def _edges(series: Any) -> np.ndarray:
    values = series.dropna().to_numpy(dtype=float)
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))


def _codes(frame: Any, names: list[str], edges: dict[str, np.ndarray]) -> list[np.ndarray]:
    """int64 [rows] a column; what is missing is a value of its own."""
    out = []
    for name in names:
        if name in edges:
            values = frame[name].to_numpy(dtype=float, na_value=np.nan)
            binned = np.searchsorted(edges[name], values, side="right")
            out.append(np.where(np.isnan(values), -1, binned).astype(np.int64))
        else:
            texts = ["" if v is None else str(v) for (v,) in cells(frame[[name]])]
            out.append(np.unique(texts, return_inverse=True)[1].astype(np.int64))
    return out


def _pairs(codes: list[np.ndarray]) -> np.ndarray:
    size = len(codes)
    values = np.eye(size)
    for i in range(size):
        for j in range(i):
            values[i, j] = values[j, i] = np.nan_to_num(cramers_v(codes[i], codes[j]))
    return values


def _gap(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance over pairs of unlike columns."""
    upper = np.triu_indices(len(one), 1)
    return float(np.abs(one - other)[upper].mean())
