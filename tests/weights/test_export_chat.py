"""Chats written for other libraries: tokenizer, template and ends come along."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import toys

from genloom.api import export
from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.preference import PreferenceCodec
from genloom.model import Model
from genloom.recipe import Part
from genloom.weights.published_tokenizer import codec_of

USUAL = {"qk_norm": "none", "softcap": 0.0, "activation": "swiglu", "bigram": 0}


def test_a_chat_trained_here_comes_back_as_it_was(tmp_path: Path) -> None:
    chat = ChatCodec(vocab="bytes", length=64)
    chat.fit(toys.talks())
    for number, codec in enumerate((chat, PreferenceCodec.upon(chat), ChatCodec.upon(chat))):
        net = Part("transformer", {**toys.tiny("transformer").options, **USUAL})
        made = toys.recipe(Part("chat"), Part("autoregressive"), {"net": "transformer"})
        recipe = type(made)(name="toy", codec=made.codec, family=made.family, net={"net": net})
        nets = recipe.make_nets(codec.spec, None)
        model = Model(recipe=recipe, codec=codec, prompt=None, nets=nets)
        export(model, tmp_path / str(number))
        told = json.loads((tmp_path / str(number) / "config.json").read_text())
        again = ChatCodec.of(codec_of(tmp_path / str(number), told, told["vocab_size"]))
        (ids,) = again.encode(toys.talks(1))
        assert torch.equal(ids, chat.encode(toys.talks(1))[0])
        assert again.template == chat.template and set(chat.spec.ends) <= {
            again.spec.eos, *again.spec.ends
        }  # fmt: skip
        again.renderer.close()
