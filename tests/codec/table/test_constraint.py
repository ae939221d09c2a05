"""Constraints as they are written: read, told again, and refused where they contradict."""

import pytest

from genloom.codec.table.constraint import constraints_of, to_json
from genloom.codec.table.key_pattern import shape_of_pattern
from genloom.codec.table.sdv_metadata import read
from genloom.errors import RecipeError


def lower(low, high, strict=False):
    return {"kind": "inequality", "low": low, "high": high, "strict": strict}


def made(column, formula):
    return {"kind": "formula", "column": column, "formula": formula}


def test_reads_and_tells_again():
    given = [
        lower("a", "b", True),
        lower(0, "a"),
        made("c", "a * 2"),
        {"kind": "key", "column": "k"},
    ]
    told = constraints_of({"constraints": [*given, given[0]]})
    assert [one.told() for one in told] == ["a < b", "0 <= a", "c = a * 2", "k a key"]
    assert constraints_of(to_json(told)) == told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([lower("a", "b", True), lower("b", "a")], "'a < b', 'b <= a' together say b < b"),
        ([lower("a", "b"), lower("b", 3), lower(5, "a")], "say 5 <= 3"),
        ([made("a", "b + 1"), made("b", "a - 1")], "need each other"),
        ([made("a", "b + 1"), made("a", "b + 2")], "cannot be made by"),
        ([made("a", "a + 1")], "from itself"),
        ([{"kind": "key", "column": "a"}, lower("a", "b")], "made anew"),
        ([lower("a", "a")], "two ends"),
        ([lower(1, 2)], "two ends"),
        ([lower("a", True)], "neither a column nor a number"),
        ([{"kind": "fixed", "columns": ["a"]}], "2 or more"),
        ([{"kind": "unique", "columns": ["a", "a"]}], "1 or more"),
        ([{"kind": "odd"}], "one of inequality"),
        ([{"kind": "key", "column": "a", "size": 3}], "key takes column, pattern"),
        ("a < b", "a list"),
    ],
)
def test_what_is_wrong_or_contradicts_is_named(given, said):
    with pytest.raises(RecipeError, match=said):
        constraints_of(given)


def test_equal_columns_are_no_contradiction():
    assert len(constraints_of([lower("a", "b"), lower("b", "a")])) == 2


def test_patterns_of_keys():
    assert shape_of_pattern(r"C-[0-9]{2}\d\.[A-CX]") == (
        *("C", "-"),
        *["0123456789"] * 3,
        *(".", "ABCX"),
    )
    for wrong in ("a+", "(ab)", "[^a]", "[9-0]", "a{0}", "x{70}"):
        with pytest.raises(RecipeError, match="key pattern"):
            shape_of_pattern(wrong)


SDV = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "id",
    "alternate_keys": ["mail"],
    "columns": {
        "id": {"sdtype": "id", "regex_format": "U_[0-9]{5}"},
        "mail": {"sdtype": "email", "pii": True},
        "age": {"sdtype": "numerical"},
        "level": {"sdtype": "categorical"},
        "born": {"sdtype": "datetime", "datetime_format": "%d/%m/%Y"},
        "free": {"sdtype": "unknown"},
    },
    "constraints": [
        {
            "constraint_class": "Range",
            "constraint_parameters": {
                "low_column_name": "a",
                "middle_column_name": "b",
                "high_column_name": "c",
            },
        },
        {"constraint_class": "OneHotEncoding", "constraint_parameters": {"column_names": ["a"]}},
        {"constraint": "sdv.constraints.tabular.Positive", "column_name": "age"},
    ],
}


@pytest.mark.parametrize("wrapped", [False, True])
def test_metadata_of_sdv(wrapped):
    said: list[str] = []
    kinds, constraints = read({"tables": {"users": SDV}} if wrapped else SDV, said.append)
    assert kinds == {
        "id": "identifier",
        "mail": "identifier",
        "age": "number",
        "level": "category",
        "born": "date:%d/%m/%Y",
    }
    assert [one.told() for one in constraints_of(constraints)] == [
        *("id a key like U_[0-9]{5}", "mail unique", "a < b", "b < c", "0 <= age")
    ]
    assert len(said) == 1 and "OneHotEncoding" in said[0]


def test_sdv_constraints_among_ours():
    given = [
        {
            "constraint_class": "FixedCombinations",
            "constraint_parameters": {"column_names": ["a", "b"]},
        }
    ]
    assert constraints_of(given)[0].told() == "(a, b) as seen in the data"
    with pytest.raises(RecipeError, match="no counterpart"):
        constraints_of([{"constraint_class": "Mine"}])
    with pytest.raises(RecipeError, match="2 tables"):
        read({"tables": {"a": {}, "b": {}}}, print)
