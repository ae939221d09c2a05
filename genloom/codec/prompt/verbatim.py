"""Prompts as they are: the bytes of their UTF-8, for nets that read texts with tokenizers of their
own.

Knows bytes; learns nothing, and no word is unknown to it.
Shape legend: N prompts, L positions; the id 256 pads, and a prompt of nothing else is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.saving import load_json, save_json
from genloom.errors import RequestError
from genloom.spec import TokenSpec

PAD = 256


class VerbatimCodec:
    """Prompts of up to so many bytes."""

    kind: ClassVar[str] = "verbatim"

    def __init__(self, *, length: int = 4096) -> None:
        self.length = length

    @property
    def spec(self) -> TokenSpec:
        return TokenSpec(vocab=PAD + 1, length=self.length, bos=PAD, eos=None, pad=PAD)

    def fit(self, captions: Iterable[str]) -> None:
        """Nothing is learnt."""

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """long [N, L]. None and "" are no prompt. RequestError where one is too long."""
        out = torch.full((len(prompts), self.length), PAD)
        for row, prompt in zip(out, prompts, strict=True):
            data = (prompt or "").encode("utf-8", "replace")
            if len(data) > self.length:
                raise RequestError(
                    f"the prompt has {len(data):,} bytes, but up to {self.length:,} are expected: "
                    "shorten it"
                )
            row[: len(data)] = torch.tensor(list(data), dtype=torch.long)
        return out

    def unknown(self, text: str) -> list[str]:
        return []

    def save(self, folder: Path) -> None:
        save_json(folder, self.kind, {"length": self.length})

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls(length=int(load_json(folder, cls.kind, frozenset({"length"}))["length"]))


def text_of(ids: Tensor) -> str:
    """long [L] -> the prompt."""
    return bytes(ids[ids < PAD].tolist()).decode("utf-8", "replace")
