"""Formulas over columns: a small grammar, a parser, and its evaluation over whole columns.

`price * quantity` becomes a tree of frozen dataclasses, which is never run as code. Dates are days
since 1970, spans days; texts join and compare; a missing value makes the result missing.

    either  := both ('or' both)*               both := term ('and' term)*
    term    := 'not' term | sum [op sum]       op   := = != < <= > >=
    sum     := product (('+'|'-') product)*    product := signed (('*'|'/'|'%') signed)*
    signed  := '-' signed | atom ['^' signed]
    atom    := number | 'text' | column | "column" | `column`
             | name '(' either, ... ')' | '(' either ')'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.errors import RecipeError

MOST_CHARACTERS = 2_000
DEEPEST = 40


@dataclass(frozen=True)
class Literal:
    value: float | str


@dataclass(frozen=True)
class Name:
    column: str


@dataclass(frozen=True)
class Call:
    """name: an operator or a function of `FUNCTIONS`."""

    name: str
    parts: tuple[Expression, ...]


Expression = Literal | Name | Call


class Unfit(Exception):
    """Values that a function cannot take; the text says why."""


def columns_of(tree: Expression) -> tuple[str, ...]:
    """Every column that it reads, each once, as they come."""
    if isinstance(tree, Name):
        return (tree.column,)
    parts = tree.parts if isinstance(tree, Call) else ()
    return tuple(dict.fromkeys(name for part in parts for name in columns_of(part)))


def evaluate(tree: Expression, columns: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """float64, bool or object (text) [rows]. Unfit where texts meet arithmetic."""
    if isinstance(tree, Name):
        return columns[tree.column]
    if isinstance(tree, Literal):
        kind = object if isinstance(tree.value, str) else np.float64
        return np.full(rows, tree.value, dtype=kind)
    parts = [evaluate(part, columns, rows) for part in tree.parts]
    with np.errstate(all="ignore"):
        made: np.ndarray = FUNCTIONS[tree.name][1](*parts)
    return np.where(np.isfinite(made), made, np.nan) if made.dtype == np.float64 else made


# --- what functions do ----------------------------------------------------------------------------


def _numbers(*parts: np.ndarray) -> list[np.ndarray]:
    if any(part.dtype == object for part in parts):
        raise Unfit("a text stands where a number is expected")
    return [part.astype(np.float64) for part in parts]


def _arithmetic(work: Callable[..., Any]) -> Callable[..., np.ndarray]:
    return lambda *parts: np.asarray(work(*_numbers(*parts)), dtype=np.float64)


def _comparing(work: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """Of two numbers, or of two texts; never true beside a missing value."""

    def compare(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        if (one.dtype == object) != (other.dtype == object):
            raise Unfit("a text is compared with a number")
        if one.dtype != object:
            one, other = _numbers(one, other)
            return np.asarray(work(one, other) & ~np.isnan(one) & ~np.isnan(other))
        here = np.array([a is not None and b is not None for a, b in zip(one, other, strict=True)])
        out = np.zeros(len(one), bool)
        out[here] = work(one[here].astype(str), other[here].astype(str))
        return out

    return compare


def _truths(*parts: np.ndarray) -> list[np.ndarray]:
    if any(part.dtype != bool for part in parts):
        raise Unfit("and, or, not and if take comparisons")
    return list(parts)


def _if(condition: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    (condition,) = _truths(condition)
    if (one.dtype == object) != (other.dtype == object):
        raise Unfit("if gives a text in one case and a number in the other")
    return np.where(condition, one, other)


def _joined(*parts: np.ndarray) -> np.ndarray:
    """Texts one behind the other; whole numbers as they are written."""
    out = np.empty(len(parts[0]), dtype=object)
    for row, values in enumerate(zip(*parts, strict=True)):
        gone = any(v is None or v != v for v in values)
        out[row] = None if gone else "".join(map(_written, values))
    return out


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _texts(work: Callable[[str], str]) -> Callable[..., np.ndarray]:
    def each(texts: np.ndarray) -> np.ndarray:
        if texts.dtype != object:
            raise Unfit("a number stands where a text is expected")
        out = np.empty(len(texts), dtype=object)
        out[:] = [None if text is None else work(text) for text in texts]
        return out

    return each


def _part_of_date(unit: str, of: str, first: int) -> Callable[..., np.ndarray]:
    """Of days since 1970: how many of a unit since the beginning of the larger one."""

    def part(days: np.ndarray) -> np.ndarray:
        (days,) = _numbers(days)
        gone = np.isnan(days)
        seconds = np.floor(np.where(gone, 0, days) * 86400.0 + 1e-6).astype("datetime64[s]")
        whole = seconds.astype(f"datetime64[{unit}]").astype(np.int64)
        base = seconds.astype(f"datetime64[{of}]").astype(f"datetime64[{unit}]").astype(np.int64)
        return np.where(gone, np.nan, (whole - base if of != unit else whole) + float(first))

    return part


def _weekday(days: np.ndarray) -> np.ndarray:
    """0 is Monday."""
    return np.asarray((np.floor(_numbers(days)[0]) + 3) % 7)


def _rounded(x: np.ndarray, digits: np.ndarray | None = None) -> np.ndarray:
    scale = 10.0 ** (0.0 if digits is None else digits)
    return np.rint(x * scale) / scale


FUNCTIONS: dict[str, tuple[tuple[int, int], Callable[..., np.ndarray]]] = {
    "+": ((2, 2), _arithmetic(np.add)),
    "-": ((2, 2), _arithmetic(np.subtract)),
    "*": ((2, 2), _arithmetic(np.multiply)),
    "/": ((2, 2), _arithmetic(np.divide)),
    "%": ((2, 2), _arithmetic(np.mod)),
    "^": ((2, 2), _arithmetic(np.power)),
    "negative": ((1, 1), _arithmetic(np.negative)),
    "=": ((2, 2), _comparing(np.equal)),
    "!=": ((2, 2), _comparing(np.not_equal)),
    "<": ((2, 2), _comparing(np.less)),
    "<=": ((2, 2), _comparing(np.less_equal)),
    ">": ((2, 2), _comparing(np.greater)),
    ">=": ((2, 2), _comparing(np.greater_equal)),
    "and": ((2, 99), lambda *parts: np.logical_and.reduce(_truths(*parts))),
    "or": ((2, 99), lambda *parts: np.logical_or.reduce(_truths(*parts))),
    "not": ((1, 1), lambda part: ~_truths(part)[0]),
    "if": ((3, 3), _if),
    "abs": ((1, 1), _arithmetic(np.abs)),
    "sqrt": ((1, 1), _arithmetic(np.sqrt)),
    "exp": ((1, 1), _arithmetic(np.exp)),
    "log": ((1, 1), _arithmetic(np.log)),
    "floor": ((1, 1), _arithmetic(np.floor)),
    "ceil": ((1, 1), _arithmetic(np.ceil)),
    "round": ((1, 2), _arithmetic(_rounded)),
    "min": ((2, 20), _arithmetic(lambda *parts: np.minimum.reduce(parts))),
    "max": ((2, 20), _arithmetic(lambda *parts: np.maximum.reduce(parts))),
    "year": ((1, 1), _part_of_date("Y", "Y", 1970)),
    "month": ((1, 1), _part_of_date("M", "Y", 1)),
    "day": ((1, 1), _part_of_date("D", "M", 1)),
    "hour": ((1, 1), _part_of_date("h", "D", 0)),
    "weekday": ((1, 1), _weekday),
    "concat": ((1, 20), _joined),
    "upper": ((1, 1), _texts(str.upper)),
    "lower": ((1, 1), _texts(str.lower)),
}
_CALLED = sorted(name for name in FUNCTIONS if name.isalpha() and name != "negative")
_CALLED = [name for name in _CALLED if name not in ("and", "or", "not")]


# --- reading --------------------------------------------------------------------------------------

_PATTERN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>[^\W\d]\w*)
    | '(?P<said>(?:[^']|'')*)'
    | "(?P<quoted>[^"]+)"
    | `(?P<ticked>[^`]+)`
    | (?P<op><=|>=|!=|<>|==|[-+*/%^=<>(),])
    | (?P<end>$)
    )""",
    re.VERBOSE,
)
_SPELLINGS = {"==": "=", "<>": "!="}
_COMPARED = ("=", "!=", "<", "<=", ">", ">=")


