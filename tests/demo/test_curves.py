"""A curve as a picture that stands alone."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from genloom.demo.curves import quality


def heights(svg: str) -> list[float]:
    return [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', svg)]


def test_it_shows_every_number_and_real_items_lie_lowest():
    svg = quality("m <1>", "frechet_distance", [(1, 2.0), (2, 0.5), (50, 0.25)], 0.1)
    root = ElementTree.fromstring(svg)
    texts = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert {"m <1>", "frechet distance", "1", "2", "50", "0.5", "real against real 0.1"} <= {*texts}
    first, second, third = heights(svg)
    assert first < second < third  # smaller is lower on the page
    assert abs((second - first) / (third - second) - 2) < 0.01  # by factors
    line = re.search(r'y1="([\d.]+)"[^>]+stroke-dasharray', svg)
    assert line is not None and float(line.group(1)) > third


def test_one_point_and_a_distance_below_zero_are_drawn():
    svg = quality("m", "kernel_distance", [(4, -0.001)], -0.002)
    assert len(heights(svg)) == 1 and "nan" not in svg
