"""Rows in shares that are not the model's own, and the weights that lead back to it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from constrained import unlearnt
from toy_items import frame

from genloom import api
from genloom.engine.weighing import first_chance
from genloom.errors import RequestError
from genloom.spec import Request


def people() -> pd.DataFrame:
    """What is asked first stands first: a model that has learnt nothing knows the same rows in the
    codec's order alone."""
    made = frame(400)
    rng = np.random.default_rng(5)
    made = made.assign(sex=np.where(rng.random(400) < 0.4, "f", "m"), old=made["age"] > 60)
    return made[["sex", "job", "age", "pay", "old"]]


@pytest.fixture(scope="module")
def model() -> api.Model:
    return unlearnt(people(), bins=10)


@pytest.fixture(scope="module")
def plain(model: api.Model) -> pd.DataFrame:
    return model.generate(20_000, seed=9)


def test_balanced_rows_come_equally_often_and_their_weights_lead_back(
    model: api.Model, plain: pd.DataFrame
) -> None:
    made = model.generate(1500, seed=1, balance="sex", weights="w")
    assert made["sex"].value_counts().tolist() == [750, 750]
    share = made.groupby("sex")["w"].sum() / len(made)
    real = plain["sex"].value_counts(normalize=True)
    assert (share - real).abs().max() < 0.015 < (share - 1 / 2).abs().max()
    assert made["w"].mean() == pytest.approx(1, abs=1e-3)
    weighted = float(np.average(made["age"], weights=made["w"]))
    assert weighted == pytest.approx(plain["age"].mean(), abs=3 * 18 / 1500**0.5)
    told = made.attrs["shares"]
    assert {one["rows"] for one in told["shares"]} == {750} and told["probability"] == 1.0
    assert made["sex"].head(50).nunique() == 2  # mixed


def test_a_rare_part_tells_how_probable_it_is(model: api.Model, plain: pd.DataFrame) -> None:
    where = "sex = 'f' and job != 'cook' and age > 70"
    met = model.codec.matches(plain, where).mean()
    made = model.generate(300, seed=2, where=where, weights="weight")
    assert model.codec.matches(made, where).all() and 0.01 < met < 0.2
    told = made.attrs["shares"]
    error = 4 * ((met / len(plain)) ** 0.5 + told["standard_error"])
    assert made["weight"].nunique() == 1
    assert made["weight"][0] == pytest.approx(met, abs=error)
    assert told["probability"] == pytest.approx(made["weight"][0], rel=1e-3)


def test_what_is_fixed_has_its_exact_chance(model: api.Model) -> None:
    """Of all values of two columns together it is one."""
    codec = model.codec
    nodes = [
        codec.joined(None, None, (one, other))
        for one, _ in codec.shares("job")
        for other, _ in codec.shares("sex")
    ]
    chances = [first_chance(model, Request(where=node)) for node in nodes]
    assert sum(chances) == pytest.approx(1, abs=1e-4) and min(chances) > 0
    assert first_chance(model, Request()) == 1.0
    some = first_chance(model, Request(where="job in ('cook', 'clerk')"))
    each = [first_chance(model, Request(where=f"job = '{job}'")) for job in ("cook", "clerk")]
    assert some == pytest.approx(sum(each), abs=1e-5)


def test_fair_rates_are_even_and_the_shift_is_told(model: api.Model, plain: pd.DataFrame) -> None:
    made = model.generate(3000, seed=4, fair="sex:job", weights="w")
    rates = pd.crosstab(made["sex"], made["job"], normalize="index")
    assert (rates.loc["f"] - rates.loc["m"]).abs().max() < 0.002
    told = made.attrs["shares"]["fair"]
    assert set(told["before"]) == {"sex = f", "sex = m"} and told["rows_shifted"] > 0
    real = pd.crosstab(plain["sex"], plain["job"], normalize=True)
    back = made.pivot_table(index="sex", columns="job", values="w", aggfunc="sum") / len(made)
    assert np.abs(back - real).to_numpy().max() < 0.02
    within = model.generate(200, seed=4, fair="sex:job", where="age < 40 or pay > 1500")
    assert model.codec.matches(within, "age < 40 or pay > 1500").all()


def test_the_same_seed_makes_the_same_rows(model: api.Model) -> None:
    asked = {"balance": "sex,old", "weights": "w", "seed": 3}
    pd.testing.assert_frame_equal(model.generate(90, **asked), model.generate(90, **asked))
    made = model.generate(90, **asked)
    assert made.groupby(["sex", "old"]).size().max() - 90 // 4 <= 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"balance": "pay"}, "2 to 100 repeated values"),
        ({"balance": "jobs"}, "nearest: 'job'"),
        ({"balance": "job", "where": "age > 900"}, "loosen"),
        ({"balance": "job", "count": 2}, "2 rows are asked for, of 3 shares"),
        ({"fair": "sex"}, "a protected column and an outcome"),
        ({"fair": "sex:sex"}, "fair to itself"),
        ({"fair": "sex:job", "balance": "job"}, "give one"),
        ({"weights": "w", "temperature": 0.5}, "leave one out"),
        ({"weights": "age"}, "already"),
    ],
)
def test_what_cannot_be_is_said(model: api.Model, asked, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RequestError, match=said):
        model.generate(**{"count": 10, **asked})


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("age > 900", r"the nearest possible is 7\d"),
        ("age > 60 and age < 30", "the nearest possible is"),
    ],
)
def test_the_nearest_to_what_cannot_be_is_told(model: api.Model, where: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        model.generate(3, where=where)


def test_the_nearest_to_what_never_came_is_told(
    model: api.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genloom.engine import keeping

    monkeypatch.setattr(keeping, "HOPELESS", 200)
    column = next(c for c in model.codec.columns if c.name == "pay")
    value = float(np.quantile(column.quantiles.knots, 0.37)) + 1e-7
    with pytest.raises(RequestError, match=r"the nearest was pay = \d+"):
        model.generate(3, where=f"pay > {value} and pay < {value + 1e-7}")


def test_other_models_have_no_shares(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from toys import MADE, shaken

    text = shaken(MADE["text"](), tmp_path)
    with pytest.raises(RequestError, match="balance"):
        text.generate(1, balance="job")
    assert torch.is_tensor(next(text.nets.parameters()))
