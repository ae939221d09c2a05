"""Metadata of GGUF files <-> config.json, for the architectures that both sides know.

Keys and their meaning are those of llama.cpp, with what it holds fixed for an architecture said
here. Knows no tensors but the stretched frequencies, which GGUF files keep as one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from genloom.configure import configure, plain
from genloom.errors import ModelError
from genloom.net.language_model import LanguageModelConfig
from genloom.net.rotary import Rotary, Stretch, frequencies
from genloom.weights.decoder_configs import length_of
from genloom.weights.decoders import options_of
from genloom.weights.gguf_names import ARCHITECTURES

Config = dict[str, Any]
LARGEST_GEMMA = {"gemma2": 46, "gemma3": 62}  # layers of those that scale by the width
LAYER_NORM = {"gpt2", "starcoder2", "nemotron"}
SHARED = {"gemma", "gemma2", "gemma3_text"}  # always without a head of their own


# --- from a file ----------------------------------------------------------------------------------


def config_of(
    told: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]], factors: Mapping[str, Any]
) -> Config:
    """config.json's keys. factors: the divisors of frequencies by tensor name. ModelError for an
    architecture that is not known, with the list."""
    name = told.get("general.architecture")
    if name not in ARCHITECTURES.values():
        known = ", ".join(dict.fromkeys(ARCHITECTURES.values()))
        raise ModelError(f"the GGUF architecture {name!r} is not known: known are {known}")
    get = _getter(told, str(name))
    kind = {v: k for k, v in reversed(ARCHITECTURES.items())}[str(name)]
    if name == "llama":
        kind = "mixtral" if get("expert_count") else "llama"
    if kind == "gpt2":
        return _gpt2(get, tensors)
    config = _usual(kind, get, tensors)
    config |= _stretched(kind, get, config, factors)
    return {k: v for k, v in config.items() if v is not None}


def _getter(told: Mapping[str, Any], name: str) -> Any:
    def get(key: str, usual: Any = None) -> Any:
        value = told.get(f"{name}.{key}", usual)
        if isinstance(value, list):
            if len(set(value)) > 1:
                raise ModelError(
                    f"the layers of this GGUF file differ in {key}: it is not imported"
                )
            value = value[0] if value else usual
        return value

    return get


def _needed(get: Any, key: str) -> int:
    value = get(key)
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"the GGUF file lacks a sound {key}: it has {value!r}")
    return value


def _usual(kind: str, get: Any, tensors: Mapping[str, tuple[int, ...]]) -> Config:
    width, heads = _needed(get, "embedding_length"), _needed(get, "attention.head_count")
    size = get("attention.key_length") or width // heads
    turned = get("rope.dimension_count")
    eps = get("attention.layer_norm_rms_epsilon") or get("attention.layer_norm_epsilon")
    config: Config = {
        "model_type": kind,
        "vocab_size": _rows(tensors),
        "hidden_size": width,
        "num_hidden_layers": _needed(get, "block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": get("attention.head_count_kv") or heads,
        "head_dim": size,
        "intermediate_size": _needed(get, "feed_forward_length"),
        "max_position_embeddings": _needed(get, "context_length"),
        "rope_theta": get("rope.freq_base") or 10000.0,
        "tie_word_embeddings": "output.weight" not in tensors,
        "attention_bias": (kind == "llama" and "blk.0.attn_q.bias" in tensors) or None,
        "rms_norm_eps": eps,
        "norm_epsilon": eps if kind == "starcoder2" else None,
        "norm_eps": eps if kind == "nemotron" else None,
        "use_bias": True if kind == "starcoder2" else None,
        "num_local_experts": get("expert_count") if kind == "mixtral" else None,
        "num_experts": get("expert_count") if kind == "qwen3_moe" else None,
        "num_experts_per_tok": get("expert_used_count"),
        "moe_intermediate_size": get("expert_feed_forward_length"),
        "norm_topk_prob": True if kind == "qwen3_moe" else None,
    }
    if turned and turned != size:
        config["partial_rotary_factor"] = turned / size
    if kind in ("gemma2", "gemma3_text", "phi3"):
        config["sliding_window"] = get("attention.sliding_window")
    if kind in ("gemma2", "gemma3_text"):
        by_width = config["num_hidden_layers"] == LARGEST_GEMMA[ARCHITECTURES[kind]]
        config["query_pre_attn_scalar"] = width // heads if by_width else size
    if kind == "gemma2":
        config["final_logit_softcapping"] = get("final_logit_softcapping", 30.0)
        config["attn_logit_softcapping"] = get("attn_logit_softcapping", 50.0)
    return config


def _gpt2(get: Any, tensors: Mapping[str, tuple[int, ...]]) -> Config:
    return {
        "model_type": "gpt2",
        "vocab_size": _rows(tensors),
        "n_embd": _needed(get, "embedding_length"),
        "n_layer": _needed(get, "block_count"),
        "n_head": _needed(get, "attention.head_count"),
        "n_inner": _needed(get, "feed_forward_length"),
        "n_positions": _needed(get, "context_length"),
        "layer_norm_epsilon": get("attention.layer_norm_epsilon") or 1e-5,
        "tie_word_embeddings": "output.weight" not in tensors,
    }


def _rows(tensors: Mapping[str, tuple[int, ...]]) -> int:
    shape = tensors.get("token_embd.weight", ())
    if len(shape) != 2:
        raise ModelError("the GGUF file lacks the matrix token_embd.weight: it is no decoder")
    return shape[0]


def _stretched(kind: str, get: Any, config: Config, factors: Mapping[str, Any]) -> Config:
    """How rotary frequencies are stretched: by a type of scaling, or divisors in a tensor."""
    longest = config["max_position_embeddings"]
    first = get("rope.scaling.original_context_length") or longest
    if "rope_freqs.weight" in factors:
        one = list(factors["rope_freqs.weight"])
        told = {"rope_type": "longrope", "short_factor": one, "long_factor": one}
        told |= {"attention_factor": 1.0, "original_max_position_embeddings": longest}
        return {"rope_scaling": told}
    if "rope_factors_long.weight" in factors:
        told = {
            "rope_type": "longrope",
            "short_factor": list(factors["rope_factors_short.weight"]),
            "long_factor": list(factors["rope_factors_long.weight"]),
            "attention_factor": get("rope.scaling.attn_factor"),
        }
        return {"rope_scaling": told, "original_max_position_embeddings": first}
    scaling, factor = get("rope.scaling.type"), get("rope.scaling.factor")
    if scaling in (None, "none") or not factor:
        return {}
    told = {"rope_type": scaling, "factor": factor, "original_max_position_embeddings": first}
    return {"rope_scaling": told}


# --- to a file ------------------------------------------------------------------------------------


def metadata_of(config: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Keys of the architecture. config names it; options are what was read from it."""
    kind, depth = str(config["model_type"]), options["depth"]
    name, heads = ARCHITECTURES[kind], options["heads"]
    size = options.get("head_size") or options["width"] // heads
    out: dict[str, Any] = {
        "context_length": int(config.get("max_position_embeddings") or length_of(config)),
        "embedding_length": options["width"],
        "block_count": depth,
        "feed_forward_length": round(options["expansion"] * options["width"]),
        "attention.head_count": heads,
        "attention.head_count_kv": options.get("kv_heads") or heads,
        "attention.key_length": size,
        "attention.value_length": size,
    }
    norm = "layer_norm_epsilon" if kind in LAYER_NORM else "layer_norm_rms_epsilon"
    out[f"attention.{norm}"] = float(options["eps"])
    rotary = options.get("rotary")
    if rotary:
        out["rope.freq_base"] = float(rotary["base"])
        out["rope.dimension_count"] = int(size * rotary["share"])
        out |= _scaling(rotary.get("stretch"))
    if options.get("window"):
        out["attention.sliding_window"] = options["window"]
    if options.get("attention_cap"):
        out["attn_logit_softcapping"] = float(options["attention_cap"])
    if options.get("softcap"):
        out["final_logit_softcapping"] = float(options["softcap"])
    experts = options.get("experts")
    if experts:
        out["expert_count"], out["expert_used_count"] = experts["count"], experts["asked"]
        out["expert_feed_forward_length"] = experts["hidden"]
    return {"general.architecture": name, **{f"{name}.{k}": v for k, v in out.items()}}


