"""More questions about tables from a few: columns, values and tables exchanged consistently.

What a question says of a column or a value is exchanged in question, table and query alike, so that
a model has to copy instead of learning answers by heart. Uses nothing but the examples given:
names, values and words are theirs. Knows texts; no ids or model.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from genloom.codec.sql.queries import Condition, Query, Question, small
from genloom.errors import RequestError

Example = tuple[Question, Query]
_WORD = re.compile(r"\w")
_PLAIN_NUMBER = re.compile(r"[\d.,]+")


def varied(examples: Sequence[Example], count: int, seed: int = 0) -> list[Example]:
    """`count` variations, the same for the same seed; of each example as many, about."""
    chance = random.Random(seed)
    stock = _Stock.of(examples)
    out: list[Example] = []
    while len(out) < count:
        for example in examples:
            made = _vary(example, stock, chance)
            out.append(made if _consistent(*made) else _shuffled(example, chance))
    return out[:count]


@dataclass(frozen=True)
class _Stock:
    """Names, values and words that variations are made of."""

    columns: tuple[str, ...]
    values: tuple[str, ...]
    words: tuple[str, ...]
    under: Mapping[str, Sequence[str]]  # the values of a column

    @classmethod
    def of(cls, examples: Sequence[Example]) -> _Stock:
        columns = {small(n) for q, _ in examples for n in q.columns if len(n) < 40}
        pairs = [(small(c.column), small(c.value)) for _, a in examples for c in a.where]
        values, under = tuple(value for _, value in pairs), defaultdict(list)
        for column, value in pairs:
            under[column].append(value)
        words = [word for text in (*columns, *values) for word in re.findall(r"\w+", text)]
        return cls(tuple(sorted(columns)), values, tuple(sorted(set(words))), under)

    def value(self, like: Condition, named: bool, chance: random.Random) -> str:
        """A number for a number; one of the same column where the question does not name it; else
        a value of another question, or words in a row."""
        if _PLAIN_NUMBER.fullmatch(like.value):
            return str(chance.randrange(10 ** chance.randint(1, 4)))
        if not named:
            return chance.choice(self.under.get(like.column, [like.value]))
        if chance.random() < 0.5:
            return chance.choice(self.values)
        return " ".join(chance.sample(self.words, chance.randint(1, 4)))


@dataclass
class _Draft:
    """An example while it is changed: all in small letters, mentions replaced by slots."""

    columns: list[str]
    text: str
    query: Query

    def mention(self, said: str, slot: str) -> bool:
        """Replace the only place where the question says this by a slot."""
        places = _places(said, self.text)
        if len(places) != 1:
            return False
        (start,) = places
        self.text = f"{self.text[:start]}{slot}{self.text[start + len(said) :]}"
        return True


def _vary(example: Example, stock: _Stock, chance: random.Random) -> Example:
    draft = _drafted(example)
    if draft is None:
        return _shuffled(example, chance)
    for n, one in enumerate(draft.query.where):
        _exchange_condition(draft, n, one, stock, chance)
    _exchange_selected(draft, stock, chance)
    _exchange_others(draft, stock, chance)
    table = f"{chance.randint(1, 2)}-{chance.randrange(10**7)}-{chance.randint(1, 20)}"
    made = Question(table, tuple(draft.columns), draft.text)
    return _shuffled((made, draft.query), chance)


def _drafted(example: Example) -> _Draft | None:
    """None where a name with a comma in it is asked for: its parts must stay neighbours."""
    question, query = example
    columns = [small(name) for name in question.columns]
    where = tuple(Condition(small(c.column), c.operator, small(c.value)) for c in query.where)
    made = Query(small(query.column), query.aggregate, where)
    names = [made.column, *(c.column for c in where)]
    plain = all(columns.count(name) == 1 for name in names)
    return _Draft(columns, small(question.text), made) if plain else None


def _exchange_condition(
    draft: _Draft, n: int, one: Condition, stock: _Stock, chance: random.Random
) -> None:
    if chance.random() < 0.25 or not draft.mention(one.value, "\0"):
        return
    value = stock.value(one, _said(one.column, draft.text), chance)
    column = one.column
    if chance.random() < 0.7:
        column = _exchange(draft, column, stock, chance)
    draft.text = draft.text.replace("\0", value)
    where = list(draft.query.where)
    where[n] = Condition(column, one.operator, value)
    draft.query = replace(draft.query, where=tuple(where))


def _exchange_selected(draft: _Draft, stock: _Stock, chance: random.Random) -> None:
    said = [c.column for c in draft.query.where]
    if draft.query.column in said or chance.random() < 0.25:
        return
    column = _exchange(draft, draft.query.column, stock, chance)
    draft.query = replace(draft.query, column=column)


def _exchange(draft: _Draft, column: str, stock: _Stock, chance: random.Random) -> str:
    """Another column in this one's place in table and question, where the question names it; the
    question may say a part of its name only."""
    other = chance.choice(stock.columns)
    used = [draft.query.column, *(c.column for c in draft.query.where)]
    if other in draft.columns or used.count(column) > 1 or not draft.mention(column, "\1"):
        return column
    said = other.split()
    if len(said) > 1 and chance.random() < 0.25:
        start = chance.randrange(len(said) - 1)
        said = said[start : start + chance.randint(1, len(said) - 1)]
    draft.text = draft.text.replace("\1", " ".join(said))
    draft.columns[draft.columns.index(column)] = other
    return other


def _exchange_others(draft: _Draft, stock: _Stock, chance: random.Random) -> None:
    """Columns that nothing is asked about: other ones, more or fewer."""
    if chance.random() < 0.5:
        return
    kept = {draft.query.column, *(c.column for c in draft.query.where)}
    share, asked = chance.random(), [c for c in draft.columns if c in kept]
    free = [c for c in draft.columns if c not in kept]
    free = [c if chance.random() < share else chance.choice(stock.columns) for c in free]
    free = free[: max(2, len(free) + chance.randint(-2, 0))]
    free = [c for c in dict.fromkeys(free) if c not in kept and not _said(c, draft.text)]
    draft.columns = [*asked, *free]


def _said(column: str, text: str) -> bool:
    return bool(_places(column, text))


def _places(said: str, text: str) -> list[int]:
    """Where it stands as words of its own."""
    out, at = [], text.find(said) if said else -1
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(said) : at + len(said) + 1]
        if not _WORD.match(before) and not _WORD.match(after):
            out.append(at)
        at = text.find(said, at + 1)
    return out


def _consistent(question: Question, query: Query) -> bool:
    """Whether the query is read as it was meant and the question says its values."""
    try:
        again = question.parse(query.sql(question.table))
    except RequestError:
        return False
    said = small(question.text)
    return again.logical() == query.logical() and all(c.value in said for c in query.where)


def _shuffled(example: Example, chance: random.Random) -> Example:
    """The columns in another order; a name of several of them stays together."""
    question, query = example
    names = {small(query.column), *(small(c.column) for c in query.where)}
    if names <= {small(name) for name in question.columns}:
        columns = list(question.columns)
        chance.shuffle(columns)
        question = replace(question, columns=tuple(columns))
    return question, query
