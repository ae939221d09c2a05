"""A world for a game from a brief: tiles without seams, sprites, props, a level and a scene.

Tiles and sprites come from a model of pictures, props from a model of shapes, the level from rules.
Written are level.tmx and level.tmj with tiles.png (Tiled), sprites.png with sprites.json, a .glb
for each prop, scene.glb with ground and props in place, and world.json with every part's record.
Knows the public interface; not how any part is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genloom import api
from genloom.codec.image.files import png_bytes
from genloom.codec.image.pictures import pillow
from genloom.codec.image.sheets import Sheet
from genloom.codec.saving import write_atomic
from genloom.codec.shape.glb import Place, glb_bytes, scene_bytes
from genloom.errors import UsageError
from genloom.level.rules import THEMES, Kind
from genloom.level.solving import Level, scattered, solved
from genloom.make.tiled import Thing, Tileset, numbers, tmj_bytes, tmx_bytes
from genloom.make.world_brief import World
from genloom.shape.mesh import Mesh, joined
from genloom.shape.rendering import Camera, render
from genloom.spec import Options, Request

Tell = Callable[[str], None]
SIDE = 1.0  # metres of a tile in the scene
QUADS = ((0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6))
DEEP = 1.5  # metres of ground below the lowest tile


@dataclass(frozen=True, kw_only=True)
class Made:
    """files: what was written; level; parts: of every picture and shape, what was asked and of
    which model."""

    files: tuple[Path, ...]
    level: Level
    parts: tuple[Mapping[str, Any], ...]


def make_world(
    brief: World, folder: Path, *, seed: int = 0, device: str = "auto", tell: Tell = print
) -> Made:
    """Everything into one folder. UsageError where a model makes something else."""
    kinds = THEMES[brief.theme]
    pictures = _model(brief.pictures, device, "image", "tiles and sprites")
    shapes = _model(brief.props, device, "model", "props") if brief.things else None
    tell("the level")
    level = solved(kinds, *brief.size, seed)
    parts: list[Mapping[str, Any]] = []
    tell("tiles")
    tiles, tileset = _tiles(brief, kinds, pictures, seed, parts)
    tell("sprites")
    sprites = {
        name: _picture(pictures, prompt, seed + 1, n, parts, f"sprite {name}")
        for n, (name, prompt) in enumerate(brief.sprites.items())
    }
    tell("props")
    props = {
        name: _shape(shapes, prompt, seed + 2, n, parts, name)
        for n, (name, prompt) in enumerate(brief.things.items())
    }
    tell("files")
    things = _things(brief, level, seed)
    files = _written(folder, brief, level, (tiles, tileset), sprites, props, things, parts)
    return Made(files=tuple(files), level=level, parts=tuple(parts))


def _model(name: str, device: str, media: str, what: str) -> api.Model:
    model = api.load(name, device=device)
    if model.codec.media.split("/")[0] != media:
        raise UsageError(
            f"{name} makes {model.codec.media}: {what} need a model that makes {media}/..."
        )
    return model


# --- parts ----------------------------------------------------------------------------------------


def _request(model: api.Model, prompt: str, seed: int, number: int, **options: Any) -> Request:
    """Without a prompt where the model takes none."""
    told = prompt if model.prompts is not None else None
    return Request(prompt=told, seed=seed, first=number, options=Options(**options))


def _one(model: api.Model, request: Request, parts: list[Mapping[str, Any]], what: str) -> Any:
    with model.engine() as engine:
        item = engine.submit(request).result()[0]
    parts.append({"part": what, **api.record(model, request)})
    return item


def _picture(
    model: api.Model,
    prompt: str,
    seed: int,
    number: int,
    parts: list[Mapping[str, Any]],
    what: str,
    **options: Any,
) -> Any:
    return _one(model, _request(model, prompt, seed, number, **options), parts, what)


def _shape(
    model: api.Model | None,
    prompt: str,
    seed: int,
    number: int,
    parts: list[Mapping[str, Any]],
    name: str,
) -> Mesh:
    """Standing on the ground, in the middle of its tile, as large as fits one."""
    assert model is not None
    mesh = _one(model, _request(model, prompt, seed, number), parts, f"prop {name}")
    if mesh.empty:
        raise UsageError(f"the model of shapes made nothing of {prompt!r}: ask for another")
    low, high = mesh.bounds
    middle = (low + high) / 2
    scale = 0.9 * SIDE / max(float((high - low)[[0, 2]].max()), 1e-6)
    scale = min(scale, 2.0 * SIDE / max(float((high - low)[1]), 1e-6))
    moved = (mesh.vertices - (middle[0], low[1], middle[2])) * scale
    return Mesh(moved.astype(np.float32), mesh.faces, mesh.colours, prompt)


def _tiles(
    brief: World,
    kinds: Mapping[str, Kind],
    model: api.Model,
    seed: int,
    parts: list[Mapping[str, Any]],
) -> tuple[Any, Tileset]:
    """A row of variants for each kind, each without seams where the model can."""
    able = "seamless" in model.family.takes
    sheet = pillow().new("RGBA", (brief.variants * brief.tile, len(kinds) * brief.tile))
    for row, kind in enumerate(kinds):
        for column in range(brief.variants):
            number = row * brief.variants + column
            options = {"seamless": True} if able else {}
            image = _picture(
                model, brief.tiles.get(kind, kind), seed, number, parts, f"tile {kind}", **options
            )
            small = image.convert("RGBA").resize((brief.tile, brief.tile))
            solid = pillow().new("RGBA", small.size, (*_mean(small), 255))
            solid.alpha_composite(small)  # the ground has no holes
            sheet.paste(solid, (column * brief.tile, row * brief.tile))
    tileset = Tileset(
        image="tiles.png", side=brief.tile, kinds=tuple(kinds), variants=brief.variants
    )
    return sheet, tileset


def _mean(image: Any) -> tuple[int, int, int]:
    """Of what is not transparent."""
    pixels = np.asarray(image).reshape(-1, 4).astype(float)
    weight = pixels[:, 3:] + 1e-6
    red, green, blue = (int(v) for v in (pixels[:, :3] * weight).sum(0) / weight.sum())
    return red, green, blue


def _things(brief: World, level: Level, seed: int) -> list[Thing]:
    """Start, goal, and sprites and props where one comes."""
    things = [
        Thing(name="start", sort="start", place=level.start, told={}),
        Thing(name="goal", sort="goal", place=level.goal, told={}),
    ]
    asked = [(n, "sprite", p) for n, p in brief.sprites.items()]
    asked += [(n, "prop", p) for n, p in brief.things.items()]
    places = scattered(level, brief.each * len(asked), seed)
    for n, place in enumerate(places):
        name, sort, prompt = asked[n % len(asked)]
        things.append(Thing(name=name, sort=sort, place=place, told={"prompt": prompt}))
    return things


# --- files ----------------------------------------------------------------------------------------


def _written(
    folder: Path,
    brief: World,
    level: Level,
    tiles: tuple[Any, Tileset],
    sprites: Mapping[str, Any],
    props: Mapping[str, Mesh],
    things: list[Thing],
    parts: list[Mapping[str, Any]],
) -> list[Path]:
    picture, tileset = tiles
    files = [
        write_atomic(folder / tileset.image, png_bytes(picture, None)),
        write_atomic(folder / "level.tmx", tmx_bytes(level, tileset, things, brief.title)),
        write_atomic(folder / "level.tmj", tmj_bytes(level, tileset, things, brief.title)),
    ]
    if sprites:
        sheet = Sheet.of([image.convert("RGBA") for image in sprites.values()])
        files.append(write_atomic(folder / "sprites.png", png_bytes(sheet.image, None)))
        files.append(sheet.write_atlas(folder / "sprites.json", "sprites.png"))
    for name, mesh in props.items():
        files.append(write_atomic(folder / "props" / f"{_plain(name)}.glb", glb_bytes(mesh)))
    meshes, places = scene_of(level, THEMES[brief.theme], picture, tileset, props, things)
    files.append(write_atomic(folder / "scene.glb", scene_bytes(meshes, places)))
    shown = render(_whole(meshes, places), 512, Camera(azimuth=20, elevation=48))
    files.append(write_atomic(folder / "scene.png", png_bytes(pillow().fromarray(shown), None)))
    told = {
        "title": brief.title,
        "theme": brief.theme,
        "size": [*brief.size],
        "sprites": {name: n for n, name in enumerate(brief.sprites)},
        "files": sorted(str(path.relative_to(folder)) for path in files),
        "parts": parts,
    }
    text = json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n"
    return [*files, write_atomic(folder / "world.json", text.encode())]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]


def scene_of(
    level: Level,
    kinds: Mapping[str, Kind],
    picture: Any,
    tileset: Tileset,
    props: Mapping[str, Mesh],
    things: list[Thing],
) -> tuple[list[tuple[str, Mesh]], list[Place]]:
    """Meshes by name and where they stand: a block of ground for each tile in the mean colour of
    its picture, and props on it. Rows go towards the front."""
    colours = np.asarray(picture.convert("RGB")).astype(float)
    side = tileset.side
    heights = [kind.height for kind in kinds.values()]
    height, width = level.cells.shape
    row = np.array(numbers(level, tileset)).reshape(height, width)
    blocks = []
    for y in range(height):
        for x in range(width):
            n = int(row[y, x]) - 1
            top, left = n // tileset.variants * side, n % tileset.variants * side
            mean = colours[top : top + side, left : left + side].mean((0, 1))
            top_ = heights[int(level.cells[y, x])]
            blocks.append(_block(x * SIDE, y * SIDE, top_, min(heights) - DEEP, mean))
    meshes = [("ground", joined(blocks))]
    places: list[Place] = [(0, (0.0, 0.0, 0.0), 0.0, 1.0)]
    number = {name: n for n, name in enumerate(props, 1)}
    meshes += [*props.items()]
    for n, thing in enumerate(one for one in things if one.name in number and one.sort == "prop"):
        y, x = thing.place
        stand = heights[int(level.cells[y, x])]
        where = ((x + 0.5) * SIDE, stand, (y + 0.5) * SIDE)
        places.append((number[thing.name], where, 90.0 * (n % 4), 1.0))
    return meshes, places


def _block(x: float, z: float, top: float, bottom: float, colour: np.ndarray) -> Mesh:
    corners = np.array([[i, j, k] for k in (0, 1) for j in (0, 1) for i in (0, 1)], np.float64) * (
        SIDE,
        top - bottom,
        SIDE,
    ) + (x, bottom, z)
    faces = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))], np.int64)
    return Mesh(
        corners.astype(np.float32), faces, np.tile(np.rint(colour), (8, 1)).astype(np.uint8)
    )


def _whole(meshes: list[tuple[str, Mesh]], places: list[Place]) -> Mesh:
    """Everything as one mesh, to look at."""
    out = []
    for number, where, turned, scale in places:
        mesh, angle = meshes[number][1], np.radians(turned)
        x, y, z = mesh.vertices.T * scale
        spun = np.stack(
            (x * np.cos(angle) + z * np.sin(angle), y, z * np.cos(angle) - x * np.sin(angle)), 1
        )
        out.append(Mesh((spun + where).astype(np.float32), mesh.faces, mesh.colours))
    return joined(out)
