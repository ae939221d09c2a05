"""Captioned scenes that the project draws itself: one coloured shape in a stated place.

A caption such as "a red circle top left" can be checked exactly: `look` measures what a picture
shows, from its pixels alone, and says None where it is not sure. Needs no data and no training.
Shape legend: S = SIDE pixels; pictures [S, S, 3] in 0..1, coverage [S, S] in 0..1.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genloom.codec.image.pictures import Picture, as_picture, pillow
from genloom.codec.saving import write_atomic
from genloom.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image

SIDE = 32
COLOURS = {
    "red": (220, 40, 45),
    "orange": (245, 140, 20),
    "yellow": (245, 230, 60),
    "green": (50, 180, 65),
    "cyan": (60, 215, 225),
    "blue": (50, 90, 230),
    "purple": (165, 60, 205),
    "white": (245, 245, 245),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring")
ROWS, COLUMNS = ("top", "", "bottom"), ("left", "", "right")
PLACES = {  # words -> (row, column) of the cell
    f"{row} {column}".strip() or "center": (i, j)
    for i, row in enumerate(ROWS)
    for j, column in enumerate(COLUMNS)
}
CENTRES = (6.5, 16.0, 25.5)  # of the rows and of the columns, pixels
JITTER = 1.2  # most a centre moves, pixels
RADII = (4.2, 5.2)
DARK = (24, 26, 34)
FINE = 6  # samples a pixel and axis, for soft edges

Scene = tuple[str, str, str]  # colour, shape, place


def caption(scene: Scene) -> str:
    colour, shape, place = scene
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {shape} {place}"


def held_out_combinations() -> tuple[Scene, ...]:
    """A tenth of all scenes, spread so that training still shows every pair of words together."""
    return tuple(s for s in _all_scenes() if _lot(s) == 0)


def training_combinations() -> tuple[Scene, ...]:
    return tuple(s for s in _all_scenes() if _lot(s) != 0)


def _all_scenes() -> list[Scene]:
    return list(product(COLOURS, SHAPES, PLACES))


def _lot(scene: Scene) -> int:
    colour, shape, place = (
        list(words).index(word)
        for words, word in zip((COLOURS, SHAPES, PLACES), scene, strict=True)
    )
    return (colour + 3 * shape + 7 * place) % 10


# --- drawing -------------------------------------------------------------------------------------


def draw(colour: str, shape: str, place: str, rng: np.random.Generator) -> Image.Image:
    """One RGB picture of SIDE x SIDE; centre, size, colour and background vary a little."""
    for word, known in ((colour, COLOURS), (shape, SHAPES), (place, PLACES)):
        if word not in known:
            raise RequestError(f"scenes have no {word!r}: use one of {', '.join(known)}")
    row, column = PLACES[place]
    centre = np.array([CENTRES[row], CENTRES[column]]) + rng.uniform(-JITTER, JITTER, 2)
    ink = np.array(COLOURS[colour]) + rng.uniform(-8, 8, 3)
    paper = np.array(DARK) + rng.uniform(-6, 6, 3)
    cover = coverage(shape, (centre[0], centre[1]), rng.uniform(*RADII))[:, :, None]
    pixels = paper + cover * (ink - paper)
    return pillow().fromarray(np.clip(pixels.round(), 0, 255).astype(np.uint8))


def coverage(shape: str, centre: tuple[float, float], radius: float) -> np.ndarray:
    """float [S, S]: how much of each pixel the shape covers; its centroid is at (row, column)."""
    steps = (np.arange(SIDE * FINE) + 0.5) / FINE
    down = ((steps - centre[0]) / radius)[:, None]
    across = ((steps - centre[1]) / radius)[None, :]
    inside = _inside(shape, down, across).astype(np.float32)
    return inside.reshape(SIDE, FINE, SIDE, FINE).mean((1, 3))


def _inside(shape: str, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Whether points (in radii from the centroid) lie in the shape."""
    if shape == "circle":
        return down**2 + across**2 <= 1
    if shape == "ring":
        squared = down**2 + across**2
        return (squared <= 1.1) & (squared >= 0.3)
    if shape == "square":
        return np.maximum(abs(down), abs(across)) <= 0.87
    if shape == "cross":
        long, short = 1.05, 0.33
        upright = (abs(down) <= long) & (abs(across) <= short)
        return upright | ((abs(across) <= long) & (abs(down) <= short))
    # A triangle's centroid is a third of its height above the base.
    top, base, half = -1.2, 0.6, 1.1
    return (down <= base) & (abs(across) <= half * (down - top) / (base - top))


def scenes(
    count: int, seed: int = 0, held_out: bool = False, places: Collection[str] = tuple(PLACES)
) -> list[Picture]:
    """Pictures with captions; `held_out` draws only combinations that training never shows.

    The first n of a seed are the same whatever the count.
    """
    known = held_out_combinations() if held_out else training_combinations()
    wanted = [scene for scene in known if scene[2] in places]
    rng = np.random.default_rng([seed, int(held_out)])
    made = []
    for number in range(count):
        scene = wanted[rng.integers(len(wanted))]
        pixels = np.asarray(draw(*scene, rng))
        made.append(Picture(pixels, caption(scene), f"scene-{number:05d}.png"))
    return made


