"""Rewards by name: what can be checked by looking at a try.

`reward_of` reads the words of the command line, such as "exact", "number+0.1*length:200",
"FILE.py:function" or "python score.py"; the user's own are `programs`. Knows tasks; no model and no
training.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

from genloom.errors import UsageError
from genloom.rewards.base import Each, Reward, Sum, Try
from genloom.rewards.examined import Examined
from genloom.rewards.programs import (
    FunctionFile,
    OwnFunction,
    Program,
    is_function_file,
    is_program,
)
from genloom.rewards.schema import faults

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?")


# ---- what can be checked


def plain(text: str) -> str:
    """Without what says nothing: case, blanks at the ends and doubled, a last full stop, forms of
    one character."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(text.split()).rstrip(".").strip()


def exact(one: Try) -> float:
    """1 where the try is an answer, but for case and blanks."""
    return float(plain(one.completion) in map(plain, one.task.answers))


def same(one: Try) -> float:
    """1 where the try is an answer to the letter."""
    return float(one.completion in one.task.answers)


def contains(one: Try, text: str = "") -> float:
    """1 where an answer (or this text) stands in the try."""
    wanted = [text] if text else list(one.task.answers)
    return float(any(plain(w) in plain(one.completion) for w in wanted))


def last_number(text: str) -> float | None:
    """The last number that stands in a text."""
    found = [m.group().replace(",", "") for m in _NUMBER.finditer(text)]
    digits = [f for f in found if any(c.isdigit() for c in f)]
    try:
        return float(digits[-1]) if digits else None
    except ValueError:
        return None


def number(one: Try) -> float:
    """1 where the last number of the try is that of an answer."""
    made = last_number(one.completion)
    if made is None:
        return 0.0
    right = [last_number(answer) for answer in one.task.answers]
    return float(any(r is not None and math.isclose(made, r, rel_tol=1e-9) for r in right))


def matches(one: Try, pattern: re.Pattern[str]) -> float:
    """1 where the expression is found in the try."""
    return float(pattern.search(one.completion) is not None)


def is_json(one: Try) -> float:
    """1 for JSON that the task's "schema" allows, a half for other JSON, 0 for anything else."""
    try:
        value = json.loads(one.completion)
    except (ValueError, RecursionError):
        return 0.0
    schema = one.task.record.get("schema")
    if schema is None:
        return 1.0
    return 0.5 if faults(value, schema) else 1.0


def within(one: Try, most: int) -> float:
    """1 up to so many characters; beyond them less, 0 at twice as many."""
    return min(1.0, max(0.0, 2.0 - len(one.completion) / most))


# ---- by name


def _bound(argument: str) -> Reward:
    if not argument.isdigit() or int(argument) < 1:
        raise UsageError(f"length:{argument}: say how many characters, such as length:200")
    return Each(lambda one: within(one, int(argument)))


def _expression(argument: str) -> Reward:
    try:
        pattern = re.compile(argument, re.DOTALL)
    except re.error as error:
        raise UsageError(f"regex:{argument} is no expression ({error})") from None
    if not argument:
        raise UsageError("regex: lacks an expression: write regex:PATTERN")
    return Each(lambda one: matches(one, pattern))


def _bare(reward: Reward) -> Callable[[str], Reward]:
    def made(argument: str) -> Reward:
        if argument:
            raise UsageError(f"this reward takes no argument, but {argument!r} was given")
        return reward

    return made


def _tests(argument: str) -> Reward:
    if argument not in ("", "all"):
        raise UsageError(f"tests:{argument}: write tests (the share passed) or tests:all")
    return Examined(whole=argument == "all")


NAMED: dict[str, Callable[[str], Reward]] = {
    "exact": _bare(Each(exact, "answers")),
    "same": _bare(Each(same, "answers")),
    "number": _bare(Each(number, "answers")),
    "contains": lambda text: Each(lambda one: contains(one, text), "" if text else "answers"),
    "regex": _expression,
    "json": _bare(Each(is_json)),
    "tests": _tests,
    "length": _bound,
}
RUNNING = frozenset({"tests"})  # those that run programs, such as the data's
_TERM = re.compile(r"(?:(?P<weight>[-+]?\d*\.?\d+)\*)?(?P<name>[a-z]+)(?::(?P<argument>.*))?", re.S)


def _terms(words: str) -> list[re.Match[str]]:
    """The parts of a sum of named rewards; none where it is something else."""
    found = [_TERM.fullmatch(term.strip()) for term in words.split("+")]
    named = [term for term in found if term and term["name"] in NAMED]
    return named if len(named) == len(found) else []


def is_named(words: str) -> bool:
    """Whether a reward looks at tries and runs nothing: no file, no command, none of RUNNING."""
    if is_function_file(words):
        return False
    terms = _terms(words)
    return words.startswith("regex:") or (bool(terms) and not RUNNING & {t["name"] for t in terms})


def reward_of(words: str | Callable[..., Any]) -> Reward:
    """The reward that is meant. UsageError where there is none of that name."""
    if not isinstance(words, str):
        return OwnFunction(words)
    if is_function_file(words):
        return FunctionFile(words)
    if terms := _terms(words):
        parts = [(float(t["weight"] or 1), NAMED[t["name"]](t["argument"] or "")) for t in terms]
        return parts[0][1] if len(parts) == 1 and parts[0][0] == 1 else Sum(tuple(parts))
    if words.startswith("regex:"):  # whatever signs it holds
        return _expression(words.removeprefix("regex:"))
    if is_program(words):
        return Program(words)
    raise UsageError(
        f"the reward {words!r} is neither known nor a program: use {', '.join(NAMED)}, a sum such "
        "as number+0.1*length:200, FILE.py:function, or a command such as 'python score.py'"
    )
