"""A model of ours -> files that other libraries read: the Hugging Face layout, or GGUF.

Written aside and renamed at the end: there is the whole or nothing. Knows what stands in which
file; the tensors' names are the architectures', the configuration is in `expressed`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from genloom import tensor_files
from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import PublishedTokenizer
from genloom.errors import ModelError, ResourceError, UsageError
from genloom.folders import replacing, write_json
from genloom.model import Model
from genloom.weights import expressed, gguf
from genloom.weights.decoders import options_of, translation_of

Progress = Callable[[int, int], None]
TYPES = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
NAMES = {torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32"}


def export(
    model: Model,
    to: str,
    path: Path,
    kind: str | None = None,
    progress: Progress = lambda done, of: None,
) -> tuple[str, ...]:
    """Write the model; returns notes for its user. to: "hf" (a folder) or "gguf" (a file). kind:
    f16, bf16, q8_0 (GGUF only), f32 (folder only); None is as stored for a folder, f16 for a file.
    """
    if to not in ("hf", "gguf"):
        raise UsageError(f"--to {to}: hf or gguf is expected")
    if to == "gguf":
        return _gguf(model, path, kind or "f16", progress)
    if kind not in (None, *TYPES):
        raise UsageError(f"--type {kind} has no place in a folder: {', '.join(TYPES)} have")
    return _folder(model, path, kind)


# --- the Hugging Face layout ----------------------------------------------------------------------


def _folder(model: Model, path: Path, kind: str | None) -> tuple[str, ...]:
    config = expressed.config_of(model)
    if path.exists() and not (path.is_dir() and _is_ours(path)):
        raise ModelError(f"{path} is there already and is no exported model: name another place")
    weights = expressed.weights_of(model, config)
    theirs = dict(translation_of(config, options_of(config)).theirs(weights))
    if kind is not None:
        theirs = {name: tensor.to(TYPES[kind]) for name, tensor in theirs.items()}
    dtype = max(theirs.values(), key=lambda t: t.numel()).dtype
    codec = _as_text(model.codec)
    with replacing(path) as new:
        write_json(new / "config.json", {**config, "dtype": NAMES.get(dtype, "float32")})
        write_json(new / "generation_config.json", _generation(model))
        tensor_files.write_sharded(new, theirs, tensor_files.SHARD)
        _tokenizer(new, codec)
        (new / "README.md").write_text(_readme(model), encoding="utf-8")
    return ()


def _as_text(codec: Any) -> Any:
    """A chat's vocabulary, control tokens and template in the published form."""
    return TextCodec.upon(codec) if hasattr(codec, "given") else codec


def _is_ours(path: Path) -> bool:
    return not any(path.iterdir()) or (path / "config.json").is_file()


def _generation(model: Model) -> dict[str, Any]:
    spec: Any = model.codec.spec
    ends = [spec.eos, *spec.ends]
    told = dict(model.card.get("generation") or {})
    told |= {"bos_token_id": spec.bos, "pad_token_id": spec.pad}
    return {**told, "eos_token_id": ends if len(ends) > 1 else spec.eos}


def _tokenizer(folder: Path, codec: TextCodec) -> None:
    """tokenizer.json, its configuration and the chat template."""
    pairs, spec = codec.pairs, codec.spec
    published = pairs if isinstance(pairs, PublishedTokenizer) else None
    if published is not None:
        text, tokens = published.text, dict(published.policy.tokens)
        published.save_templates(folder)
    else:
        text = _leading(json.loads(codec.pairs.tokenizer.to_str()), spec.bos)
        names = {"bos": spec.bos, "eos": spec.eos or spec.bos, "pad": spec.pad}
        word = codec.pairs.tokenizer.id_to_token
        tokens = {f"{key}_token": str(word(n)) for key, n in names.items()}
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": codec.length,
        "clean_up_tokenization_spaces": False,
        **tokens,
    }
    if published is not None and spec.leads != _adds_bos(published):
        told["add_bos_token"] = spec.leads
    write_json(folder / "tokenizer_config.json", told)


def _adds_bos(published: PublishedTokenizer) -> bool:
    """Whether the tokenizer's own rules put bos before a text."""
    ids = published.tokenizer.encode("a", add_special_tokens=True).ids
    return ids[:1] == [published.policy.bos]


def _leading(told: dict[str, Any], bos: int) -> str:
    """With the rule that bos precedes every text."""
    name = next(t["content"] for t in told["added_tokens"] if t["id"] == bos)
    told["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": name, "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [
            {"SpecialToken": {"id": name, "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {name: {"id": name, "ids": [bos], "tokens": [name]}},
    }
    return json.dumps(told, ensure_ascii=False)


def _readme(model: Model) -> str:
    """The model card: front matter with the licence, and where it came from."""
    source = model.card.get("source") or {}
    data = model.card.get("data") or {}
    licence = source.get("licence") or data.get("licence")
    lines = ["---", "library_name: transformers"]
    lines += [f"license: {licence}"] if licence else []
    lines += ["---", "", f"# {model.recipe.name}", "", "Written by Genloom.", ""]
    if source.get("hub"):
        lines += [f"From {source['hub']} at revision {source.get('revision')}.", ""]
    return "\n".join(lines)


# --- GGUF -----------------------------------------------------------------------------------------


def _gguf(model: Model, path: Path, kind: str, progress: Progress) -> tuple[str, ...]:
    if kind not in gguf.FILE_TYPES:
        raise UsageError(f"--type {kind} is not written: {', '.join(gguf.FILE_TYPES)} are")
    config = expressed.config_of(model)
    codec = _as_text(model.codec)
    source: Mapping[str, Any] = model.card.get("source") or {}
    about = {"name": model.recipe.name, "license": source.get("licence")}
    if path.is_dir():
        raise ModelError(f"{path} is a folder: name a file")
    try:
        return _aside(
            path,
            lambda new: gguf.write(
                new,
                config=config,
                codec=codec,
                weights=expressed.weights_of(model, config),
                kind=kind,
                about=about,
                progress=progress,
            ),
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise ResourceError(
            f"{path} could not be written ({why}): make room, or name another place with -o"
        ) from error


def _aside(path: Path, write: Callable[[Path], tuple[str, ...]]) -> tuple[str, ...]:
    """Write under another name; rename when all is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    new = Path(name)
    try:
        told = write(new)
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.chmod(0o644)
        os.replace(new, path)
        return told
    finally:
        new.unlink(missing_ok=True)
