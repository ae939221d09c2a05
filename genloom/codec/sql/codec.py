"""The codec of questions about tables: a question <-> ids <-> the SQL that answers it.

A pair codec whose sources are tables with questions and whose completions are queries, both in
small letters, and which says by a grammar what may answer a question. Knows no family or net.
Shape legend: N pairs, L ids of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.pair.codec import PairCodec
from genloom.codec.pair.item import Pair, pair
from genloom.codec.sql.grammar import grammar, marked, shown, unmarked
from genloom.codec.sql.queries import Query, Question, example
from genloom.codec.sql.variations import varied
from genloom.codec.text.byte_pairs import BytePairs
from genloom.codec.text.files import read_texts
from genloom.errors import DataError, RecipeError, RequestError

MOST_VARIATIONS = 10_000_000


class SqlCodec(PairCodec):
    """Questions and queries as tokens: bos question SEP query eos.

    vocab       ids of both sides together, as in the text codec
    length      ids of context
    variations  questions that are made of those to learn from, in all; see `sql_variations`
    """

    kind: ClassVar[str] = "sql"
    suffix: ClassVar[str] = ".sql"

    def __init__(
        self,
        *,
        vocab: int | Literal["auto", "bytes"] = "auto",
        length: int = 256,
        variations: int = 0,
        tags: Literal["never"] = "never",  # a question has none
    ) -> None:
        super().__init__(vocab=vocab, length=length, tags=tags)
        if not isinstance(variations, int) or not 0 <= variations <= MOST_VARIATIONS:
            raise RecipeError(
                f"codec.variations is {variations!r}: give a number up to {MOST_VARIATIONS:,}"
            )
        self.variations = variations

    @property
    def pairs(self) -> BytePairs:
        """The vocabulary, for grammars."""
        made: Any = self.text.pairs
        return made

    def form(self, prompt: str | None, ids: Sequence[int] | None = None) -> str | None:
        """The grammar of what may answer a question; None for ids that are no whole question."""
        if ids is None:
            return grammar(Question.read(prompt or self.opener))
        try:
            asked = Question.read(self.pairs.decode(ids[:-1]))
        except RequestError:
            return None
        return grammar(asked) if ids[-1] == self.separator else None

    # --- pairs

    def read(self, path: Path) -> Reading:
        """The questions of a file or a folder of JSON lines: WikiSQL's four lines as "text"."""
        found = read_texts(path)
        items, bad = [], 0
        for text in found.items:
            try:
                question, query = example(text)
            except RequestError:
                bad += 1
                continue
            items.append(Pair(query.sql(question.table), question.lines()))
        if not items:
            raise DataError(f"{path} has no questions with queries: see WikiSQL's four lines")
        told = (f"{bad:,} of {len(found.items):,} texts are no question with its query",)
        return replace(found, items=items, notes=(*found.notes, *told[: bool(bad)]))

    def vary(self, items: Sequence[Any], seed: int) -> list[Pair]:
        """What is learnt from: the items, and variations of those that are questions with queries
        of their tables. Of items alone that nobody is to be judged by."""
        pairs = list(map(pair, items))
        known = [found for one in pairs if (found := _example(one)) is not None]
        if not known or not self.variations:
            return pairs
        made = varied(known, self.variations, seed)
        return pairs + [Pair(a.sql(q.table), q.lines()) for q, a in made]

    def fit(self, items: Sequence[Any]) -> None:
        super().fit([_learnt(pair(item)) for item in items])

    def encode(self, items: Sequence[Any]) -> list[Tensor]:
        """long [L] each, question SEP query. A lone text is only its characters."""
        return super().encode([_learnt(item) for item in items])

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L + 1] each: 1 for the query and the eos behind it."""
        return super().weights([_learnt(item) for item in items])

    def _pair(self, ids: list[int]) -> Pair:
        made = super()._pair(ids)
        return Pair(shown(made), made.source)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """The question, in WikiSQL's three lines, as a source that is to be completed."""
        if prompt:
            prompt = Question.read(unmarked(prompt)).lines()
        return super().condition(prompt, where)


def _example(one: Pair) -> tuple[Question, Query] | None:
    try:
        question = Question.read(one.source)
        return question, question.parse(one)
    except RequestError:
        return None


def _learnt(item: Any) -> Pair:
    """An item as it is learnt; RequestError where its source is no question. What is no query of
    its question stays as it is: a model may have written it."""
    if isinstance(item, str) and not getattr(item, "source", ""):
        return Pair(unmarked(item))
    one = pair(item)
    question = Question.read(unmarked(one.source))
    try:
        return Pair(marked(question.parse(unmarked(one)), question.table), question.lines())
    except RequestError:
        return Pair(unmarked(one), question.lines())
