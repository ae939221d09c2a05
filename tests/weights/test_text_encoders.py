"""Published text encoders read captions as the reference library has them."""

from __future__ import annotations

import json

import pytest
import tiny_models
import torch
from tokenizers import processors

from genloom.codec.prompt.spoken import SpokenCodec
from genloom.errors import ModelError
from genloom.speaking import give_words, speaker_of
from genloom.weights.text_encoders import is_encoder

transformers = pytest.importorskip("transformers", reason="the reference library is not installed")
CAPTIONS = ["the cat sat on the mat", "the dog", "a house by the door"]
TINY = {
    "vocab_size": 400,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 40,
}


def words():
    made = tiny_models.tokenizer(400)
    first, last = (tiny_models.SPECIAL[f"{end}_token"] for end in ("bos", "eos"))
    pairs = [(t, made.token_to_id(t)) for t in (first, last)]
    made.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=pairs
    )
    return made


def published(folder, act="quick_gelu", whole=False):
    """A text encoder alone, or with what reads pictures beside it."""
    torch.manual_seed(0)
    if whole:
        config = transformers.CLIPConfig(
            text_config={**TINY, "hidden_act": act},
            vision_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
            | {"intermediate_size": 16, "image_size": 8, "patch_size": 4},
            projection_dim=16,
        )
        model = transformers.CLIPModel(config)
    else:
        model = transformers.CLIPTextModel(transformers.CLIPTextConfig(**TINY, hidden_act=act))
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn_like(p)
    tiny_models.publish(model.eval(), folder, words())
    return model.text_model if whole else model


@pytest.mark.parametrize(("act", "whole"), [("quick_gelu", False), ("gelu", False), ("gelu", True)])
def test_states_are_those_of_the_reference(tmp_path, act, whole):
    reference, made = published(tmp_path, act, whole), words()
    prompt = SpokenCodec(model=str(tmp_path))
    give_words(prompt)
    prompt.fit(CAPTIONS)
    told = prompt.encode(CAPTIONS)
    for caption, mine in zip(CAPTIONS, told, strict=True):
        ids = torch.tensor([made.encode(caption).ids])
        with torch.no_grad():
            want = reference(input_ids=ids).last_hidden_state[0, 1:]
        want = torch.nn.functional.layer_norm(want, want.shape[-1:])
        assert torch.allclose(mine[: len(want)].float(), want, atol=4e-3)
        assert not mine[len(want) :].any()


def test_the_tokenizer_of_a_pipeline_lies_beside(tmp_path):
    published(tmp_path / "text_encoder")
    (tmp_path / "tokenizer").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "text_encoder" / name).rename(tmp_path / "tokenizer" / name)
    codec, net = speaker_of(str(tmp_path / "text_encoder"))
    assert net.config.width == 32 and codec.spec.vocab == 400


def test_encoders_that_look_both_ways_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5", "d_model": 16}))
    with pytest.raises(ModelError, match=r"looks both ways.* use a CLIP"):
        speaker_of(str(tmp_path))
    assert not is_encoder({"model_type": "llama"})


def test_weights_of_another_size_are_refused(tmp_path):
    published(tmp_path)
    path = tmp_path / "config.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "intermediate_size": 64}))
    with pytest.raises(ModelError, match="do not belong together"):
        speaker_of(str(tmp_path))
