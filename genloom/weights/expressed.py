"""A model of ours as a configuration that others know.

An imported model has the one it came with. One that was trained here is a Llama or a Qwen3 where
its options can be said in their words; what stands in the way is named otherwise. Knows options and
configurations, and the few weights that such words take. Knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genloom.configure import configure, plain
from genloom.errors import ModelError
from genloom.model import Model
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.weights.decoders import DECODERS, options_of

UNIT = {"q": 1.2, "k": 1.0}  # what queries and keys of unit length are multiplied by
ARCHITECTURES = {
    "gpt2": "GPT2LMHeadModel",
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "mixtral": "MixtralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
    "qwen3": "Qwen3ForCausalLM",
    "qwen3_moe": "Qwen3MoeForCausalLM",
    "gemma": "GemmaForCausalLM",
    "gemma2": "Gemma2ForCausalLM",
    "gemma3_text": "Gemma3ForCausalLM",
    "phi3": "Phi3ForCausalLM",
    "olmo2": "Olmo2ForCausalLM",
    "smollm3": "SmolLM3ForCausalLM",
    "starcoder2": "Starcoder2ForCausalLM",
    "nemotron": "NemotronForCausalLM",
}


def config_of(model: Model) -> dict[str, Any]:
    """config.json of the model. ModelError with the reason where there is none."""
    net = dict(model.nets.items()).get("net")
    if not isinstance(net, LanguageModel) or getattr(model.codec.spec, "ranges", ()):
        raise ModelError(
            f"{model.recipe.name} is no language model of one stream of tokens: only those have a "
            "form that other libraries read"
        )
    came = model.card.get("config")
    if isinstance(came, Mapping) and came.get("model_type") in DECODERS:
        read = configure(LanguageModelConfig, options_of(came), "config.json")
        if read == net.config:
            told = {k: v for k, v in came.items() if k != "within"}
            return {**told, "architectures": [ARCHITECTURES[came["model_type"]]]}
    return _trained(model, net.config)


def _trained(model: Model, config: LanguageModelConfig) -> dict[str, Any]:
    """Of a model that was trained here."""
    reasons = _in_the_way(config)
    if reasons:
        raise ModelError(
            f"{model.recipe.name} cannot be written for other libraries: {'; '.join(reasons)}"
        )
    spec: Any = model.codec.spec
    normed = config.qk_norm in ("unit", "head")
    assert config.rotary is not None
    return {
        "model_type": "qwen3" if normed else "llama",
        "architectures": [ARCHITECTURES["qwen3" if normed else "llama"]],
        "vocab_size": spec.vocab,
        "hidden_size": config.width,
        "intermediate_size": config.hidden,
        "num_hidden_layers": config.depth,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.groups,
        "head_dim": config.size,
        "hidden_act": "silu",
        "rms_norm_eps": config.eps or 1e-6,
        "rope_theta": config.rotary.base,
        "max_position_embeddings": spec.length,
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": config.tied,
        "bos_token_id": spec.bos,
        "eos_token_id": spec.eos,
        "pad_token_id": spec.pad,
    }


def _in_the_way(config: LanguageModelConfig) -> list[str]:
    """What Llama and Qwen3 have no words for, each with the change that would do without it."""
    usual = LanguageModelConfig()
    wanted: dict[str, Any] = {
        "activation": "swiglu",
        "norm": "rms",
        "placing": "before",
        "softcap": 0.0,
        "bias": "none",
        "bigram": 0,
        "valued": 0,
        "learned": 0,
        "embed_scale": 1.0,
        "attention_cap": 0.0,
        "attention_scale": 0.0,
        "experts": None,
        "pattern": ("full",),
    }
    out = [
        f"net.net.{key} is {plain(getattr(config, key))!r}, and only {plain(value)!r} has a form "
        f"there (train with --set net.net.{key}={plain(value)})"
        for key, value in wanted.items()
        if getattr(config, key) != value
    ]
    if config.qk_norm in ("layer", "whole"):
        out.append(f"net.net.qk_norm is {config.qk_norm!r}")
    if config.rotary is None or config.rotary != type(config.rotary)(base=config.rotary.base):
        out.append(f"net.net.rotary is not {plain(usual.rotary)} or of another base")
    return out


def weights_of(model: Model, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Our tensors by our names, with those that the configuration has and our net has not."""
    net = model.nets["net"]
    out: dict[str, Tensor] = dict(net.named_parameters())
    assert isinstance(net, LanguageModel)
    if net.config.qk_norm == "unit":
        dtype = next(net.parameters()).dtype
        for layer in range(net.config.depth):
            for part, value in UNIT.items():
                gain = torch.full((net.config.size,), value, dtype=dtype)
                out[f"transformer.blocks.{layer}.mix.{part}_norm.gain"] = gain
    return out
