"""Cars drawn from numbers: length, wheel base, width, roof line and the rest are known exactly.

A style gives proportions, a seed draws within them. Built of closed forms, so that a car is the
same at any resolution, and what a model was asked for can be measured on what it made.
x points forward, y up from the ground, z to the right; metres.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from genloom.errors import DataError
from genloom.shape.solids import Form, Solid

Range = tuple[float, float]
Outline = tuple[tuple[float, float], ...]

COLOURS = {
    "red": (196, 30, 44),
    "blue": (36, 78, 176),
    "green": (34, 120, 66),
    "yellow": (232, 190, 44),
    "white": (236, 236, 232),
    "black": (34, 34, 38),
    "silver": (168, 174, 182),
    "orange": (224, 112, 34),
}
GLASS, RUBBER = (96, 128, 150), (24, 24, 26)
BELT = 0.55  # of the height, where glass begins
TYRE = 0.24  # metres wide
ROOF = 0.06  # metres of the roof above the glass
PROUD = 0.03  # metres that wheels stand out on each side
NAMES = ("length", "wheel base", "width", "height", "wheel")  # measures of a caption, in its order


@dataclass(frozen=True, kw_only=True)
class Style:
    """Ranges in metres, and where along the car the cabin's four corners are: foot of the
    windscreen, front and back of the roof, foot of the rear window, from 0 at the back to 1."""

    length: Range
    base: Range  # of the length
    width: Range
    height: Range
    wheel: Range
    cabin: tuple[float, float, float, float]
    bonnet: float  # height of the nose, of the belt's


STYLES: Mapping[str, Style] = {
    "sedan": Style(
        length=(4.2, 5.1),
        base=(0.57, 0.61),
        width=(1.70, 1.95),
        height=(1.38, 1.55),
        wheel=(0.60, 0.68),
        cabin=(0.72, 0.56, 0.34, 0.18),
        bonnet=0.86,
    ),
    "hatchback": Style(
        length=(3.5, 4.4),
        base=(0.59, 0.64),
        width=(1.60, 1.82),
        height=(1.42, 1.58),
        wheel=(0.56, 0.66),
        cabin=(0.76, 0.58, 0.16, 0.02),
        bonnet=0.84,
    ),
    "coupe": Style(
        length=(4.1, 4.8),
        base=(0.56, 0.60),
        width=(1.75, 1.98),
        height=(1.22, 1.38),
        wheel=(0.62, 0.72),
        cabin=(0.66, 0.50, 0.38, 0.12),
        bonnet=0.82,
    ),
    "suv": Style(
        length=(4.2, 5.1),
        base=(0.57, 0.62),
        width=(1.80, 2.00),
        height=(1.62, 1.85),
        wheel=(0.70, 0.80),
        cabin=(0.74, 0.60, 0.10, 0.03),
        bonnet=0.92,
    ),
    "van": Style(
        length=(4.4, 5.3),
        base=(0.58, 0.65),
        width=(1.80, 2.00),
        height=(1.80, 2.10),
        wheel=(0.62, 0.72),
        cabin=(0.94, 0.80, 0.02, 0.01),
        bonnet=0.96,
    ),
    "pickup": Style(
        length=(4.8, 5.4),
        base=(0.58, 0.64),
        width=(1.80, 2.00),
        height=(1.68, 1.88),
        wheel=(0.72, 0.82),
        cabin=(0.74, 0.61, 0.46, 0.41),
        bonnet=0.92,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Car:
    """style: one of STYLES; lengths in metres; colour: one of COLOURS."""

    style: str
    length: float
    base: float
    width: float
    height: float
    wheel: float
    colour: str

    def __post_init__(self) -> None:
        if self.style not in STYLES or self.colour not in COLOURS:
            raise DataError(
                f"a {self.colour} {self.style}: use one of {', '.join(COLOURS)} and of "
                f"{', '.join(STYLES)}"
            )
        if not 0 < self.base < self.length - self.wheel or self.height <= self.wheel:
            raise DataError(
                f"a car of length {self.length} and height {self.height} cannot have wheel base "
                f"{self.base} and wheels of {self.wheel}: the wheels have to lie within it"
            )

    @property
    def measures(self) -> dict[str, float]:
        return dict(
            zip(
                NAMES,
                (self.length, self.base, self.width, self.height, self.wheel),
                strict=True,
            )
        )

    @property
    def caption(self) -> str:
        told = ", ".join(f"{name} {value:.2f}" for name, value in self.measures.items())
        return f"{self.colour} {self.style}, {told}"

    def form(self) -> Form:
        """Body, cabin and four wheels."""
        style, half = STYLES[self.style], self.length / 2
        floor, belt = 0.42 * self.wheel, BELT * self.height

        def at(share: float) -> float:
            return share * self.length - half

        nose = floor + style.bonnet * (belt - floor)
        body: Outline = (
            (-half, floor + 0.06),
            (-half + 0.10, floor),
            (half - 0.16, floor),
            (half, floor + 0.10),
            (half, nose - 0.14),
            (half - 0.18, nose),
            (at(style.cabin[0]), belt),
            (-half + 0.06, belt),
            (-half, belt - 0.08),
        )
        foot, front, back, rear = map(at, style.cabin)
        cabin: Outline = (
            (foot, belt - 0.05),
            (front, self.height - ROOF),
            (back, self.height - ROOF),
            (rear, belt - 0.05),
        )
        roof: Outline = (
            (front + 0.06, self.height - ROOF - 0.08),
            (front - 0.06, self.height),
            (back + 0.06, self.height),
            (back - 0.06, self.height - ROOF - 0.08),
        )
        paint = COLOURS[self.colour]
        inner = 0.88 * self.width
        solids = [
            _across(body, self.width - 2 * PROUD, paint, round=0.05),
            _across(cabin, inner, GLASS),
            _across(roof, inner + 0.06, paint, round=0.04),
        ]
        x, z = self.base / 2, self.width / 2 - TYRE / 2
        shift = 0.5 * (style.cabin[0] - 0.72) * 0.3 * self.length  # of both axles along the car
        for along in (shift - x, shift + x):
            solids += [_wheel(along, side, self.wheel) for side in (-z, z)]
        return Form(solids=tuple(solids), caption=self.caption, measures=self.measures)


def _across(
    outline: Outline, width: float, colour: tuple[int, int, int], round: float = 0
) -> Solid:
    return Solid(
        kind="prism", axis="z", size=(1.0, 1.0, width), outline=outline, round=round, colour=colour
    )


def _wheel(x: float, z: float, diameter: float) -> Solid:
    return Solid(
        kind="cylinder",
        axis="z",
        size=(diameter, diameter, TYRE),
        centre=(x, diameter / 2, z),
        colour=RUBBER,
    )


def draw_car(rng: random.Random) -> Car:
    """One within the ranges of a style drawn at random."""
    name = rng.choice([*STYLES])
    style = STYLES[name]
    length = rng.uniform(*style.length)
    return Car(
        style=name,
        length=round(length, 2),
        base=round(length * rng.uniform(*style.base), 2),
        width=round(rng.uniform(*style.width), 2),
        height=round(rng.uniform(*style.height), 2),
        wheel=round(rng.uniform(*style.wheel), 2),
        colour=rng.choice([*COLOURS]),
    )


def draw_cars(count: int, seed: int) -> list[Form]:
    """The same seed draws the same cars."""
    rng = random.Random(f"cars {seed}")
    return [draw_car(rng).form() for _ in range(count)]
