"""Forms of texts that clients send: broken ones, huge ones, and thousands of different ones."""

from __future__ import annotations

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain, repeat
from typing import Any

import pytest
from http_client import Answer, Client
from programs import Program, check_error, texts, told

FLIGHT = 4  # forms that are asked for at once


def chat(asked: Program | Client, schema: Any) -> Answer:
    form = {"type": "json_schema", "json_schema": {"name": "it", "schema": schema}}
    body = {
        "model": "natter",
        "messages": [{"role": "user", "content": "say a"}],
        "response_format": form,
        "max_tokens": 40,
        "seed": 1,
    }
    return asked.ask("POST", "/v1/chat/completions", body)


def shaped(number: int) -> dict[str, Any]:
    """A schema like no other, whose answers are short."""
    name = f"f{number}"
    return {
        "type": "object",
        "properties": {name: {"enum": [number, number + 1]}},
        "required": [name],
        "additionalProperties": False,
    }


CHAIN: dict[str, Any] = {"$ref": "#/$defs/d0", "$defs": {}}
CHAIN["$defs"] = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(3000)}


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        ({"type": "nothing"}, "invalid_schema"),
        ({"$ref": "#/nowhere"}, "invalid_schema"),
        ({"enum": ["x" * 60] * 90_000}, "schema_too_large"),
        (CHAIN, "invalid_schema"),
        ({"type": "string", "pattern": "("}, "invalid_schema"),
    ],
    ids=["type", "ref", "enum of 5 MB", "chain", "pattern"],
)
def test_schemas_that_are_none(served: Program, schema: Any, code: str) -> None:
    answer = chat(served, schema)
    assert answer.status == 400, answer.body[:300]
    assert check_error(answer)["code"] == code


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(a+)+$"},
        {"type": "string", "pattern": "(x|x|x)*y{0,1000}"},
        {"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]}}},
        {"type": "array", "items": {"$ref": "#"}},
        {"type": "string", "minLength": 10**9},
    ],
    ids=["nested repeats", "many ways", "itself", "arrays of itself", "long"],
)
def test_schemas_that_could_blow_up_are_answered_or_refused(served: Program, schema: Any) -> None:
    """The engine goes on stepping: a stream beside them is what it is alone."""
    target = served.target(tokens=60)
    alone = told(served.run(lambda c: texts(c, target, [11]))[0])
    begun = time.monotonic()

    async def both(client: Any) -> tuple[Any, Any]:
        asking = asyncio.to_thread(chat, served, schema)
        return await asyncio.gather(asking, texts(client, target, [11]))

    answer, beside = served.run(both)
    assert answer.status in (200, 400), answer.body[:300]
    assert told(beside[0]) == alone
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    "count", [100, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])]
)
def test_many_different_schemas_cost_a_bounded_room(served: Program, count: int) -> None:
    """Each answer is of its own form; memory levels off, and the last are as quick as the first."""
    first, halves, memory = formed(served, shaped(0)), [], []
    with ThreadPoolExecutor(FLIGHT) as pool:
        for part in (range(count // 2), range(count // 2, count)):
            shares = pool.map(answered, repeat(served), (part[n::FLIGHT] for n in range(FLIGHT)))
            halves.append(sorted(chain.from_iterable(shares)))
            memory.append(served.held().memory)
    early, late = (took[len(took) // 2] for took in halves)
    assert late < 3 * early + 0.05, (early, late)
    assert memory[1] - memory[0] < 48 << 20, memory
    assert formed(served, shaped(0)) == first  # pushed out of the cache: compiled anew, the same


def answered(served: Program, numbers: range) -> list[float]:
    """Seconds that each of these forms took, one after the other over one connection."""
    took = []
    with closing(Client(served.url)) as client:
        for number in numbers:
            begun = time.perf_counter()
            told = formed(client, shaped(number))
            took.append(time.perf_counter() - begun)
            assert json.loads(told)[f"f{number}"] in (number, number + 1)
    return took


def formed(asked: Program | Client, schema: Any) -> str:
    """The text of an answer that ended by itself."""
    answer = chat(asked, schema)
    assert answer.status == 200, answer.body[:300]
    choice = answer.json["choices"][0]
    assert choice["finish_reason"] == "stop"
    return choice["message"]["content"]