def write_folder(
    folder: Path,
    count: int,
    seed: int = 0,
    held_out: bool = False,
    places: Collection[str] = tuple(PLACES),
) -> Path:
    """PNG files and metadata.jsonl, as any captioned folder; the captions are written last.

    Pictures that can be drawn again need not be forced to the disk one by one, which takes a
    minute for thousands where the disk is slow.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = scenes(count, seed, held_out, places)
    for picture in pictures:
        picture.open().save(folder / picture.name, "PNG")
    lines = [json.dumps({"file_name": p.name, "text": p.caption}) + "\n" for p in pictures]
    write_atomic(folder / "metadata.jsonl", "".join(lines).encode())
    return folder


# --- looking -------------------------------------------------------------------------------------

CONTRAST = 60  # least distance of ink from paper, 0..255 a channel
COLOUR_FAR, COLOUR_MARGIN = 70.0, 12.0
OVERLAP, OVERLAP_MARGIN = 0.75, 0.04
STRAY, FAINT = 0.15, 0.12  # of the way from paper to ink: what is taken for unevenness
RESIDUE = 0.12  # most that the pixels beyond STRAY may add up to, of the shape's area


def look(image: Any) -> Scene | None:
    """What a picture shows, or None where it shows no such scene clearly."""
    image = as_picture(image).open().convert("RGB")
    if image.size != (SIDE, SIDE):
        image = image.resize((SIDE, SIDE), pillow().Resampling.BOX)
    pixels = np.asarray(image, dtype=np.float64)
    found = _separated(pixels)
    if found is None:
        return None
    cover, ink = found
    centre = _centroid(cover)
    colour, shape, place = _colour(ink), _shape(cover, centre), _place(centre)
    return None if colour is None or shape is None else (colour, shape, place)


def nearest(image: Any) -> Scene | None:
    """The scene that a picture comes nearest to, however noisy; None for an empty one."""
    image = as_picture(image).open().convert("RGB").resize((SIDE, SIDE))
    pixels = np.asarray(image, dtype=np.float64)
    paper = np.median(pixels.reshape(-1, 3), axis=0)
    away = np.linalg.norm(pixels - paper, axis=2)
    peak = np.quantile(away, 0.985)
    if peak < CONTRAST:
        return None
    cover = np.where(away > 0.45 * peak, np.minimum(away / peak, 1.0), 0.0)
    centre = _centroid(cover)
    overlap = _overlaps(cover, centre)
    line = np.median(pixels[away > 0.8 * peak], axis=0) - paper
    ways = {name: np.array(rgb) - np.array(DARK) for name, rgb in COLOURS.items()}
    angle = {name: float(way @ line / np.linalg.norm(way)) for name, way in ways.items()}
    colour = max(angle, key=angle.__getitem__)  # by direction, since blur only darkens
    return colour, max(overlap, key=overlap.__getitem__), _place(centre)


def _separated(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Coverage [S, S] and ink [3]: every pixel must be a mixture of one paper and one ink."""
    paper = np.median(pixels.reshape(-1, 3), axis=0)
    away = np.linalg.norm(pixels - paper, axis=2)
    peak = np.quantile(away, 0.985)
    if peak < CONTRAST or paper.max() > 90:
        return None
    ink = np.median(pixels[away > 0.8 * peak], axis=0)
    line = ink - paper
    raw = (pixels - paper) @ line / (line @ line)
    cover = np.clip(raw, 0, 1)
    stray = np.linalg.norm(pixels - paper - cover[:, :, None] * line, axis=2)
    stray /= np.linalg.norm(line)
    cover[cover < FAINT] = 0
    if cover.sum() < 12 or stray[stray > STRAY].sum() > RESIDUE * cover.sum():
        return None
    return cover, ink


def _centroid(cover: np.ndarray) -> tuple[float, float]:
    steps, total = np.arange(SIDE) + 0.5, cover.sum()
    return float(cover.sum(1) @ steps / total), float(cover.sum(0) @ steps / total)


def _place(centre: tuple[float, float]) -> str:
    cell = tuple(int(np.argmin([abs(c - v) for c in CENTRES])) for v in centre)
    return next(place for place, at in PLACES.items() if at == cell)


def _colour(ink: np.ndarray) -> str | None:
    far = {name: float(np.linalg.norm(ink - np.array(rgb))) for name, rgb in COLOURS.items()}
    first, second = sorted(far, key=far.__getitem__)[:2]
    clear = far[first] <= COLOUR_FAR and far[second] - far[first] >= COLOUR_MARGIN
    return first if clear else None


def _shape(cover: np.ndarray, centre: tuple[float, float]) -> str | None:
    """The shape that overlaps most, where it does so clearly."""
    overlap = _overlaps(cover, centre)
    first, second = sorted(overlap, key=overlap.__getitem__, reverse=True)[:2]
    clear = overlap[first] >= OVERLAP and overlap[first] - overlap[second] >= OVERLAP_MARGIN
    return first if clear else None


def _overlaps(cover: np.ndarray, centre: tuple[float, float]) -> dict[str, float]:
    """Of each shape, drawn at the same centroid with the same area."""
    overlap = {}
    for shape in SHAPES:
        radius = (float(cover.sum()) / _unit_area(shape)) ** 0.5
        template = coverage(shape, centre, radius)
        shared, either = np.minimum(cover, template), np.maximum(cover, template)
        overlap[shape] = float(shared.sum() / either.sum())
    return overlap


def _unit_area(shape: str) -> float:
    """Of the shape with radius 8, for 1: measured, so that it can never disagree with `_inside`."""
    return float(coverage(shape, (SIDE / 2, SIDE / 2), 8.0).sum()) / 64
