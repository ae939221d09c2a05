"""`genloom eval --curve`: quality against steps as a table and as a plot.

Words around `genloom.trust.curve` and `genloom.demo.curves`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.cli import output
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.trust.curve import Curve


def check(plot: Path | None) -> None:
    """UsageError where a plot could not be written so."""
    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"--plot is {plot}: give a file that ends with .svg")


def show(found: Curve) -> None:
    """Real items first, then each number of steps."""
    names = list(found.real.metrics)
    rows: list[tuple[Any, ...]] = [("real", *found.real.metrics.values(), None)]
    rows += [(p.steps, *(p.metrics[n] for n in names), p.seconds) for p in found.points]
    output.table(("steps", *names, "seconds an item"), rows)


def draw(found: Curve, title: str, path: Path) -> None:
    """The headline metric as SVG."""
    from genloom.codec.saving import write_atomic
    from genloom.demo.curves import quality

    name = next(iter(found.real.metrics))
    points = [(p.steps or 0, p.metrics[name]) for p in found.points]
    text = quality(title, name, points, found.real.metrics[name])
    write_atomic(path.expanduser(), text.encode())
