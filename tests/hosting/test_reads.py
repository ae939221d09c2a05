"""Embeddings, ranks and likelihoods from a host: those of a reader, whoever is read beside."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from parent import Parent, of_kind

from genloom import api
from genloom.engine.reading import Reader

TEXTS = ["the cat sat", "a dog", "we saw three red ships. " * 3, "x"]


@pytest.fixture(scope="module")
def reader(text_model: str) -> Reader:
    return Reader(api.load(text_model), memory=1 << 24)


def _vectors(news: list[dict[str, object]]) -> np.ndarray:
    (values,) = of_kind(news, "values")
    return np.frombuffer(values["data"], "<f4").reshape(values["vectors"], values["size"])


def test_embeddings_are_those_of_a_reader(texts: Parent, reader: Reader) -> None:
    for pooling in ("mean", "last"):
        told = _vectors(texts.ask("embed", texts=TEXTS, pooling=pooling, size=8))
        wanted = reader.embed(TEXTS, pooling=pooling, size=8).numpy()  # type: ignore[arg-type]
        np.testing.assert_allclose(told, wanted, atol=1e-5)
    codec = reader.model.codec
    ids = [x.tolist() for x in codec.encode(TEXTS)]
    by_ids = _vectors(texts.ask("embed", ids=ids, pooling="last", size=8))
    np.testing.assert_array_equal(by_ids, told)


def test_a_text_is_embedded_alike_alone_and_among_others(texts: Parent) -> None:
    alone = [_vectors(texts.ask("embed", texts=[text])) for text in TEXTS]
    numbers = [texts.make("embed", texts=[text]) for text in TEXTS]
    writing = texts.make("complete", prompt="a", options={"max_tokens": 20, "ignore_eos": True})
    found = texts.until_done(*numbers, writing)
    for number, one in zip(numbers, alone, strict=True):
        np.testing.assert_array_equal(_vectors(found[number]), one)


def test_ranks_and_scores_are_those_of_a_reader(texts: Parent, reader: Reader) -> None:
    (told,) = of_kind(texts.ask("rank", query="a cat", texts=TEXTS), "values")
    torch.testing.assert_close(
        torch.tensor(told["scores"]), torch.tensor(reader.rank("a cat", TEXTS)), atol=1e-4, rtol=0
    )
    some = [*TEXTS, "a b c d " * 40]
    (told,) = of_kind(texts.ask("score", texts=some), "values")
    for one, wanted in zip(told["scores"], reader.score(some), strict=True):
        assert one["ids"] == list(wanted.ids)
        assert one["nats"] == pytest.approx(wanted.nats, rel=1e-4)
        assert one["bits_per_byte"] == pytest.approx(wanted.bits_per_byte, rel=1e-4)


@pytest.mark.parametrize(
    ("task", "given", "param"),
    [
        ("embed", {"texts": []}, "texts"),
        ("embed", {"texts": 5}, "texts"),
        ("complete", {"prompt": "x", "options": 5}, "options"),
        ("embed", {"texts": ["x"], "size": 9999}, "dimensions"),
        ("embed", {"texts": ["x"], "pooling": "max"}, "pooling"),
        ("embed", {"ids": [[1, "2"]]}, "ids"),
        ("embed", {"texts": ["x" * 300]}, "input"),
        ("rank", {"query": "", "texts": ["x"]}, "query"),
        ("score", {"texts": "x"}, "texts"),
        ("count", {"texts": [1]}, "texts"),
        ("verify", {}, "file"),
    ],
)
def test_what_cannot_be_read(
    texts: Parent, task: str, given: dict[str, object], param: str
) -> None:
    (error,) = texts.ask(task, **given)
    assert (error["kind"], error["type"], error["param"]) == ("error", "RequestError", param)
