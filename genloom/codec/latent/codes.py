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
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.image.pictures import as_picture
from genloom.codec.latent.captioned_runs import BOS, EOS, PAD, Caption, CaptionedRuns
from genloom.codec.latent.coder import Coded, Coder
from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, RecipeError
from genloom.spec import TokenSpec


class CodesCodec(CaptionedRuns, Coded):
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
        caption: Caption = "auto",
    ) -> None:
        CaptionedRuns.__init__(self, caption)
        Coded.__init__(self, autoencoder=autoencoder)

    @property
    def spec(self) -> TokenSpec:
        length = self.led + self.codes + 1
        return TokenSpec(
            vocab=self._first + self._finite.size, length=length, bos=BOS, eos=EOS, pad=PAD
        )

    @property
    def codes(self) -> int:
        """Codes of a picture."""
        return prod(self.coder.grid)

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
        some = self._untold(self.captions(items), len(items), seed)
        return (
            items
            if not some
            else [*items, *(replace(as_picture(items[n]), caption=None) for n in some)]
        )

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
        self._learn(self.captions(items))

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [P + K] each."""
        found = self.coder.latents(items)
        assert isinstance(found, Tensor)
        codes = self._first + self.coder.net.ids(found).flatten(1)
        return [*torch.cat((self._captions(self.captions(items), len(items)), codes), 1)]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [P + K + 1] each: the caption is given, codes and the end are learnt."""
        one = self._weighed(self.codes)
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
        return self._begun(prompt)

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        values = {"autoencoder": self.autoencoder, "caption": self.caption, "told": self._told}
        save_json(folder, self.kind, values)
        self.coder.save(folder)
        self._save_captions(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({"autoencoder", "caption", "told"}))
        told = values.pop("told")
        codec = cls(**values)
        codec._load_captions(told, folder)
        codec._coder = Coder.load(folder)
        return codec
