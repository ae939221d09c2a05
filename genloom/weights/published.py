"""A folder in the Hugging Face layout: config.json, safetensors, tokenizer and model card.

Knows the files and what they may say, the model within a model that reads pictures, too. Reads no
weights yet. Knows no hub and no command.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.errors import ModelError
from genloom.tensor_files import TensorFiles
from genloom.weights.decoders import options_of
from genloom.weights.importing import Found
from genloom.weights.published_tokenizer import codec_of, json_of

PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")
INNER = ("bos_token_id", "eos_token_id", "pad_token_id", "tie_word_embeddings")
LARGEST_CARD = 4 << 20  # bytes of a README.md that are looked at


def from_folder(folder: Path, name: str, card: Mapping[str, Any] | None = None) -> Found:
    """The model in a folder. ModelError says what is missing or does not fit."""
    config = config_of(folder)
    options_of(config)  # a model that cannot be built is refused before its weights are looked at
    weights = weights_of(folder)
    source = dict(card or {"folder": folder.name})
    source.setdefault("licence", licence_of(folder))
    source["files"] = hashes(folder)
    generation = json_of(folder / "generation_config.json")
    notes = ()
    if config.get("within"):
        notes = (f"only the text part of {name} is taken: what reads pictures is left out",)
    return Found(
        name=name,
        config=config,
        tensors=weights,
        codec=codec_of(folder, config, _vocabulary(config, weights)),
        card={"source": source, **({"generation": generation} if generation else {})},
        notes=notes,
    )


def config_of(folder: Path) -> dict[str, Any]:
    """config.json, with the text model's own part where it stands within another."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{folder} has no config.json: it is no model in the Hugging Face layout")
    config = json_of(path)
    packed = config.get("quantization_config")
    if packed:
        kind = packed.get("quant_method") if isinstance(packed, dict) else packed
        raise ModelError(
            f"{path} says that the weights are packed by {kind!r}: import the model's plain "
            "safetensors, or a GGUF file"
        )
    inner = config.get("text_config")
    if isinstance(inner, dict):
        outer = {k: config[k] for k in INNER if k in config}
        return {**outer, **inner, "within": True}
    return config


def weights_of(folder: Path) -> TensorFiles:
    """The tensors in a folder. ModelError where there are none, or only pickled ones."""
    if any(folder.glob("model*.safetensors*")):
        return TensorFiles.open(folder)
    loose = sorted(folder.glob("*.safetensors"))
    if len(loose) == 1:
        return TensorFiles.open(loose[0])
    unsafe = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLED)
    if unsafe:
        raise ModelError(
            f"{folder} has its weights only as {unsafe[0]}, a format that can run code: it is not "
            "read; look for safetensors of the same model, or convert it where that is safe"
        )
    raise ModelError(f"{folder} has no weights: model.safetensors or its shards are expected")


def _vocabulary(config: Mapping[str, Any], weights: TensorFiles) -> int:
    """Ids that the net knows: as the config says, else the rows of the embedding."""
    told = config.get("vocab_size")
    if isinstance(told, int) and told > 0:
        return told
    ending = ("embed_tokens.weight", "wte.weight")
    rows = [weights.shape(n)[0] for n in weights.names if n.endswith(ending)]
    if not rows:
        raise ModelError("config.json lacks 'vocab_size', and the weights have no embedding")
    return rows[0]


def licence_of(folder: Path) -> str | None:
    """From the front matter of the model card, else from the config."""
    card = folder / "README.md"
    if card.is_file():
        with card.open("rb") as file:
            text = file.read(LARGEST_CARD).decode("utf-8", "replace")
        matter = re.match(r"\A\s*---\s*\n(.*?)\n---", text, re.DOTALL)
        for key in ("license_name", "license"):
            found = re.search(rf"^{key}:\s*['\"]?([^\s'\"#]+)", matter[1] if matter else "", re.M)
            if found:
                return found[1]
    told = json_of(folder / "config.json").get("license")
    return told if isinstance(told, str) else None


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that is read."""
    kinds = {".json", ".safetensors", ".jinja", ".model"}
    return {p.name: digest(p) for p in sorted(folder.iterdir()) if p.suffix in kinds}


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
