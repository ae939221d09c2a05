"""Embeddings, likelihoods and ranks: against the family's own score, whatever the pieces."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.reading import Reader
from genloom.errors import RequestError
from genloom.model import Model
from genloom.spec import Batch

TEXTS = ["the cat sat on the mat.", "", "a", "three red ships: " * 6, "no one came to the hall"]


@pytest.fixture(scope="module", params=["plain", "pairs"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    changes = ["codec.length=128", "net.net.depth=2"]
    changes += ["net.net.bigram=64"] if request.param == "pairs" else []
    return shaken(MADE["text"]().with_(*changes), Path(tmp_path_factory.mktemp("toy")))


def slow(model: Model, text: str) -> float:
    """The family's own log-likelihood, the text alone."""
    if not text:
        return 0.0
    spec = model.codec.spec
    x = torch.cat((torch.tensor([spec.bos]), model.codec.encode([text])[0]))[None]
    weight = torch.ones(x.shape)
    weight[:, 0] = 0
    batch = Batch(spec=spec, x=x, weight=weight)
    return float(model.family.score(model.nets, batch))


def test_the_score_is_the_family_s(model: Model) -> None:
    with Reader(model) as reader:
        for text, told in zip(TEXTS, reader.score(TEXTS), strict=True):
            assert -told.nats == pytest.approx(slow(model, text), rel=1e-4, abs=1e-4)
            assert len(told.logprobs) == len(told.ids) == told.bytes == len(text.encode())
            if text:
                assert told.bits_per_byte == pytest.approx(told.nats / math.log(2) / told.bytes)
                assert told.perplexity == pytest.approx(math.exp(told.nats / len(told.ids)))
        assert reader.memory.used == 0


def test_nothing_depends_on_the_pieces(model: Model) -> None:
    with Reader(model) as whole, Reader(model) as cut:
        cut.memory.budget = 13
        assert whole.score(TEXTS) == cut.score(TEXTS)
        assert torch.equal(whole.embed(TEXTS), cut.embed(TEXTS))


def test_embeddings_are_pooled_cut_and_of_length_one(model: Model) -> None:
    with Reader(model) as reader:
        hidden = list(reader.hidden([reader.ids(text) for text in TEXTS]))
        mean, last = reader.embed(TEXTS), reader.embed(TEXTS, pooling="last", normalise=False)
        assert mean.shape == (5, 32) and not torch.allclose(mean[0], mean[3])
        torch.testing.assert_close(mean.norm(dim=1), torch.ones(5))
        torch.testing.assert_close(last[3], hidden[3][-1])
        short = reader.embed(TEXTS, size=8)
        torch.testing.assert_close(short, torch.nn.functional.normalize(mean[:, :8]))
        assert reader.embed([]).shape == (0, 32)
        with pytest.raises(RequestError, match="1 to 32"):
            reader.embed(TEXTS, size=33)


def test_texts_are_ranked_by_what_is_likely_to_follow(model: Model) -> None:
    with Reader(model) as reader:
        told = reader.rank("ships", TEXTS)
        asked = model.codec.encode(["\nships"])[0].tolist()
        for text, score in zip(TEXTS, told, strict=True):
            both = slow(model, f"{text}\nships") - slow(model, text)
            assert score == pytest.approx(both / len(asked), rel=1e-3, abs=1e-4)


def test_what_does_not_fit_is_told(model: Model) -> None:
    with Reader(model) as reader, pytest.raises(RequestError, match="fit into the context"):
        reader.embed(["a" * 400])


def test_a_long_text_is_scored_in_windows_that_overlap_by_half(model: Model) -> None:
    text = "the cat sat on the mat. we saw three red ships. " * 7
    with Reader(model) as reader:
        (told,) = reader.score([text])
        assert len(told.logprobs) == len(text)
        first = reader.score([text[:127]])[0]  # bos and 127 ids fill the context
        assert told.logprobs[:127] == first.logprobs
        net, ids = model.nets["net"], model.codec.encode([text])[0]
        run = ids[127 - 64 : 127 - 64 + 128][None]  # the second window
        place = torch.arange(128)[None, :, None]
        before = torch.cat((run[:, :1], run[:, :-1]), 1)
        with torch.inference_mode():
            hidden = net(run, place, net.attention(None), before)
            wanted = net.logits(hidden).log_softmax(-1)[0, 63:127].gather(1, run[0, 64:, None])
        torch.testing.assert_close(
            torch.tensor(told.logprobs[127:191]), wanted[:, 0], atol=1e-4, rtol=1e-4
        )


def test_a_model_of_rows_does_not_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="runs of ids"):
        Reader(shaken(MADE["row"](), tmp_path))
