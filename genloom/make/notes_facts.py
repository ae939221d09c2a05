"""Facts of a text: read back into a row, and held against the row that it was written from.

A fact is a number, or a value of a column that the template states. What is read follows from the
template and the values that columns are known to have, never from the row. Knows no file and no
model.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from genloom.make.notes_template import Field, Sentence, Template, Variant

Row = Mapping[str, str]
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:[.,]\d+)*(?![\w])")
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
FEW, MOSTLY = 20, 0.3  # values, and their share of the rows, above which a column is open
# Words that state nothing, so that a model may put them anywhere; none that denies.
PLAIN = frozenset(
    [
        "a",
        "an",
        "the",
        "and",
        "or",
        "of",
        "in",
        "on",
        "at",
        "for",
        "to",
        "from",
        "by",
        "with",
        "as",
        "is",
        "was",
        "are",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "he",
        "she",
        "they",
        "his",
        "her",
        "their",
        "who",
        "which",
        "there",
        "now",
        "then",
        "also",
        "today",
        "here",
        "we",
        "our",
        "you",
        "your",
        "i",
        "my",
        "about",
        "over",
        "per",
        "each",
    ]
)
DENIALS = frozenset(
    [
        "no",
        "not",
        "never",
        "none",
        "without",
        "denies",
        "denied",
        "neither",
        "nor",
        "cannot",
        "n't",
        "free",
    ]
)


class Known:
    """What values columns have: names of categories; which columns are numbers, which are open,
    such as names of people: these are read by what stands around them."""

    def __init__(self, template: Template, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.template = template
        self.values: dict[str, list[str]] = {}
        self.numbers: set[str] = set()
        self.open: set[str] = set()
        for sentence in template.sentences:
            for column, field in sentence.fields.items():
                there = list(dict.fromkeys(r.get(column, "") for r in rows))
                there = [value for value in there if value]
                if field.phrases:
                    self.values[column] = list(field.said)
                elif there and all(NUMBER.fullmatch(value) for value in there):
                    self.numbers.add(column)
                else:
                    if len(there) > max(FEW, MOSTLY * len(rows)):
                        self.open.add(column)
                    self.values[column] = there

    def phrase(self, field: Field, value: str) -> str | None:
        """How a value is said; None where nothing says it."""
        return field.said.get(value) if field.phrases else value

    @cached_property
    def _phrases(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """Of each column, (phrase, value), the longest first."""
        fields = {c: f for s in self.template.sentences for c, f in s.fields.items()}
        out = {}
        for column, values in self.values.items():
            pairs = [(self.phrase(fields[column], v) or v, v) for v in values]
            out[column] = sorted(pairs, key=lambda pair: -len(pair[0]))
        return out

    # --- reading --------------------------------------------------------------------------------

    def read(self, text: str) -> dict[str, str]:
        """The row that a text states; columns of which it states nothing are absent."""
        out: dict[str, str] = {}
        rest, waiting = text, []
        for sentence in self.template.sentences:
            found = self._exact(sentence, rest)
            if found is None:
                waiting.append(sentence)
                continue
            values, (start, end) = found
            out |= values
            rest = f"{rest[:start]}\n{rest[end:]}"
        for piece in filter(None, map(str.strip, re.split(r"(?<=[.!?])\s+|\n", rest))):
            likely = max(waiting, key=lambda s: self._overlap(s, piece), default=None)
            if likely is not None and self._overlap(likely, piece) > 0:
                out |= {k: v for k, v in self.loosely(likely, piece).items() if k not in out}
        return out

    def _exact(
        self, sentence: Sentence, text: str
    ) -> tuple[dict[str, str], tuple[int, int]] | None:
        """The values of a sentence that stands there in one of its ways, and where."""
        if not sentence.fields:
            return None
        for variant in sentence.variants:
            match = self._pattern(variant).search(text)
            if match is None:
                continue
            values = {}
            for n, field in enumerate(variant.fields):
                value = self._value(field, match[n + 1])
                if value is None:
                    break
                values[field.column] = value
            else:
                return values, match.span()
        return None

    def exactly(self, sentence: Sentence, text: str, row: Row) -> bool:
        """Whether one of the template's own ways reads back as the row has it."""
        found = self._exact(sentence, text)
        return not sentence.fields or (
            found is not None and all(row.get(c) == value for c, value in found[0].items())
        )

    def _pattern(self, variant: Variant) -> re.Pattern[str]:
        kept = self.__dict__.setdefault("_patterns", {})
        if variant not in kept:
            parts = [re.escape(variant.texts[0])]
            for field, text in zip(variant.fields, variant.texts[1:], strict=True):
                parts.append(f"({self._form(field)})")
                parts.append(re.escape(text))
            edge = r"(?<![\w.])" if not variant.texts[0] else r"(?<!\w)"
            kept[variant] = re.compile(edge + "".join(parts) + r"(?!\w)", re.IGNORECASE)
        return kept[variant]

    def _form(self, field: Field) -> str:
        if field.column in self.numbers:
            return r"[-+]?\d+(?:[.,]\d+)*"
        if field.column in self.open:
            return r"[^\n]+?"
        phrases = [re.escape(phrase) for phrase, _ in self._phrases[field.column]]
        return "|".join(phrases) or r"[^\n]+?"

    def _value(self, field: Field, said: str) -> str | None:
        if field.column in self.numbers | self.open:
            return said
        known = self._phrases[field.column]
        exact = next((value for phrase, value in known if phrase == said), None)
        folded = [value for phrase, value in known if phrase.lower() == said.lower()]
        return exact or (folded[0] if len(folded) == 1 else None)

    def loosely(self, sentence: Sentence, text: str) -> dict[str, str]:
        """The values of a sentence said in a way of its own: one known phrase a column, and as many
        numbers as it states, in the order of its first way."""
        out: dict[str, str] = {}
        rest = text
        for column in (c for c in sentence.fields if c not in self.numbers | self.open):
            hits: dict[str, str] = {}
            for phrase, value in self._phrases[column]:
                pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)
                if pattern.search(rest):
                    hits[value] = phrase
                    rest = pattern.sub(" ", rest)
            if len(hits) == 1:
                out |= {column: next(iter(hits))}
        asked = [c for c in sentence.variants[0].columns if c in self.numbers]
        numbers = NUMBER.findall(rest)
        if asked and len(numbers) == len(asked):
            out |= dict(zip(asked, numbers, strict=True))
        return out

    def _overlap(self, sentence: Sentence, text: str) -> float:
        """The share of a text's telling words that the sentence's ways have."""
        words = {w.lower() for w in WORD.findall(text)} - PLAIN
        return len(words & self._static(sentence)) / max(1, len(words))

    def _static(self, sentence: Sentence) -> frozenset[str]:
        texts = (text for variant in sentence.variants for text in variant.texts)
        return frozenset(w.lower() for text in texts for w in WORD.findall(text)) - PLAIN

    # --- checking -------------------------------------------------------------------------------

    def faults(self, sentence: Sentence, text: str, row: Row) -> list[str]:
        """Why a sentence that a model wrote is not to be printed; [] where all of it is the row's.

        Every field reads back as the row has it, every number is accounted for, every other word is
        one that the template uses for this sentence or states nothing, and nothing is denied that
        the template does not deny.
        """
        found = self.loosely(sentence, text)
        for column in self.open & set(sentence.fields):  # what is open reads as what stands there
            found |= {column: row[column]} if row[column] in text else {}
        wrong = [c for c in sentence.fields if found.get(c) != row.get(c)]
        if wrong:
            return [f"{c} reads as {found.get(c, 'nothing')}" for c in wrong]
        phrases = [self.phrase(f, row[c]) or "" for c, f in sentence.fields.items()]
        spare = Counter(NUMBER.findall(text)) - Counter(
            n for p in phrases for n in NUMBER.findall(p)
        )
        allowed = self._static(sentence) | PLAIN
        allowed |= {w.lower() for phrase in phrases for w in WORD.findall(phrase)}
        words = [w.lower() for w in WORD.findall(text)]
        strange = [w for w in words if w not in allowed]
        plain = filled(self, sentence.variants[0], row) or ""
        denied = Counter(w for w in words if w in DENIALS)
        denied -= Counter(w.lower() for w in WORD.findall(plain) if w.lower() in DENIALS)
        return [*map("number {}".format, spare), *strange, *map("denies: {}".format, denied)]


def filled(known: Known, variant: Variant, row: Row) -> str | None:
    """The sentence with a row's values; None where one is missing or has no phrase."""
    parts = [variant.texts[0]]
    for field, text in zip(variant.fields, variant.texts[1:], strict=True):
        value = row.get(field.column, "")
        phrase = known.phrase(field, value) if value else None
        if not phrase:
            return None
        parts += [phrase, text]
    made = "".join(parts)
    return made if variant.texts[0] else made[:1].upper() + made[1:]
