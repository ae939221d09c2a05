"""Questions to SQL: three ways of writing a query, its grammar, variations, the codec."""

from __future__ import annotations

import json
import random
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import toys
from hypothesis import given, settings
from hypothesis import strategies as st

from genloom.codec.pair.item import Pair
from genloom.codec.sql.codec import SqlCodec
from genloom.codec.sql.grammar import grammar, marked, shown
from genloom.codec.sql.queries import Condition, Query, Question, example, small
from genloom.codec.sql.variations import varied
from genloom.codec.text.codec import TextCodec
from genloom.engine.engine import Engine
from genloom.engine.grammar import Grammar, Matcher, Vocabulary
from genloom.errors import DataError, RecipeError, RequestError
from genloom.material import prepare
from genloom.recipe import Part
from genloom.spec import Options, Request
from genloom.train.log import silent

LINES = (
    "table: 1-10-2\ncolumns: Player, No., School/Club Team, GDP (2003, in €), Power, continuous\n"
    'Q: Who wears Rice\'s "number 42" at Butler CC (KS)?'
)
QUESTION = Question.read(LINES)
TOLD = {
    "SELECT Player FROM 1-10-2 WHERE No. = 42": Query("Player", "", (Condition("No.", "=", "42"),)),
    "SELECT COUNT No. FROM 1-10-2": Query("No.", "COUNT"),
    "SELECT MAX GDP (2003, in €) FROM 1-10-2 WHERE School/Club Team = 'Butler CC (KS)' AND "
    "No. > '42'": Query(
        "GDP (2003, in €)",
        "MAX",
        (Condition("School/Club Team", "=", "Butler CC (KS)"), Condition("No.", ">", "42")),
    ),
    "SELECT Power, continuous FROM 1-10-2 WHERE Player = 'rock AND roll'": Query(
        "Power, continuous", "", (Condition("Player", "=", "rock AND roll"),)
    ),
}


def letters() -> Vocabulary:
    codec = TextCodec(vocab="bytes")
    codec.fit(["x"])
    return Vocabulary.of(codec)


VOCABULARY = letters()


def matcher(question: Question) -> Matcher:
    made = Grammar.compile(Options(grammar=grammar(question)), VOCABULARY)
    assert made is not None
    return made()


def accepts(question: Question, query: Query) -> bool:
    ids = [2 + byte for byte in marked(query, question.table).encode()]
    at = matcher(question)
    if at.allows(ids) < len(ids):
        return False
    for one in ids:
        at.accept(one)
    return at.complete


def drawn(question: Question, seed: int) -> str:
    """A text of the grammar, each byte drawn from those allowed."""
    at, chance, data = matcher(question), random.Random(seed), bytearray()
    while not at.finished and len(data) < 4000:
        words = at.mask().tolist()
        may = [32 * n + bit for n, word in enumerate(words) for bit in range(32) if word >> bit & 1]
        # it ends where it may: a value could go on to the end of the question
        end = 0 in may and chance.random() < 0.5
        one = 0 if end or may == [0] else chance.choice([i for i in may if i])
        if one == 0:
            break
        data.append(one - 2)
        at.accept(one)
    return shown(data.decode())


def parses(sql: str, question: Question) -> bool:
    with sqlite3.connect(":memory:") as base:
        names = dict.fromkeys(small(name).replace('"', '""') for name in question.names)
        columns = ", ".join(f'"{name}"' for name in names)
        table = small(question.table).replace('"', '""')
        base.execute(f'CREATE TABLE "{table}" ({columns})')
        try:
            base.execute("EXPLAIN " + sql)
        except sqlite3.Error:
            return False
    return True


# --- writing and reading --------------------------------------------------------------------------


@pytest.mark.parametrize("told", TOLD)
def test_a_query_is_read_as_wikisql_and_as_sql(told: str) -> None:
    query = QUESTION.parse(told)
    assert query == TOLD[told]
    sql = query.sql(QUESTION.table)
    assert QUESTION.parse(sql).logical() == query.logical()
    assert parses(sql, QUESTION)


def test_a_query_runs_whatever_the_case() -> None:
    with sqlite3.connect(":memory:") as base:
        base.execute('CREATE TABLE "1-10-2" ("Player", "No.")')
        base.execute("INSERT INTO \"1-10-2\" VALUES ('Al O''Neil', 42)")
        query = Query("No.", "MAX", (Condition("Player", "=", "al o'neil"),))
        assert base.execute(query.sql("1-10-2")).fetchall() == [(42,)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT",
        "SELECT Age FROM 1-10-2",
        'SELECT "player" FROM "1-10-2" WHERE',
        'SELECT "player" FROM "1-10-2" AND "no." = \'4\'',
        'SELECT COUNT( "player" FROM "1-10-2"',
        "DROP TABLE x",
        "",
    ],
)
def test_what_is_no_query_of_the_table_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="no query about the columns of"):
        QUESTION.parse(text)


