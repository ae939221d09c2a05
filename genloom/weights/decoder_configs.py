"""config.json of published decoders -> the options of our transformer.

Keys and defaults are those of the Hugging Face layout, old spellings included. Knows no tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from genloom.errors import ModelError

Config = Mapping[str, Any]
Options = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the names depend on. qkv: rows of queries, keys and values."""

    qkv: tuple[int, int, int]
    experts: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        size = options.get("head_size") or options["width"] // options["heads"]
        heads = options["heads"]
        groups = options.get("kv_heads") or heads
        experts = options.get("experts")
        count = experts["count"] if experts else 0
        return cls(qkv=(heads * size, groups * size, groups * size), experts=count)


def length_of(config: Config) -> int:
    """Positions of the context. For frequencies that change beyond a first context, that one."""
    kind = _rope(config).get("rope_type")
    first = config.get("original_max_position_embeddings") or _rope(config).get(
        "original_max_position_embeddings"
    )
    if kind == "longrope" and first:
        return int(first)
    return int(config.get("max_position_embeddings") or config.get("n_positions") or 2048)


# --- what several share ---------------------------------------------------------------------------

_ACTIVATIONS = {
    "silu": "swiglu",
    "swish": "swiglu",
    "gelu_pytorch_tanh": "geglu",
    "gelu_new": "geglu",
}
_PLAIN = {"gelu_pytorch_tanh": "gelu", "gelu_new": "gelu", "gelu_fast": "gelu", "relu2": "relu2"}


def _activation(config: Config, key: str, usual: str, table: Mapping[str, str]) -> str:
    name = config.get(key) or usual
    if name not in table:
        raise ModelError(
            f"config.json asks for the activation {name!r}: known here are {', '.join(table)}"
        )
    return table[name]


def _refuse(config: Config, **usual: Any) -> None:
    """ModelError where a key has another value than the one that is built."""
    for key, value in usual.items():
        given = config.get(key, value)
        if given not in (value, None):
            raise ModelError(f"config.json has {key} = {given!r}: only {value!r} is built")


def _rope(config: Config) -> dict[str, Any]:
    """The rotary parameters of layers with full attention, in one spelling."""
    told = config.get("rope_parameters") or config.get("rope_scaling") or {}
    told = dict(told.get("full_attention") or told)
    told["rope_type"] = told.get("rope_type") or told.get("type") or "default"
    told["rope_type"] = {"su": "longrope"}.get(told["rope_type"], told["rope_type"])
    told.setdefault("rope_theta", config.get("rope_theta") or 10000.0)
    return told


def _rotary(config: Config, usual_base: float = 10000.0, share: float = 1.0) -> Options:
    told = _rope(config)
    base = told["rope_theta"] if _has_base(config) else usual_base
    share = told.get("partial_rotary_factor") or config.get("partial_rotary_factor") or share
    return {"base": float(base), "share": float(share), "stretch": _stretch(told, config)}


def _has_base(config: Config) -> bool:
    told = config.get("rope_parameters") or {}
    return "rope_theta" in (told.get("full_attention") or told) or bool(config.get("rope_theta"))


def _stretch(told: Mapping[str, Any], config: Config) -> Options | None:
    kind = told["rope_type"]
    longest = int(config.get("max_position_embeddings") or 2048)
    first = int(
        told.get("original_max_position_embeddings")
        or config.get("original_max_position_embeddings")
        or longest
    )
    factor = float(told.get("factor") or (longest / first if kind == "longrope" else 1.0))
    out: Options = {"kind": kind, "original": first, "factor": factor}
    out["gain"] = float(told.get("attention_factor") or 0.0)
    if kind == "default":
        return None
    if kind == "linear":
        return out
    if kind == "llama3":
        return {
            **out,
            "low": float(told["low_freq_factor"]),
            "high": float(told["high_freq_factor"]),
        }
    if kind == "yarn":
        _refuse(told, mscale=None, mscale_all_dim=None)
        low, high = told.get("beta_slow") or 1.0, told.get("beta_fast") or 32.0
        cut = told.get("truncate", True)
        return {**out, "low": float(low), "high": float(high), "truncate": bool(cut)}
    if kind == "longrope":
        short, long = told["short_factor"], told["long_factor"]
        return {**out, "factor": longest / first, "short": tuple(short), "long": tuple(long)}
    raise ModelError(
        f"config.json stretches rotary positions by {kind!r}: known here are linear, llama3, yarn, "
        "longrope"
    )


