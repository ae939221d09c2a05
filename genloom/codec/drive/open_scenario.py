"""Movements as OpenSCENARIO 1.1 (ASAM): entities, weather, and a timed polyline for each of them.

Knows scenes; the road is a file of its own.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

from genloom.codec.drive.open_drive import written
from genloom.drive.scene import MOMENTS, STEP, Mover, Scene

SKIES: Mapping[str, tuple[str, str, float, float, float]] = {
    # cloudState, precipitation's type, its mm/h, metres that one sees, friction of the road
    "clear": ("free", "dry", 0.0, 10_000.0, 1.0),
    "rain": ("rainy", "rain", 6.0, 2_000.0, 0.7),
    "fog": ("overcast", "dry", 0.0, 80.0, 0.9),
    "snow": ("overcast", "snow", 2.0, 500.0, 0.4),
}
FASTEST = "40"


def scenario_bytes(scene: Scene, road: str, name: str) -> bytes:
    """road: the name of the OpenDRIVE file beside it."""
    root = ET.Element("OpenSCENARIO")
    ET.SubElement(
        root,
        "FileHeader",
        revMajor="1",
        revMinor="1",
        date="2000-01-01T00:00:00",
        description=scene.caption or name,
        author="Genloom",
    )
    for part in ("ParameterDeclarations", "CatalogLocations"):
        ET.SubElement(root, part)
    network = ET.SubElement(root, "RoadNetwork")
    ET.SubElement(network, "LogicFile", filepath=road)
    entities = ET.SubElement(root, "Entities")
    names = [_named(n, one) for n, one in enumerate(scene.movers)]
    for who, one in zip(names, scene.movers, strict=True):
        _body(ET.SubElement(entities, "ScenarioObject", name=who), one)
    board = ET.SubElement(root, "Storyboard")
    actions = ET.SubElement(ET.SubElement(board, "Init"), "Actions")
    _sky(ET.SubElement(actions, "GlobalAction"), scene.weather)
    story = ET.SubElement(board, "Story", name="story")
    act = ET.SubElement(story, "Act", name="act")
    for who, one in zip(names, scene.movers, strict=True):
        _moves(act, scene, who, one)
    _after(ET.SubElement(act, "StartTrigger"), 0.0)
    _after(ET.SubElement(board, "StopTrigger"), (MOMENTS - 1) * STEP)
    return written(root)


def _named(number: int, one: Mover) -> str:
    return "ego" if number == 0 else f"{one.kind}_{number}"


def _body(parent: ET.Element, one: Mover) -> None:
    length, width = one.size
    if one.walks:
        body = ET.SubElement(
            parent,
            "Pedestrian",
            name=one.kind,
            mass="75",
            model=one.kind,
            pedestrianCategory="pedestrian",
        )
    else:
        body = ET.SubElement(parent, "Vehicle", name=one.kind, vehicleCategory=one.kind)
    ET.SubElement(body, "ParameterDeclarations")
    if not one.walks:
        ET.SubElement(
            body, "Performance", maxSpeed=FASTEST, maxAcceleration="5", maxDeceleration="9"
        )
    box = ET.SubElement(body, "BoundingBox")
    height = "1.8" if one.walks else "1.5" if length < 6 else "3.2"
    ET.SubElement(box, "Center", x="0", y="0", z=str(float(height) / 2))
    ET.SubElement(box, "Dimensions", width=str(width), length=str(length), height=height)
    if not one.walks:
        axles = ET.SubElement(body, "Axles")
        for axle, x in (("FrontAxle", 0.3 * length), ("RearAxle", -0.3 * length)):
            ET.SubElement(
                axles,
                axle,
                maxSteering="0.6",
                wheelDiameter="0.65",
                trackWidth=f"{width - 0.3:.2f}",
                positionX=f"{x:.2f}",
                positionZ="0.33",
            )
    ET.SubElement(body, "Properties")


def _sky(parent: ET.Element, weather: str) -> None:
    cloud, falls, rate, sight, grip = SKIES[weather]
    action = ET.SubElement(parent, "EnvironmentAction")
    place = ET.SubElement(action, "Environment", name=weather)
    ET.SubElement(place, "TimeOfDay", animation="false", dateTime="2000-01-01T12:00:00")
    sky = ET.SubElement(place, "Weather", cloudState=cloud)
    ET.SubElement(sky, "Fog", visualRange=str(sight))
    ET.SubElement(sky, "Precipitation", precipitationType=falls, precipitationIntensity=str(rate))
    ET.SubElement(place, "RoadCondition", frictionScaleFactor=str(grip))


def _moves(act: ET.Element, scene: Scene, who: str, one: Mover) -> None:
    group = ET.SubElement(act, "ManeuverGroup", name=f"{who}_group", maximumExecutionCount="1")
    actors = ET.SubElement(group, "Actors", selectTriggeringEntities="false")
    ET.SubElement(actors, "EntityRef", entityRef=who)
    maneuver = ET.SubElement(group, "Maneuver", name=f"{who}_maneuver")
    event = ET.SubElement(maneuver, "Event", name=f"{who}_event", priority="overwrite")
    action = ET.SubElement(event, "Action", name=f"{who}_action")
    private = ET.SubElement(action, "PrivateAction")
    follow = ET.SubElement(ET.SubElement(private, "RoutingAction"), "FollowTrajectoryAction")
    reference = ET.SubElement(follow, "TrajectoryRef")
    path = ET.SubElement(reference, "Trajectory", name=f"{who}_path", closed="false")
    line = ET.SubElement(ET.SubElement(path, "Shape"), "Polyline")
    xs, ys, turns = scene.road.places(one.s, one.d)
    for n, (x, y, turn, own) in enumerate(zip(xs, ys, turns, one.headings(), strict=True)):
        vertex = ET.SubElement(line, "Vertex", time=f"{n * STEP:.2f}")
        ET.SubElement(
            ET.SubElement(vertex, "Position"),
            "WorldPosition",
            x=f"{x:.3f}",
            y=f"{y:.3f}",
            h=f"{turn + own:.4f}",
        )
    timing = ET.SubElement(follow, "TimeReference")
    ET.SubElement(timing, "Timing", domainAbsoluteRelative="absolute", scale="1", offset="0")
    ET.SubElement(follow, "TrajectoryFollowingMode", followingMode="position")
    _after(ET.SubElement(event, "StartTrigger"), 0.0)


def _after(trigger: ET.Element, seconds: float) -> None:
    group = ET.SubElement(trigger, "ConditionGroup")
    condition = ET.SubElement(group, "Condition", name="time", delay="0", conditionEdge="none")
    value = ET.SubElement(condition, "ByValueCondition")
    ET.SubElement(value, "SimulationTimeCondition", value=f"{seconds:.2f}", rule="greaterOrEqual")
