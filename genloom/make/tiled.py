"""Levels as Tiled reads them: TMX (XML) and JSON with a tile layer, objects, a tileset picture.

Knows levels and the two formats (Tiled 1.10). Numbers of tiles begin at 1; 0 is nothing.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genloom.level.solving import Level

VERSION, TILED = "1.10", "1.10.2"


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something on a level: what it is called, its class (sprite, prop, start, goal), (row, column)
    and what more is told of it."""

    name: str
    sort: str
    place: tuple[int, int]
    told: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Tileset:
    """image: the name of the file; side: pixels of a tile; variants: of each kind, in a row."""

    image: str
    side: int
    kinds: tuple[str, ...]
    variants: int

    @property
    def size(self) -> tuple[int, int]:
        return self.variants * self.side, len(self.kinds) * self.side

    def number(self, kind: int, variant: int) -> int:
        """From 1 on."""
        return 1 + kind * self.variants + variant % self.variants


def numbers(level: Level, tiles: Tileset) -> list[int]:
    """Row by row; variants alternate by place."""
    height, width = level.cells.shape
    return [
        tiles.number(int(level.cells[y, x]), (7 * y + 13 * x + y * x) % tiles.variants)
        for y in range(height)
        for x in range(width)
    ]


def tmx_bytes(level: Level, tiles: Tileset, things: Sequence[Thing], title: str) -> bytes:
    width, height = level.size
    root = ET.Element(
        "map",
        version=VERSION,
        tiledversion=TILED,
        orientation="orthogonal",
        renderorder="right-down",
        width=str(width),
        height=str(height),
        tilewidth=str(tiles.side),
        tileheight=str(tiles.side),
        infinite="0",
        nextlayerid="3",
        nextobjectid=str(len(things) + 1),
    )
    _properties(root, {"title": title})
    sheet = ET.SubElement(root, "tileset", {"firstgid": "1", **_of_tileset(tiles)})
    wide, high = tiles.size
    ET.SubElement(sheet, "image", source=tiles.image, width=str(wide), height=str(high))
    for n, kind in enumerate(tiles.kinds):
        for k in range(tiles.variants):
            ET.SubElement(sheet, "tile", id=str(n * tiles.variants + k), type=kind)
    layer = ET.SubElement(
        root, "layer", id="1", name="ground", width=str(width), height=str(height)
    )
    data = ET.SubElement(layer, "data", encoding="csv")
    row = numbers(level, tiles)
    lines = [",".join(map(str, row[n : n + width])) for n in range(0, len(row), width)]
    data.text = "\n" + ",\n".join(lines) + "\n"
    group = ET.SubElement(root, "objectgroup", id="2", name="things")
    for n, thing in enumerate(things, 1):
        y, x = thing.place
        one = ET.SubElement(
            group,
            "object",
            id=str(n),
            name=thing.name,
            type=thing.sort,
            x=str(x * tiles.side),
            y=str(y * tiles.side),
            width=str(tiles.side),
            height=str(tiles.side),
        )
        _properties(one, thing.told)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _of_tileset(tiles: Tileset) -> dict[str, str]:
    return {
        "name": "tiles",
        "tilewidth": str(tiles.side),
        "tileheight": str(tiles.side),
        "tilecount": str(len(tiles.kinds) * tiles.variants),
        "columns": str(tiles.variants),
    }


def _properties(parent: ET.Element, told: Mapping[str, str]) -> None:
    if told:
        group = ET.SubElement(parent, "properties")
        for name, value in told.items():
            ET.SubElement(group, "property", name=name, value=value)


def tmj_bytes(level: Level, tiles: Tileset, things: Sequence[Thing], title: str) -> bytes:
    """The same as JSON."""
    width, height = level.size
    side, (wide, high) = tiles.side, tiles.size

    def listed(told: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"name": n, "type": "string", "value": v} for n, v in told.items()]

    objects = [
        {
            "id": n,
            "name": thing.name,
            "type": thing.sort,
            "x": thing.place[1] * side,
            "y": thing.place[0] * side,
            "width": side,
            "height": side,
            "rotation": 0,
            "visible": True,
            "properties": listed(thing.told),
        }
        for n, thing in enumerate(things, 1)
    ]
    shown = {"opacity": 1, "visible": True, "x": 0, "y": 0}
    ground = {"id": 1, "name": "ground", "type": "tilelayer", "width": width, "height": height}
    values: dict[str, Any] = {
        "type": "map",
        "version": VERSION,
        "tiledversion": TILED,
        "orientation": "orthogonal",
        "renderorder": "right-down",
        "width": width,
        "height": height,
        "tilewidth": side,
        "tileheight": side,
        "infinite": False,
        "nextlayerid": 3,
        "nextobjectid": len(things) + 1,
        "properties": listed({"title": title}),
        "tilesets": [
            {
                "firstgid": 1,
                "name": "tiles",
                "image": tiles.image,
                "imagewidth": wide,
                "imageheight": high,
                "tilewidth": side,
                "tileheight": side,
                "tilecount": len(tiles.kinds) * tiles.variants,
                "columns": tiles.variants,
                "margin": 0,
                "spacing": 0,
                "tiles": [
                    {"id": n * tiles.variants + k, "type": kind}
                    for n, kind in enumerate(tiles.kinds)
                    for k in range(tiles.variants)
                ],
            }
        ],
        "layers": [
            {**ground, **shown, "data": numbers(level, tiles)},
            {
                "id": 2,
                "name": "things",
                "type": "objectgroup",
                "draworder": "topdown",
                "objects": objects,
                **shown,
            },
        ],
    }
    return (json.dumps(values, indent=1, ensure_ascii=False) + "\n").encode()
