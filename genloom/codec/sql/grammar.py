"""The grammar of the queries that may answer one question about one table.

Columns are the table's, values are runs of words of the question: whatever meets the grammar is SQL
that SQLite parses. Knows the marks by which a query is learnt, and Lark as llguidance reads it;
compiles nothing.
Marks: NAME or VALUE and a blank stand for a blank and a quote. So a name is the same ids in a query
as in the question, where a blank stands before it, too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from genloom.codec.sql.queries import AGGREGATES, ANY_CASE, OPERATORS, Query, Question, small

NAME, VALUE = "\x01", "\x02"
MOST = 4  # conditions; WikiSQL has no more
_OPENINGS = re.compile(f"([{NAME}{VALUE}]) ?")
_CHUNKS = re.compile(r"\s?(?:\w+|''|[^\w\s])")


def marked(query: Query, table: str) -> str:
    """A query as it is learnt."""
    return query.sql(table, f"{NAME} ", f"{VALUE} ")


def shown(text: str) -> str:
    """The SQL of a marked query, or of a part of one: longer texts show as longer ones."""
    return _OPENINGS.sub(lambda mark: ' "' if mark[1] == NAME else " '", text)


def unmarked(text: str) -> str:
    """Without characters that would be taken for marks."""
    return text.replace(NAME, " ").replace(VALUE, " ")


def grammar(question: Question) -> str:
    """Of the marked queries that may answer the question."""
    columns = " | ".join(json.dumps(_name(name)) for name in question.names)
    chunks = {"substring_chunks": _CHUNKS.findall(" " + _said(question.text))}
    words = json.dumps(chunks)
    return f"""
start: "SELECT" what {json.dumps(" FROM" + _name(question.table))} where?
what: column | AGGREGATE column ")"
where: " WHERE" condition (" AND" condition){{0,{MOST - 1}}}
condition: column OPERATOR {json.dumps(VALUE)} SAID
column: {columns}
AGGREGATE: {_choice(f" {one}(" for one in AGGREGATES)}
OPERATOR: {_choice(f" {one}" for one in OPERATORS)}
SAID: (WORDS | " " SIGNS) {json.dumps(f"'{ANY_CASE}")}
WORDS: %regex {words} & / [^ ](?s:.*)/
SIGNS: %regex {words} & /[^ ](?s:.*)/
"""


def _name(name: str) -> str:
    """As `Query.sql` writes it."""
    return f"{NAME} " + small(name).replace('"', '""') + '"'


def _said(text: str) -> str:
    return small(unmarked(text)).replace("'", "''")


def _choice(words: Iterable[str]) -> str:
    return " | ".join(json.dumps(one) for one in words)
