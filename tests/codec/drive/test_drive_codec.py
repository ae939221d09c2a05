"""Driving scenes as arrays and files: what is seen stays, other programs' formats say the same."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
import torch

from genloom.codec.drive.asking import asked
from genloom.codec.drive.codec import CUTTER, THERE, WALKER, DriveCodec
from genloom.codec.drive.files import read_scenes, write_lines
from genloom.codec.drive.looks import CLASSES
from genloom.drive.scene import MOMENTS, STEP
from genloom.drive.seen import faults, told
from genloom.drive.simulator import simulate_many
from genloom.errors import DataError, RecipeError, RequestError
from genloom.spec import Request

SCENES = simulate_many(24, 5)


def test_what_is_seen_stays_the_same_through_the_codec():
    codec = DriveCodec()
    codec.fit(SCENES)
    again = codec.decode(codec.encode(SCENES))
    assert [told(one) for one in again] == [one.caption for one in SCENES]
    assert np.mean([faults(one).possible for one in again]) > 0.95
    for a, b in zip(SCENES, again, strict=True):
        assert np.abs(a.ego.s - b.ego.s).max() < 0.5 and a.road.lanes == b.road.lanes


def test_any_numbers_decode_to_a_scene():
    rng = torch.Generator().manual_seed(0)
    codec = DriveCodec()
    for scale in (1.0, 100.0, float("nan")):
        made = codec.decode(scale * torch.randn(2, *codec.spec.shape, generator=rng))
        assert all(len(one.movers) >= 1 for one in made)
        assert all((m.along() >= -1e-6).all() for one in made for m in one.vehicles)


def test_far_movers_are_left_out_of_crowded_scenes():
    crowded = simulate_many(1, 0, density="dense")[0]
    codec = DriveCodec(movers=6)
    few = codec.decode(codec.encode([crowded]))[0]
    assert len(few.movers) == 1 + 3
    with pytest.raises(RecipeError):
        DriveCodec(movers=0)


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("cut-in in the rain, dense", "rain, dense traffic, a cut-in"),
        ("a jaywalker", "clear, medium traffic, a jaywalker"),
        ("foggy, light traffic, somebody", None),
        ("someone cuts in", None),
        ("a car", None),
        ("snow, no traffic", "snow, no traffic"),
        ("snow, no jaywalker, a cut-in, heavy", "snow, dense traffic, a cut-in"),
    ],
)
def test_prompts_are_said_as_training_said_them(prompt, said):
    if said is None:
        with pytest.raises(RequestError, match="nothing that scenes are asked for by"):
            asked(prompt, None)
    else:
        assert asked(prompt, None) == said
        assert asked(said, None) == said


def test_conditions_are_words_too():
    assert asked(None, {"weather": "rain", "traffic": "dense", "jaywalker": True}) == (
        "rain, dense traffic, a jaywalker"
    )
    assert asked(None, "weather = fog and density = light") == "fog, light traffic"


@pytest.mark.parametrize("prompt", ["rain, snow", "light traffic, dense traffic"])
def test_contradictions_are_refused(prompt):
    with pytest.raises(RequestError, match="contradict"):
        asked(prompt, None)
    with pytest.raises(RequestError, match="nobody can cut in"):
        asked("no traffic, a cut-in", None)


def test_lines_are_read_and_broken_ones_left_out(tmp_path):
    path = write_lines(SCENES[:3], tmp_path / "scenes.jsonl")
    with path.open("a") as file:
        file.write('{"nonsense": 1}\n{broken\n')
    reading = read_scenes(tmp_path)
    assert len(reading.items) == 3 and reading.left_out == 2
    with pytest.raises(DataError, match="no driving scene"):
        read_scenes(_empty(tmp_path))


def _empty(folder):
    place = folder / "empty"
    place.mkdir()
    return place


def test_a_scenario_says_the_same_movements(tmp_path):
    """Read back by the standard's own names: who, where, when, on which road."""
    scene = next(one for one in SCENES if one.road.curvature and len(one.movers) > 2)
    DriveCodec().write(scene, tmp_path / "it.xosc")
    root = ET.parse(tmp_path / "it.xosc").getroot()
    assert root.find("RoadNetwork/LogicFile").get("filepath") == "it.xodr"
    names = [one.get("name") for one in root.iter("ScenarioObject")]
    assert len(names) == len(set(names)) == len(scene.movers) and names[0] == "ego"
    actors = [one.get("entityRef") for one in root.iter("EntityRef")]
    assert actors == names
    x, y, _ = scene.road.places(scene.ego.s, scene.ego.d)
    line = next(root.iter("Polyline")).findall("Vertex")
    assert [float(v.get("time")) for v in line] == pytest.approx([n * STEP for n in range(MOMENTS)])
    spots = [v.find("Position/WorldPosition") for v in line]
    assert [float(p.get("x")) for p in spots] == pytest.approx(x.tolist(), abs=1e-3)
    assert [float(p.get("y")) for p in spots] == pytest.approx(y.tolist(), abs=1e-3)


