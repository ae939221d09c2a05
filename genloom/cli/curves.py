"""`genloom eval --curve`: quality against steps as a table and as a plot.

Words around `genloom.trust.curve` and `genloom.demo.curves`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.cli import output
from genloom.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from genloom.trust.curve import Curve

SUFFIXES = (".svg", ".png")


def check(plot: Path | None) -> None:
    """UsageError where a plot could not be written so."""
    if plot is not None and plot.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot is {plot}: give a file that ends with .svg or .png")


def show(found: Curve) -> None:
    """Real items first, then each number of steps."""
    names = list(found.real.metrics)
    rows: list[tuple[Any, ...]] = [("real", *found.real.metrics.values(), None)]
    rows += [(p.steps, *(p.metrics[n] for n in names), p.seconds) for p in found.points]
    output.table(("steps", *names, "seconds an item"), rows)


def draw(found: Curve, title: str, path: Path) -> None:
    """The headline metric as SVG, or PNG by its name."""
    from genloom.codec.saving import write_atomic
    from genloom.demo.curves import quality

    name = next(iter(found.real.metrics))
    points = [(p.steps or 0, p.metrics[name]) for p in found.points]
    text = quality(title, name, points, found.real.metrics[name])
    made = text.encode() if path.suffix.lower() == ".svg" else _png(text)
    write_atomic(path.expanduser(), made)


def _png(svg: str) -> bytes:
    try:
        import resvg_py
    except ImportError:
        raise MissingExtra("resvg_py", "svg") from None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=2))
