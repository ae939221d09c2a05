"""Questions about one table and their queries, in the subset of SQL that WikiSQL has.

A query is SELECT [aggregate] column FROM table [WHERE column operator value [AND ...]]. Knows the
text form in which WikiSQL tells both, and SQL as SQLite runs it; names and values in small letters,
which SQLite takes for the same. Knows no ids, grammar or model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from genloom.errors import RequestError

AGGREGATES = ("COUNT", "MAX", "MIN", "SUM", "AVG")
OPERATORS = ("=", ">", "<")
ANY_CASE = " COLLATE NOCASE"  # whoever asks for butler cc means Butler CC
_LAYOUT = 'give the lines "table: NAME", "columns: A, B, ..." and "Q: ..."'
_LINES = re.compile(r"table: ([^\n]*)\ncolumns: ([^\n]*)\nq: ?([^\n]*)", re.IGNORECASE)
_NAME, _VALUE = r'"((?:[^"]|"")*)"', r"'((?:[^']|'')*)'"
_HEAD = re.compile(rf"SELECT (?:({'|'.join(AGGREGATES)})\( )?{_NAME}\)? FROM {_NAME}")
_WHERE = re.compile(rf" (?:WHERE|AND) {_NAME} ([=<>]) {_VALUE}(?:{ANY_CASE})?")
_TOLD = re.compile(rf"SELECT (?:({'|'.join(AGGREGATES)}) )?")
_CONDITION = re.compile(r" ([=<>]) ('?)")


@dataclass(frozen=True)
class Condition:
    column: str
    operator: str
    value: str


@dataclass(frozen=True)
class Query:
    column: str
    aggregate: str = ""
    where: tuple[Condition, ...] = ()

    def logical(self) -> tuple[str, str, frozenset[tuple[str, str, str]]]:
        """What two queries have to share to be the same: neither the order of conditions nor the
        case of values matters (the comparison of WikiSQL, Zhong et al. 2017)."""
        told = ((small(c.column), c.operator, small(c.value)) for c in self.where)
        return small(self.column), self.aggregate, frozenset(told)

    def shape(self) -> tuple[str, tuple[str, ...]]:
        """What is left of it without names and values."""
        return self.aggregate, tuple(c.operator for c in self.where)

    def sql(self, table: str, name: str = ' "', value: str = " '") -> str:
        """As SQLite runs it, or with other openings of a name and of a value."""

        def named(text: str) -> str:
            return name + small(text).replace('"', '""') + '"'

        def told(one: Condition) -> str:
            said = small(one.value).replace("'", "''")
            return f"{named(one.column)} {one.operator}{value}{said}'{ANY_CASE}"

        what = named(self.column)
        what = f" {self.aggregate}({what})" if self.aggregate else what
        where = f" WHERE{' AND'.join(map(told, self.where))}" if self.where else ""
        return f"SELECT{what} FROM{named(table)}{where}"


@dataclass(frozen=True)
class Question:
    """A question about a table."""

    table: str
    columns: tuple[str, ...]
    text: str

    @classmethod
    def read(cls, told: str) -> Question:
        """From WikiSQL's lines. RequestError where they are not there."""
        found = _LINES.match(told)
        if found is None:
            raise RequestError(f"{told[:60]!r} is no question about a table: {_LAYOUT}")
        columns = tuple(_columns(found[2]))
        if not found[1].strip() or not columns or not found[3].strip():
            raise RequestError(f"{told[:60]!r} lacks a table, columns or a question: {_LAYOUT}")
        return cls(found[1].strip(), columns, found[3].strip())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What a query may call a column, longest first: the columns, and neighbours that may be
        one name with a comma in it ("Prevailing types", "%")."""
        joined = (f"{a}, {b}" for a, b in pairwise(self.columns) if not b[:1].isupper())
        return tuple(sorted(dict.fromkeys((*self.columns, *joined)), key=len, reverse=True))

    def lines(self) -> str:
        """As models learn it, in small letters: the inverse of `read` but for these."""
        names = ", ".join(map(small, self.columns))
        return f"table: {small(self.table)}\ncolumns: {names}\nq: {small(self.text)}"

    def parse(self, written: str) -> Query:
        """The query that a text is, in SQL or as WikiSQL has it. RequestError where it is none
        about this table."""
        text = " ".join(written.split())
        made = _sql(text) or self._told(text)
        known = {small(name) for name in self.names}
        if made is None or any(small(n) not in known for n in _named(made)):
            raise RequestError(f"{text[:60]!r} is no query about the columns of {self.table!r}")
        return made

    # --- WikiSQL's own form, in which nothing is quoted but some values

    def _told(self, text: str) -> Query | None:
        head = _TOLD.match(text)
        for column, rest in self._begins(text[head.end() :] if head else ""):
            where = self._where(rest.removeprefix(f" FROM {self.table}"))
            if head and where is not None:
                return Query(column, head[1] or "", where)
        return None

    def _where(self, text: str) -> tuple[Condition, ...] | None:
        """The conditions of all of this text; None where it is something else."""
        if not text:
            return ()
        return self._conditions(text.removeprefix(" WHERE ")) if text[:7] == " WHERE " else None

    def _conditions(self, text: str) -> tuple[Condition, ...] | None:
        for column, rest in self._begins(text):
            found = _CONDITION.match(rest)
            for value, later in _values(rest[found.end() :], found[2]) if found else ():
                others = self._conditions(later.removeprefix(" AND ")) if later else ()
                if found and others is not None:
                    return (Condition(column, found[1], value), *others)
        return None

    def _begins(self, text: str) -> Iterator[tuple[str, str]]:
        """(column, what follows) of every name that the text begins with, longest first."""
        for column in self.names:
            name = " ".join(column.split())
            if text.startswith(name):
                yield column, text[len(name) :]


def example(told: str) -> tuple[Question, Query]:
    """A question and its query from four lines, the last "A: SELECT ...". RequestError where it
    is none, or names a column that the table does not have."""
    asked, _, answer = told.partition("\nA: ")
    question = Question.read(asked)
    return question, question.parse(answer)


def small(text: str) -> str:
    """In small letters, with single blanks."""
    return " ".join(text.lower().split())


def _named(query: Query) -> list[str]:
    return [query.column, *(c.column for c in query.where)]


def _sql(text: str) -> Query | None:
    head = _HEAD.match(text)
    if head is None:
        return None
    where, at = [], head.end()
    while found := _WHERE.match(text, at):
        column, value = found[1].replace('""', '"'), found[3].replace("''", "'")
        where.append(Condition(column, found[2], value))
        at = found.end()
    made = Query(head[2].replace('""', '"'), head[1] or "", tuple(where))
    # written again it must be the same: no bracket too few, no AND for WHERE
    again = made.sql(head[3].replace('""', '"'))
    return made if _bare(again) == _bare(text) else None


def _bare(text: str) -> str:
    return text.replace(ANY_CASE, "").lower()


def _columns(line: str) -> Iterator[str]:
    """Names between commas; a comma within brackets is part of one."""
    name = ""
    for piece in line.split(", "):
        if name and name.count("(") <= name.count(")"):
            yield name.strip()
            name = piece
        else:
            name = f"{name}, {piece}" if name else piece
    if name.strip():
        yield name.strip()


def _values(text: str, quote: str) -> Iterator[tuple[str, str]]:
    """(value, what follows) for each place where a value may end, the nearest first."""
    for end in (*(m.start() for m in re.finditer(" AND ", text)), len(text)):
        value = text[:end]
        if not quote:
            yield value.strip(), text[end:]
        elif value.endswith("'"):
            yield value[:-1].strip(), text[end:]
