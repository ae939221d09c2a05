"""What a world is to be: a brief in YAML or JSON.

    title: The quiet island
    theme: island
    size: [32, 24]
    pictures: tiles-model                          # a model of pictures, of tiles and sprites
    tiles: {water: blue water, sand: yellow sand}  # kind -> prompt; others are asked for by name
    sprites: {hero: a knight, foe: a green dragon}
    props: shapes-model
    things: {chest: a wooden chest}

Knows what may be asked; not how it is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from genloom.errors import DataError, MissingExtra, UsageError
from genloom.level.rules import THEMES
from genloom.level.solving import LARGEST

BIGGEST = 1 << 20  # bytes of a brief
MOST = 64  # prompts of a sort
EACH = 4  # of each sprite and prop, on the level


@dataclass(frozen=True, kw_only=True)
class World:
    """title; theme: one of THEMES; size: (width, height) in tiles; tile: pixels of one; pictures:
    the model of tiles and sprites; tiles, sprites, things: name -> prompt; props: the model of
    things, "" for none; variants: pictures of each kind of tile; each: how many of each sprite and
    thing stand on the level."""

    title: str
    theme: str = "island"
    size: tuple[int, int] = (32, 24)
    tile: int = 32
    pictures: str = ""
    tiles: Mapping[str, str] = field(default_factory=dict)
    sprites: Mapping[str, str] = field(default_factory=dict)
    props: str = ""
    things: Mapping[str, str] = field(default_factory=dict)
    variants: int = 2
    each: int = EACH

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise UsageError("the brief has no title: say one, such as  title: The quiet island")
        if self.theme not in THEMES:
            raise UsageError(f"the theme {self.theme!r} is not known: use {', '.join(THEMES)}")
        if not all(4 <= side <= LARGEST for side in self.size):
            raise UsageError(f"size is {self.size}: 4 to {LARGEST} tiles a side are expected")
        if not 8 <= self.tile <= 256 or not 1 <= self.variants <= 8 or not 0 <= self.each <= 64:
            raise UsageError(
                f"tile {self.tile}, variants {self.variants}, each {self.each}: 8 to 256 pixels, "
                "1 to 8 and 0 to 64 are expected"
            )
        if not self.pictures:
            raise UsageError("the brief names no model of pictures: say  pictures: MODEL")
        if self.things and not self.props:
            raise UsageError("things are made by a model of shapes: say  props: MODEL")
        if strange := [kind for kind in self.tiles if kind not in THEMES[self.theme]]:
            raise UsageError(
                f"the theme {self.theme} has no tiles {strange[0]!r}: it has "
                f"{', '.join(THEMES[self.theme])}"
            )


def read_world(path: str | Path) -> World:
    """UsageError for what no brief has; DataError for a file that cannot be read."""
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give the file of a brief") from None
    if len(content) > BIGGEST:
        raise DataError(f"{path} has {len(content):,} bytes: a brief has {BIGGEST:,} at most")
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(found, Mapping):
        raise DataError(f"{path} is no object of names and values: begin with  title: ...")
    return world_of(found, str(path))


def world_of(asked: Mapping[str, Any], name: str = "the brief") -> World:
    values: dict[str, Any] = {"title": "", **asked}
    if unknown := sorted(set(values) - {one.name for one in fields(World)}):
        known = ", ".join(one.name for one in fields(World))
        raise UsageError(f"{name}: {unknown[0]!r} is not known; the brief of a world has {known}")
    key = ""
    try:
        for key in ("title", "theme", "pictures", "props"):
            values[key] = str(values.get(key) or getattr(World, key, "")).strip()
        for key in ("tile", "variants", "each"):
            if key in values:
                values[key] = int(values[key])
        key = "size"
        if key in values:
            width, height = values[key]
            values[key] = (int(width), int(height))
        for key in ("tiles", "sprites", "things"):
            values[key] = {str(k): str(v) for k, v in dict(values.get(key) or {}).items()}
    except (TypeError, ValueError):
        raise UsageError(f"{name}: {key} is {str(values[key])[:40]!r}, which cannot be") from None
    if over := next((k for k in ("tiles", "sprites", "things") if len(values[k]) > MOST), None):
        raise UsageError(f"{name}: {over} has {len(values[over])} entries, {MOST} at most")
    return World(**values)


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingExtra("pyyaml", "all") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
