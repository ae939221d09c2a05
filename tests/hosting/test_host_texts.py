"""Texts from a host: pieces, ends, chances, and the same answer in any company."""

from __future__ import annotations

from typing import Any

import pytest
from parent import Parent, of_kind, text_of

from genloom import api
from genloom.engine.engine import Engine
from genloom.spec import Options, Request

LONG = {"max_tokens": 40, "ignore_eos": True}


def _by_engine(path: str, request: Request) -> str:
    with Engine(api.load(path)) as engine:
        whole: str = engine.submit(request).result()[0]
    return whole


def test_pieces_are_new_text_only_and_add_up_to_what_the_engine_makes(
    texts: Parent, text_model: str
) -> None:
    news = texts.ask("generate", prompt="the cat", seed=5, options=LONG)
    request = Request(prompt="the cat", seed=5, options=Options(**LONG))
    assert "the cat" + text_of(news) == _by_engine(text_model, request)
    assert len(of_kind(news, "text")) > 1, "it did not come in pieces"
    (ended,), (done,) = of_kind(news, "ended"), of_kind(news, "done")
    assert (ended["finish"], ended["tokens"]) == ("length", 40)
    known = texts.ask("count", texts=["the cat"])[0]["tokens"][0]
    assert done["usage"]["completion_tokens"] == 40 and done["usage"]["prompt_tokens"] == known
    assert sum(one["tokens"] for one in of_kind(news, "text")) == 40


def test_a_seed_is_the_same_text_alone_and_among_eight(texts: Parent) -> None:
    asked: list[dict[str, Any]] = [
        {"prompt": f"a dog {n}", "seed": n, "count": 1 + n % 2, "options": {**LONG}}
        for n in range(8)
    ]
    alone = [texts.ask("complete", **one) for one in asked]
    together = texts.until_done(*[texts.make("complete", **one) for one in asked])
    for one, first, second in zip(asked, alone, together.values(), strict=True):
        for sample in range(one["count"]):
            assert text_of(first, sample) == text_of(second, sample) != ""


def test_a_stop_string_ends_a_text_exactly_and_is_never_told(texts: Parent) -> None:
    whole = text_of(texts.ask("complete", prompt="no one", seed=3, options=LONG))
    for stop in (whole[20:23], whole[9:10], whole[-3:]):
        place = whole.index(stop)
        options = {**LONG, "stop": [stop, "never this"], "logprobs": 1}
        news = texts.ask("complete", prompt="no one", seed=3, options=options)
        assert text_of(news) == whole[:place]
        assert of_kind(news, "ended")[0]["finish"] == "stop"
        told = b"".join(bytes(c["bytes"]) for one in of_kind(news, "text") for c in one["logprobs"])
        assert told.decode("utf-8", "replace").startswith(whole[:place].rstrip("\ufffd"))
        assert len(told) <= len(whole[:place].encode()) + 16


def test_ids_echo_chances_beams_and_a_form(texts: Parent, text_model: str) -> None:
    ids = api.load(text_model).codec.encode(["we saw"])[0].tolist()
    spelt = texts.ask("complete", prompt="we saw", seed=1, options=LONG)
    given = texts.ask("complete", ids=ids, seed=1, options=LONG)
    assert text_of(given) == text_of(spelt)
    echo = texts.ask("complete", ids=ids, seed=1, options=LONG, echo=True)
    assert text_of(echo) == "we saw" + text_of(spelt)
    chances = texts.ask("complete", prompt="we", seed=1, options={"max_tokens": 9, "logprobs": 3})
    told = [one for piece in of_kind(chances, "text") for one in piece["logprobs"]]
    ended = of_kind(chances, "ended")[0]
    assert len(told) == ended["tokens"] - (ended["finish"] == "stop")
    assert all(len(one["top"]) == 3 and one["logprob"] <= 0 for one in told)
    beams = texts.ask("complete", ids=ids, count=2, options={"max_tokens": 6, "beams": 3})
    request = Request(ids=tuple(ids), count=2, options=Options(max_tokens=6, beams=3))
    assert "we saw" + text_of(beams) == _by_engine(text_model, request)
    formed = texts.ask("complete", prompt="x", options={"regex": "(ab|cd){3}"})
    assert text_of(formed)[:2] in ("ab", "cd") and len(text_of(formed)) == 6


@pytest.mark.parametrize(
    ("given", "param", "code"),
    [
        ({"prompt": "x" * 500}, "prompt", "context_length_exceeded"),
        ({"ids": [5] * 96}, "prompt", "context_length_exceeded"),
        ({"ids": [5, 9999]}, "ids", None),
        ({"prompt": 3}, "prompt", None),
        ({"prompt": "x", "seed": "y"}, "seed", None),
        ({"prompt": "x", "seed": 1 << 70}, "seed", None),
        ({"prompt": "x", "count": 10**9}, "count", None),
        ({"prompt": "x", "options": {"temperature": -1}}, "temperature", None),
        ({"prompt": "x", "options": {"guidance": 2.0}}, "guidance", None),
        ({"prompt": "x", "options": {"heat": 1}}, "heat", None),
        ({"prompt": "x", "adapter": "nobody"}, None, None),
        ({"prompt": "x", "options": {"regex": "("}}, "regex", "invalid_regex"),
        ({"prompt": "x", "options": {"schema": {"type": "?"}}}, "schema", "invalid_schema"),
    ],
)
def test_what_cannot_be_honoured_is_an_error_that_names_the_field(
    texts: Parent, given: dict[str, Any], param: str | None, code: str | None
) -> None:
    (error,) = texts.ask("complete", **given)
    assert error["kind"] == "error" and error["type"] == "RequestError"
    assert (error.get("param"), error.get("code")) == (param, code)
    assert "\n" not in error["message"]


def test_a_prompt_over_the_context_is_told_with_both_numbers(texts: Parent) -> None:
    (error,) = texts.ask("complete", prompt="x" * 500)
    assert "500" in error["message"] and "96" in error["message"]
