"""Data sets that the project draws itself, of which everything is known exactly.

One table: a name, what it holds, how it is drawn and written. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.codec.drive.files import write_lines
from genloom.codec.shape.collections import write_forms
from genloom.codec.table.frame import write_table
from genloom.datasets.drawn_series import draw_load
from genloom.datasets.moving import draw_moving, write_moving
from genloom.datasets.shop import draw_shop, write_shop
from genloom.drive.simulator import simulate_many
from genloom.errors import UsageError
from genloom.shape.drawing.cars import draw_cars
from genloom.shape.drawing.furniture import draw_furniture

MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """draw: (count, seed) -> items; write: these to a file; preset: what learns from it. ending: of
    the file, "" for a folder."""

    about: str
    preset: str
    draw: Callable[[int, int], Any]
    write: Callable[[Any, Path], Path]
    ending: str = ".jsonl"


def _table(frame: Any, path: Path) -> Path:
    write_table(frame, path, None)
    return path


TABLE: Mapping[str, Drawn] = {
    "cars": Drawn(
        about="cars of known length, wheel base, width, height and wheels",
        preset="shape",
        draw=draw_cars,
        write=write_forms,
    ),
    "furniture": Drawn(
        about="chairs, tables, shelves and beds of known sizes",
        preset="shape",
        draw=draw_furniture,
        write=write_forms,
    ),
    "driving": Drawn(
        about="driving scenes by weather, density of traffic, cut-ins and jaywalkers",
        preset="drive",
        draw=simulate_many,
        write=write_lines,
    ),
    "moving": Drawn(
        about="clips of plain shapes that move and bounce, by what, which way and how fast",
        preset="video",
        draw=draw_moving,
        write=write_moving,
        ending=".npz",
    ),
    "shop": Drawn(
        about="linked tables: so many customers, the products, and the orders",
        preset="tables",
        draw=draw_shop,
        write=write_shop,
        ending="",
    ),
    "load": Drawn(
        about="a series: so many hours of a load, a temperature and a state",
        preset="series",
        draw=draw_load,
        write=_table,
        ending=".csv",
    ),
}


def named(name: str, out: str | None) -> str:
    """The file that a data set is written to: one that says what it is, others are taken for
    texts."""
    ending = TABLE[name].ending if name in TABLE else ""
    out = out or name
    return out if out.endswith((ending, f"{ending}.gz")) else f"{out}{ending}"


def drawn(name: str, count: int, seed: int, target: Path) -> dict[str, Any]:
    """Draw a data set; what was written, and the command that learns from it."""
    found = TABLE.get(name)
    if found is None:
        known = ", ".join(f"{key} ({one.about})" for key, one in TABLE.items())
        raise UsageError(f"nothing is drawn under the name {name!r}: use {known}")
    if not 1 <= count <= MOST or seed < 0:
        raise UsageError(f"count {count} and seed {seed}: 1 to {MOST:,} and 0 or more are expected")
    path = found.write(found.draw(count, seed), target)
    return {"path": str(path), "items": count, "learn": f"genloom train {found.preset} {path}"}
