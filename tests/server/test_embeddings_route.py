"""/v1/embeddings and /v1/rerank with the official library, against a tiny model of texts."""

from __future__ import annotations

import math
from typing import Any

import httpx2
import openai
import pytest
from small_server import Running

from genloom import api
from genloom.engine.reading import Reader


def near(one: list[float], other: list[float]) -> bool:
    return all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(one, other, strict=True))


def test_the_library_reads_what_it_asks_for(client: openai.OpenAI) -> None:
    """It sends base64 unless told otherwise."""
    found = client.embeddings.create(model="words", input=["a cat", "a dog", "a cat"])
    vectors = [one.embedding for one in found.data]
    assert [one.index for one in found.data] == [0, 1, 2]
    assert all(math.isclose(sum(x * x for x in v), 1, abs_tol=1e-5) for v in vectors)
    assert vectors[0] == vectors[2] != vectors[1]
    assert found.usage.prompt_tokens == found.usage.total_tokens > 3
    floats = client.embeddings.create(model="words", input="a cat", encoding_format="float")
    assert near(floats.data[0].embedding, vectors[0])
    with Reader(api.load("words")) as reader:
        assert near(reader.embed(["a cat"])[0].tolist(), vectors[0])


def test_ids_are_read_as_the_text_that_they_are(client: openai.OpenAI) -> None:
    model = api.load("words")
    ids = [codec.tolist() for codec in model.codec.encode(["a cat", "dogs"])]
    texts = client.embeddings.create(model="words", input=["a cat", "dogs"])
    several = client.embeddings.create(model="words", input=ids)
    single = client.embeddings.create(model="words", input=ids[0])
    for one, other in zip(texts.data, several.data, strict=True):
        assert near(one.embedding, other.embedding)
    assert near(single.data[0].embedding, texts.data[0].embedding)


def test_fewer_dimensions(client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="words", input="a cat", dimensions=8)
    assert len(found.data[0].embedding) == 8
    assert math.isclose(sum(x * x for x in found.data[0].embedding), 1, abs_tol=1e-5)


@pytest.mark.parametrize(
    ("asked", "param", "code"),
    [
        ({"input": ""}, "input", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": ["a", ""]}, None, "invalid_value"),
        ({"input": [[1], []]}, None, "invalid_value"),
        ({"input": [10**6]}, "input", "invalid_value"),
        ({"input": [-1]}, None, "invalid_value"),
        ({"input": ["a"] * 2049}, "input", "invalid_value"),
        ({"input": "word " * 500}, "input", "context_length_exceeded"),
        ({"input": [1] * 500}, "input", "context_length_exceeded"),
        ({"dimensions": 0}, "dimensions", "invalid_value"),
        ({"dimensions": 33}, "dimensions", "invalid_value"),
        ({"encoding_format": "hex"}, "encoding_format", "invalid_value"),
        ({"extra_body": {"pooling": "max"}}, "pooling", "invalid_value"),
        ({"model": "sprites"}, "model", "model_not_suited"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be(
    client: openai.OpenAI, asked: dict[str, Any], param: str | None, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(**{"model": "words", "input": "a cat", **asked})
    assert caught.value.code == code, caught.value
    assert param is None or caught.value.param == param, caught.value


def ranked(small: Running, **asked: Any) -> httpx2.Response:
    told = {"model": "words", "query": "a cat", "documents": ["dogs", "a cat", "the"], **asked}
    return httpx2.post(f"{small.url}/v1/rerank", json=told, timeout=60)


def test_documents_are_ranked(small: Running) -> None:
    found = ranked(small, return_documents=True).json()
    scores = [one["relevance_score"] for one in found["results"]]
    assert scores == sorted(scores, reverse=True) and all(0 <= s <= 1 for s in scores)
    order = {one["index"]: one["document"]["text"] for one in found["results"]}
    assert order == {0: "dogs", 1: "a cat", 2: "the"}
    with Reader(api.load("words")) as reader:
        told = reader.rank("a cat", ["dogs", "a cat", "the"])
    for one in found["results"]:
        assert math.isclose(math.log(one["relevance_score"]), told[one["index"]], rel_tol=1e-4)
    best = ranked(small, top_n=1, documents=["dogs", {"text": "a cat"}, "the"]).json()["results"]
    assert best == [{k: v for k, v in found["results"][0].items() if k != "document"}]


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"documents": []}, "documents"),
        ({"documents": ["word " * 500]}, "documents"),
        ({"top_n": 0}, "top_n"),
        ({"rank_fields": ["title"]}, "rank_fields"),
        ({"model": "people"}, "model"),
    ],
)
def test_rankings_that_cannot_be(small: Running, asked: dict[str, Any], param: str) -> None:
    answer = ranked(small, **asked)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param
