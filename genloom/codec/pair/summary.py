"""The codec of extracts: a sentence of a text <-> ids, and a grade of how well it sums that up.

A pair codec whose sources are sentences with their places and whose completions are grades: ROUGE
of the sentence beside the summaries that people wrote, in ten steps. A model of it ranks the
sentences of a text, so that the best can stand for all. Knows no family or net.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from torch import Tensor

from genloom.codec.base import Reading
from genloom.codec.pair.codec import PairCodec
from genloom.codec.pair.item import NAMES, Pair
from genloom.codec.records import read_records
from genloom.errors import RequestError
from genloom.metric import rouge

GRADES = "0123456789"
STEP = 5.0  # of ROUGE, 0 to 100, the mean of its three kinds
HEARD = 0.1  # how much the ids of a sentence count beside those of its grade
_ENDS = re.compile(r"(?<=[.!?])\s+(?=[\"'(\[]?[A-Z0-9])")


class Text(str):
    """A text to be summed up: its sentences, and the summaries that people wrote of it."""

    sentences: tuple[str, ...]
    summaries: tuple[str, ...]

    def __new__(cls, sentences: Sequence[str], summaries: Sequence[str] = ()) -> Self:
        made = super().__new__(cls, " ".join(sentences))
        made.sentences, made.summaries = tuple(sentences), tuple(summaries)
        return made

    @classmethod
    def of(cls, item: Any) -> Self:
        """From a text, a list of sentences, or a record with one of them and summaries."""
        source, targets = _sides(item) if isinstance(item, Mapping) else (item, [])
        told = _ENDS.split(source.strip()) if isinstance(source, str) else source
        sentences, summaries = _texts(told), _texts(targets)
        if not sentences or (isinstance(item, Mapping) and not summaries):
            raise RequestError("a side of it is empty or no text")
        return cls(sentences, summaries)

    def asked(self) -> list[str]:
        """Each sentence with its place, as it is learnt."""
        size = len(self.sentences)
        return [f"{n}/{size} {text}" for n, text in enumerate(self.sentences, 1)]

    def graded(self) -> list[Graded]:
        """Its sentences, each with its grade beside the summaries."""
        found = rouge.values(self.sentences, [self.summaries] * len(self.sentences))
        values = np.mean([*found.values()], 0)
        steps = [min(len(GRADES) - 1, int(value // STEP)) for value in values]
        return [
            Graded(GRADES[step], source, whole=self)
            for step, source in zip(steps, self.asked(), strict=True)
        ]


class Graded(Pair):
    """A sentence and its grade; whole is the text that it is of."""

    whole: Text

    def __new__(cls, grade: str, source: str = "", tag: str = "", *, whole: Text) -> Self:
        made = super().__new__(cls, grade, source, tag)
        made.whole = whole
        return made

    @property
    def key(self) -> str:
        return Pair("", str(self.whole)).key


class SummaryCodec(PairCodec):
    """Sentences and grades as tokens: bos place sentence SEP grade eos.

    vocab    ids, as in the text codec
    length   ids of a row; of a longer sentence the end is cut off
    """

    kind: ClassVar[str] = "summary"

    def __init__(
        self,
        *,
        vocab: int | Literal["auto", "bytes"] = "auto",
        length: int = 128,
        tags: Literal["never"] = "never",  # a sentence has none
    ) -> None:
        super().__init__(vocab=vocab, length=length, tags=tags)

    def read(self, path: Path) -> Reading:
        """The sentences of records of a text (or its sentences) and its summaries."""
        shapes = 'JSON lines with "source" and "target", or "document" and "summary"'
        found = read_records(path, Text.of, "texts with summaries", shapes)
        return replace(found, items=[one for text in found.items for one in text.graded()])

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L + 1] each: 1 for the grade and the eos behind it, a little for the sentence,
        from which the language is learnt."""
        return [weight.clamp(min=HEARD) for weight in super().weights(items)]

    def grades(self) -> list[int]:
        """The ids of the grades, from the lowest."""
        return [int(ids[0]) for ids in self.text.encode(list(GRADES))]


def texts_of(items: Sequence[Any]) -> list[Text]:
    """The texts that graded sentences are of, each once."""
    return list({id(item.whole): item.whole for item in items}.values())


def _sides(record: Mapping[str, Any]) -> tuple[Any, Any]:
    for asked, answered in NAMES:
        if record.get(asked) is not None and record.get(answered) is not None:
            target = record[answered]
            return record[asked], target if isinstance(target, list | tuple) else [target]
    known = ", ".join(sorted(map(str, record))[:8])
    raise RequestError(f"it has the fields {known or 'none'}, but no text and summary")


def _texts(parts: Any) -> list[str]:
    if not isinstance(parts, list | tuple):
        return []
    return [part.strip() for part in parts if isinstance(part, str) and part.strip()]
