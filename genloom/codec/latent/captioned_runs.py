"""Runs of codes behind a caption: the ids that are words or classes, and which ids are codes.

Shared by the codecs of pictures' and of sounds' codes, which say what a code is. Knows captions and
ids, no item.
Shape legend: N items, P ids of a caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.prompt.label import LabelCodec
from genloom.codec.prompt.words import WordsCodec
from genloom.errors import DataError, ModelError, RecipeError, RequestError

BOS, EOS, PAD, FIRST = 0, 1, 2, 3
UNTOLD = 10  # one training item in so many is shown once more without its caption
FEW, SHORT = 100, 3  # classes at most, of so many words at most
CAPTIONS: dict[str, Any] = {"label": LabelCodec, "words": WordsCodec}
Caption = Literal["auto", "label", "words", "none"]


class CaptionedRuns:
    """caption: "label" (classes), "words", "none"; "auto": classes where captions are few and
    short, none where there are none, else words. prompts: reads them, None where there are none."""

    def __init__(self, caption: Caption) -> None:
        if caption not in ("auto", "none", *CAPTIONS):
            raise RecipeError(f"codec.caption is {caption!r}: use auto, label, words or none")
        self.caption = caption
        self.prompts: Any = None

    @property
    def led(self) -> int:
        """Ids of a caption."""
        return 0 if self.prompts is None else int(self.prompts.spec.length)

    @property
    def _first(self) -> int:
        """The first id that is a code."""
        return FIRST + (0 if self.prompts is None else int(self.prompts.spec.vocab))

    def _learn(self, told: Sequence[str] | None) -> None:
        """The captions' words or classes."""
        captions = [caption for caption in told or () if caption]
        kind = _kind(captions) if self.caption == "auto" else self.caption
        if kind == "none":
            return
        if not captions:
            raise DataError(f"codec.caption is {kind}, but the data has no captions: use none")
        self.prompts = CAPTIONS[kind]()
        self.prompts.fit(captions)

    def _untold(self, told: Sequence[str] | None, count: int, seed: int) -> list[int]:
        """Numbers of a tenth of so many items, to be shown once more without their captions, so
        that items can be made without a prompt, too; none where none has one."""
        if self.caption == "none" or not any(told or ()):
            return []
        rng = torch.Generator().manual_seed(seed)
        return torch.randperm(count, generator=rng)[: count // UNTOLD].tolist()

    def _captions(self, captions: Sequence[str] | None, count: int) -> Tensor:
        """long [count, P]; unknown words are left to the caption codec's own id for such."""
        if self.prompts is None:
            return torch.zeros(count, 0, dtype=torch.long)
        told = [""] * count if captions is None else captions
        ids = self.prompts.encode([*told], strict=False)
        return FIRST + torch.nn.functional.pad(ids, (0, self.led - ids.shape[1]))

    def _weighed(self, codes: int) -> Tensor:
        """float [P + codes + 1]: the caption is given, codes and the end are learnt."""
        one = torch.ones(self.led + codes + 1)
        one[: self.led] = 0
        return one

    def _begun(self, prompt: str | None) -> Condition:
        """The caption's ids as a beginning; no prompt is the empty caption."""
        if self.prompts is None:
            if prompt is not None:
                raise RequestError(
                    "this model was trained without captions and takes no prompt: leave it out"
                )
            return Condition()
        ids = self.prompts.encode([prompt or ""])
        padded = torch.nn.functional.pad(ids, (0, self.led - ids.shape[1]))
        return Condition(known=FIRST + padded[0])

    @property
    def _told(self) -> str | None:
        """The kind of captions, to be kept by name."""
        return None if self.prompts is None else str(self.prompts.kind)

    def _save_captions(self, folder: Path) -> None:
        if self.prompts is not None:
            (folder / "captions").mkdir(exist_ok=True)
            self.prompts.save(folder / "captions")

    def _load_captions(self, told: Any, folder: Path) -> None:
        if told is not None and told not in CAPTIONS:
            raise ModelError(f"{folder} names the unknown captions {told!r}: restore it")
        self.prompts = None if told is None else CAPTIONS[told].load(folder / "captions")


def _kind(captions: Sequence[str]) -> str:
    """What suits these captions."""
    distinct = set(captions)
    few = len(distinct) <= FEW and all(len(caption.split()) <= SHORT for caption in distinct)
    return "none" if not distinct else "label" if few else "words"
