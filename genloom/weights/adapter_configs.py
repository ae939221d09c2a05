"""What an adapter_config.json of the PEFT layout says, held against what we can do.

Anything that would change the result and is not known here is refused by name. Knows no tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.errors import ModelError
from genloom.weights.published_tokenizer import json_of

# What says how it came to be, or where it is put: the tensors' own names and shapes tell the rest.
HARMLESS = {
    *("task_type", "auto_mapping", "peft_version", "base_model_name_or_path", "revision"),
    *("inference_mode", "target_modules", "exclude_modules", "init_lora_weights", "loftq_config"),
    *("eva_config", "corda_config", "lora_ga_config", "megatron_core", "qalora_group_size"),
    *("layers_to_transform", "layers_pattern", "ensure_weight_tying", "runtime_config"),
}
READ = {
    *("peft_type", "r", "lora_alpha", "lora_dropout", "use_rslora", "use_dora", "rank_pattern"),
    *("alpha_pattern", "bias", "fan_in_fan_out"),
}
LARGEST_RANK = 4096


@dataclass(frozen=True, kw_only=True)
class Told:
    """base: what it says its model is. turned: its model's matrices are kept transposed."""

    base: str | None
    plain_rank: int
    alpha: float
    dropout: float
    rslora: bool
    dora: bool
    turned: bool
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]

    @property
    def base_told(self) -> str:
        return f"it says its base is {self.base!r}" if self.base else "it does not say its base"

    def rank(self, module: str) -> int:
        return int(_matching(self.ranks, module, self.plain_rank))

    def scale(self, module: str) -> float:
        rank = self.rank(module)
        alpha = float(_matching(self.alphas, module, self.alpha))
        return alpha / (rank**0.5 if self.rslora else rank)


def config_of_file(path: Path) -> Told:
    """ModelError where it is missing, damaged, or asks for what is not done here."""
    if not path.is_file():
        raise ModelError(f"{path.parent} has no {path.name}: it is no adapter in the PEFT layout")
    told = json_of(path)
    kind = told.get("peft_type")
    if kind != "LORA":
        raise ModelError(f"{path} is of peft_type {kind!r}: only LORA (and its DoRA) is read")
    if told.get("bias", "none") != "none":
        raise ModelError(f"{path} has bias: {told['bias']!r}: only 'none' is read")
    for key, value in told.items():
        if key not in HARMLESS | READ and value not in (None, False, {}, [], "", 0):
            raise ModelError(f"{path} asks for {key}: adapters with it are not read")
    base = told.get("base_model_name_or_path")
    return Told(
        base=base if isinstance(base, str) and base else None,
        plain_rank=int(_number(path, told, "r", 1, LARGEST_RANK)),
        alpha=_number(path, told, "lora_alpha", 1e-6, 1e6),
        dropout=_number(path, {"lora_dropout": 0.0, **told}, "lora_dropout", 0.0, 0.999),
        rslora=_flag(path, told, "use_rslora"),
        dora=_flag(path, told, "use_dora"),
        turned=_flag(path, told, "fan_in_fan_out"),
        ranks=_patterns(path, told, "rank_pattern", LARGEST_RANK),
        alphas=_patterns(path, told, "alpha_pattern", 1e6),
    )


def _number(path: Path, told: Mapping[str, Any], key: str, low: float, high: float) -> float:
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelError(f"{path} says {key}: {value!r}, but {low:g} to {high:g} is expected")
    return value


def _flag(path: Path, told: Mapping[str, Any], key: str) -> bool:
    value = told.get(key, False)
    if not isinstance(value, bool):
        raise ModelError(f"{path} says {key}: {value!r}, but true or false is expected")
    return value


def _patterns(path: Path, told: Mapping[str, Any], key: str, most: float) -> dict[str, Any]:
    """Endings of names -> numbers. They may be expressions, of which only plain names are read."""
    found = told.get(key) or {}
    if not isinstance(found, Mapping):
        raise ModelError(f"{path} says {key}: {found!r}, but an object is expected")
    for name in found:
        if not re.fullmatch(r"\^?[\w.]+\$?", name):
            raise ModelError(f"{path} has {name!r} in {key}: only plain names are read")
        _number(path, found, name, 1e-6, most)
    return dict(found)


def _matching(patterns: Mapping[str, Any], module: str, usual: float) -> float:
    """The first pattern that is the name or, after a dot, its end."""
    for pattern, value in patterns.items():
        plain = pattern.removeprefix("^").removesuffix("$")
        whole = pattern.startswith("^")
        if module == plain or (not whole and module.endswith(f".{plain}")):
            return float(value)
    return usual
