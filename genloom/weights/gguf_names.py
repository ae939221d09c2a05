"""The tensors' names in GGUF files, from those of the Hugging Face layout by one table.

Knows names, which architectures store queries and keys in another order of rows, and which add one
to the gains of their norms. Knows no bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genloom.errors import ModelError
from genloom.weights.decoder_configs import Sizes
from genloom.weights.decoders import DECODERS, Decoder
from genloom.weights.names import Rule

# model_type -> architecture
ARCHITECTURES = {
    "gpt2": "gpt2",
    "llama": "llama",
    "mistral": "llama",
    "mixtral": "llama",
    "qwen2": "qwen2",
    "qwen3": "qwen3",
    "qwen3_moe": "qwen3moe",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3_text": "gemma3",
    "phi3": "phi3",
    "olmo2": "olmo2",
    "smollm3": "smollm3",
    "starcoder2": "starcoder2",
    "nemotron": "nemotron",
}
PERMUTED = {"llama", "mistral", "mixtral", "smollm3"}  # pairs that turn lie side by side
OFFSET = {"gemma", "gemma2", "gemma3_text", "nemotron"}  # gains are stored whole
IGNORED = ("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight")

_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.c_fc": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "mlp.c_proj": "ffn_down",
    "mlp.gate": "ffn_gate_inp",
    "block_sparse_moe.gate": "ffn_gate_inp",
    "mlp.experts.{x}.gate_proj": "ffn_gate_exps",
    "mlp.experts.{x}.up_proj": "ffn_up_exps",
    "mlp.experts.{x}.down_proj": "ffn_down_exps",
    "block_sparse_moe.experts.{x}.w1": "ffn_gate_exps",
    "block_sparse_moe.experts.{x}.w3": "ffn_up_exps",
    "block_sparse_moe.experts.{x}.w2": "ffn_down_exps",
    "transformer.wte": "token_embd",
    "transformer.wpe": "position_embd",
    "transformer.ln_f": "output_norm",
    "ln_1": "attn_norm",
    "ln_2": "ffn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
}
# Where norms stand behind the branches, too, or only there.
_BEHIND = {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}
_LAYER = re.compile(r"(?:model\.layers|transformer\.h)\.\{n\}\.")


def decoder_of(kind: str) -> Decoder:
    """The architecture's own, with its tensors named as GGUF has them."""
    if kind not in ARCHITECTURES:
        raise ModelError(f"{kind!r} has no GGUF names here: known are {', '.join(ARCHITECTURES)}")
    own = DECODERS[kind]

    def names(sizes: Sizes) -> list[Rule]:
        rules = own.names(sizes)
        behind = any("post_feedforward" in t for rule in rules for t in rule.theirs)
        return [_renamed(rule, _NAMES | _BEHIND if behind else _NAMES) for rule in rules]

    return replace(own, names=names, prefix="", ignored=IGNORED)


def _renamed(rule: Rule, table: dict[str, str]) -> Rule:
    many = "{x}" in rule.theirs[0]
    theirs = tuple(_name(each, table) for each in rule.theirs)
    return replace(rule, theirs=theirs, turned=False, stacked=many)


def _name(theirs: str, table: dict[str, str]) -> str:
    stem, _, ending = theirs.rpartition(".")
    layer = _LAYER.match(stem)
    place = "blk.{n}." if layer else ""
    return f"{place}{table[stem[layer.end() :] if layer else stem]}.{ending}"


# --- rows and gains -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a file's tensors differ in from those of the Hugging Face layout."""

    heads: int
    groups: int
    size: int  # of a head
    permuted: bool
    offset: bool

    def order(self, name: str) -> Tensor | None:
        """long [rows]: for each row of the file, which row of theirs it is; None where all is
        in order."""
        part = re.search(r"\.attn_([qk])\.(weight|bias)$", name)
        if not (self.permuted and part):
            return None
        heads = self.heads if part[1] == "q" else self.groups
        rows = torch.arange(heads * self.size).view(heads, 2, self.size // 2)
        return rows.transpose(1, 2).reshape(-1)

    def added(self, name: str) -> float:
        """To the numbers of this tensor, in the file."""
        return 1.0 if self.offset and name.endswith("norm.weight") else 0.0


def change_of(kind: str, options: dict[str, Any]) -> Change:
    heads = options["heads"]
    return Change(
        heads=heads,
        groups=options.get("kv_heads") or heads,
        size=options.get("head_size") or options["width"] // heads,
        permuted=kind in PERMUTED,
        offset=kind in OFFSET,
    )
