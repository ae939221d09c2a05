"""Class labels as prompts: each distinct caption is one token. Knows no picture and no net.

Shape legend: N prompts, one position each; id 0 is the null prompt ("anything").
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RequestError
from genloom.spec import TokenSpec

NULL = 0
MOST = 1000
SPARE = 8  # numbers that are free for labels that a later training brings


class LabelCodec:
    """Prompts that name one of the classes seen in training."""

    kind: ClassVar[str] = "label"

    def __init__(self) -> None:
        self.labels: tuple[str, ...] = ()
        self.spare = 0

    @property
    def spec(self) -> TokenSpec:
        vocab = 1 + len(self.labels) + self.spare
        return TokenSpec(vocab=vocab, length=1, bos=NULL, eos=None, pad=NULL)

    def fit(self, captions: Iterable[str]) -> None:
        """Keep the distinct labels, numbers in their own order."""
        distinct = {" ".join(c.split()) for c in captions} - {""}
        if not distinct:
            raise DataError("no labels to learn: every caption is empty; train without a prompt")
        if len(distinct) > MOST:
            raise DataError(
                f"{len(distinct):,} distinct captions are too many for labels (at most {MOST:,}): "
                'use the prompt "text"'
            )
        self.labels = tuple(sorted(distinct, key=_natural))
        self.spare = SPARE

    def learn(self, captions: Iterable[str]) -> list[str]:
        """Give free numbers to labels that are new, in their order; which these are."""
        known = {label.casefold() for label in self.labels}
        texts = (" ".join(c.split()) for c in captions)
        found = dict.fromkeys(t for t in texts if t and t.casefold() not in known)
        new = list(found)[: self.spare]
        self.labels += tuple(new)
        self.spare -= len(new)
        return new

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """long [N, 1]. None and "" are the null prompt; so is an unknown label if not strict."""
        exact = {label: i for i, label in enumerate(self.labels, start=1)}
        folded = {label.casefold(): i for label, i in exact.items()}
        return torch.tensor(
            [[self._number(p, exact, folded, strict)] for p in prompts], dtype=torch.long
        ).reshape(-1, 1)

    def _number(
        self, prompt: str | None, exact: dict[str, int], folded: dict[str, int], strict: bool
    ) -> int:
        text = " ".join((prompt or "").split())
        if not text:
            return NULL
        number = exact.get(text, folded.get(text.casefold(), NULL))
        if number == NULL and strict:
            raise RequestError(f"unknown class {_short(text)}: {self._suggestion(text)}")
        return number

    def _suggestion(self, text: str) -> str:
        lower = {label.casefold(): label for label in self.labels}
        near = difflib.get_close_matches(text.casefold()[:200], lower, n=5, cutoff=0.5)
        if near:
            return f"nearest are {', '.join(lower[n] for n in near)}"
        rest = f" and {len(self.labels) - 10} more" if len(self.labels) > 10 else ""
        return f"this model knows {', '.join(self.labels[:10])}{rest}"

    def unknown(self, text: str) -> list[str]:
        """The text itself where it is no label, else nothing."""
        known = int(self.encode([text], strict=False)[0, 0]) != NULL
        return [] if known or not text.strip() else [text]

    def save(self, folder: Path) -> None:
        more = {"spare": self.spare} if self.spare else {}
        save_json(folder, self.kind, {"labels": list(self.labels), **more})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({"labels"}), frozenset({"spare"}))
        labels, spare = values["labels"], values.get("spare", 0)
        if not isinstance(spare, int) or spare < 0:
            raise ModelError(f"{folder}: spare is {spare!r}; restore the model folder")
        if not isinstance(labels, list) or not all(isinstance(v, str) for v in labels):
            raise ModelError(f"{folder}: labels must be a list of texts; restore the model folder")
        codec = cls()
        codec.labels, codec.spare = tuple(labels), spare
        return codec


def _natural(label: str) -> tuple[int, float, str]:
    """2 before 10; labels that are no numbers after those that are."""
    return (0, float(label), label) if label.isdecimal() else (1, 0.0, label)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
