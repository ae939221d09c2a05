"""Captions as prompts: words and punctuation marks of a vocabulary learnt from the captions.

Knows how to split a text and to number its words. Knows no picture and no net.
Shape legend: N prompts, L positions; id 0 pads, and a prompt of nothing but 0 is the null prompt.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

PAD, RARE, FIRST = 0, 1, 2  # the ids before the words
SHARES = ("dropped", "shuffled")
SPARE = 8  # ids behind them, for words that a later training brings
WORD = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")


def split(text: str) -> list[str]:
    """Lower-cased words and single punctuation marks."""
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


class WordsCodec:
    """Prompts made of the words of the training captions.

    limit     most words of a prompt; the length is that of the longest caption up to this
    least     captions a word must be in; rarer ones share one id
    most      largest vocabulary
    dropped   share of a caption's words that are left out, others each time it is learnt from, so
              that one is not known by heart as a whole
    shuffled  share of captions whose words stand in another order, likewise
    """

    kind: ClassVar[str] = "words"

    def __init__(
        self,
        *,
        limit: int = 64,
        least: int = 1,
        most: int = 8192,
        dropped: float = 0.0,
        shuffled: float = 0.0,
    ) -> None:
        if min(limit, least, most) < 1:
            raise RecipeError(f"limit {limit}, least {least} and most {most} must be 1 or more")
        if not (0 <= dropped < 1 and 0 <= shuffled < 1):
            raise RecipeError(
                f"dropped {dropped} and shuffled {shuffled}: use shares, 0 to below 1"
            )
        self.limit, self.least, self.most = limit, least, most
        self.dropped, self.shuffled = dropped, shuffled
        self.length = 1
        self.words: dict[str, int] = {}  # word -> captions it was in, commonest first
        self.rare = 0  # distinct words that share the id RARE
        self.spare = 0  # ids that are free for new words

    @property
    def spec(self) -> TokenSpec:
        vocab = FIRST + len(self.words) + self.spare
        return TokenSpec(vocab=vocab, length=self.length, bos=PAD, eos=None, pad=PAD)

    def fit(self, captions: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        longest = 0
        for caption in captions:
            words = split(caption)
            longest = max(longest, len(words))
            counts.update(dict.fromkeys(words, 1))
        if not counts:
            raise DataError("no words to learn: every caption is empty; train without a prompt")
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        self.words = {w: n for w, n in ranked[: self.most] if n >= self.least}
        if not self.words:
            raise DataError(f"no word is in {self.least} captions: lower prompt.least")
        self.rare = len(counts) - len(self.words)
        self.length = min(longest, self.limit)
        self.spare = SPARE

    def learn(self, captions: Iterable[str]) -> list[str]:
        """Give free ids to words that are new, in their order; which these are. A net has a vector
        for each free id that means nothing yet (as a rare word does for Ruiz et al. 2023)."""
        found = dict.fromkeys(w for c in captions for w in split(c) if w not in self.words)
        new = list(found)[: self.spare]
        self.words |= dict.fromkeys(new, 1)
        self.spare -= len(new)
        return new

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """long [N, L]. None and "" are the null prompt.

        strict is for prompts: too long or all unknown is an error. Otherwise, for training
        captions, the end is cut and an unknown caption becomes the null prompt.
        """
        numbers = {word: i for i, word in enumerate(self.words, start=FIRST)}
        out = torch.full((len(prompts), self.length), PAD, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            ids = self._numbers(prompt or "", numbers, strict)[: self.length]
            out[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        return out

    @property
    def retold(self) -> Callable[[Tensor, Generator], Tensor] | None:
        """Says prompts [B, L] otherwise while training; None where they stay as they are."""
        return self._retell if self.dropped or self.shuffled else None

    def _retell(self, prompts: Tensor, rng: Generator) -> Tensor:
        """Words left out and put in another order; one at least stays, and the rest moves up."""
        place, chance = torch.rand(2, *prompts.shape, generator=rng)
        mixed = torch.rand(len(prompts), 1, generator=rng) < self.shuffled
        there = prompts != PAD
        stays = there & (chance >= self.dropped)
        lost = there.any(1) & ~stays.any(1)
        first = torch.where(there, chance, -1.0).argmax(1)
        stays[lost, first[lost]] = True
        usual = torch.arange(prompts.shape[1]) / prompts.shape[1]
        order = (torch.where(mixed, place, usual) + ~stays).argsort(1)
        return torch.where(stays, prompts, PAD).gather(1, order)

    def _numbers(self, prompt: str, numbers: dict[str, int], strict: bool) -> list[int]:
        """An unknown word is the rare one if training met rare words, else it is left out."""
        words = split(prompt)
        if words and not any(w in numbers for w in words):
            if strict:
                raise RequestError(f"no word of the prompt is known: {self._suggestion(words)}")
            return []
        ids = [numbers.get(w, RARE) for w in words if self.rare or w in numbers]
        if strict and len(ids) > self.length:
            raise RequestError(
                f"the prompt has {len(ids)} words and marks, this model reads at most "
                f"{self.length}: shorten it"
            )
        return ids

    def _suggestion(self, words: list[str]) -> str:
        known = [w for w in self.words if w.isalnum()]
        near = [m for w in words for m in difflib.get_close_matches(w[:60], known, n=2)]
        shown = list(dict.fromkeys([*near, *known]))[:12]
        return f"this model knows {len(known):,} words, such as {', '.join(shown)}"

    def unknown(self, text: str) -> list[str]:
        """The words of a prompt that the model has never learnt, each once, in order."""
        return [w for w in dict.fromkeys(split(text)) if w not in self.words]

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in ("limit", "least", "most")}
        options |= {name: share for name in SHARES if (share := getattr(self, name))}
        learnt = {"length": self.length, "words": self.words, "rare": self.rare}
        learnt |= {"spare": self.spare} if self.spare else {}
        save_json(folder, self.kind, {**options, **learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        options = ("limit", "least", "most")
        keys = frozenset({*options, "length", "words", "rare"})
        values = load_json(folder, cls.kind, keys, frozenset({"spare", *SHARES}))
        if not _legal(values):
            raise ModelError(f"{folder}: words or lengths are damaged; restore the model folder")
        shares = {key: values.get(key, 0.0) for key in SHARES}
        codec = cls(**{key: values[key] for key in options}, **shares)
        codec.length, codec.words, codec.rare = values["length"], values["words"], values["rare"]
        codec.spare = values.get("spare", 0)
        return codec


def _legal(values: dict[str, Any]) -> bool:
    counts = [values[key] for key in ("limit", "least", "most", "length")]
    whole = all(isinstance(n, int) and n >= 1 for n in counts)
    spare = values.get("spare", 0)
    whole = whole and isinstance(spare, int) and spare >= 0
    shares = [values.get(key, 0.0) for key in SHARES]
    whole = whole and all(isinstance(s, int | float) and 0 <= s < 1 for s in shares)
    return whole and isinstance(values["words"], dict) and isinstance(values["rare"], int)