def test_a_road_holds_its_lanes_where_the_movers_are(tmp_path):
    """The left edge, walked as OpenDRIVE says, and lanes to its right cover the road."""
    scene = next(one for one in SCENES if one.road.curvature)
    road = scene.road
    DriveCodec().write(scene, tmp_path / "it.xodr")
    root = ET.parse(tmp_path / "it.xodr").getroot()
    geometry = root.find("road/planView/geometry")
    bend = float(geometry.find("arc").get("curvature"))
    length = float(geometry.get("length"))
    end = (
        np.sin(length * bend) / bend,
        float(geometry.get("y")) + (1 - np.cos(length * bend)) / bend,
    )
    x, y, _ = road.places(np.array([160.0]), np.array([road.width / 2]))
    assert end == pytest.approx((x[0], y[0]), abs=0.01)
    widths = [float(w.get("a")) for w in root.findall("road/lanes/laneSection/right/lane/width")]
    assert sum(widths) == pytest.approx(road.width)
    assert (root.find("road/objects/object") is None) == (road.crossing is None)


def test_a_picture_shows_the_classes(tmp_path):
    from PIL import Image

    scene = next(one for one in SCENES if "jaywalker" in (one.caption or ""))
    DriveCodec().write(scene, tmp_path / "it.png")
    picture, mask = (_pixels(tmp_path / n) for n in ("it.png", "it_mask.png"))
    assert picture.shape[:2] == mask.shape
    seen = {CLASSES[n - 1] for n in np.unique(mask) if n}
    assert {"road", "marking", "ego", "pedestrian"} <= seen
    red = picture[mask == 1 + CLASSES.index("ego")].mean(0)
    assert red[0] > 1.5 * red[1]
    sheet = DriveCodec().preview(SCENES[:3], tmp_path / "sheet.png")
    assert Image.open(io.BytesIO(sheet.read_bytes())).width > 600


def _pixels(path):
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


def test_other_suffixes_are_refused_and_json_is_plain(tmp_path):
    with pytest.raises(RequestError, match="written as"):
        DriveCodec().write(SCENES[0], tmp_path / "it.bag")
    DriveCodec().write(SCENES[0], tmp_path / "it.json")
    assert json.loads((tmp_path / "it.json").read_text())["weather"] == SCENES[0].weather
    assert told(read_scenes(tmp_path / "it.json").items[0]) == SCENES[0].caption


def test_who_cuts_in_and_who_walks_have_rows_of_their_own():
    some = simulate_many(3, 3, events=frozenset({"cut-in", "jaywalker"}))
    none = simulate_many(3, 3, events=frozenset())
    codec = DriveCodec()
    x = codec.encode([*some, *none])
    assert (x[:3, THERE, CUTTER] == 1).all() and (x[3:, THERE, CUTTER] == -1).all()
    assert (x[:3, THERE, WALKER] == 1).all()
    x[:3, THERE, CUTTER] = -1
    assert not any("cut-in" in str(one.caption) for one in codec.decode(x)[:3])


def test_scenes_that_are_not_as_asked_or_cannot_be_stray():
    codec = DriveCodec()
    (scene,) = simulate_many(1, 1, weather="rain", density="light", events=frozenset())
    ego = scene.ego
    twin = replace(scene, movers=(ego, replace(ego, s=ego.s + 0.5)))
    right, other = Request(prompt="light traffic in the rain"), Request(prompt="fog, light traffic")
    assert codec.strays([scene], right) == [0.0] == codec.strays([scene], Request())
    assert codec.strays([scene], other) == [2.0]
    assert codec.strays([twin], right)[0] > 0
