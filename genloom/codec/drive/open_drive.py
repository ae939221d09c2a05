"""A road as OpenDRIVE 1.7 (ASAM): a line or an arc, its lanes, a crossing. Knows roads."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from genloom.drive.scene import LANE, ROAD, Road

CROSSING = 4.0  # metres along the road


def road_bytes(road: Road, name: str) -> bytes:
    """The reference line is the road's left edge, with all lanes to the right of it: what drives
    eastwards at first has lanes -1, -2 ... from the left."""
    root = ET.Element("OpenDRIVE")
    ET.SubElement(root, "header", revMajor="1", revMinor="7", name=name, version="1.00")
    one = ET.SubElement(
        root, "road", name=name, length=f"{_length(road):.4f}", id="1", junction="-1"
    )
    plan = ET.SubElement(one, "planView")
    line = ET.SubElement(
        plan,
        "geometry",
        s="0",
        x="0",
        y=f"{road.width / 2:.4f}",
        hdg="0",
        length=f"{_length(road):.4f}",
    )
    if abs(road.curvature) < 1e-9:
        ET.SubElement(line, "line")
    else:
        ET.SubElement(line, "arc", curvature=f"{_curvature(road):.8f}")
    lanes = ET.SubElement(one, "lanes")
    section = ET.SubElement(lanes, "laneSection", s="0")
    centre = ET.SubElement(
        ET.SubElement(section, "center"), "lane", id="0", type="none", level="false"
    )
    _mark(centre, "solid")
    right = ET.SubElement(section, "right")
    for n in range(1, road.lanes + 1):
        lane = ET.SubElement(right, "lane", id=str(-n), type="driving", level="false")
        ET.SubElement(lane, "width", sOffset="0", a=str(LANE), b="0", c="0", d="0")
        _mark(lane, "solid" if n == road.lanes else "broken")
    if road.crossing is not None:
        objects = ET.SubElement(one, "objects")
        share = _length(road) / ROAD
        ET.SubElement(
            objects,
            "object",
            type="crosswalk",
            id="crossing",
            name="crossing",
            s=f"{road.crossing * share:.3f}",
            t=f"{-road.width / 2:.3f}",
            zOffset="0",
            orientation="none",
            length=f"{CROSSING}",
            width=f"{road.width:.3f}",
            hdg="0",
        )
    return written(root)


def _length(road: Road) -> float:
    """Of the left edge."""
    return ROAD * (1 - road.curvature * road.width / 2)


def _curvature(road: Road) -> float:
    return road.curvature / (1 - road.curvature * road.width / 2)


def _mark(lane: ET.Element, kind: str) -> None:
    ET.SubElement(
        lane, "roadMark", sOffset="0", type=kind, weight="standard", color="standard", width="0.13"
    )


def written(root: ET.Element) -> bytes:
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"
