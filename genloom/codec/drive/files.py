"""Driving scenes on disk: JSON and lines of it, and what other programs open: OpenDRIVE for the
road, OpenSCENARIO for the movements, pictures with classes. Knows files and scenes; no tensor.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.drive.looks import map_bytes
from genloom.codec.drive.open_drive import road_bytes
from genloom.codec.drive.open_scenario import scenario_bytes
from genloom.codec.file_walk import Unreadable, content, files_at
from genloom.codec.left_out import LeftOut
from genloom.codec.saving import write_atomic
from genloom.drive.scene import Scene, scene_from_json
from genloom.errors import DataError, RequestError

SUFFIXES = (".json", ".xosc", ".xodr", ".png")
LINES = (".jsonl", ".jsonl.gz")
LONGEST = 4 << 20  # characters of a scene


def read_scenes(path: Path) -> Reading:
    """Every scene under a file or a folder. DataError when there is none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: give a file or a folder of scenes")
    left, items, used = LeftOut(), [], []
    for place, name in files_at(path):
        lower = name.lower()
        if not lower.endswith((*LINES, ".json")):
            continue
        try:
            text = content(place).decode("utf-8", "replace")
        except Unreadable as error:
            left.add(name, str(error))
            continue
        used.append(Path(place))
        whole = [(name, text)] if lower.endswith(".json") else _lines(name, text)
        for where, line in whole:
            try:
                if len(line) > LONGEST:
                    raise DataError(f"a scene of {len(line):,} characters")
                items.append(scene_from_json(json.loads(line), "it"))
            except (ValueError, RecursionError):
                left.add(where, "no JSON")
            except DataError as error:
                left.add(where, str(error))
    if not items:
        raise DataError(f"{path} holds no driving scene: {left.told() or 'no .json or .jsonl'}")
    return left.reading(items, tuple(used))


def _lines(name: str, text: str) -> list[tuple[str, str]]:
    rows = enumerate(text.splitlines(), 1)
    return [(f"{name} line {n}", line) for n, line in rows if line.strip()]


def write_lines(scenes: Sequence[Scene], path: Path) -> Path:
    """A scene a line; packed where the path ends with .gz."""
    rows = [json.dumps(scene.to_json(), separators=(",", ":")) for scene in scenes]
    text = ("\n".join(rows) + "\n").encode()
    return write_atomic(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def scene_bytes(
    scene: Scene, path: Path, record: Mapping[str, Any] | None = None
) -> list[tuple[Path, bytes]]:
    """The files that a scene is written to, by the suffix. RequestError for others."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        return [(path, (json.dumps(scene.to_json(), indent=1) + "\n").encode())]
    if suffix == ".xodr":
        return [(path, road_bytes(scene.road, path.stem))]
    if suffix == ".xosc":
        road = path.with_suffix(".xodr")
        made = scenario_bytes(scene, road.name, path.stem)
        return [(road, road_bytes(scene.road, path.stem)), (path, made)]
    if suffix == ".png":
        picture, mask = map_bytes(scene, record)
        return [(path, picture), (path.with_name(f"{path.stem}_mask.png"), mask)]
    raise RequestError(f"{path.name}: scenes are written as {', '.join(SUFFIXES)}")
