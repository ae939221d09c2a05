"""Constraints end to end: every row of a model that knows nothing meets them, whatever is asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from constrained import CONSTRAINTS, TOWNS, broken, orders, unlearnt

from genloom import api, filling
from genloom.codec.table.codec import TableCodec
from genloom.engine.engine import Engine
from genloom.errors import DataError, RequestError
from genloom.spec import Request


@pytest.fixture(scope="module")
def model() -> api.Model:
    return unlearnt(orders(), constraints=CONSTRAINTS)


def test_the_judge_of_these_tests_sees_what_is_broken() -> None:
    assert broken(orders()) == ["unique"]
    free = unlearnt(orders()).generate(150)
    assert {"fixed", "dates", "strict", "chain", "whole", "formula"} <= set(broken(free))


@pytest.mark.parametrize(
    "where",
    [
        None,
        "town = 'Rome'",
        "country in ('Italy') and age < 4",
        "came < '2022-02-01' and low > 0",
        "total > 100 and high = 0.777",
    ],
)
def test_all_that_is_made_meets_all_of_them(model: api.Model, where: str | None) -> None:
    made = model.generate(120, seed=3, where=where)
    assert len(made) == 120 and broken(made) == []
    assert list(made.dtypes) == list(orders().dtypes)
    if where is not None:
        assert model.codec.matches(made, where).all()


def test_hardly_a_row_is_drawn_in_vain(model: api.Model) -> None:
    """But for those that repeat: what masks and intervals leave open is next to nothing."""
    request = Request(seed=1, count=1500)
    with Engine(model) as engine:
        generation = engine.submit(request)
        generation.finish()
        frame = model.codec.decode(generation.tensors())
    met = model.codec.matches(frame, None) & (generation.keep_chance().numpy() > 0)
    assert met.mean() > 0.98


def test_what_is_asked_may_contradict_a_constraint(model: api.Model) -> None:
    for where, said in (
        ("town = 'Rome' and country = 'France'", "town, country"),
        ("child = 9 and age < 9", "child < age"),
    ):
        with pytest.raises(RequestError, match=said):
            model.generate(5, where=where)


def test_a_row_is_the_same_in_any_company_and_when_made_again(model: api.Model) -> None:
    whole = model.generate(90, seed=5)
    pd.testing.assert_frame_equal(whole.head(20), model.generate(20, seed=5))
    assert not whole["order"].equals(model.generate(90, seed=6)["order"])


def test_more_different_rows_than_there_are_end_in_an_error(model: api.Model) -> None:
    few = unlearnt(orders(), constraints=[{"kind": "unique", "columns": ["town"]}], rare=1)
    assert sorted(few.generate(4)["town"]) == sorted(TOWNS)
    with pytest.raises(RequestError, match=r"5 rows are asked for, and 4 can differ \(town unique"):
        few.generate(5)
    with pytest.raises(RequestError, match="room for 2,000 different"):
        unlearnt(orders(), constraints=CONSTRAINTS[:1]).generate(2001)


def test_gaps_are_filled_by_what_the_constraints_leave(model: api.Model) -> None:
    holes = orders(200, seed=4)
    holes.loc[::2, ["country", "came", "high", "age"]] = None
    holes.loc[1::2, ["town", "sent", "low", "total"]] = None
    made = filling.fill(model, holes, seed=2)
    assert not made.drop(columns="top").isna().any(axis=None)
    known = holes.notna()
    assert (made.where(known) == holes.where(known))[known].all(axis=None)
    assert set(broken(made)) <= {"unique", "chain"}  # unknown tops count as missing above


def test_kept_inside_the_model_and_told(model: api.Model, tmp_path) -> None:  # type: ignore[no-untyped-def]
    model.codec.save(tmp_path)
    again = TableCodec.load(tmp_path)
    assert again.promises == model.codec.promises
    assert "(town, country) as seen in the data" in again.promises
    ids = model.codec.encode(orders(50))
    pd.testing.assert_frame_equal(again.decode(ids), model.codec.decode(ids))
    rules, known = again.rules, torch.full((2, again.spec.length), -1)
    assert rules is not None
    place = {span.name: span.start for span in again.spec.spans}
    known[:, place["town"]] = ids[:2, place["town"]]
    mask = rules.mask(place["country"], known)
    assert mask is not None and mask.sum(1).tolist() == [1, 1]


def test_data_that_break_a_constraint_are_counted() -> None:
    frame = orders()
    frame.loc[:2, "country"] = "Spain"
    frame.loc[5:8, "total"] += 1.0
    frame.loc[9, "age"] = 0
    codec = TableCodec(constraints=CONSTRAINTS)
    codec.fit(frame)
    said = " ".join(codec.notes)
    assert "'total = price * count' is broken in 4 of 600 rows" in said
    assert "'child < age' is broken in 1 of 600 rows" in said
    assert "combinations (3 rows) are too rare" in said
    assert "'sent <= came' is broken" not in said


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        ({"kind": "inequality", "low": "town", "high": "age"}, "no order"),
        ({"kind": "inequality", "low": "sent", "high": "age"}, "dates and numbers"),
        ({"kind": "inequality", "low": "sentt", "high": "came"}, "nearest: 'sent'"),
        ({"kind": "inequality", "low": 99, "high": "child"}, "no row can meet"),
        ({"kind": "formula", "column": "total", "formula": "town * 2"}, "a text stands"),
        ({"kind": "key", "column": "age", "pattern": "A[0-9]{3}"}, "holds numbers"),
    ],
)
def test_what_such_columns_cannot_meet_is_said(constraint, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DataError, match=said):
        TableCodec(constraints=[constraint]).fit(orders(100))


def test_vectors_meet_them_by_drawing_again() -> None:
    codec = TableCodec(carrier="array", constraints=CONSTRAINTS[1:3] + CONSTRAINTS[7:8])
    codec.fit(orders())
    made = codec.decode(codec.encode(orders(300, seed=2)))
    assert np.allclose(made["total"], made["price"] * made["count"], atol=0.0051)
    met = codec.matches(made, None)
    assert 0.2 < met.mean() <= 1
    assert broken(made[met]) and not {"fixed", "dates"} & set(broken(made[met]))
