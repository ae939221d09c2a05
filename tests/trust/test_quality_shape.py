"""What shapes are judged by: a car through the codec is as asked, another car is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genloom.codec.shape.codec import ShapeCodec
from genloom.shape.drawing.cars import draw_cars
from genloom.trust.quality_shape import closed, sizes


def test_sizes_and_colours_are_told_from_those_of_others():
    forms = draw_cars(6, 0)
    codec = ShapeCodec(box="data")
    codec.fit(forms)
    real = codec.decode(codec.encode(forms))
    captions = [form.caption for form in forms]
    rows = {row.metric: row for row in sizes(captions, real, real)}
    for name in ("sizes_as_asked", "length_as_asked", "width_as_asked", "colour_as_asked"):
        assert rows[name].value == rows[name].ceiling == 1, name
    assert rows["sizes_as_asked"].floor == 0
    colours = [str(text).split()[0] for text in captions]
    same = np.mean([a == b for a, b in zip(colours, [*colours[1:], colours[0]], strict=True)])
    assert rows["colour_as_asked"].floor == same < 1

    worse = [replace(mesh, vertices=mesh.vertices * (1, 1, 1.06)) for mesh in real]
    found = {row.metric: row.value for row in sizes(captions, worse, real)}
    assert found["width_as_asked"] == found["sizes_as_asked"] == 0 < found["height_as_asked"]


def test_no_sizes_are_told_where_none_were_asked_for():
    forms = draw_cars(4, 1)
    codec = ShapeCodec(size=16)
    codec.fit(forms)
    real = codec.decode(codec.encode(forms))
    assert sizes(["a barrel"] * 4, real, real) == sizes([], real, real) == []
    assert {row.metric: row.value for row in closed(real, real, real)}["watertight"] == 1
