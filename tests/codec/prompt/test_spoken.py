"""Captions as a frozen language model reads them: features that stand alone, and a model with them
that needs nothing beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import toys

from genloom.api import Model
from genloom.codec.prompt.spoken import SpokenCodec
from genloom.codec.text.codec import TextCodec
from genloom.engine.engine import Engine
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.net.language_model import LanguageModel
from genloom.recipe import Part
from genloom.speaking import speaker_of
from genloom.spec import FeatureSpec, Request
from genloom.train.loop import Loop

CAPTIONS = ["a red hat", "a blue hat on a dog", "", "a red hat"]


def speaker(bigram: int = 0) -> tuple[TextCodec, LanguageModel]:
    words = TextCodec(vocab="bytes", length=48)
    words.fit(CAPTIONS)
    config = LanguageModel.Config(width=16, depth=2, heads=2, bigram=bigram)
    torch.manual_seed(0)
    net = LanguageModel(config, words.spec, None)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn_like(p)
    return words, net


@pytest.fixture
def spoken() -> SpokenCodec:
    codec = SpokenCodec(limit=32)
    codec.take(*speaker(bigram=8))
    codec.fit(CAPTIONS)
    return codec


def test_features_are_one_vector_a_token_and_nothing_is_zeros(spoken):
    assert spoken.spec == FeatureSpec(width=16, length=len(CAPTIONS[1]) + 1)
    told = spoken.encode(CAPTIONS)
    assert told.shape == (4, spoken.length, 16) and told.dtype == torch.half
    there = (told != 0).any(-1).sum(1).tolist()
    assert there == [10, 20, 0, 10]  # letters, and what ends the text
    assert torch.equal(told[0], told[3]) and not told[2].any()
    assert torch.equal(spoken.encode([None])[0], told[2])


def test_a_caption_is_the_same_whatever_is_encoded_with_it(spoken):
    together = spoken.encode(CAPTIONS)
    for caption, told in zip(CAPTIONS, together, strict=True):
        assert torch.allclose(spoken.encode([caption])[0], told, atol=2e-3)
    assert not torch.allclose(together[0, :2], spoken.encode(["my hat"])[0, :2], atol=0.1)


def test_long_prompts_are_refused_and_long_captions_cut(spoken):
    long = "a blue hat on a dog and a cat"
    with pytest.raises(RequestError, match="at most 20"):
        spoken.encode([long])
    cut = spoken.encode([long], strict=False)[0]
    assert bool((cut != 0).any(-1).all())


def test_it_keeps_its_encoder_with_it(spoken, tmp_path):
    spoken.save(tmp_path)
    loaded = SpokenCodec.load(tmp_path)
    assert loaded.spec == spoken.spec
    assert torch.equal(loaded.encode(CAPTIONS), spoken.encode(CAPTIONS))
    assert {p.suffix for p in tmp_path.rglob("*") if p.is_file()} <= {".json", ".safetensors"}
    (tmp_path / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(ModelError):
        SpokenCodec.load(tmp_path)


def test_without_a_model_it_says_what_to_give():
    with pytest.raises(RecipeError, match=r"prompt\.model"):
        SpokenCodec().encode(["a hat"])
    with pytest.raises(RecipeError, match="limit"):
        SpokenCodec(limit=0)


def test_pictures_learn_from_a_model_of_texts_and_then_need_it_no_more(tmp_path):
    teller = toys.trained(toys.MADE["text"](), tmp_path / "text run").save(tmp_path / "teller")
    made = toys.MADE["picture by flow"](steps=4, rate=1e-2)
    made = replace(made, prompt=Part("spoken", {"model": str(teller)}))
    ready = toys.job(made, tmp_path / "run")
    assert ready.loader.batch(0).prompt.shape[1:] == (6, 32)
    still = [p.clone() for p in ready.model.prompt.encoder[1].parameters()]
    Loop(ready).fit()
    encoder = ready.model.prompt.encoder[1]
    assert all(torch.equal(a, b) for a, b in zip(still, encoder.parameters(), strict=True))
    ready.model.save(tmp_path / "model")
    for path in sorted(teller.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    tensors = []
    for model in (ready.model, Model.load(tmp_path / "model")):
        with Engine(model) as engine:
            asked = [Request(prompt=p, seed=1, count=2) for p in ("above", "below", None)]
            told = [engine.submit(request) for request in asked]
            tensors.append(torch.cat([g.result() and g.tensors() for g in told]))
    assert torch.equal(*tensors)
    assert not torch.allclose(tensors[0][:2], tensors[0][2:4], atol=1e-3)  # it hears the caption


def test_a_model_of_pictures_is_no_speaker(tmp_path):
    folder = toys.trained(toys.MADE["picture by class"](), tmp_path / "run").save(tmp_path / "m")
    with pytest.raises(ModelError, match="a model of texts"):
        speaker_of(str(folder))
