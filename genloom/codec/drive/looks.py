"""Pictures of driving scenes from above, with who moves where and a mask of classes. Knows scenes
and pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import pillow
from genloom.drive.scene import EGO, LANE, MOMENTS, ROAD, Mover, Scene

PIXELS = 4.0  # a metre
BESIDE = 6.0  # metres shown on each side of the road
CLASSES = ("road", "marking", "crossing", "ego", "car", "truck", "pedestrian", "path")
GRASS: Mapping[str, tuple[int, int, int]] = {
    "clear": (126, 158, 104),
    "rain": (96, 122, 98),
    "fog": (168, 174, 170),
    "snow": (232, 236, 240),
}
ASPHALT: Mapping[str, tuple[int, int, int]] = {
    "clear": (84, 86, 92),
    "rain": (62, 66, 76),
    "fog": (122, 126, 130),
    "snow": (150, 154, 162),
}
COLOURS: Mapping[str, tuple[int, int, int]] = {
    "ego": (226, 72, 58),
    "car": (66, 128, 206),
    "truck": (238, 176, 60),
    "pedestrian": (148, 62, 190),
}
LINE = (236, 236, 232)
SHOWN, CELL = 24, 640


def map_bytes(
    scene: Scene, record: Mapping[str, Any] | None, moment: int = MOMENTS // 2
) -> tuple[bytes, bytes]:
    """PNGs: the picture, and numbers of classes (0: beside the road, 1 on: CLASSES)."""
    picture, mask = drawn(scene, moment)
    return png_bytes(picture, record), png_bytes(mask, None)


def sheet_bytes(scenes: Sequence[Scene], columns: int | None = None) -> bytes:
    """A PNG of several, each under what is seen in it."""
    some = scenes[:SHOWN]
    images = [drawn(scene)[0] for scene in some]
    return png_bytes(grid(images, [s.caption or "" for s in some], columns or 2, CELL), None)


def drawn(scene: Scene, moment: int = MOMENTS // 2) -> tuple[Any, Any]:
    """Pillow images, RGB and L: the road, where all go, and where they are at a moment."""
    from PIL import ImageDraw

    road = scene.road
    along = np.linspace(0, ROAD, 81)
    edge = road.width / 2
    frame = [road.places(along, np.full(81, side * (edge + BESIDE))) for side in (-1, 1)]
    x = np.concatenate([part[0] for part in frame])
    y = np.concatenate([part[1] for part in frame])
    low, high = np.array((x.min(), y.min())), np.array((x.max(), y.max()))
    size = tuple(int(n) for n in np.ceil((high - low) * PIXELS))
    images = pillow().new("RGB", size, GRASS[scene.weather]), pillow().new("L", size, 0)
    pens = [ImageDraw.Draw(image) for image in images]

    def spots(s: np.ndarray, d: np.ndarray) -> list[tuple[float, float]]:
        px, py, _ = road.places(np.asarray(s, float), np.asarray(d, float))
        flat = np.stack(((px - low[0]) * PIXELS, (high[1] - py) * PIXELS), 1)
        return [(float(a), float(b)) for a, b in flat]

    def paint(shape: list[tuple[float, float]], colour: tuple[int, int, int], kind: str) -> None:
        pens[0].polygon(shape, fill=colour)
        pens[1].polygon(shape, fill=1 + CLASSES.index(kind))

    def line(shape: list[tuple[float, float]], colour: tuple[int, int, int], kind: str) -> None:
        pens[0].line(shape, fill=colour, width=2)
        pens[1].line(shape, fill=1 + CLASSES.index(kind), width=2)

    both = np.concatenate((along, along[::-1]))
    border = np.concatenate((np.full(81, -edge), np.full(81, edge)))
    paint(spots(both, border), ASPHALT[scene.weather], "road")
    for n in range(road.lanes + 1):
        d = n * LANE - edge
        solid = n in (0, road.lanes)
        for start in np.arange(0, ROAD, 1000 if solid else 9):
            s = np.linspace(start, ROAD if solid else min(start + 4, ROAD), 41)
            line(spots(s, np.full(41, d)), LINE, "marking")
    if road.crossing is not None:
        for d in np.arange(-edge + 0.3, edge - 0.3, 1.0):
            s = np.array([0, 4, 4, 0]) + road.crossing - 2
            paint(spots(s, np.array([d, d, d + 0.5, d + 0.5])), LINE, "crossing")
    for one in scene.movers:
        colour = COLOURS[_name(scene, one)]
        line(spots(one.s, one.d), tuple((c + 128) // 2 for c in colour), "path")  # pyrefly: ignore[bad-argument-type]
    for one in scene.movers:
        name = _name(scene, one)
        paint(spots(*_corners(one, moment)), COLOURS[name], name)
    return images


def _name(scene: Scene, one: Mover) -> str:
    return "ego" if one is scene.movers[EGO] else one.kind


def _corners(one: Mover, moment: int) -> tuple[np.ndarray, np.ndarray]:
    length, width = (max(side, 0.9) for side in one.size)
    ahead, left = np.array((1, 1, -1, -1)) * length / 2, np.array((1, -1, -1, 1)) * width / 2
    turn = 0.0 if one.walks else one.headings()[moment]
    s = one.s[moment] + ahead * np.cos(turn) - left * np.sin(turn)
    return s, one.d[moment] + ahead * np.sin(turn) + left * np.cos(turn)