def test_conditions_in_another_order_are_the_same_query() -> None:
    one, two = Condition("a", "=", "X  y"), Condition("b", ">", "2")
    assert Query("c", "", (one, two)).logical() == Query("C", "", (two, one)).logical()
    assert Query("c", "", (one,)).logical() != Query("c", "", (two,)).logical()


@pytest.mark.parametrize("told", ["hello", "table: x\ncolumns: \nQ: y", "table: x\nQ: y"])
def test_what_is_no_question_is_told(told: str) -> None:
    with pytest.raises(RequestError, match='give the lines "table: NAME"'):
        Question.read(told)


# --- the grammar ----------------------------------------------------------------------------------

names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1)
lines = st.lists(names.filter(lambda n: n.strip()), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(columns=lines, words=lines, seed=st.integers(0, 1000))
def test_whatever_the_grammar_allows_is_sql(
    columns: list[str], words: list[str], seed: int
) -> None:
    question = Question("some table", tuple(columns), " ".join(words))
    sql = drawn(question, seed)
    assert parses(sql, question)
    assert small(question.parse(sql).column) in {small(name) for name in question.names}


@pytest.mark.parametrize(
    "query",
    [
        Query("Player", "", (Condition("No.", "=", "42"),)),
        Query("No.", "COUNT", (Condition("Player", "=", "Rice"),)),
        Query("Player", "", (Condition("School/Club Team", "=", "Butler CC (KS)"),)),
        Query("Player", "", (Condition("Player", "=", "number 42"),) * 4),
        Query("Player", "", (Condition("Player", "=", "Rice's \"number"),)),
        Query("Power, continuous", "MIN"),
    ],
)
def test_values_are_runs_of_words(query: Query) -> None:
    assert accepts(QUESTION, query)


@pytest.mark.parametrize(
    "query",
    [
        Query("Age"),
        Query("Player", "", (Condition("No.", "=", "43"),)),
        Query("Player", "", (Condition("No.", "=", "umber 42"),)),
        Query("Player", "", (Condition("No.", "=", ""),)),
        Query("Player", "", (Condition("Player", "=", "Rice"),) * 5),
    ],
)
def test_nothing_else_is_allowed(query: Query) -> None:
    assert not accepts(QUESTION, query)


def test_every_answer_of_the_data_is_in_its_grammar_or_counted(shared: Path) -> None:
    left_out = {"train": 4, "valid": 0}
    for part, expected in left_out.items():
        bad, answers = 0, []
        path = shared / "data" / "instruct" / "wikisql" / f"{part}.jsonl"
        for line in path.read_text("utf-8").splitlines():
            try:
                answers.append(example(json.loads(line)["text"]))
            except RequestError:
                bad += 1
        assert bad == expected
        for question, query in answers[:: 10 if part == "train" else 2]:
            assert accepts(question, query), query
            assert parses(query.sql(question.table), question)


# --- variations -----------------------------------------------------------------------------------


def few() -> list[tuple[Question, Query]]:
    told = [
        ("what is the no. of reed garrett?", Query("no.", "", (Condition("player", "=", "Reed"),))),
        ("how many teams have no. 42", Query("team", "COUNT", (Condition("no.", "=", "42"),))),
        ("name the team", Query("team")),
    ]
    return [(Question("1-2-3", ("Player", "no.", "Team", "Year"), q), a) for q, a in told]


def test_variations_keep_question_and_query_together() -> None:
    made = varied(few(), 300, seed=3)
    assert len(made) == 300 and made == varied(few(), 300, seed=3) != varied(few(), 300, seed=4)
    for question, query in made:
        names = {small(name) for name in question.columns}
        assert {small(query.column), *(small(c.column) for c in query.where)} <= names
        assert all(small(c.value) in small(question.text) for c in query.where)
        assert question.parse(query.sql(question.table)).logical() == query.logical()
    assert len({query.logical() for _, query in made}) > 50
    assert {query.aggregate for _, query in made} == {"", "COUNT"}


def test_variations_use_nothing_but_the_examples() -> None:
    known = set(" ".join(q.lines() + a.sql("") for q, a in few()).lower().split())
    known |= {
        word for text in known for word in "".join(c if c.isalnum() else " " for c in text).split()
    }
    for question, _ in varied(few(), 100):
        for word in small(question.text).split():
            bare = word.strip("?.")
            assert bare.isdigit() or word in known or bare in known, word


def test_only_what_is_learnt_from_is_varied(tmp_path: Path) -> None:
    options = {**toys.OPTIONS["sql"][0], "variations": 50}
    made = toys.recipe(Part("sql", options), Part("autoregressive"), {"net": "transformer"})
    plain = made.with_("codec.variations=0")
    items = toys.asked_of_tables()
    more, few = (prepare(r, items, None, None, 0, (), None, silent, None) for r in (made, plain))
    assert len(more.encoded) == len(few.encoded) + 50
    assert [str(x) for x in more.held_items] == [str(x) for x in few.held_items]
    codec: Any = more.codec
    held = set(codec.keys(more.held_items))
    assert not held & set(codec.keys(more.train_items))
    more.codec.save(tmp_path)
    assert SqlCodec.load(tmp_path).variations == 0  # a model that is at work varies nothing
    with pytest.raises(RecipeError, match=r"codec\.variations is -1"):
        SqlCodec(variations=-1)


# --- the codec ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def codec() -> SqlCodec:
    made = SqlCodec(vocab=400, length=128)
    made.fit(toys.asked_of_tables())
    return made


def test_a_name_is_the_same_ids_in_question_and_query(codec: SqlCodec) -> None:
    (ids,) = codec.encode(toys.asked_of_tables(1))
    at = ids.tolist().index(codec.separator)
    (name,) = codec.text.encode([" no"])
    for side in (ids[:at].tolist(), ids[at:].tolist()):
        runs = [side[i : i + len(name)] for i in range(len(side))]
        assert name.tolist() in runs


def test_sql_grows_id_by_id(codec: SqlCodec) -> None:
    (ids,) = codec.encode(toys.asked_of_tables(1))
    at = ids.tolist().index(codec.separator)
    texts = [codec.stable_prefix(ids[:n]) for n in range(at + 1, len(ids) + 1)]
    assert all(b.startswith(a) for a, b in pairwise(texts))
    assert texts[-1] == toys.asked_of_tables(1)[0]["target"]


def test_wikisql_is_read_and_the_rest_counted(tmp_path: Path, codec: SqlCodec) -> None:
    file = tmp_path / "a.jsonl"
    told = [LINES + "\nA: SELECT Player FROM 1-10-2 WHERE No. = 42", "a plain text"]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in told), "utf-8")
    found = codec.read(file)
    assert [str(item) for item in found.items] == [
        'SELECT "player" FROM "1-10-2" WHERE "no." = \'42\' COLLATE NOCASE'
    ]
    assert any("1 of 2 texts are no question" in note for note in found.notes)
    file.write_text('{"text": "a plain text"}\n', "utf-8")
    with pytest.raises(DataError, match="no questions with queries"):
        codec.read(file)