def _base(config: Config, **more: Any) -> Options:
    """What nearly all have: root-mean-square norms before each branch, gated SiLU, no biases."""
    width = int(config["hidden_size"])
    heads = int(config["num_attention_heads"])
    return {
        "width": width,
        "depth": int(config["num_hidden_layers"]),
        "heads": heads,
        "kv_heads": int(config.get("num_key_value_heads") or heads),
        "head_size": int(config.get("head_dim") or width // heads),
        "expansion": int(config["intermediate_size"]) / width,
        "activation": "swiglu",
        "norm": "rms",
        "eps": float(config.get("rms_norm_eps") or 1e-6),
        "qk_norm": "none",
        "rotary": _rotary(config),
        "bias": "none",
        "softcap": 0.0,
        "tied": bool(config.get("tie_word_embeddings", False)),
        **more,
    }


def _seen(config: Config, usual: list[str] | None = None, window: Any = None) -> Options:
    """pattern and window, from layer_types where there are any."""
    types = config.get("layer_types") or usual
    window = config.get("sliding_window") if window is None else window
    if not window or not types or "sliding_attention" not in types:
        return {}
    names = {"full_attention": "full", "sliding_attention": "window"}
    unknown = sorted(set(types) - names.keys())
    if unknown:
        raise ModelError(f"config.json has layers of kind {unknown[0]!r}: only {sorted(names)}")
    return {"pattern": tuple(names[t] for t in types), "window": int(window)}


def _depth(config: Config) -> int:
    return int(config["num_hidden_layers"])


# --- one architecture each ------------------------------------------------------------------------


def gpt2(config: Config) -> Options:
    _refuse(config, scale_attn_weights=True, scale_attn_by_inverse_layer_idx=False)
    width, heads = int(config["n_embd"]), int(config["n_head"])
    return {
        "width": width,
        "depth": int(config["n_layer"]),
        "heads": heads,
        "expansion": int(config.get("n_inner") or 4 * width) / width,
        "activation": _activation(config, "activation_function", "gelu_new", _PLAIN),
        "norm": "layer",
        "eps": float(config.get("layer_norm_epsilon") or 1e-5),
        "qk_norm": "none",
        "rotary": None,
        "bias": "all",
        "softcap": 0.0,
        "tied": bool(config.get("tie_word_embeddings", True)),
        "learned": int(config["n_positions"]),
    }


def clip(config: Config) -> Options:
    """The text encoder (Radford et al. 2021, section 2.4)."""
    width = int(config["hidden_size"])
    known = {"quick_gelu": "quick_gelu", "gelu": "gelu_erf", **_PLAIN}
    return {
        "width": width,
        "depth": _depth(config),
        "heads": int(config["num_attention_heads"]),
        "expansion": int(config["intermediate_size"]) / width,
        "activation": _activation(config, "hidden_act", "quick_gelu", known),
        "norm": "layer",
        "eps": float(config.get("layer_norm_eps") or 1e-5),
        "qk_norm": "none",
        "rotary": None,
        "bias": "all",
        "softcap": 0.0,
        "tied": True,
        "learned": int(config["max_position_embeddings"]),
    }


def llama(config: Config) -> Options:
    _refuse(config, attention_bias=False, mlp_bias=False)
    activation = _activation(config, "hidden_act", "silu", _ACTIVATIONS)
    return _base(config, activation=activation)


def mistral(config: Config) -> Options:
    return {**llama(config), **_seen(config, ["sliding_attention"] * _depth(config))}


def mixtral(config: Config) -> Options:
    experts = {
        "count": int(config["num_local_experts"]),
        "asked": int(config.get("num_experts_per_tok") or 2),
        "hidden": int(config["intermediate_size"]),
    }
    return {**mistral(config), "experts": experts, "rotary": _rotary(config, 1e6)}


def _qwen_layers(config: Config) -> list[str]:
    first = int(config.get("max_window_layers") or 0)
    return ["sliding_attention" if n >= first else "full_attention" for n in range(_depth(config))]


def _qwen(config: Config) -> Options:
    window = config.get("sliding_window") if config.get("use_sliding_window") else 0
    activation = _activation(config, "hidden_act", "silu", _ACTIVATIONS)
    return {
        **_base(config, activation=activation),
        **_seen(config, _qwen_layers(config), window or 0),
    }


def qwen2(config: Config) -> Options:
    return {**_qwen(config), "bias": "qkv"}


def qwen3(config: Config) -> Options:
    _refuse(config, attention_bias=False)
    size = int(config.get("head_dim") or 128)
    return {**_qwen(config), "qk_norm": "head", "head_size": size}


def qwen3_moe(config: Config) -> Options:
    every, plain = int(config.get("decoder_sparse_step") or 1), config.get("mlp_only_layers") or []
    dense = [n for n in range(_depth(config)) if n in plain or (n + 1) % every]
    experts = {
        "count": int(config.get("num_experts") or config["num_local_experts"]),
        "asked": int(config.get("num_experts_per_tok") or 8),
        "hidden": int(config["moe_intermediate_size"]),
        "normalised": bool(config.get("norm_topk_prob", False)),
        "dense": tuple(dense),
    }
    size = int(config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"])
    return {**qwen3(config), "head_size": size, "experts": experts}


def gemma(config: Config) -> Options:
    """Gains are kept as their difference from one; embeddings grow by the root of the width."""
    _refuse(config, attention_bias=False)
    width = int(config["hidden_size"])
    return _base(
        config,
        activation="geglu",
        norm="rms1",
        head_size=int(config.get("head_dim") or 256),
        tied=bool(config.get("tie_word_embeddings", True)),
        embed_scale=width**0.5,
    )


def _soft(config: Config) -> Options:
    return {
        "placing": "both",
        "softcap": float(config.get("final_logit_softcapping") or 0.0),
        "attention_cap": float(config.get("attn_logit_softcapping") or 0.0),
        "attention_scale": float(config.get("query_pre_attn_scalar") or 256) ** -0.5,
    }


def gemma2(config: Config) -> Options:
    types = ["full_attention" if n % 2 else "sliding_attention" for n in range(_depth(config))]
    caps = {"final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0, **config}
    _activation(config, "hidden_activation", "gelu_pytorch_tanh", _ACTIVATIONS)
    return {
        **gemma(config),
        **_soft(caps),
        **_seen(config, types, config.get("sliding_window") or 4096),
    }


# What configurations of text models within others leave out.
GEMMA3 = {
    "vocab_size": 262208,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
}


def gemma3(config: Config) -> Options:
    """Windowed layers turn by a base of their own and are never stretched."""
    config = {**GEMMA3, **config}
    every = int(config.get("sliding_window_pattern") or 6)
    types = [
        "sliding_attention" if (n + 1) % every else "full_attention" for n in range(_depth(config))
    ]
    told = (config.get("rope_parameters") or {}).get("sliding_attention") or {}
    local = told.get("rope_theta") or config.get("rope_local_base_freq") or 10000.0
    rotary = {**_rotary(config, 1e6), "local_base": float(local)}
    _refuse(config, use_bidirectional_attention=False)
    return {
        **gemma(config),
        **_soft(config),
        **_seen(config, types, config.get("sliding_window") or 4096),
        "qk_norm": "head",
        "rotary": rotary,
    }


def phi3(config: Config) -> Options:
    activation = _activation(config, "hidden_act", "silu", _ACTIVATIONS)
    made = _base(config, activation=activation, eps=float(config.get("rms_norm_eps") or 1e-5))
    return {**made, **_seen(config, ["sliding_attention"] * _depth(config))}


def olmo2(config: Config) -> Options:
    return {**llama(config), "placing": "behind", "qk_norm": "whole"}


def smollm3(config: Config) -> Options:
    """Every fourth layer knows no positions."""
    _refuse(config, use_sliding_window=False)
    every = int(config.get("no_rope_layer_interval") or 4)
    usual = [int((n + 1) % every != 0) for n in range(_depth(config))]
    turned = config.get("no_rope_layers") or usual
    pattern = tuple("full" if yes else "bare" for yes in turned)
    tied = bool(config.get("tie_word_embeddings", True))
    return {**llama(config), "pattern": pattern, "rotary": _rotary(config, 2e6), "tied": tied}


def starcoder2(config: Config) -> Options:
    _refuse(config, use_bias=True)
    made = _base(
        config,
        activation=_activation(config, "hidden_act", "gelu_pytorch_tanh", _PLAIN),
        norm="layer",
        eps=float(config.get("norm_epsilon") or 1e-5),
        bias="all",
        tied=bool(config.get("tie_word_embeddings", True)),
    )
    return {**made, **_seen(config, ["sliding_attention"] * _depth(config))}


def nemotron(config: Config) -> Options:
    """Layer norms with gains kept as their difference from one, squared ReLU, half of each head
    turned."""
    _refuse(config, attention_bias=False, mlp_bias=False)
    return _base(
        config,
        activation=_activation(config, "hidden_act", "relu2", _PLAIN),
        norm="layer1",
        eps=float(config.get("norm_eps") or 1e-5),
        bias="norm",
        rotary=_rotary(config, share=0.5),
    )
