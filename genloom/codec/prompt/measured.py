"""Captions with numbers as prompts: "red sedan, length 4.62, wheel base 2.71", phrase by phrase.

A phrase is a set of words and the number with them. Numbers are told as numbers, so that what lies
between those of training means something; what lies far outside them, or was never seen together,
is refused. Knows phrases and numbers; no item and no net.
Shape legend: N prompts, P phrases, E the width of a phrase's vector.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Generator, Tensor

from genloom.codec.saving import load_json, save_json
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import FeatureSpec

WAVES = 6  # sines and cosines of a number, each of twice the frequency of the one before
WORD = re.compile(r"\w*[^\W\d_]\w*(?:['-]\w+)*")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:\s*(mm|cm|m))?\b")
UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}
SLACK = 0.05  # of a range, by which a number may lie outside what was learnt
Span = tuple[float, float]


@dataclass(frozen=True)
class Phrase:
    """words in any order, lower case; number: what stands with them, None for none."""

    words: tuple[str, ...]
    number: float | None = None

    @property
    def name(self) -> str:
        return " ".join(self.words)


def phrases(text: str) -> list[Phrase]:
    """Parted at commas and semicolons, and at "and" and "with". Metres are meant where no unit
    stands. RequestError where one has two numbers."""
    plain = unicodedata.normalize("NFKC", text).lower()
    out = []
    for piece in re.split(r"\s*(?:[,;]|\band\b|\bwith\b)\s*", plain):
        numbers = [*NUMBER.finditer(piece)]
        if len(numbers) > 1:
            raise RequestError(
                f"{piece[:60]!r} has {len(numbers)} numbers: part what is asked for with commas, "
                'as in "length 4.5, height 1.4"'
            )
        words = tuple(WORD.findall(NUMBER.sub(" ", piece)))
        if not words and not numbers:
            continue
        number = None
        if numbers:
            digits = re.match(r"[-+]?[\d.]+", numbers[0][0])
            number = float(digits[0] if digits else 0) * UNITS[numbers[0][1] or "m"]
        out.append(Phrase(words, number))
    return out


@dataclass
class Known:
    """What was learnt. words: with the number of captions each was in; spans: measure -> range;
    ratios: "a/b" -> range of one measure over another, where both are above 0."""

    words: dict[str, int] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    ratios: dict[str, Span] = field(default_factory=dict)


class MeasuredCodec:
    """Prompts made of phrases, some with a number.

    limit    most phrases of a prompt; the length is that of the longest caption up to this
    dropped  share of a caption's phrases that are left out, others each time it is learnt from, so
             that a prompt may leave some out, too
    """

    kind: ClassVar[str] = "measured"

    def __init__(self, *, limit: int = 16, dropped: float = 0.1) -> None:
        if limit < 1 or not 0 <= dropped < 1:
            raise RecipeError(
                f"prompt.limit {limit} and dropped {dropped}: use 1 or more, and a share below 1"
            )
        self.limit, self.dropped = limit, dropped
        self.length = 1
        self.known = Known()

    @property
    def spec(self) -> FeatureSpec:
        return FeatureSpec(width=len(self.known.words) + 3 + 2 * WAVES, length=self.length)

    # --- learning ---------------------------------------------------------------------------------

    def fit(self, captions: Iterable[str]) -> None:
        counts: Counter[str] = Counter()
        spans: dict[str, list[float]] = {}
        ratios: dict[str, list[float]] = {}
        longest = 0
        for caption in captions:
            said = phrases(caption)
            longest = max(longest, len(said))
            counts.update({word for phrase in said for word in phrase.words})
            numbers = _numbers(said)
            for name, value in numbers.items():
                _widen(spans, name, value)
            for pair, value in _ratios(numbers).items():
                _widen(ratios, pair, value)
        if not counts:
            raise DataError("no words to learn: every caption is empty; train without a prompt")
        self.known = Known(
            words=dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
            spans={name: (low, high) for name, (low, high) in spans.items()},
            ratios={name: (low, high) for name, (low, high) in ratios.items()},
        )
        self.length = max(1, min(longest, self.limit))

    # --- tensors ----------------------------------------------------------------------------------

    def encode(self, prompts: Sequence[str | None], *, strict: bool = True) -> Tensor:
        """float [N, P, E]. None and "" are the null prompt, all zeros.

        strict is for prompts: unknown words alone, numbers out of reach and contradictions are
        errors. Otherwise, for captions, what is not known is left out.
        """
        place = {word: n for n, word in enumerate(self.known.words)}
        out = torch.zeros(len(prompts), self.length, self.spec.width)
        for row, prompt in enumerate(prompts):
            said = phrases(prompt or "")
            if strict:
                self._check(said)
            for n, phrase in enumerate(said[: self.length]):
                out[row, n] = self._vector(phrase, place)
        return out

    def _vector(self, phrase: Phrase, place: Mapping[str, int]) -> Tensor:
        """float [E]: which words, that there is a phrase, whether it has a number, and that."""
        out = torch.zeros(self.spec.width)
        known = [place[word] for word in phrase.words if word in place]
        if not known:
            return out
        out[known] = 1.0
        numbers = out[len(place) :]
        numbers[0] = 1.0
        span = self.known.spans.get(phrase.name)
        if phrase.number is not None and span is not None:
            share = (phrase.number - span[0]) / max(span[1] - span[0], 1e-9)
            waves = math.pi * share * 2.0 ** torch.arange(WAVES)
            numbers[1], numbers[2] = 1.0, 2 * share - 1
            numbers[3:] = torch.cat((waves.sin(), waves.cos()))
        return out

    @property
    def retold(self) -> Callable[[Tensor, Generator], Tensor] | None:
        """Says prompts [B, P, E] otherwise while training; None where they stay as they are."""
        return self._retell if self.dropped else None

    def _retell(self, prompts: Tensor, rng: Generator) -> Tensor:
        """Phrases left out; in every other prompt none is."""
        drop = torch.rand(prompts.shape[:2], generator=rng) < self.dropped
        drop &= torch.rand(len(prompts), 1, generator=rng) < 0.5
        return prompts * ~drop[..., None]

    # --- what can be asked ------------------------------------------------------------------------

    def _check(self, said: Sequence[Phrase]) -> None:
        words = [word for phrase in said for word in phrase.words]
        if words and not any(word in self.known.words for word in words):
            near = [m for w in words for m in difflib.get_close_matches(w[:60], self.known.words)]
            shown = list(dict.fromkeys([*near, *self.known.words]))[:12]
            raise RequestError(
                f"no word of the prompt is known: this model knows {len(self.known.words):,} "
                f"words, such as {', '.join(shown)}"
            )
        if len(said) > self.length:
            raise RequestError(
                f"the prompt has {len(said)} phrases, this model reads at most {self.length}: "
                "shorten it"
            )
        for phrase in said:
            if phrase.number is not None:
                self._within(phrase)
        numbered = [p.name for p in said if p.number is not None]
        if twice := next((n for n in numbered if numbered.count(n) > 1), None):
            raise RequestError(f"{twice!r} is asked for twice: say it once")
        self._agree(_numbers(said))

    def _within(self, phrase: Phrase) -> None:
        """RequestError for a measure that is not known or out of reach."""
        span = self.known.spans.get(phrase.name)
        if span is None:
            known = ", ".join(self.known.spans) or "none"
            raise RequestError(
                f"{phrase.name or phrase.number!r} is no measure that this model knows: {known}"
            )
        if not _inside(phrase.number, span):
            raise RequestError(
                f"{phrase.name} {phrase.number:g}: this model has learnt {_told(span)}"
            )

    def _agree(self, numbers: Mapping[str, float]) -> None:
        """RequestError for measures that contradict each other by what was learnt."""
        for pair, value in _ratios(numbers).items():
            span = self.known.ratios.get(pair)
            if span is not None and not _inside(value, span):
                a, b = pair.split("/")
                raise RequestError(
                    f"{a} {numbers[a]:g} contradicts {b} {numbers[b]:g}: in what was learnt "
                    f"{a} is {_told(span)} times {b}"
                )

    def unknown(self, text: str) -> list[str]:
        """The words of a prompt that the model has never learnt, each once, in order."""
        words = [word for phrase in phrases(text) for word in phrase.words]
        return [w for w in dict.fromkeys(words) if w not in self.known.words]

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        learnt = {key: getattr(self, key) for key in ("limit", "dropped", "length")}
        save_json(folder, self.kind, {**learnt, **vars(self.known)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        keys = ("limit", "dropped", "length", "words", "spans", "ratios")
        values = load_json(folder, cls.kind, frozenset(keys))
        try:
            codec = cls(limit=values["limit"], dropped=values["dropped"])
            codec.length = int(values["length"])
            codec.known = Known(
                words={str(word): int(many) for word, many in values["words"].items()},
                spans=_spans(values["spans"]),
                ratios=_spans(values["ratios"]),
            )
        except (RecipeError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder}: {error}; restore the model folder") from None
        return codec


def _numbers(said: Sequence[Phrase]) -> dict[str, float]:
    return {p.name: p.number for p in said if p.number is not None}


def _ratios(numbers: Mapping[str, float]) -> dict[str, float]:
    """ "a/b" -> a over b, for every two that are above 0; names in alphabetical order."""
    names = sorted(name for name, value in numbers.items() if value > 0)
    return {
        f"{a}/{b}": numbers[a] / numbers[b] for n, a in enumerate(names) for b in names[n + 1 :]
    }


def _widen(spans: dict[str, list[float]], name: str, value: float) -> None:
    low, high = spans.setdefault(name, [value, value])
    spans[name] = [min(low, value), max(high, value)]


def _inside(value: float | None, span: Span) -> bool:
    reach = SLACK * max(span[1] - span[0], 0.02 * abs(span[1]))
    return value is not None and span[0] - reach <= value <= span[1] + reach


def _told(span: Span) -> str:
    return f"{span[0]:.3g} to {span[1]:.3g}"


def _spans(values: Any) -> dict[str, Span]:
    return {str(name): (float(low), float(high)) for name, (low, high) in values.items()}
