"""Drawn cars and furniture have the sizes they say, which are measured on their surfaces."""

from __future__ import annotations

import random

import pytest

from genloom.errors import DataError
from genloom.shape.drawing.cars import COLOURS, STYLES, Car, draw_car, draw_cars
from genloom.shape.drawing.furniture import PIECES, draw_furniture, piece
from genloom.shape.drawing.measuring import measures_for
from genloom.shape.fields import field_of_form
from genloom.shape.lattice import around
from genloom.shape.marching_cubes import mesh_of
from genloom.shape.mesh import watertight


def surface_of(form, longest=64):
    lattice = around(*map(list, form.bounds), (longest,) * 3)
    return mesh_of(field_of_form(form, lattice).distance, lattice)


def test_the_same_seed_draws_the_same():
    assert draw_cars(3, 5) == draw_cars(3, 5) != draw_cars(3, 6)
    assert draw_furniture(3, 5) == draw_furniture(3, 5) != draw_furniture(3, 6)


@pytest.mark.parametrize("style", [*STYLES])
def test_a_car_measures_what_it_says(style):
    rng = random.Random(style)
    car = next(c for c in iter(lambda: draw_car(rng), None) if c.style == style)
    mesh = surface_of(car.form())
    assert watertight(mesh)
    how = measures_for(car.measures)
    assert how is not None and set(how) == {"length", "wheel base", "width", "height"}
    for name, measured in how.items():
        assert measured(mesh) == pytest.approx(car.measures[name], rel=0.03), name


@pytest.mark.parametrize("kind", [*PIECES])
def test_a_piece_measures_what_it_says(kind):
    sizes = {name: (low + high) / 2 for name, (low, high) in PIECES[kind][0].items()}
    form = piece(kind, sizes, "oak")
    mesh = surface_of(form)
    assert watertight(mesh) and kind in (form.caption or "")
    how = measures_for(sizes)
    assert how is not None and set(how) == set(sizes)
    for name, measured in how.items():
        assert measured(mesh) == pytest.approx(sizes[name], rel=0.04), name


def test_a_car_that_cannot_be_is_refused():
    with pytest.raises(DataError, match="wheels have to lie within"):
        Car(style="suv", length=3, base=2.9, width=1.8, height=1.7, wheel=0.7, colour="red")
    with pytest.raises(DataError, match="use one of"):
        Car(style="tank", length=4, base=2.5, width=1.8, height=1.7, wheel=0.7, colour="red")
    assert "red" in COLOURS


def test_sizes_of_no_family_are_not_measured():
    assert measures_for({"wingspan"}) is None and measures_for(set()) is None
    assert measures_for({"wheel"}) is None
