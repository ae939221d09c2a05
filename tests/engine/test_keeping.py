"""Rows under conditions: the same however many candidates are drawn at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import MADE, shaken

from genloom import api
from genloom.engine import keeping
from genloom.engine.engine import Engine
from genloom.engine.keeping import Keeping, needs_keeping
from genloom.errors import RequestError
from genloom.spec import Request

WHERE = "age > 40 and job = 'cook'"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    return shaken(MADE["row"](), tmp_path_factory.mktemp("rows"))


@pytest.mark.parametrize("together", [7, 64, 5000])
def test_what_is_kept_does_not_depend_on_how_much_is_drawn_at_once(
    rows: api.Model, together: int
) -> None:
    request = Request(seed=3, count=20, where=WHERE)
    keeping_ = Keeping(rows.codec, request, together)
    with Engine(rows) as engine:
        while not keeping_.done:
            asked = keeping_.next()
            assert asked.count <= together
            generation = engine.submit(asked)
            generation.result()
            keeping_.take(generation)
    made, wanted = keeping_.items(), api.exact(rows, request)
    assert made.equals(wanted) and len(made) == 20
    assert (made["age"] > 40).all() and (made["job"] == "cook").all()


def test_conditions_that_are_hardly_ever_met_are_given_up(
    rows: api.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_DRAWN", 8)
    with pytest.raises(RequestError, match="loosen them"):
        api.exact(rows, Request(count=2000, where=WHERE))


def test_only_conditions_need_keeping(rows: api.Model, tmp_path: Path) -> None:
    assert needs_keeping(rows.codec, Request(where=WHERE))
    assert not needs_keeping(rows.codec, Request())
