"""Published text encoders as our transformer: how a config.json is read, how tensors are named.

Only those that look back, position by position (CLIP, Radford et al. 2021). Knows folders; makes no
picture and no text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genloom.codec.text.codec import TextCodec
from genloom.configure import configure
from genloom.errors import ModelError
from genloom.net.language_model import LanguageModel
from genloom.net.unfilled import Unfilled
from genloom.tensor_files import TensorFiles
from genloom.weights.decoder_configs import Sizes, clip
from genloom.weights.decoder_names import clip as clip_names
from genloom.weights.decoders import Decoder
from genloom.weights.importing import Found, fill
from genloom.weights.published import config_of, weights_of
from genloom.weights.published_tokenizer import codec_of

CLIP = Decoder(clip, clip_names, "text_model.", (".position_ids",))
ENCODERS: dict[str, Decoder] = {"clip_text_model": CLIP, "clip": CLIP}
OTHERS = ("vision_model.", "visual_projection.", "text_projection.", "logit_scale")
REFUSED = ("t5", "mt5", "umt5", "bert", "roberta", "xlm-roberta", "gemma3_encoder")


class _Part:
    """Their tensors without those of what reads pictures."""

    def __init__(self, files: TensorFiles) -> None:
        self.files = files
        self.names = [name for name in files.names if not name.startswith(OTHERS)]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.files.shape(name)

    def dtype(self, name: str) -> torch.dtype:
        return self.files.dtype(name)

    def read_into(self, name: str, out: Tensor) -> None:
        self.files.read_into(name, out)


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether config.json names a text encoder that is no decoder. ModelError for those that are
    not taken."""
    kind = config.get("model_type")
    if kind in REFUSED:
        raise ModelError(
            f"a {kind} encoder looks both ways and has learnt biases between positions, which our "
            "stack has not: use a CLIP text encoder or a language model"
        )
    return kind in ENCODERS


def encoder_of(folder: Path) -> tuple[TextCodec, LanguageModel]:
    """The encoder in a folder, in fp32. ModelError says what is missing or does not fit."""
    config = config_of(folder)
    decoder = ENCODERS[config["model_type"]]
    try:
        options = decoder.config(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"config.json lacks or breaks {error}: it cannot be built") from None
    beside = folder.parent / "tokenizer"  # as pipelines of pictures lay it
    place = folder if (folder / "tokenizer.json").is_file() else beside
    words = codec_of(place, config, int(config["vocab_size"]))
    with Unfilled():
        made = configure(LanguageModel.Config, options, "prompt.net")
        net = LanguageModel(made, words.spec, None)
    found = Found(
        name=folder.name,
        config=config,
        tensors=_Part(weights_of(folder)),
        codec=words,
        decoder=decoder,
    )
    assert Sizes.of(options).experts == 0
    fill(found, options, net)
    return words, net.float()
