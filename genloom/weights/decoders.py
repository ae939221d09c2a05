"""Published decoders as configurations of our one transformer, and their tensors' names.

One table: an architecture's name -> how its config.json is read and which rules name its tensors.
The only place besides `registry` where a model's name is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from genloom.errors import ModelError
from genloom.weights import decoder_configs as read
from genloom.weights import decoder_names as name
from genloom.weights.decoder_configs import Sizes
from genloom.weights.names import Rule, Translation

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Decoder:
    """config: config.json -> options of our transformer. names: their sizes -> rules.
    prefix: before all names but the head's, left out by some who publish. ignored: endings of
    tensors that hold nothing learnt."""

    config: Callable[[Config], dict[str, Any]]
    names: Callable[[Sizes], list[Rule]]
    prefix: str = "model."
    ignored: tuple[str, ...] = ("rotary_emb.inv_freq",)


DECODERS: dict[str, Decoder] = {
    "gpt2": Decoder(read.gpt2, name.gpt2, "transformer.", (".attn.bias", ".attn.masked_bias")),
    "llama": Decoder(read.llama, name.llama),
    "mistral": Decoder(read.mistral, name.llama),
    "mixtral": Decoder(read.mixtral, name.mixtral),
    "qwen2": Decoder(read.qwen2, name.llama),
    "qwen3": Decoder(read.qwen3, name.llama),
    "qwen3_moe": Decoder(read.qwen3_moe, name.qwen3_moe),
    "gemma": Decoder(read.gemma, name.llama),
    "gemma2": Decoder(read.gemma2, name.gemma2),
    "gemma3_text": Decoder(read.gemma3, name.gemma2),
    "phi3": Decoder(read.phi3, name.phi3),
    "olmo2": Decoder(read.olmo2, name.olmo2),
    "smollm3": Decoder(read.smollm3, name.llama),
    "starcoder2": Decoder(read.starcoder2, name.starcoder2),
    "nemotron": Decoder(read.nemotron, name.nemotron),
}

REFUSED: dict[str, str] = {
    "nemotron_h": "its state-space layers have no place in a stack of attention and feed-forward",
    "nemotron-nas": "its layers differ from one another in heads and widths",
    "gemma3": "it also reads pictures: import the text model within it (gemma3_text)",
}


def decoder_of(config: Config) -> Decoder:
    """The decoder that a config.json names. ModelError with the list where we know it not."""
    kind = config.get("model_type")
    if kind in DECODERS:
        return DECODERS[kind]
    if kind in REFUSED:
        raise ModelError(f"the architecture {kind!r} is not imported: {REFUSED[kind]}")
    raise ModelError(
        f"the architecture {kind!r} is not known: config.json may name {', '.join(DECODERS)}"
    )


def options_of(config: Config) -> dict[str, Any]:
    """config.json -> options of our transformer, with a typed error for a value that is absent or
    of another kind."""
    decoder = decoder_of(config)
    try:
        return decoder.config(config)
    except KeyError as error:
        raise ModelError(f"config.json lacks {error}: the model cannot be built") from None
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(f"config.json has a value that does not fit ({error})") from None


def translation_of(config: Config, options: Mapping[str, Any]) -> Translation:
    """Their names of our tensors."""
    sizes = Sizes.of(options)
    return Translation(decoder_of(config).names(sizes), sizes.experts)
