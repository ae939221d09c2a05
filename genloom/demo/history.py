"""A training's losses and judgements over its steps, as a picture that stands alone: SVG.

One panel a measure, a thin line of what was logged and, of a loss, a thick one of its running mean.
Knows lines of metrics.jsonl; no model and no medium.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from genloom.demo.drawing import page, words

WIDTH, PANEL = 640, 190
LEFT, RIGHT, TOP, FOOT = 70, 20, 34, 30  # margins of a panel
FAINT, RAW, MEAN = "#dddddd", "#9db7d6", "#2563a8"
MOST_POINTS = 600  # of a line
SMOOTHED = 0.02  # of the steps, the width of the running mean
LEFT_OUT = frozenset({"time", "kind", "step", "seconds", "norm", "path"})

Line = list[tuple[float, float]]


def read(lines: Iterable[str]) -> dict[str, Line]:
    """Measure -> (step, value), in the order in which measures came; a step that was taken again
    after a stop counts as it was last. A torn last line is left out."""
    found: dict[str, dict[int, float]] = {}
    for line in lines:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, Mapping) and event.get("kind") in ("step", "judge"):
            for name, value in _numbers(event):
                found.setdefault(name, {})[int(event["step"])] = value
    return {name: sorted(values.items()) for name, values in found.items()}


def _numbers(event: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [
        (name, float(value))
        for name, value in event.items()
        if name not in LEFT_OUT
        and isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
    ]


def plot(title: str, measures: Mapping[str, Line]) -> str:
    """All measures, one below the other."""
    height = 40 + PANEL * len(measures)
    parts = [words(16, 26, title, "start", 15)]
    for n, (name, line) in enumerate(measures.items()):
        parts.append(f'<g transform="translate(0 {40 + n * PANEL})">{_panel(name, line)}</g>')
    return page(title, WIDTH, height, parts)


def _panel(name: str, line: Line) -> str:
    mean = smoothed(line)
    shown = sorted(y for _, y in line)
    low, high = shown[0], shown[min(len(shown) - 1, math.ceil(0.99 * len(shown)))]
    low, high = min(low, *(y for _, y in mean)), max(high, *(y for _, y in mean))
    high = high if high > low else low + 1
    first, last = line[0][0], max(line[-1][0], line[0][0] + 1)
    right, below = WIDTH - RIGHT, PANEL - FOOT

    def at(x: float, y: float) -> str:
        share = (min(max(y, low), high) - low) / (high - low)
        across = LEFT + (right - LEFT) * (x - first) / (last - first)
        return f"{across:.1f} {below - (below - TOP) * share:.1f}"

    parts = [words(LEFT, TOP - 10, name.replace("_", " "), "start", 13)]
    for part in (0.0, 0.5, 1.0):
        y = below - (below - TOP) * part
        parts.append(f'<path d="M{LEFT} {y:.1f}H{right}" stroke="{FAINT}"/>')
        parts.append(words(LEFT - 6, y + 4, f"{low + part * (high - low):.4g}", "end"))
    parts.append(words(LEFT, below + 18, f"step {first:,.0f}", "start"))
    parts.append(words(right, below + 18, f"{last:,.0f}", "end"))
    lines = ((line, RAW, 1), (mean, MEAN, 2)) if len(line) > len(mean) else ((line, MEAN, 2),)
    for points, colour, width in lines:
        path = "L".join(at(x, y) for x, y in thinned(points))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
    y = mean[-1][1]
    parts.append(words(right, TOP - 10, f"last {y:.4g}", "end", colour=MEAN))
    return "".join(parts)


def smoothed(line: Line) -> Line:
    """Means over neighbouring steps where there are many, else the line as it is."""
    size = round(SMOOTHED * len(line))
    if size < 2:
        return line
    groups = groupby(enumerate(line), key=lambda pair: pair[0] // size)
    return [_middle([point for _, point in group]) for _, group in groups]


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    count = len(points)
    return sum(x for x, _ in points) / count, sum(y for _, y in points) / count


def thinned(line: Line) -> Line:
    """At most MOST_POINTS, evenly, the last among them."""
    if len(line) <= MOST_POINTS:
        return line
    last = len(line) - 1
    return [line[round(n * last / (MOST_POINTS - 1))] for n in range(MOST_POINTS)]
