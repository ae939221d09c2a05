"""A world from a brief: what is written is read again by other libraries, and says the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import small_server
from PIL import Image

from genloom.codec.shape.files import read_mesh
from genloom.errors import DataError, UsageError
from genloom.make.world import Made, make_world
from genloom.make.world_brief import World, read_world, world_of


@pytest.fixture(scope="module")
def asked(home: Path) -> World:
    pictures, shapes = small_server.sprites(home, "little-pictures"), small_server.shaper(home)
    return world_of(
        {
            "title": "A quiet island",
            "size": [9, 7],
            "tile": 16,
            "pictures": str(home / "models" / pictures),
            "tiles": {"water": "blue"} | dict.fromkeys(("sand", "grass", "forest", "rock"), "red"),
            "sprites": {"hero": "red", "foe": "blue"},
            "props": str(home / "models" / shapes),
            "things": {"crate": "box"},
            "each": 2,
        }
    )


@pytest.fixture(scope="module")
def world(asked: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    folder = tmp_path_factory.mktemp("world")
    return folder, make_world(asked, folder, seed=3, tell=lambda stage: None)


@pytest.mark.slow
def test_an_engine_opens_the_level(world, asked):
    pytmx = pytest.importorskip("pytmx", reason="pytmx is not there")
    folder, made = world
    level = pytmx.TiledMap(str(folder / "level.tmx"))
    assert (level.width, level.height, level.tilewidth) == (9, 7, 16)
    ground = level.get_layer_by_name("ground")
    names = made.level.names
    for x, y, gid in ground.iter_data():
        kind = level.get_tile_properties_by_gid(gid)
        assert kind is not None and kind["type"] == names[made.level.cells[y, x]]
    things = {one.name: one for one in level.get_layer_by_name("things")}
    assert {"start", "goal", "hero", "foe", "crate"} <= set(things)
    y, x = made.level.start
    assert (things["start"].x, things["start"].y) == (16 * x, 16 * y)
    assert things["hero"].properties == {"prompt": "red"}
    assert Path(level.tilesets[0].source).name == "tiles.png"


def test_json_says_what_xml_says(world):
    folder, _ = world
    told = json.loads((folder / "level.tmj").read_text())
    text = (folder / "level.tmx").read_text()
    rows = text.split('encoding="csv">')[1].split("</data>")[0]
    assert told["layers"][0]["data"] == [int(v) for v in rows.replace("\n", "").split(",")]
    assert len(told["layers"][1]["objects"]) == text.count("<object ")
    with Image.open(folder / told["tilesets"][0]["image"]) as image:
        size = image.size
    assert size == (told["tilesets"][0]["imagewidth"], told["tilesets"][0]["imageheight"])


def test_tiles_have_no_holes_and_sprites_have_their_frames(world):
    folder, _ = world
    with Image.open(folder / "tiles.png") as image:
        tiles = np.asarray(image.convert("RGBA"))
    assert (tiles[..., 3] == 255).all()
    atlas = json.loads((folder / "sprites.json").read_text())
    with Image.open(folder / "sprites.png") as sheet:
        width, height = sheet.size
    assert len(atlas["frames"]) == 2
    for one in atlas["frames"]:
        frame = one["frame"]
        assert frame["x"] + frame["w"] <= width and frame["y"] + frame["h"] <= height


def test_the_scene_holds_the_level_and_its_props(world):
    folder, made = world
    mesh = read_mesh((folder / "scene.glb").read_bytes(), "scene.glb")
    low, high = mesh.bounds
    assert high[0] - low[0] == pytest.approx(9, abs=0.1)
    assert high[2] - low[2] == pytest.approx(7, abs=0.1)
    crate = read_mesh((folder / "props" / "crate.glb").read_bytes(), "crate.glb")
    assert np.ptp(crate.vertices[:, [0, 2]], axis=0).max() <= 0.91
    things = json.loads((folder / "level.tmj").read_text())["layers"][1]["objects"]
    crates = sum(one["type"] == "prop" for one in things)
    assert crates == 2
    ground = 12 * made.level.cells.size
    assert len(mesh.faces) == ground + crates * len(crate.faces)
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not there")
    scene = trimesh.load(folder / "scene.glb", force="scene")
    assert len(scene.geometry) == 2 and len(scene.graph.nodes_geometry) == 1 + crates


def test_every_part_has_its_record(world, asked):
    folder, _ = world
    told = json.loads((folder / "world.json").read_text())
    assert set(told["files"]) | {"world.json"} == {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    }
    names = [part["part"] for part in told["parts"]]
    assert names.count("tile water") == 2 and "sprite hero" in names and "prop crate" in names
    assert all(part["weights"] and "seed" in part for part in told["parts"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": ""}, "no title"),
        ({"theme": "moon"}, "not known"),
        ({"size": [2, 2]}, "tiles a side"),
        ({"size": "large"}, "cannot be"),
        ({"pictures": ""}, "pictures: MODEL"),
        ({"tiles": {"lava": "lava"}}, "no tiles 'lava'"),
        ({"props": ""}, "props: MODEL"),
        ({"weather": "rain"}, "'weather' is not known"),
        ({"sprites": {str(n): "a" for n in range(99)}}, "at most"),
        ({"tile": 1000}, "pixels"),
    ],
)
def test_what_no_world_has_is_refused(change, told):
    plain = {"title": "T", "pictures": "p", "props": "s", "things": {"a": "b"}}
    with pytest.raises(UsageError, match=told):
        world_of({**plain, **change})


def test_a_model_of_something_else_is_refused(asked, tmp_path):
    swapped = world_of({"title": "T", "pictures": asked.props, "size": [6, 6]})
    with pytest.raises(UsageError, match="makes model/gltf-binary"):
        make_world(swapped, tmp_path, tell=lambda stage: None)


def test_briefs_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "b.yaml").write_text("title: [")
    with pytest.raises(DataError, match="cannot be read"):
        read_world(tmp_path / "b.yaml")
    (tmp_path / "b.json").write_text("[1]")
    with pytest.raises(DataError, match="no object"):
        read_world(tmp_path / "b.json")
    with pytest.raises(UsageError, match="give the file"):
        read_world(tmp_path / "none.yaml")


@pytest.mark.slow
def test_the_command_writes_a_world(asked, home, tmp_path):
    values = {key: getattr(asked, key) for key in ("title", "size", "tile", "pictures", "tiles")}
    (tmp_path / "island.json").write_text(json.dumps(values))
    command = [sys.executable, "-m", "genloom", "make", "world", str(tmp_path / "island.json")]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out"), "--json"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(Path(one).is_file() for one in told["files"])
    again = subprocess.run([*command, "-o", str(tmp_path / "out")], capture_output=True, text=True)
    assert again.returncode == 2 and "there already" in again.stderr
