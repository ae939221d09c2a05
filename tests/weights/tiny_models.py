"""Tiny published models: random weights and a small tokenizer, in the layout in which models are
published."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

WORDS = "the cat sat on the mat and looked at the dog that sat by the door of the house "
TEMPLATE = (
    "{% for message in messages %}<|user|>{{ message.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|bot|>{% endif %}"
)
SPECIAL = {"bos_token": "<|begin|>", "eos_token": "<|end|>", "pad_token": "<|pad|>"}
ADDED = ("<|user|>", "<|bot|>")


def tokenizer(vocab: int = 96, leads: bool = True, letters: bool = False) -> Tokenizer:
    """Byte-level pairs; with the whole alphabet of bytes unless the vocabulary is below 300 or
    `letters` asks for those that occur only."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = [] if letters or vocab < 300 else pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[*SPECIAL.values(), *ADDED],
        initial_alphabet=alphabet,
        show_progress=False,
    )
    made.train_from_iterator([WORDS] * 8, trainer)
    made.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    if leads:
        made.post_processor = processors.TemplateProcessing(
            single="<|begin|> $A", special_tokens=[("<|begin|>", 0)]
        )
    return made


def publish(model: torch.nn.Module, folder: Path, made: Tokenizer | None = None) -> Path:
    """The model's files and the tokenizer's."""
    model.save_pretrained(folder)
    return _beside(folder, made or tokenizer())


def _beside(folder: Path, made: Tokenizer) -> Path:
    """What is published beside the weights."""
    made.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", **SPECIAL, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    return folder


def llama(
    folder: Path, vocab: int = 400, dtype: torch.dtype = torch.bfloat16, **sizes: int
) -> Path:
    """A Llama of any size, without the reference library."""
    told = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        **sizes,
    }
    folder.mkdir(parents=True)
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": vocab,
        "head_dim": told["hidden_size"] // told["num_attention_heads"],
        "hidden_act": "silu",
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
        "tie_word_embeddings": False,
        "bos_token_id": 0,
        "eos_token_id": [1, 3],
        "pad_token_id": 2,
        "dtype": str(dtype).removeprefix("torch."),
        **told,
    }
    (folder / "config.json").write_text(json.dumps(config))
    generation = {k: v for k, v in config.items() if k.endswith("_token_id")}
    (folder / "generation_config.json").write_text(json.dumps(generation))
    save_file(_llama_weights(told, vocab, dtype), folder / "model.safetensors", {"format": "pt"})
    return _beside(folder, tokenizer(min(vocab, 400)))


def _llama_weights(told: dict[str, int], vocab: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    width, hidden = told["hidden_size"], told["intermediate_size"]
    few = width // told["num_attention_heads"] * told["num_key_value_heads"]
    shapes = {"model.embed_tokens": (vocab, width), "lm_head": (vocab, width)}
    for n in range(told["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        shapes |= {f"{layer}self_attn.{p}_proj": (width, width) for p in "qo"}
        shapes |= {f"{layer}self_attn.{p}_proj": (few, width) for p in "kv"}
        shapes |= {f"{layer}mlp.{p}_proj": (hidden, width) for p in ("gate", "up")}
        shapes |= {f"{layer}mlp.down_proj": (width, hidden)}
        shapes |= {f"{layer}{p}_layernorm": (width,) for p in ("input", "post_attention")}
    shapes |= {"model.norm": (width,)}
    rng = torch.Generator().manual_seed(0)
    out = {}
    for name, shape in shapes.items():
        drawn = 0.2 * torch.randn(shape, generator=rng, dtype=torch.float32)
        out[f"{name}.weight"] = (drawn + (len(shape) == 1)).to(dtype)
    return out
