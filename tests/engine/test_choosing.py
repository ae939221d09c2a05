"""The best of several tries: whose they are, which is kept, and who has none to offer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toys import MADE, OPTIONS, recipe, shaken

from genloom import api
from genloom.errors import RequestError
from genloom.options import Options
from genloom.recipe import Part
from genloom.spec import Request

TRIES = 4


def made(model: api.Model, first: int, count: int, tries: int | None = None) -> list[Any]:
    options = Options(tries=tries)
    return list(api.exact(model, Request(seed=3, first=first, count=count, options=options)))


def test_the_try_that_strays_least_is_kept_whatever_is_made_beside_it(tmp_path: Path) -> None:
    model = shaken(MADE["chorale"](), tmp_path)
    codec: Any = model.codec
    every = made(model, 0, 3 * TRIES)
    strays = codec.strays(every)
    wanted = []
    for start in range(0, len(every), TRIES):
        best = min(strays[start : start + TRIES])
        wanted.append(str(every[start + strays[start : start + TRIES].index(best)]))
    assert [str(one) for one in made(model, 0, 3, TRIES)] == wanted
    assert [str(one) for one in made(model, 1, 1, TRIES)] == wanted[1:2]
    assert len(set(strays)) > 1, "there was nothing to choose"


def test_who_has_nothing_to_tell_them_apart_by_refuses(tmp_path: Path) -> None:
    model = shaken(MADE["text"](), tmp_path)
    with pytest.raises(RequestError, match="no option tries"):
        made(model, 0, 1, TRIES)


def test_tries_that_nobody_asked_for_are_drawn_and_recorded(tmp_path: Path) -> None:
    nets = {"net": "diffusion_transformer"}
    drive = recipe(Part("drive", OPTIONS["drive"][0]), Part("flow", {"steps": 4}), nets)
    model = shaken(drive, tmp_path)
    codec: Any = model.codec
    usual, request = codec.usual_tries, Request(seed=3, count=2)
    assert usual > 1 and api.record(model, request)["options"] == {"tries": usual}
    plain, asked = made(model, 0, 2), made(model, 0, 2, usual)
    assert [one.to_json() for one in plain] == [one.to_json() for one in asked]
    alone = replace(request, options=Options(tries=1))
    assert api.record(model, alone)["options"] == {"tries": 1}
