"""Conditions on fields: a grammar, a parser and a small algebra of what it reads.

`age > 60 and (income = '>50K' or not sex in ('Male'))` becomes a tree of frozen dataclasses that is
never run as code. What a comparison means for a column is the caller's: see `evaluate`.

    either     := both ('or' both)*
    both       := term ('and' term)*
    term       := 'not' term | '(' either ')' | comparison
    comparison := column op value | value op column | column ['not'] 'in' '(' value, ... ')'
                | column ['not'] 'between' value 'and' value | column 'is' ['not'] 'null'
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.errors import RequestError

Value = str | int | float | bool

MOST_CHARACTERS = 10_000
MOST_COMPARISONS = 500
DEEPEST = 40

_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED = {"=": "!=", "!=": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_SPELLINGS = {"==": "=", "<>": "!="}
_WORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false"})


@dataclass(frozen=True)
class Compare:
    """column op value, with op one of = != < <= > >=. Never holds for a missing value."""

    column: str
    op: str
    value: Value


@dataclass(frozen=True)
class Among:
    """column [not] in (values). Never holds for a missing value, negated or not."""

    column: str
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True)
class Missing:
    """column is [not] null."""

    column: str
    negated: bool = False


@dataclass(frozen=True)
class Both:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    parts: tuple[Node, ...]


Leaf = Compare | Among | Missing
Node = Leaf | Both | Either


def parse(where: str | Mapping[str, Any] | Node) -> Node:
    """The tree of a text or of {column: value}; in a mapping a list means `in`, None `is null`."""
    if isinstance(where, Compare | Among | Missing | Both | Either):
        return where
    if isinstance(where, Mapping):
        return _from_mapping(where)
    if not isinstance(where, str):
        raise RequestError(
            f"where must be a text or a mapping from columns to values, not {type(where).__name__}"
        )
    return _Parser(where).parse()


def evaluate(node: Node, leaf: Callable[[Leaf], np.ndarray]) -> np.ndarray:
    """Joins what `leaf` gives. Trees hold no `not`: supersets in, a superset out."""
    if isinstance(node, Both):
        return np.logical_and.reduce([evaluate(part, leaf) for part in node.parts])
    if isinstance(node, Either):
        return np.logical_or.reduce([evaluate(part, leaf) for part in node.parts])
    return leaf(node)


def leaves(node: Node) -> list[Leaf]:
    """Every comparison, left to right."""
    if isinstance(node, Both | Either):
        return [found for part in node.parts for found in leaves(part)]
    return [node]


def equalities(node: Node) -> dict[str, Value]:
    """Columns that the whole condition fixes to one value."""
    parts = node.parts if isinstance(node, Both) else (node,)
    fixed = (part for part in parts if isinstance(part, Compare) and part.op == "=")
    return {part.column: part.value for part in fixed}


def negate(node: Node) -> Node:
    """`not node` with the `not` pushed into the comparisons."""
    if isinstance(node, Both):
        return Either(tuple(negate(part) for part in node.parts))
    if isinstance(node, Either):
        return Both(tuple(negate(part) for part in node.parts))
    if isinstance(node, Compare):
        return Compare(node.column, _NEGATED[node.op], node.value)
    if isinstance(node, Among):
        return Among(node.column, node.values, not node.negated)
    return Missing(node.column, not node.negated)


def _from_mapping(where: Mapping[str, Any]) -> Node:
    if not where:
        raise RequestError("where is an empty mapping: name at least one column")
    parts = tuple(_from_item(str(column), value) for column, value in where.items())
    return parts[0] if len(parts) == 1 else Both(parts)


def _from_item(column: str, value: Any) -> Leaf:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return Missing(column)
    if isinstance(value, list | tuple | set | frozenset):
        if not value or len(value) > MOST_COMPARISONS:
            raise RequestError(
                f"where[{column!r}] lists {len(value)} values: give 1 to {MOST_COMPARISONS}"
            )
        return Among(column, tuple(_plain(column, part) for part in value))
    return Compare(column, "=", _plain(column, value))


def _plain(column: str, value: Any) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise RequestError(
        f"where[{column!r}] is a {type(value).__name__}: give a text, number, truth value or list"
    )


@dataclass(frozen=True)
class _Token:
    kind: str  # name, quoted, text, number, op, mark, end
    text: str
    position: int

    def says(self, word: str) -> bool:
        return self.kind == "name" and self.text.lower() == word


_PATTERN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>[^\W\d][\w.\-]*)
    | '(?P<text>(?:[^']|'')*)'
    | "(?P<quoted>(?:[^"]|"")*)"
    | `(?P<ticked>[^`]+)`
    | (?P<op><=|>=|<>|!=|==|=|<|>)
    | (?P<mark>[(),])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)


def _tokens(text: str) -> list[_Token]:
    if len(text) > MOST_CHARACTERS:
        raise RequestError(
            f"where has {len(text)} characters; at most {MOST_CHARACTERS} are read: shorten it"
        )
    found: list[_Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _PATTERN.match(text, at)
        if match is None:
            raise _complaint(text, at + _blanks(text, at), "a column, value or operator")
        kind = str(match.lastgroup)
        found.append(_token(kind, match.group(kind), match.start() + _blanks(text, match.start())))
        at = match.end()
    return found


def _token(kind: str, text: str, position: int) -> _Token:
    if kind == "text":
        return _Token("text", text.replace("''", "'"), position)
    if kind == "quoted":
        return _Token("quoted", text.replace('""', '"'), position)
    if kind == "ticked":
        return _Token("quoted", text, position)
    return _Token(kind, _SPELLINGS.get(text, text) if kind == "op" else text, position)


def _blanks(text: str, at: int) -> int:
    return len(text[at:]) - len(text[at:].lstrip())


def _complaint(text: str, position: int, expected: str) -> RequestError:
    rest = text[position : position + 20].split("\n")[0]
    found = f"found {rest!r}" if rest else "the text ends"
    return RequestError(
        f"where: at character {position + 1} {found}, expected {expected}; "
        "write for example  age > 60 and income = '>50K'"
    )


class _Parser:
    """Recursive descent over the tokens, with limits on depth and size."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.count = 0

    def parse(self) -> Node:
        node = self.either(0)
        if self.now.kind != "end":
            raise self.complaint("'and', 'or' or the end")
        return node

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def complaint(self, expected: str) -> RequestError:
        return _complaint(self.text, self.now.position, expected)

    def take(self) -> _Token:
        token = self.now
        self.at += 1
        return token

    def accept(self, word: str) -> bool:
        matched = self.now.says(word) or (self.now.kind == "mark" and self.now.text == word)
        self.at += matched
        return matched

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise self.complaint(repr(word))

    def either(self, depth: int) -> Node:
        return self.joined("or", Either, self.both, depth)

    def both(self, depth: int) -> Node:
        return self.joined("and", Both, self.term, depth)

    def joined(
        self, word: str, kind: type[Both] | type[Either], part: Callable[[int], Node], depth: int
    ) -> Node:
        parts = [part(depth)]
        while self.accept(word):
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def term(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self.complaint(f"no more than {DEEPEST} levels of brackets and 'not'")
        if self.accept("not"):
            return negate(self.term(depth + 1))
        if self.accept("("):
            node = self.either(depth + 1)
            self.expect(")")
            return node
        return self.comparison()

    def comparison(self) -> Node:
        self.count += 1
        if self.count > MOST_COMPARISONS:
            raise self.complaint(f"no more than {MOST_COMPARISONS} comparisons")
        if self.now.kind in ("text", "number"):
            value, op = self.value(), self.operator()
            return Compare(self.column(), _FLIPPED[op], value)
        column = self.column()
        if self.accept("is"):
            negated = self.accept("not")
            self.expect("null")
            return Missing(column, negated)
        negated = self.accept("not")
        node = self.listed(column) or self.between(column)
        if node is not None:
            return negate(node) if negated else node
        if negated:
            raise self.complaint("'in' or 'between'")
        return Compare(column, self.operator(), self.value())

    def listed(self, column: str) -> Node | None:
        if not self.accept("in"):
            return None
        self.expect("(")
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")")
        return Among(column, tuple(values))

    def between(self, column: str) -> Node | None:
        if not self.accept("between"):
            return None
        low = self.value()
        self.expect("and")
        return Both((Compare(column, ">=", low), Compare(column, "<=", self.value())))

    def column(self) -> str:
        token = self.now
        if token.kind == "quoted" or (token.kind == "name" and token.text.lower() not in _WORDS):
            return self.take().text
        raise self.complaint("the name of a column")

    def operator(self) -> str:
        if self.now.kind != "op":
            raise self.complaint("one of = != < <= > >= in between is")
        return self.take().text

    def value(self) -> Value:
        token = self.now
        if token.kind in ("text", "quoted"):
            return self.take().text
        if token.kind == "number":
            return _number(self.take().text)
        if token.says("true") or token.says("false"):
            return self.take().text.lower() == "true"
        raise self.complaint("a number or a 'text' in quotes")


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d{1,18}", text) else float(text)


def names(values: Sequence[Value], most: int = 8) -> str:
    """Values for an error message, cut short."""
    shown = ", ".join(repr(value) for value in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")
