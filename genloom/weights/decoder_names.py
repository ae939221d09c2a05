"""The tensors' names of published decoders, as rules.

Queries, keys and values are one matrix of ours, gate and up another. Knows names only.
Shape legend: n layer, x expert.
"""

from __future__ import annotations

from genloom.weights.decoder_configs import Sizes
from genloom.weights.names import Rule

BLOCK = "transformer.blocks.{n}."
LAYER = "model.layers.{n}."


def _norm(ours: str, theirs: str) -> list[Rule]:
    return [
        Rule(f"{ours}.gain", (f"{theirs}.weight",)),
        Rule(f"{ours}.bias", (f"{theirs}.bias",)),
    ]


def _linear(
    ours: str, *theirs: str, rows: tuple[int, ...] = (), turned: bool = False
) -> list[Rule]:
    return [
        Rule(f"{ours}.weight", tuple(f"{t}.weight" for t in theirs), rows, turned),
        Rule(f"{ours}.bias", tuple(f"{t}.bias" for t in theirs), rows),
    ]


def _ends(norm: str = "model.norm") -> list[Rule]:
    return [
        Rule("embed.weight", ("model.embed_tokens.weight",)),
        Rule("head", ("lm_head.weight",)),
        *_norm("transformer.norm", norm),
    ]


def _attention(sizes: Sizes) -> list[Rule]:
    parts = (f"{LAYER}self_attn.{p}_proj" for p in "qkv")
    return [
        *_linear(f"{BLOCK}mix.qkv", *parts, rows=sizes.qkv),
        *_linear(f"{BLOCK}mix.out", f"{LAYER}self_attn.o_proj"),
        *_norm(f"{BLOCK}mix.q_norm", f"{LAYER}self_attn.q_norm"),
        *_norm(f"{BLOCK}mix.k_norm", f"{LAYER}self_attn.k_norm"),
    ]


def _gated() -> list[Rule]:
    return [
        *_linear(f"{BLOCK}feed.up", f"{LAYER}mlp.gate_proj", f"{LAYER}mlp.up_proj"),
        *_linear(f"{BLOCK}feed.down", f"{LAYER}mlp.down_proj"),
    ]


def _before() -> list[Rule]:
    return [
        *_norm(f"{BLOCK}mix_norm", f"{LAYER}input_layernorm"),
        *_norm(f"{BLOCK}feed_norm", f"{LAYER}post_attention_layernorm"),
    ]


def clip(sizes: Sizes) -> list[Rule]:
    layer = "text_model.encoder.layers.{n}."
    parts = (f"{layer}self_attn.{p}_proj" for p in "qkv")
    return [
        Rule("embed.weight", ("text_model.embeddings.token_embedding.weight",)),
        Rule("place.weight", ("text_model.embeddings.position_embedding.weight",)),
        *_norm("transformer.norm", "text_model.final_layer_norm"),
        *_linear(f"{BLOCK}mix.qkv", *parts, rows=sizes.qkv),
        *_linear(f"{BLOCK}mix.out", f"{layer}self_attn.out_proj"),
        *_norm(f"{BLOCK}mix_norm", f"{layer}layer_norm1"),
        *_norm(f"{BLOCK}feed_norm", f"{layer}layer_norm2"),
        *_linear(f"{BLOCK}feed.up", f"{layer}mlp.fc1"),
        *_linear(f"{BLOCK}feed.down", f"{layer}mlp.fc2"),
    ]


def llama(sizes: Sizes) -> list[Rule]:
    return [*_ends(), *_attention(sizes), *_before(), *_gated()]


def gemma2(sizes: Sizes) -> list[Rule]:
    return [
        *_ends(),
        *_attention(sizes),
        *_gated(),
        *_norm(f"{BLOCK}mix_norm", f"{LAYER}input_layernorm"),
        *_norm(f"{BLOCK}mix_behind", f"{LAYER}post_attention_layernorm"),
        *_norm(f"{BLOCK}feed_norm", f"{LAYER}pre_feedforward_layernorm"),
        *_norm(f"{BLOCK}feed_behind", f"{LAYER}post_feedforward_layernorm"),
    ]


def olmo2(sizes: Sizes) -> list[Rule]:
    return [
        *_ends(),
        *_attention(sizes),
        *_gated(),
        *_norm(f"{BLOCK}mix_behind", f"{LAYER}post_attention_layernorm"),
        *_norm(f"{BLOCK}feed_behind", f"{LAYER}post_feedforward_layernorm"),
    ]


def phi3(sizes: Sizes) -> list[Rule]:
    """Already in one matrix each, in our order."""
    return [
        *_ends(),
        *_before(),
        *_linear(f"{BLOCK}mix.qkv", f"{LAYER}self_attn.qkv_proj"),
        *_linear(f"{BLOCK}mix.out", f"{LAYER}self_attn.o_proj"),
        *_linear(f"{BLOCK}feed.up", f"{LAYER}mlp.gate_up_proj"),
        *_linear(f"{BLOCK}feed.down", f"{LAYER}mlp.down_proj"),
    ]


def _experts(place: str, gate: str, up: str, down: str) -> list[Rule]:
    each = f"{LAYER}{place}.experts.{{x}}."
    return [
        Rule(f"{BLOCK}feed.gate.weight", (f"{LAYER}{place}.gate.weight",)),
        Rule(f"{BLOCK}feed.up", (f"{each}{gate}.weight", f"{each}{up}.weight")),
        Rule(f"{BLOCK}feed.down", (f"{each}{down}.weight",)),
    ]


def mixtral(sizes: Sizes) -> list[Rule]:
    experts = _experts("block_sparse_moe", "w1", "w3", "w2")
    return [*_ends(), *_attention(sizes), *_before(), *experts]


def qwen3_moe(sizes: Sizes) -> list[Rule]:
    """Some layers may have a plain feed-forward, under the plain names."""
    return [
        *_ends(),
        *_attention(sizes),
        *_before(),
        *_gated(),
        *_experts("mlp", "gate_proj", "up_proj", "down_proj"),
    ]


def starcoder2(sizes: Sizes) -> list[Rule]:
    return [
        *_ends(),
        *_attention(sizes),
        *_before(),
        *_linear(f"{BLOCK}feed.up", f"{LAYER}mlp.c_fc"),
        *_linear(f"{BLOCK}feed.down", f"{LAYER}mlp.c_proj"),
    ]


def nemotron(sizes: Sizes) -> list[Rule]:
    return [
        *_ends(),
        *_attention(sizes),
        *_before(),
        *_linear(f"{BLOCK}feed.up", f"{LAYER}mlp.up_proj"),
        *_linear(f"{BLOCK}feed.down", f"{LAYER}mlp.down_proj"),
    ]


def gpt2(sizes: Sizes) -> list[Rule]:
    """Its matrices lie transposed."""
    layer = "transformer.h.{n}."
    pairs = {
        "mix.qkv": "attn.c_attn",
        "mix.out": "attn.c_proj",
        "feed.up": "mlp.c_fc",
        "feed.down": "mlp.c_proj",
    }
    return [
        Rule("embed.weight", ("transformer.wte.weight",)),
        Rule("place.weight", ("transformer.wpe.weight",)),
        Rule("head", ("lm_head.weight",)),
        *_norm("transformer.norm", "transformer.ln_f"),
        *_norm(f"{BLOCK}mix_norm", f"{layer}ln_1"),
        *_norm(f"{BLOCK}feed_norm", f"{layer}ln_2"),
        *(
            rule
            for ours, theirs in pairs.items()
            for rule in _linear(f"{BLOCK}{ours}", f"{layer}{theirs}", turned=True)
        ),
    ]
