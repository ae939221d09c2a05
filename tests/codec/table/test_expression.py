"""Formulas: what they give, what misses, and what is no formula."""

import numpy as np
import pandas as pd
import pytest

from genloom.codec.table.expression import Unfit, columns_of, evaluate, parse
from genloom.errors import RecipeError

DAYS = np.array([pd.Timestamp(t).value / 86_400e9 for t in ("2024-02-29 13:30", "1969-12-31")])
GIVEN = {
    "price": np.array([10.0, np.nan]),
    "net weight": np.array([3.0, 4.0]),
    "day": DAYS,
    "name": np.array(["Ann", None], dtype=object),
    "ok": np.array([True, False]),
}


def value(text):
    return evaluate(parse(text), GIVEN, 2)[0]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3 - 4 / 2", 5),
        ("-2 ^ 2", -4),
        ("2 ^ 3 ^ 2", 512),
        ("(1 + 2) * price", 30),
        ('"net weight" * `net weight`', 9),
        ("round(price / 3, 2)", 3.33),
        ("min(price, 4, 7) + max(1, 2) % 2", 4),
        ("if(price > 5 and not price = 11, 1, 2)", 1),
        ("if(ok, 3, 4)", 3),
        ("year(day) * 10000 + month(day) * 100 + day(day)", 20240229),
        ("hour(day)", 13),
        ("weekday(day)", 3),
        ("concat(upper(name), '-', price, '''')", "ANN-10'"),
        ("if(name = 'Ann', 'she', 'he')", "she"),
        ("floor(2.7) + ceil(2.1) + abs(-1) + sqrt(4) + log(exp(1))", 9),
    ],
)
def test_gives(text, wanted):
    assert value(text) == (wanted if isinstance(wanted, str) else pytest.approx(wanted))


def test_what_misses_or_has_no_value_is_missing():
    assert np.isnan(evaluate(parse("price + 1"), GIVEN, 2)[1])
    assert evaluate(parse("concat(name, 'x')"), GIVEN, 2)[1] is None
    assert not evaluate(parse("price > 0 or price <= 0"), GIVEN, 2)[1]
    assert np.isnan(value("1 / 0")) and np.isnan(value("log(-1)"))
    assert evaluate(parse("weekday(day)"), GIVEN, 2)[1] == 2  # before 1970, too


def test_names_what_it_reads():
    assert columns_of(parse("a * b + if(c > 1, a, 'd')")) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a +", "the end"),
        ("open('x')", "a function that there is"),
        ("a b", "an operator"),
        ("min(1)", "2 to 20 values"),
        ("(" * 60, "levels"),
        ("2^" * 60 + "1", "powers"),
        ("a.__class__", "character 2"),
        ("", "give a text"),
        ("x" * 3000, "up to 2000"),
    ],
)
def test_what_is_no_formula_is_refused(text, said):
    with pytest.raises(RecipeError, match=said):
        parse(text)


@pytest.mark.parametrize("text", ["name + 1", "upper(price)", "price = name", "if(1, 2, 3)"])
def test_texts_and_numbers_do_not_mix(text):
    with pytest.raises(Unfit):
        value(text)
