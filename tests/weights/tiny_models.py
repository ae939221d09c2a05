"""Tiny published models: random weights of the reference library and a small tokenizer, in the
layout in which models are published."""

from __future__ import annotations

import json
from pathlib import Path

import torch
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
    (made or tokenizer()).save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", **SPECIAL, "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Tiny\n")
    return folder


def llama(
    folder: Path, vocab: int = 400, dtype: torch.dtype = torch.bfloat16, **sizes: int
) -> Path:
    """A Llama of any size."""
    import transformers

    told = {
        "vocab_size": vocab,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": 0,
        "eos_token_id": [1, 3],
        "pad_token_id": 2,
        **sizes,
    }
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**told))
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    return publish(model.to(dtype).eval(), folder, tokenizer(min(vocab, 400)))