def parse(text: str) -> Expression:
    """The tree of a formula. RecipeError says where it is not one."""
    if not isinstance(text, str) or not text.strip() or len(text) > MOST_CHARACTERS:
        raise RecipeError(
            f"a formula is {str(text)[:40]!r}: give a text of up to {MOST_CHARACTERS} characters, "
            "such as 'price * quantity'"
        )
    return _Parser(text).parse()


class _Parser:
    """Recursive descent with a limit on depth."""

    def __init__(self, text: str) -> None:
        self.text, self.place, self.deep = text, 0, 0
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while not self.tokens or self.tokens[-1][0] != "end":
            match = _PATTERN.match(text, at)
            if match is None:
                raise self.complaint(at, "a column, a number, a function or an operator")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            at = match.end()

    def complaint(self, at: int, wanted: str) -> RecipeError:
        rest = self.text[at:].strip()[:20]
        found = repr(rest) if rest else "the end"
        return RecipeError(
            f"formula {self.text[:60]!r}: at character {at + 1} {found}, expected {wanted}"
        )

    @property
    def now(self) -> tuple[str, str, int]:
        return self.tokens[self.place]

    def accept(self, *words: str) -> str | None:
        kind, text, _ = self.now
        said = text.lower() if kind == "name" else _SPELLINGS.get(text, text)
        if kind not in ("name", "op") or said not in words:
            return None
        self.place += 1
        return said

    def expect(self, word: str) -> None:
        if self.accept(word) is None:
            raise self.complaint(self.now[2], repr(word))

    def parse(self) -> Expression:
        tree = self.either()
        if self.now[0] != "end":
            raise self.complaint(self.now[2], "an operator or the end")
        return tree

    def either(self) -> Expression:
        self.deep += 1
        if self.deep > DEEPEST:
            raise self.complaint(self.now[2], f"no more than {DEEPEST} levels of brackets")
        tree = self.several("or", lambda: self.several("and", self.term))
        self.deep -= 1
        return tree

    def several(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self.accept(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Call(word, tuple(parts))

    def term(self) -> Expression:
        negations = 0
        while self.accept("not"):
            negations += 1
        one = self.sum()
        op = self.accept(*_COMPARED)
        tree = one if op is None else Call(op, (one, self.sum()))
        return Call("not", (tree,)) if negations % 2 else tree

    def sum(self) -> Expression:
        tree = self.product()
        while op := self.accept("+", "-"):
            tree = Call(op, (tree, self.product()))
        return tree

    def product(self) -> Expression:
        tree = self.signed()
        while op := self.accept("*", "/", "%"):
            tree = Call(op, (tree, self.signed()))
        return tree

    def signed(self) -> Expression:
        negative = False
        while self.accept("-"):
            negative = not negative
        tree = self.atom()
        if self.accept("^"):
            self.deep += 1
            if self.deep > DEEPEST:
                raise self.complaint(self.now[2], f"no more than {DEEPEST} powers of powers")
            tree = Call("^", (tree, self.signed()))
            self.deep -= 1
        return Call("negative", (tree,)) if negative else tree

    def atom(self) -> Expression:
        kind, text, at = self.now
        if self.accept("("):
            tree = self.either()
            self.expect(")")
            return tree
        if kind in ("op", "end"):
            raise self.complaint(at, "a column, a number, a 'text' or a function")
        self.place += 1
        if kind == "number":
            return Literal(float(text))
        if kind == "said":
            return Literal(text.replace("''", "'"))
        if kind == "name" and self.accept("("):
            return self.call(text.lower(), at)
        return Name(text)

    def call(self, name: str, at: int) -> Expression:
        if name not in _CALLED:
            raise self.complaint(at, f"a function that there is: {', '.join(_CALLED)}")
        parts = [self.either()]
        while self.accept(","):
            parts.append(self.either())
        self.expect(")")
        low, high = FUNCTIONS[name][0]
        if not low <= len(parts) <= high:
            wanted = f"{low}" if low == high else f"{low} to {high}"
            raise self.complaint(at, f"{wanted} values in {name}(), not {len(parts)}")
        return Call(name, tuple(parts))
