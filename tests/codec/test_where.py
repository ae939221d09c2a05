"""The grammar of conditions: what it reads, what it refuses, and where it points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genloom.codec.where import (
    MOST_CHARACTERS,
    Among,
    Both,
    Compare,
    Either,
    Missing,
    equalities,
    evaluate,
    leaves,
    negate,
    parse,
)
from genloom.errors import RequestError


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("age > 60", Compare("age", ">", 60)),
        ("60 < age", Compare("age", ">", 60)),
        ("age == -1.5e2", Compare("age", "=", -150.0)),
        ("income <> '>50K'", Compare("income", "!=", ">50K")),
        ('income = ">50K"', Compare("income", "=", ">50K")),
        ("hours-per-week >= 40", Compare("hours-per-week", ">=", 40)),
        ("pm2.5 < 10", Compare("pm2.5", "<", 10)),
        ("\"odd name\" = 'it''s'", Compare("odd name", "=", "it's")),
        ("`odd name` = true", Compare("odd name", "=", True)),
        ("größe <= 2", Compare("größe", "<=", 2)),
        ("sex in ('Male', 'Female')", Among("sex", ("Male", "Female"))),
        ("sex NOT IN ('Male')", Among("sex", ("Male",), True)),
        ("age is null", Missing("age")),
        ("age is not null", Missing("age", True)),
        ("not age is null", Missing("age", True)),
        ("a between 1 and 2", Both((Compare("a", ">=", 1), Compare("a", "<=", 2)))),
        ("a not between 1 and 2", Either((Compare("a", "<", 1), Compare("a", ">", 2)))),
    ],
)
def test_reads(text, tree):
    assert parse(text) == tree


def test_and_binds_tighter_than_or_and_brackets_bind_tightest():
    a, b, c = (Compare(name, "=", 1) for name in "abc")
    assert parse("a = 1 or b = 1 and c = 1") == Either((a, Both((b, c))))
    assert parse("(a = 1 or b = 1) and c = 1") == Both((Either((a, b)), c))


def test_not_is_pushed_into_the_comparisons():
    tree = parse("not (a > 1 and b in ('x'))")
    assert tree == Either((Compare("a", "<=", 1), Among("b", ("x",), True)))


@pytest.mark.parametrize(
    ("mapping", "tree"),
    [
        ({"income": ">50K"}, Compare("income", "=", ">50K")),
        ({"a": [1, 2]}, Among("a", (1, 2))),
        ({"a": None}, Missing("a")),
        ({"a": np.int64(3)}, Compare("a", "=", 3)),
        ({"a": "' or 1=1"}, Compare("a", "=", "' or 1=1")),
        ({"a": 1, "b": True}, Both((Compare("a", "=", 1), Compare("b", "=", True)))),
    ],
)
def test_reads_mappings_literally(mapping, tree):
    assert parse(mapping) == tree


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("age > 60; drop table x", 9),
        ("income = '' ; delete from x", 13),
        ("__import__('os').system('ls')", 17),
        ("age > __import__", 7),
        ("age > (60)", 7),
        ("age >", 6),
        ("age", 4),
        ("", 1),
        ("age > 60 and", 13),
        ("age > 60 or or sex = 'a'", 13),
        ("(age > 60", 10),
        ("age in ()", 9),
        ("age in (1", 10),
        ("income = yes", 10),
        ("income = 'open", 10),
        ("age > 60 -- note", 10),
        ("age not > 3", 9),
        ("age is 3", 8),
        ("age > 6e", 7),
        ("a = 1 \x00", 7),
    ],
)
def test_points_at_what_it_cannot_read(text, position):
    with pytest.raises(RequestError, match=f"at character {position} ") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_limits_hold():
    with pytest.raises(RequestError, match="characters"):
        parse("a" * (MOST_CHARACTERS + 1))
    with pytest.raises(RequestError, match="levels"):
        parse("(" * 200 + "a = 1" + ")" * 200)
    with pytest.raises(RequestError, match="levels"):
        parse("not " * 200 + "a = 1")
    with pytest.raises(RequestError, match="comparisons"):
        parse(" or ".join(["a = 1"] * 600))
    with pytest.raises(RequestError, match="600 values"):
        parse({"a": list(range(600))})


@pytest.mark.parametrize("where", [3, ["a"], {}, {"a": object()}, {"a": []}])
def test_refuses_other_things(where):
    with pytest.raises(RequestError):
        parse(where)


def test_evaluate_joins_leaves():
    values = {"a": np.array([0, 1, 0, 1]) > 0, "b": np.array([0, 0, 1, 1]) > 0}
    assert evaluate(parse("a = 1 and b = 1"), lambda leaf: values[leaf.column]).tolist() == [
        False,
        False,
        False,
        True,
    ]
    assert evaluate(parse("a = 1 or b = 1"), lambda leaf: values[leaf.column]).sum() == 3


def test_equalities_are_only_those_that_always_hold():
    assert equalities(parse("a = 1 and b > 2 and c = 'x'")) == {"a": 1, "c": "x"}
    assert equalities(parse("a = 1 or b = 2")) == {}


comparisons = st.builds(
    Compare,
    st.sampled_from("ab"),
    st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
    st.integers(0, 3),
)
trees = st.recursive(
    comparisons,
    lambda part: st.builds(
        lambda kind, parts: kind(tuple(parts)),
        st.sampled_from([Both, Either]),
        st.lists(part, min_size=2, max_size=3),
    ),
    max_leaves=6,
)
GRID = {"a": np.repeat(np.arange(4), 4), "b": np.tile(np.arange(4), 4)}
OPS = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def on_grid(tree):
    return evaluate(tree, lambda leaf: OPS[leaf.op](GRID[leaf.column], leaf.value))


def spoken(tree):
    if isinstance(tree, Both | Either):
        word = " and " if isinstance(tree, Both) else " or "
        return "(" + word.join(spoken(part) for part in tree.parts) + ")"
    return f"{tree.column} {tree.op} {tree.value}"


@given(trees)
def test_negation_and_spelling_keep_the_meaning(tree):
    assert (on_grid(negate(tree)) == ~on_grid(tree)).all()
    assert (on_grid(parse(spoken(tree))) == on_grid(tree)).all()
    assert len(leaves(parse(spoken(tree)))) == len(leaves(tree))


@given(st.text(alphabet="ab1 '\"`()<>=!,.;andornti", max_size=30))
def test_any_text_is_read_or_refused(text):
    try:
        parse(text)
    except RequestError as error:
        assert "where" in str(error)