def _scaling(stretch: Mapping[str, Any] | None) -> dict[str, Any]:
    if not stretch or stretch["kind"] == "llama3":
        return {}
    out: dict[str, Any] = {"rope.scaling.original_context_length": stretch["original"]}
    if stretch["kind"] == "longrope":
        rotary = Rotary(stretch=Stretch(**stretch))
        out["rope.scaling.attn_factor"] = frequencies(rotary, 2 * len(stretch["short"]))[1]
        return out
    out["rope.scaling.type"] = stretch["kind"]
    out["rope.scaling.factor"] = float(stretch["factor"])
    return out


def factors_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors of divisors, float32 [P], by the names that GGUF files have for them."""
    rotary = options.get("rotary")
    if not rotary or not rotary.get("stretch"):
        return {}
    stretch = rotary["stretch"]
    size = options.get("head_size") or options["width"] // options["heads"]
    plain = Rotary(base=rotary["base"], share=rotary["share"])
    usual, _ = frequencies(plain, size)
    if stretch["kind"] == "llama3":
        whole = Rotary(base=plain.base, share=plain.share, stretch=Stretch(**stretch))
        return {"rope_freqs.weight": usual / frequencies(whole, size)[0]}
    if stretch["kind"] == "longrope":
        kinds = ("short", "long")
        return {f"rope_factors_{k}.weight": usual.new_tensor(stretch[k]) for k in kinds}
    return {}


def check(
    config: Mapping[str, Any],
    metadata: Mapping[str, Any],
    tensors: Mapping[str, tuple[int, ...]],
    factors: Mapping[str, Any],
) -> tuple[str, ...]:
    """ModelError where readers of GGUF would build another model from what was written; notes on
    what they simplify."""
    listed = {name: value.tolist() for name, value in factors.items()}
    ours, theirs = (
        configure(LanguageModelConfig, options_of(each), "config.json")
        for each in (config, config_of(metadata, tensors, listed))
    )
    for field in fields(LanguageModelConfig):
        mine, read = getattr(ours, field.name), getattr(theirs, field.name)
        if field.name in ("pattern", "window", "rotary") or _alike(mine, read):
            continue
        raise ModelError(
            f"GGUF has no key for {field.name} = {plain(mine)}, and its readers would take "
            f"{plain(read)}: use --to hf"
        )
    length = length_of(config)
    for kind in {ours.layer(n) for n in range(ours.depth)} - {"bare"}:
        if not torch.allclose(_turns(ours, kind, length), _turns(theirs, kind, length), rtol=1e-5):
            raise ModelError("GGUF has no key for these rotary frequencies: use --to hf")
    seen, read = ([c.layer(n) for n in range(c.depth)] for c in (ours, theirs))
    if seen == read and ours.window == theirs.window:
        return ()
    if "window" in seen and set(read) == {"full"}:
        return (
            "readers of GGUF let every layer see the whole context, where this model has windows "
            f"of {ours.window} tokens: longer texts differ",
        )
    raise ModelError("GGUF has no key for the order of these layers' windows: use --to hf")


def _alike(mine: Any, read: Any) -> bool:
    return mine == read or (isinstance(mine, float) and math.isclose(mine, read, rel_tol=1e-6))


def _turns(config: LanguageModelConfig, kind: str, length: int) -> Tensor:
    """Radians a position, float [P], times what cosines are multiplied by."""
    rotary = config.rotary
    if rotary is None:
        return torch.zeros(1)
    local = rotary.local() if kind == "window" else rotary
    found, gain = frequencies(local, config.size, 1, length)
    return found * gain
