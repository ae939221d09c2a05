"""Recordings <-> runs of a tokenizer's codes behind the caption: what makes texts makes sounds
(Borsos et al. 2023, AudioLM; Copet et al. 2023, MusicGen).

A run is the caption's ids, then place by place the codes of every level, the coarsest first, each
level with ids of its own: the flattened pattern of MusicGen (section 2.2), which is exact and the
only one that a stream of one id a step can gain from. Knows which ids are words and which are
codes; the tokenizer is the business of sound_coder.py.
Shape legend: P ids of a caption, Q levels, K codes a level, T places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.latent.captioned_runs import BOS, EOS, PAD, Caption, CaptionedRuns
from genloom.codec.latent.sound_coder import SoundCoder
from genloom.codec.saving import load_json, save_json
from genloom.codec.sound.heard import Heard
from genloom.codec.sound.recordings import Recording, each
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.sound.wave import Sound
from genloom.spec import TokenSpec

OPTIONS = ("autoencoder", "caption", "levels", "seconds")
USUAL = 10.0  # seconds that are learnt at most, where nothing else is asked for


class SoundCodesCodec(CaptionedRuns, Heard):
    """Runs of a caption and codes.

    autoencoder  folder of a model made by `genloom train sound-tokenizer`
    caption      "label" (classes), "words", "none"; "auto": classes where captions are few and
                 short, none where there are none, else words
    levels       of codes that are learnt, the coarsest; 0 for all
    seconds      longest sound; 0: that of the longest recording, 10 at most
    """

    kind: ClassVar[str] = "sound_codes"
    carries: ClassVar[type] = TokenSpec
    compares: ClassVar[bool] = True
    lossy: ClassVar[bool] = True  # what is decoded and encoded again is near, not the same
    models: ClassVar[tuple[str, ...]] = ("autoencoder",)

    def __init__(
        self,
        *,
        autoencoder: str = "",
        caption: Caption = "auto",
        levels: int = 0,
        seconds: float = 0.0,
    ) -> None:
        CaptionedRuns.__init__(self, caption)
        Heard.__init__(self, 0, 0, 0, 80, seconds)
        if not 0 <= levels <= 32:
            raise RecipeError(f"codec.levels is {levels}: 0 to 32 is expected")
        self.autoencoder, self.levels = autoencoder, levels
        self.most = 0  # places of the longest run
        self._coder: SoundCoder | None = None

    @property
    def coder(self) -> SoundCoder:
        """RecipeError where none was named."""
        if self._coder is None:
            if not self.autoencoder:
                raise RecipeError(
                    "there is no tokenizer to build on: train one on the same recordings (genloom "
                    "train sound-tokenizer) and name it with --set codec.autoencoder=MODEL"
                )
            self._adopt(SoundCoder.of(Path(self.autoencoder)))
        assert self._coder is not None
        return self._coder

    def _adopt(self, coder: SoundCoder) -> None:
        if self.levels > coder.levels:
            raise RecipeError(
                f"codec.levels is {self.levels}, but the tokenizer has {coder.levels}: use as many "
                "at most"
            )
        self._coder, self.frames = coder, coder.frames

    @property
    def taken(self) -> int:
        """Levels of codes in a run."""
        return self.levels or self.coder.levels

    @property
    def spec(self) -> TokenSpec:
        if not self.most:
            raise DataError("no recordings were seen yet: call fit first")
        vocab = self._first + self.taken * self.coder.size
        length = self.led + self.taken * self.most + 1
        return TokenSpec(vocab=vocab, length=length, bos=BOS, eos=EOS, pad=PAD)

    # --- tensors ----------------------------------------------------------------------------------

    def vary(self, items: Sequence[Any], seed: int) -> Sequence[Any]:
        """With a tenth of the recordings once more without their captions."""
        some = self._untold(self.captions(items), len(items), seed)
        again = [replace(self._given(items[n]), caption=None) for n in some]
        return [*items, *again] if again else items

    def fit(self, items: Sequence[Any]) -> None:
        """The captions' words or classes, and the longest run."""
        every = [self._given(item) for item in items]
        self.settled(every, self.coder.frames)
        longest = max(one.open().seconds if one.seconds is None else one.seconds for one in every)
        longest = min(longest, self.seconds or USUAL)
        self.most = self.coder.places(int(longest * self.cut.rate))
        self._learn(self.captions(items))

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [P + Q T] each; what is longer than the longest is cut."""
        runs = each(self._codes, [self._given(item) for item in items])
        told = self._captions(self.captions(items), len(items))
        return [torch.cat(pair) for pair in zip(told, runs, strict=True)]

    def _codes(self, recording: Recording) -> Tensor:
        coder = self.coder
        ids = coder.ids(self.mono(recording.open()))[: self.taken, : self.most]
        levels = torch.arange(len(ids))[:, None] * coder.size
        return (self._first + levels + ids).T.flatten()

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [P + Q T + 1] each: the caption is given, codes and the end are learnt."""
        return each(self._weights, [self._given(item) for item in items])

    def _weights(self, recording: Recording) -> Tensor:
        places = self.coder.places(len(self.mono(recording.open())))
        return self._weighed(self.taken * min(places, self.most))

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Sound]:
        """Sounds of runs, up to the first id that is no code; a place that is not whole is left
        out, and a code of another level counts as that of its own with the same number."""
        return [self._sound(ids.detach().cpu().long()) for ids in x]

    def _sound(self, ids: Tensor) -> Sound:
        coder, rate = self.coder, self.cut.rate
        run = ids[self.led :] - self._first
        ends = ((run < 0) | (run >= self.taken * coder.size)).nonzero()
        run = run[: int(ends[0])] if len(ends) else run
        run = run[: len(run) // self.taken * self.taken]
        if not len(run):
            return Sound(torch.zeros(1, self.cut.hop), rate)
        waves = coder.waves((run % coder.size).view(-1, self.taken).T)
        return Sound(torch.nan_to_num(waves).clamp(-1, 1)[None], rate)

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [self._given(item).caption or "" for item in items]
        return texts if any(texts) else None

    def scaled(self, mel: Tensor) -> Tensor:
        found: Tensor = self.coder.codec.scaled(mel)
        return found

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The caption's ids as a beginning; no prompt is the empty caption."""
        if where:
            raise RequestError(f"where={where!r}: this model has no fields to choose by")
        return self._begun(prompt)

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in OPTIONS}
        save_json(folder, self.kind, {**options, "told": self._told, "most": self.most})
        self.coder.save(folder)
        self._save_captions(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, "told", "most"}))
        told, most = values.pop("told"), values.pop("most")
        try:
            codec = cls(**values)
            codec.most = int(most)
            codec._adopt(SoundCoder.load(folder))
        except (RecipeError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if codec.most < 1:
            raise ModelError(f"{folder}: its longest run is damaged; restore the model folder")
        codec._load_captions(told, folder)
        return codec
