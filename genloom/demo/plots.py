"""Plots as SVG, drawn from numbers: distributions of real and made values, associations, a loss.

Colours come from the page's style sheet by class, so that a plot is readable on light and on dark.
Knows arrays and names; no frame, model or page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

import numpy as np

WIDTH, HEIGHT = 320, 150  # of a distribution, in the units of its own picture
LEFT, RIGHT, TOP, FOOT = 8, 8, 8, 20  # margins
BINS = 16
MOST_CHOICES = 6
LONGEST_NAME = 22


def numbers(name: str, real: Sequence[float], made: Sequence[float]) -> str:
    """Histograms of both over the same bins: real filled, made as a line. NaN is left out."""
    one, other = (np.asarray(side, float) for side in (real, made))
    one, other = (side[np.isfinite(side)] for side in (one, other))
    if not len(one) or not len(other):
        return _svg(name, _text(WIDTH / 2, HEIGHT / 2, "no values", "middle"))
    edges, ends = _edges(one)
    shares = [
        np.histogram(np.clip(x, edges[0], edges[-1]), edges)[0] / len(x) for x in (one, other)
    ]
    peak = max(float(share.max()) for share in shares)
    step = (WIDTH - LEFT - RIGHT) / (len(edges) - 1)
    room = HEIGHT - TOP - FOOT
    parts = []
    for n, share in enumerate(shares[0]):
        tall = room * share / peak
        parts.append(_box(LEFT + n * step + 0.5, TOP + room - tall, step - 1, tall, "real"))
    line = [f"M{LEFT:.1f} {TOP + room:.1f}"]
    for n, share in enumerate(shares[1]):
        y = TOP + room - room * share / peak
        line.append(f"L{LEFT + n * step:.1f} {y:.1f}L{LEFT + (n + 1) * step:.1f} {y:.1f}")
    line.append(f"L{WIDTH - RIGHT:.1f} {TOP + room:.1f}")
    parts.append(f'<path class="made-line" d="{"".join(line)}"/>')
    parts.append(_text(LEFT, HEIGHT - 5, short(ends[0]), "start"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 5, short(ends[1]), "end"))
    return _svg(name, "".join(parts))


def _edges(values: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """A bin for each of a few whole numbers, else equal bins up to the 99th hundredth; and the
    numbers that stand at both ends."""
    distinct = np.unique(values)
    if len(distinct) <= BINS and np.all(distinct == np.round(distinct)):
        low, high = distinct[0], distinct[-1]
        if high - low <= 2 * BINS:
            return np.arange(low - 0.5, high + 1), (float(low), float(high))
    low, high = float(values.min()), float(np.quantile(values, 0.99))
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    return edges, (float(edges[0]), float(edges[-1]))


def choices(name: str, real: Sequence[str], made: Sequence[str]) -> str:
    """Shares of each category, real above made, the commonest first and the rest together."""
    shares = [{k: n / len(side) for k, n in Counter(side).items()} for side in (real, made)]
    ranked = sorted({*shares[0], *shares[1]}, key=lambda k: (-shares[0].get(k, 0), str(k)))
    shown = ranked if len(ranked) <= MOST_CHOICES else ranked[: MOST_CHOICES - 1]
    rows = [(key, *(share.get(key, 0.0) for share in shares)) for key in shown]
    if len(shown) < len(ranked):
        rest = [1 - sum(share.get(key, 0.0) for key in shown) for share in shares]
        rows.append((f"{len(ranked) - len(shown)} others", *rest))
    peak = max(max(row[1:]) for row in rows) or 1.0
    room, start = (HEIGHT - 2 * TOP) / len(rows), 92
    thick = min(9.0, room / 2 - 1)
    parts = []
    for n, (key, one, other) in enumerate(rows):
        y = TOP + (n + 0.5) * room
        wide = WIDTH - RIGHT - start
        parts.append(_text(start - 6, y + 3.5, _cut(str(key), 15), "end"))
        parts.append(_box(start, y - thick, wide * one / peak, thick, "real"))
        parts.append(_box(start, y, wide * other / peak, thick, "made"))
    return _svg(name, "".join(parts))


def associations(title: str, names: Sequence[str], values: np.ndarray) -> str:
    """A square a pair of columns, the stronger the association (0 to 1) the fuller its colour."""
    count, side, head = len(names), 26, 112
    total = head + count * side + 4
    parts = []
    for i, name in enumerate(names):
        middle = head + (i + 0.5) * side
        label = _cut(name, 16)
        parts.append(_text(head - 6, middle + 3.5, label, "end"))
        turn = f' transform="rotate(-50 {middle:.1f} {head - 6})"'
        parts.append(_text(middle, head - 6, label, "start", turn))
        for j in range(count):
            value = float(values[i, j])
            known = 0.0 if math.isnan(value) else min(1.0, max(0.0, value))
            x, y = head + j * side, head + i * side
            told = f"<title>{escape(name)} and {escape(names[j])}: {known:.2f}</title>"
            cell = _box(x, y, side - 2, side - 2, "cell", f' fill-opacity="{known:.3f}"', told)
            parts.append(_box(x, y, side - 2, side - 2, "empty") + cell)
    return _svg(title, "".join(parts), total + 50, total)


def curve(title: str, points: Sequence[tuple[float, float]], unit: str = "step") -> str:
    """A loss over the steps, smoothed over a twentieth of them, with its first and last value."""
    known = [(x, y) for x, y in points if math.isfinite(y)]
    if len(known) < 2:
        return ""
    steps, values = (np.asarray(side, float) for side in zip(*known, strict=True))
    smooth = _smooth(values, max(1, len(values) // 20))
    low, high = float(smooth.min()), float(np.quantile(smooth, 0.99))
    span = high - low or 1.0
    room, wide = HEIGHT - TOP - FOOT, WIDTH - LEFT - RIGHT
    x = LEFT + wide * (steps - steps[0]) / (steps[-1] - steps[0] or 1)
    y = TOP + room * (1 - (np.minimum(smooth, high) - low) / span)
    thin = np.unique(np.linspace(0, len(x) - 1, 160).astype(int))
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x[thin], y[thin], strict=True))
    parts = [
        f'<path class="made-line" d="M{path}"/>',
        _text(LEFT + 4, TOP + 10, f"{smooth[0]:.3g}", "start"),
        _text(WIDTH - RIGHT, float(y[-1]) - 6, f"{smooth[-1]:.3g}", "end"),
        _text(WIDTH - RIGHT, HEIGHT - 5, f"{int(steps[-1]):,} {unit}s", "end"),
    ]
    return _svg(title, "".join(parts))


def _smooth(values: np.ndarray, width: int) -> np.ndarray:
    """Mean of the `width` values up to each."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    at = np.arange(1, len(values) + 1)
    start = np.maximum(0, at - width)
    return (total[at] - total[start]) / (at - start)


def gauge(value: float, floor: float, ceiling: float) -> str:
    """Where a number lies on the way from its floor to its ceiling."""
    way = (value - floor) / (ceiling - floor) if ceiling != floor else 1.0
    way = min(1.0, max(0.0, way))
    parts = _box(0, 4, 100, 4, "empty", ' rx="2"') + _box(0, 4, 100 * way, 4, "made", ' rx="2"')
    dot = f'<circle class="made" cx="{4 + 92 * way:.1f}" cy="6" r="4"/>'
    return _svg(f"{way:.0%} of the way from floor to ceiling", parts + dot, 100, 12, "gauge")


# --- marks ----------------------------------------------------------------------------------------


def short(value: float) -> str:
    """A number as briefly as it can be read."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _cut(text: str, longest: int = LONGEST_NAME) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _svg(
    title: str, inner: str, width: float = WIDTH, height: float = HEIGHT, kind: str = "plot"
) -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(title, quote=True)}">{inner}</svg>'
    )


def _box(
    x: float, y: float, width: float, height: float, kind: str, more: str = "", inner: str = ""
) -> str:
    size = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{max(0.0, height):.1f}"'
    return f'<rect class="{kind}" {size}{more}>{inner}</rect>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {at}{more}>{escape(text)}</text>"
