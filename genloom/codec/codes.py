"""Pictures <-> runs of an autoencoder's codes, row by row, behind the caption: what makes texts
makes pictures (Esser et al. 2021; van den Oord et al. 2017).

A run is the caption's ids, always as many, then one code for each place of the latents' grid. Knows
which ids are words and which are codes; the autoencoder is the business of coder.py.
Shape legend: N pictures, P ids of a caption, K codes of a picture, Z latent channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.coder import Coded, Coder
from genloom.codec.label import LabelCodec
from genloom.codec.pictures import as_picture
from genloom.codec.saving import load_json, save_json
from genloom.codec.words import WordsCodec
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

BOS, EOS, PAD, FIRST = 0, 1, 2, 3
UNTOLD = 10  # one training picture in so many is shown once more without its caption
FEW, SHORT = 100, 3  # classes at most, of so many words at most
CAPTIONS: dict[str, Any] = {"label": LabelCodec, "words": WordsCodec}


class CodesCodec(Coded):
    """Runs of a caption and codes.

    autoencoder  folder of a model made by `genloom train image-tokenizer`
    caption      "label" (classes), "words", "none"; "auto": classes where captions are few and
                 short, none where there are none, else words
    """

    kind: ClassVar[str] = "codes"
    carries: ClassVar[type] = TokenSpec

    def __init__(
        self,
        *,
        autoencoder: str = "",
        caption: Literal["auto", "label", "words", "none"] = "auto",
    ) -> None:
        super().__init__(autoencoder=autoencoder)
        if caption not in ("auto", "none", *CAPTIONS):
            raise RecipeError(f"codec.caption is {caption!r}: use auto, label, words or none")
        self.caption = caption
        self.prompts: Any = None  # reads the captions, None where there are none

    @property
    def spec(self) -> TokenSpec:
        length = self.led + self.codes + 1
        return TokenSpec(
            vocab=self._first + self._finite.size, length=length, bos=BOS, eos=EOS, pad=PAD
        )

    @property
    def led(self) -> int:
        """Ids of a caption."""
        return 0 if self.prompts is None else int(self.prompts.spec.length)

    @property
    def codes(self) -> int:
        """Codes of a picture."""
        return prod(self.coder.grid)

    @property
    def _first(self) -> int:
        """The first id that is a code."""
        return FIRST + (0 if self.prompts is None else int(self.prompts.spec.vocab))

    @property
    def _finite(self) -> Any:
        finite = self.coder.net.finite
        if finite is None:
            raise RecipeError(
                "this autoencoder has no codes: train one that has with genloom train "
                "image-tokenizer DATA"
            )
        return finite

    @property
    def whole(self) -> int:
        """How many ids a sample draws: a picture has so many codes, neither more nor fewer."""
        return self.codes

    # --- tensors ----------------------------------------------------------------------------------

    def vary(self, items: Sequence[Any], seed: int) -> Sequence[Any]:
        """With a tenth of the pictures once more without their captions, so that pictures can be
        made without a prompt, too."""
        items = super().vary(items, seed)
        if self.caption == "none" or not any(self.captions(items) or ()):
            return items
        rng = torch.Generator().manual_seed(seed)
        some = torch.randperm(len(items), generator=rng)[: len(items) // UNTOLD].tolist()
        return [*items, *(replace(as_picture(items[n]), caption=None) for n in some)]

    def fit(self, items: Sequence[Any]) -> None:
        """The captions' words or classes; what is to be known of pictures is known already."""
        if not len(items):
            raise DataError("no pictures to learn from: give at least one")
        if len(self.coder.pictures.spec.grids) > 1:
            raise RecipeError(
                "codes are learnt of pictures of one size: train the autoencoder without "
                "codec.sizes"
            )
        self._finite  # noqa: B018 - says so where the autoencoder has no codes
        captions = [caption for caption in self.captions(items) or () if caption]
        kind = _kind(captions) if self.caption == "auto" else self.caption
        if kind == "none":
            return
        if not captions:
            raise DataError(f"codec.caption is {kind}, but the data has no captions: use none")
        self.prompts = CAPTIONS[kind]()
        self.prompts.fit(captions)

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [P + K] each."""
        found = self.coder.latents(items)
        assert isinstance(found, Tensor)
        codes = self._first + self.coder.net.ids(found).flatten(1)
        return [*torch.cat((self._captions(self.captions(items), len(items)), codes), 1)]

    def _captions(self, captions: Sequence[str] | None, count: int) -> Tensor:
        """long [count, P]; unknown words are left to the caption codec's own id for such."""
        if self.prompts is None:
            return torch.zeros(count, 0, dtype=torch.long)
        told = [""] * count if captions is None else captions
        ids = self.prompts.encode([*told], strict=False)
        return FIRST + torch.nn.functional.pad(ids, (0, self.led - ids.shape[1]))

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [P + K + 1] each: the caption is given, codes and the end are learnt."""
        one = torch.ones(self.led + self.codes + 1)
        one[: self.led] = 0
        return [one] * len(items)

    def decode(self, x: Sequence[Tensor] | Tensor) -> Any:
        """Pillow images of runs; ids that are no codes, and what lacks, count as the middle."""
        if not len(x):
            return []
        net, middle = self.coder.net, self._middle
        rows = torch.full((len(x), self.codes), middle, dtype=torch.long)
        for row, ids in zip(rows, x, strict=True):
            some = ids[self.led : self.led + self.codes].detach().cpu().long() - self._first
            row[: len(some)] = torch.where((some < 0) | (some >= self._finite.size), middle, some)
        levels = net.levels(rows.view(-1, *self.coder.grid))
        return self.pictures.decode(self.coder.outer(levels))

    @property
    def _middle(self) -> int:
        return int(self._finite.ids(torch.zeros(len(self._finite.levels))))

    # --- requests ---------------------------------------------------------------------------------

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The caption's ids as a beginning; no prompt is the empty caption."""
        self.pictures.condition(None, where)
        if self.prompts is None:
            if prompt is not None:
                raise RequestError(
                    "this model was trained without captions and takes no prompt: leave it out"
                )
            return Condition()
        ids = self.prompts.encode([prompt or ""])
        padded = torch.nn.functional.pad(ids, (0, self.led - ids.shape[1]))
        return Condition(known=FIRST + padded[0])

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        told = None if self.prompts is None else self.prompts.kind
        values = {"autoencoder": self.autoencoder, "caption": self.caption, "told": told}
        save_json(folder, self.kind, values)
        self.coder.save(folder)
        if self.prompts is not None:
            (folder / "captions").mkdir(exist_ok=True)
            self.prompts.save(folder / "captions")

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({"autoencoder", "caption", "told"}))
        told = values.pop("told")
        if told is not None and told not in CAPTIONS:
            raise ModelError(f"{folder} names the unknown captions {told!r}: restore it")
        codec = cls(**values)
        codec._coder = Coder.load(folder)
        codec.prompts = None if told is None else CAPTIONS[told].load(folder / "captions")
        return codec


def _kind(captions: Sequence[str]) -> str:
    """What suits these captions."""
    distinct = set(captions)
    few = len(distinct) <= FEW and all(len(caption.split()) <= SHORT for caption in distinct)
    return "none" if not distinct else "label" if few else "words"
