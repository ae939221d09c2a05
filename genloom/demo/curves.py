"""Quality against steps as a picture that stands alone: SVG, its colours in the file itself.

Both axes are logarithmic: distances and steps go by factors. Knows numbers and names; no model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from genloom.demo.drawing import page, words

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, FOOT = 64, 24, 40, 48  # margins
FAINT, MADE, REAL = "#cccccc", "#2563a8", "#2f7d4f"
LEAST = 1e-6  # a distance may be zero or, unbiased, below it


def quality(
    title: str, metric: str, points: Sequence[tuple[int, float]], real: float | None = None
) -> str:
    """(steps, distance) as a line with its numbers; real: of real items against real ones."""
    values = [max(y, LEAST) for _, y in points] + ([] if real is None else [max(real, LEAST)])
    low, high = min(values) / 1.3, max(values) * 1.3
    steps = [x for x, _ in points]
    ends = (min(steps), max(max(steps), min(steps) + 1))

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * _share(x, *ends)

    def up(y: float) -> float:
        return HEIGHT - FOOT - (HEIGHT - TOP - FOOT) * _share(max(y, LEAST), low, high)

    parts = [words(LEFT, 20, title, "start", 14)]
    for tick in _ticks(low, high):
        parts.append(_line(LEFT, up(tick), WIDTH - RIGHT, up(tick), FAINT))
        parts.append(words(LEFT - 6, up(tick) + 4, f"{tick:g}", "end"))
    for x in steps:
        parts.append(words(across(x), HEIGHT - FOOT + 18, str(x), "middle"))
    if real is not None:
        parts.append(
            _line(LEFT, up(real), WIDTH - RIGHT, up(real), REAL, ' stroke-dasharray="5 4"')
        )
        told = f"real against real {real:.3g}"
        parts.append(words(WIDTH - RIGHT, up(real) + 14, told, "end", colour=REAL))
    path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in points)
    parts.append(f'<path d="M{path}" fill="none" stroke="{MADE}" stroke-width="2"/>')
    for x, y in points:
        parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{MADE}"/>')
        parts.append(words(across(x), up(y) - 9, f"{y:.3g}", "middle", colour=MADE))
    parts.append(words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "steps", "middle"))
    parts.append(words(WIDTH - RIGHT, 20, metric.replace("_", " "), "end"))
    return page(title, WIDTH, HEIGHT, parts)


def _share(value: float, low: float, high: float) -> float:
    """Where it lies between both by factors, 0 to 1."""
    return math.log(value / low) / math.log(high / low)


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten within the range; the powers alone where it is wide."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if last - first <= 3 else (1,)
    every = (step * 10.0**power for power in range(first, last + 1) for step in steps)
    return [tick for tick in every if low <= tick <= high]


def _line(x: float, y: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    at = f'x1="{x:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {at} stroke="{colour}"{more}/>'