def test_every_query_parses_even_of_a_model_that_knows_nothing(tmp_path: Path) -> None:
    """The grammar comes of itself; a form of the user's own takes its place."""
    made = toys.recipe(
        Part("sql", toys.OPTIONS["sql"][0]), Part("autoregressive"), {"net": "transformer"}
    )
    model = toys.shaken(made, tmp_path)
    lines = toys.asked_of_tables(1)[0]["source"]
    with Engine(model) as engine:
        generations = engine.submit(Request(prompt=lines, count=8, options=Options(min_p=0.01)))
        free = engine.submit(Request(prompt=lines, options=Options(regex="abc")))
        results = [*generations.result()]
        assert str(free.result()[0]) == "abc"
    question = Question.read(lines)
    whole = [sql for sql in map(str, results) if sql.endswith(("NOCASE", '"'))]
    assert whole and all(parses(sql, question) for sql in whole)
    with pytest.raises(RequestError, match="no question about a table"), Engine(model) as engine:
        engine.submit(Request(prompt="hello"))


def test_a_question_in_ids_has_the_same_grammar(codec: SqlCodec) -> None:
    lines = toys.asked_of_tables(1)[0]["source"]
    ids = codec.question(lines).tolist()
    assert codec.form(None, ids) == codec.form(lines)
    assert codec.form(None, ids[:-1]) is None  # the question goes on
    assert codec.form(None, [*ids, 5]) is None  # its answer is begun
    assert codec.form(None, [5, codec.separator]) is None


def test_what_a_model_wrote_is_encoded_as_it_is(codec: SqlCodec) -> None:
    lines = toys.asked_of_tables(1)[0]["source"]
    (ids,) = codec.encode([Pair("SELECT nothing", lines)])
    assert str(codec.decode([ids])[0]) == "SELECT nothing"
    assert torch.equal(codec.encode(codec.decode([ids]))[0], ids)
