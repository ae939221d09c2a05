"""Furniture drawn from numbers: chairs, stools, tables, benches, shelves and beds of known sizes.

Built of closed forms, so that what a model was asked for can be measured on what it made.
x is the width, y points up from the floor, z to the front; metres.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

from genloom.shape.solids import Form, Solid

Range = tuple[float, float]
Colour = tuple[int, int, int]
Sizes = Mapping[str, float]

WOODS: Mapping[str, Colour] = {
    "oak": (186, 140, 84),
    "walnut": (98, 66, 44),
    "white": (232, 230, 224),
    "black": (44, 42, 44),
    "teal": (40, 128, 130),
    "cherry": (150, 62, 44),
}
LEG = 0.09  # metres thick
BOARD = 0.08


def _box(size: tuple[float, float, float], centre: tuple[float, float, float], c: Colour) -> Solid:
    return Solid(kind="box", size=size, centre=centre, round=0.01, colour=c)


def _legs(s: Sizes, height: float, colour: Colour) -> list[Solid]:
    x, z = (s["width"] - LEG) / 2, (s["depth"] - LEG) / 2
    return [
        _box((LEG, height, LEG), (a * x, height / 2, b * z), colour)
        for a in (-1, 1)
        for b in (-1, 1)
    ]


def _top(s: Sizes, height: float, colour: Colour) -> Solid:
    return _box((s["width"], BOARD, s["depth"]), (0, height - BOARD / 2, 0), colour)


def _table(s: Sizes, colour: Colour) -> list[Solid]:
    return [_top(s, s["height"], colour), *_legs(s, s["height"] - BOARD / 2, colour)]


def _chair(s: Sizes, colour: Colour) -> list[Solid]:
    seat = s["seat height"]
    rise = s["height"] - seat + BOARD
    middle, back = s["height"] - rise / 2, -s["depth"] / 2 + BOARD / 2
    return [
        _top(s, seat, colour),
        *_legs(s, seat - BOARD / 2, colour),
        _box((s["width"], rise, BOARD), (0, middle, back), colour),
    ]


def _bench(s: Sizes, colour: Colour) -> list[Solid]:
    height = s["height"] - BOARD / 2
    x = s["width"] / 2 - 0.16
    sides = [
        _box((BOARD, height, 0.9 * s["depth"]), (a * x, height / 2, 0), colour) for a in (-1, 1)
    ]
    return [_top(s, s["height"], colour), *sides]


def _shelf(s: Sizes, colour: Colour) -> list[Solid]:
    """Two sides and boards about 0.4 m apart; open at the back."""
    x, count = (s["width"] - BOARD) / 2, max(2, round(s["height"] / 0.42))
    sides = [
        _box((BOARD, s["height"], s["depth"]), (a * x, s["height"] / 2, 0), colour) for a in (-1, 1)
    ]
    step = (s["height"] - BOARD) / count
    boards = [
        _box((s["width"] - BOARD, BOARD, s["depth"]), (0, BOARD / 2 + n * step, 0), colour)
        for n in range(count + 1)
    ]
    return [*sides, *boards]


def _bed(s: Sizes, colour: Colour) -> list[Solid]:
    """A mattress on a frame, with a board at its head."""
    lie, back = s["seat height"], -s["depth"] / 2 + BOARD / 2
    frame = _box((s["width"], lie - 0.16, s["depth"]), (0, (lie - 0.16) / 2 + 0.06, 0), colour)
    soft = (0.96 * s["width"], 0.14, 0.96 * s["depth"])
    mattress = Solid(
        kind="box", size=soft, centre=(0, lie - 0.07, 0), round=0.05, colour=(226, 226, 230)
    )
    head = _box((s["width"], s["height"], BOARD), (0, s["height"] / 2, back), colour)
    return [frame, mattress, head]


PIECES: Mapping[str, tuple[Mapping[str, Range], Callable[[Sizes, Colour], list[Solid]]]] = {
    "table": ({"width": (0.8, 1.8), "depth": (0.6, 1.0), "height": (0.68, 0.80)}, _table),
    "coffee table": ({"width": (0.7, 1.2), "depth": (0.5, 0.8), "height": (0.36, 0.50)}, _table),
    "stool": ({"width": (0.34, 0.5), "depth": (0.34, 0.5), "height": (0.42, 0.75)}, _table),
    "chair": (
        {
            "width": (0.40, 0.6),
            "depth": (0.42, 0.6),
            "height": (0.80, 1.15),
            "seat height": (0.40, 0.52),
        },
        _chair,
    ),
    "bench": ({"width": (0.9, 1.8), "depth": (0.34, 0.5), "height": (0.40, 0.52)}, _bench),
    "shelf": ({"width": (0.5, 1.2), "depth": (0.26, 0.45), "height": (0.8, 1.8)}, _shelf),
    "bed": (
        {
            "width": (0.9, 1.6),
            "depth": (1.5, 1.85),
            "height": (0.7, 1.1),
            "seat height": (0.40, 0.55),
        },
        _bed,
    ),
}


def piece(kind: str, sizes: Sizes, wood: str) -> Form:
    """A piece of furniture of these sizes. KeyError where the kind, the wood or a size is not
    known."""
    told = ", ".join(f"{name} {value:.2f}" for name, value in sizes.items())
    _, build = PIECES[kind]
    solids = tuple(build(sizes, WOODS[wood]))
    return Form(solids=solids, caption=f"{wood} {kind}, {told}", measures=dict(sizes))


def draw_furniture(count: int, seed: int) -> list[Form]:
    """The same seed draws the same pieces."""
    rng = random.Random(f"furniture {seed}")
    made = []
    for _ in range(count):
        kind = rng.choice([*PIECES])
        sizes = {name: round(rng.uniform(*span), 2) for name, span in PIECES[kind][0].items()}
        made.append(piece(kind, sizes, rng.choice([*WOODS])))
    return made
