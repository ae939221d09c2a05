"""Rows with gaps: drawn from the exact conditional distribution, foretold, and left as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from toys import MADE, shaken

from genloom import api, filling
from genloom.engine import rows
from genloom.errors import DataError, RequestError, UsageError
from genloom.metric.interval import wilson
from genloom.spec import Batch


def shop(count: int = 1200, seed: int = 0) -> pd.DataFrame:
    """Kind says the colour and most of the price; one price in ten is not known."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["a", "b", "c"], count, p=[0.5, 0.3, 0.2])
    base = pd.Series(kind).map({"a": 10.0, "b": 50.0, "c": 90.0}).to_numpy()
    price = base + rng.normal(0, 3, count)
    price[rng.random(count) < 0.1] = np.nan
    colour = pd.Series(kind).map({"a": "red", "b": "blue", "c": "green"})
    return pd.DataFrame({"kind": kind, "colour": colour, "price": price.round(2)})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    out = tmp_path_factory.mktemp("shop") / "model"
    changes = ("train.steps=250", "train.compile=off", "train.judge=0")
    return api.train("table", shop(), out=out, size="tiny", changes=changes)


def test_chances_are_those_of_the_exact_joint(tmp_path: Path) -> None:
    """Of the last field's first position, by the scores of whole rows in the codec's order."""
    model = shaken(MADE["row"](), tmp_path / "run")
    spec = rows.fields_of(model)
    span = spec.spans[-1]
    whole = torch.tensor([[low for low, _ in spec.ranges]])
    low, high = spec.ranges[span.start]
    every = whole.repeat(high - low, 1)
    every[:, span.start] = torch.arange(low, high)
    x = torch.cat((torch.full((len(every), 1), spec.bos), every), 1)
    weight = torch.zeros(len(every), spec.length + 1)
    weight[:, span.start + 1] = 1.0
    batch = Batch(spec=spec, x=x, weight=weight)
    with torch.inference_mode():
        exact = model.family.score(model.nets, batch).exp()
    told = rows.chances(model, whole, span.start)[0]
    assert torch.allclose(told, exact, atol=1e-5) and told.std() > 1e-4


def test_gaps_are_filled_from_what_is_known_and_nothing_else_changes(model: api.Model) -> None:
    real = shop(300, seed=1).dropna().reset_index(drop=True)
    holes = real.copy()
    holes.loc[::3, "colour"] = None
    holes.loc[1::3, "price"] = np.nan
    holes.loc[2::3, ["kind", "price"]] = None
    made = filling.fill(model, holes, seed=4)
    assert not made.isna().any().any() and list(made.columns) == list(real.columns)
    known = holes.notna()
    assert (made.where(known) == holes.where(known))[known].all(axis=None)
    right = int((made.loc[::3, "colour"] == real.loc[::3, "colour"]).sum())
    assert wilson(right, len(made.loc[::3])).low > 0.8
    assert np.corrcoef(made.loc[1::3, "price"], real.loc[1::3, "price"])[0, 1] > 0.9
    pd.testing.assert_frame_equal(made, filling.fill(model, holes, seed=4))
    assert not made.equals(filling.fill(model, holes, seed=5))


def test_a_row_is_filled_alike_in_any_company(model: api.Model) -> None:
    holes = shop(40, seed=2)
    holes["colour"] = None
    holes.loc[::2, "kind"] = None
    whole = filling.fill(model, holes, seed=1)
    pd.testing.assert_frame_equal(whole.head(7), filling.fill(model, holes.head(7), seed=1))


def test_only_columns_that_are_named_are_filled(model: api.Model) -> None:
    holes = pd.DataFrame({"kind": ["a", None, "b"], "price": [np.nan, 49.0, np.nan]})
    made = filling.fill(model, holes, ["colour", "kind"])
    assert made["price"].isna().tolist() == [True, False, True]
    assert made["colour"].notna().all() and made["kind"].notna().all()


def test_a_column_is_foretold_with_chances_and_intervals(model: api.Model) -> None:
    test = shop(400, seed=3).dropna()
    found = filling.predict(model, test.drop(columns="kind"), "kind")
    chances = found[["kind=a", "kind=b", "kind=c"]]
    assert np.allclose(chances.sum(axis=1), 1.0)
    assert (found["kind"].to_numpy() == test["kind"].to_numpy()).mean() > 0.95
    numbers = filling.predict(model, test[["kind"]], "price", coverage=0.8)
    inside = (numbers["price_low"].to_numpy() <= test["price"].to_numpy()) & (
        test["price"].to_numpy() <= numbers["price_high"].to_numpy()
    )
    assert 0.7 < inside.mean() < 0.93
    error = np.abs(numbers["price"].to_numpy() - test["price"].to_numpy()).mean()
    assert error < 5 < np.abs(test["price"] - test["price"].mean()).mean()


def test_a_value_never_seen_says_nothing(model: api.Model) -> None:
    strange = pd.DataFrame({"kind": ["z", None], "colour": ["blue", "blue"], "price": [50.0, 50.0]})
    found = filling.predict(model, strange, "price")
    assert found["price"][0] == pytest.approx(found["price"][1])


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        (lambda m: filling.fill(m, shop(3), ["size"]), UsageError, "'size'"),
        (lambda m: filling.fill(m, pd.DataFrame({"x": [1]})), DataError, "kind, colour, price"),
        (lambda m: filling.predict(m, shop(3), "size"), RequestError, "choose kind"),
        (lambda m: filling.predict(m, shop(3), "kind", coverage=1.0), RequestError, "coverage"),
    ],
)
def test_what_cannot_be_is_said(model: api.Model, wrong, error, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=said):
        wrong(model)


def test_a_model_of_no_rows_says_so(tmp_path: Path) -> None:
    text = shaken(MADE["text"](), tmp_path / "run")
    with pytest.raises(UsageError, match="genloom train table"):
        filling.fill(text, shop(3))
