"""Forms of texts that are broken, too large or catastrophic: refused in one line, within bounds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from grammars import allowed, bytes_codec, compiled, ends

from genloom.engine.grammar import LARGEST, Grammar, Vocabulary
from genloom.errors import RequestError
from genloom.spec import Options

DEEP = '{"type":"array","items":' * 5000 + "{}" + "}" * 5000


def chain(count: int) -> Iterator[str]:
    yield "start: r0"
    yield from (f"r{n}: r{n + 1}" for n in range(count))
    yield f'r{count}: "b"'


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"schema": "{"}, "schema is no JSON"),
    ({"schema": "3"}, "schema must be an object"),
    ({"schema": {"type": "frog"}}, "Invalid type: frog"),
    ({"schema": {"not": {}}}, "Unimplemented keys"),
    ({"schema": False}, "schema is false"),
    ({"schema": {"$ref": "#"}}, "no text meets it|write nothing"),
    ({"schema": {"$ref": "http://127.0.0.1:9/x"}}, "retriev"),
    ({"schema": {"a": {1, 2}}}, "schema is no JSON"),
    ({"schema": DEEP}, "recursion|no JSON"),
    ({"schema": {"enum": ["x" * 200_000]}}, "at most 131,072 are taken"),
    (
        {
            "schema": {
                "allOf": [{"anyOf": [{"pattern": f"{n}{k}"} for k in "abcd"]} for n in range(20)]
            }
        },
        "too large|refused",
    ),
    (
        {"schema": {"type": "object", "properties": {f"p{n}": {} for n in range(1000)}}},
        "refused: the grammar cannot go on: .*items",
    ),
    ({"regex": "("}, "unclosed group"),
    ({"regex": "a(?=b)"}, "look-around"),
    ({"regex": "[^\\s\\S]"}, "no text meets it|write nothing"),
    ({"regex": "(" * 50_000 + "a" + ")" * 50_000}, "refused"),
    ({"regex": "a" * (LARGEST + 1)}, "regex has 131,073 characters"),
    ({"grammar": "what is this"}, "Expected ::="),
    ({"grammar": "start: start"}, "no text meets it|write nothing"),
    ({"grammar": "start: " + "(" * 50_000 + '"a"' + ")" * 50_000}, "too deeply nested"),
    ({"grammar": "root ::= x"}, "refused"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED, ids=lambda x: str(x)[:30])
def test_broken_and_oversized_forms_are_refused_in_one_line(
    options: dict[str, Any], told: str
) -> None:
    vocabulary = Vocabulary.of(bytes_codec())
    with pytest.raises(RequestError, match=told) as error:
        Grammar.compile(Options(**options), vocabulary)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


CATASTROPHIC = [
    "(a+)+$",
    "(a|aa)*b",
    "((a{1,1000}){1,1000}){1,1000}",
    "(a|b)*a(a|b){200}c",
    "(x{0,999}y{0,999}z{0,999}){0,999}",
    "((((((a?){100}){100}){100}){100}){100}){100}",
]


@pytest.mark.parametrize("regex", CATASTROPHIC)
def test_a_catastrophic_expression_costs_no_more_than_its_bounds(regex: str) -> None:
    """Either it is followed or it is refused; 200 ids are well within the time of a test."""
    made = bytes_codec()
    matcher = compiled(Vocabulary.of(made), regex=regex)()
    try:
        for number in range(200):
            some = [n for n in allowed(matcher) if n not in ends(made)]
            if not some:
                break
            matcher.accept(some[number % len(some)])
    except RequestError as error:
        assert "cannot go on" in str(error) and "\n" not in str(error)


def test_what_becomes_too_large_on_the_way_is_given_up_in_one_line() -> None:
    matcher = compiled(Vocabulary.of(bytes_codec()), regex="a" * 5 + "(((a?){100}){100}){100}")()
    with pytest.raises(RequestError, match="cannot go on") as error:
        for _ in range(100):
            matcher.mask()
            matcher.accept(2 + ord("a"))
    assert "\n" not in str(error.value)


def test_a_long_chain_of_rules_does_not_end_the_process() -> None:
    """In a process of its own: what went wrong here once was SIGSEGV."""
    text = "\n".join(chain(8000))
    assert len(text) <= LARGEST
    refs = {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(3000)}
    schema = {"$ref": "#/$defs/a0", "$defs": {**refs, "a3000": {"type": "null"}}}
    program = (
        "import sys, json\n"
        "from genloom.codec.text.codec import TextCodec\n"
        "from genloom.engine.grammar import Grammar, Vocabulary\n"
        "from genloom.spec import Options\n"
        "codec = TextCodec(vocab='bytes'); codec.fit(['x']); v = Vocabulary.of(codec)\n"
        "for options in json.load(sys.stdin):\n"
        "    m = Grammar.compile(Options(**options), v)(); print(int(m.mask().ne(0).sum()))\n"
    )
    given = json.dumps([{"grammar": text}, {"schema": schema}])
    ran = subprocess.run(
        [sys.executable, "-c", program], input=given, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0 and ran.stdout == "1\n1\n", ran.stderr[-300:]
