"""Written English as it is read aloud: what is no plain word becomes words.

    It cost $5 in 1984, Dr. Lee.   ->   It cost five dollars in nineteen eighty four, doctor Lee.

Every stretch of writing keeps its own words, so that what is said can be shown as it was written.
What is said of emoji and of scripts without sounds here is nothing. Knows rules' order; the rules
are in names.py, dates.py and amounts.py.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from genloom.speech import amounts, dates, names
from genloom.speech.numbers import cardinal, digits, ordinal
from genloom.speech.rule import Rule
from genloom.speech.ssml import Run

RULES: tuple[Rule, ...] = (*names.FIRST, *dates.RULES, *amounts.RULES, *names.LAST)
TOKEN = re.compile(r"\S+")
BEFORE = re.compile(r"\s+(?=[,.?!;:])")
SILENT = {"Cf", "Mn", "Me"}  # marks upon letters that no letter has composed, and of direction
UNSAID = {"So", "Sk", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """As it was written, and what is said of it; phonemes: where these are given instead."""

    written: str
    said: str
    phonemes: tuple[str, ...] = ()


def chunks(runs: Sequence[Run], rules: Sequence[Rule] = RULES) -> list[Chunk]:
    """What is read, in order: mostly a word each, more where several are read as one. rules: () for
    languages without."""
    return [chunk for run in _whole(runs) for chunk in _of_run(run, rules)]


def _whole(runs: Sequence[Run]) -> Iterator[Run]:
    """Neighbours without marks as one: a date may reach from the one into the other."""
    for marked, some in groupby(runs, key=lambda run: run.marked):
        if marked:
            yield from some
        else:
            yield Run(text="".join(run.text for run in some))


def _of_run(run: Run, rules: Sequence[Rule]) -> list[Chunk]:
    if run.phonemes:
        return [Chunk(written=run.text.strip(), said=run.text, phonemes=run.phonemes)]
    if run.alias is not None:
        return [Chunk(written=run.text.strip(), said=said(run.alias, rules))]
    if run.reading:
        return [Chunk(written=run.text.strip(), said=read_as(run.text.strip(), run.reading))]
    return _chunked(run.text, rules)


def said(text: str, rules: Sequence[Rule] = RULES) -> str:
    """The words alone."""
    return " ".join(part for chunk in _chunked(text, rules) for part in chunk.said.split())


def _chunked(text: str, rules: Sequence[Rule]) -> list[Chunk]:
    """Words of the writing, those joined that a rule reads as one."""
    text = plain(text, latin=bool(rules))
    found = _matches(text, rules)
    within = bytearray(len(text) + 1)  # where a match reaches over
    for begin, end, _ in found:
        within[begin:end] = b"\1" * (end - begin)
    spans: list[tuple[int, int]] = []
    for token in TOKEN.finditer(text):
        if spans and within[token.start() - 1] and within[token.start()]:
            spans[-1] = (spans[-1][0], token.end())
        else:
            spans.append(token.span())
    starts = [begin for begin, _, _ in found]
    return [
        _chunk(text, begin, end, found[bisect_left(starts, begin) : bisect_left(starts, end)])
        for begin, end in spans
    ]


Found = tuple[int, int, str]


def _matches(text: str, rules: Sequence[Rule]) -> list[Found]:
    """(begin, end, what is said there), in order; what an earlier rule took no later one takes."""
    free, found = [(0, len(text))], []
    for pattern, say in rules:
        left: list[tuple[int, int]] = []
        for begin, end in free:
            for match in pattern.finditer(text, begin, end):
                told = say(match) if match.end() > match.start() else None
                if told is not None:
                    found.append((match.start(), match.end(), told))
                    left.append((begin, match.start()))
                    begin = match.end()
            left.append((begin, end))
        free = [(a, b) for a, b in left if a < b]
    return sorted(found)


def _chunk(text: str, begin: int, end: int, found: Sequence[Found]) -> Chunk:
    told, at = "", begin
    for first, last, words in found:
        told, at = f"{told}{text[at:first]}{words}", last
    return Chunk(written=text[begin:end], said=BEFORE.sub("", told + text[at:end]).strip())


def plain(text: str, latin: bool = True) -> str:
    """Composed letters, plain digits; without what nobody says: emoji, marks of direction, odd
    spaces. latin: without letters of other scripts, too."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(c if c < "\x7f" and c >= " " else _kept(c, latin) for c in composed)


def _kept(c: str, latin: bool) -> str:
    kind = unicodedata.category(c)
    if kind in SILENT:
        return ""
    if kind == "Nd":
        return str(unicodedata.digit(c))
    if c in "\n\r\t" or c in names.SIGNS:
        return c
    other = latin and kind[0] == "L" and not unicodedata.name(c, "").startswith("LATIN")
    return " " if other or (kind in UNSAID and c > "\xff") or kind == "Cc" else c


def read_as(text: str, reading: str) -> str:
    """As SSML's say-as asks for it; what it does not fit is read as it stands."""
    number = text.replace(",", "").strip()
    if reading == "characters":
        return ", ".join(names.spelt(word) for word in text.split())
    if reading == "digits":
        return digits(text) or said(text)
    if number.lstrip("-").isdigit() and len(number) < 30 and reading in ("cardinal", "ordinal"):
        return cardinal(int(number)) if reading == "cardinal" else ordinal(int(number))
    return said(text)
