"""A long text as pieces that a model can say one by one, and the silence behind each.

Cut behind sentences, at breaks and where the manner changes; a sentence that is too long is cut at
its strongest mark near the middle. Knows texts and a count of sounds that others make; no model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from genloom.errors import RequestError
from genloom.speech.reading import RULES, chunks
from genloom.speech.rule import Rule
from genloom.speech.sentences import CLOSING, OPENING, ends
from genloom.speech.ssml import PARAGRAPH, SENTENCE, Break, Part, Run, parsed, written

MOST = 50_000  # characters of a text, its marks left out
TOKEN = re.compile(r"\S+\s*|^\s+")
BLANK = re.compile(r"\n[ \t\r]*\n")
# behind the last mark of a piece
PAUSES = {
    ".": SENTENCE,
    "?": 0.4,
    "!": 0.4,
    "\u2026": 0.5,
    ";": 0.25,
    ":": 0.3,
    ",": 0.15,
    "\u2014": 0.2,
    "\u2013": 0.2,
}
HURRIED = 0.06  # where a sentence without marks had to be cut


@dataclass(frozen=True, kw_only=True)
class Piece:
    """prompt: as the model is told; text: as it was written; pause: seconds of silence behind;
    lead: before, where a text begins with a break."""

    prompt: str
    text: str
    voice: str | None = None
    rate: float = 1.0
    pause: float = 0.0
    lead: float = 0.0


def parts_of(text: str) -> list[Part]:
    """A text by its marks. RequestError where it is none, or too long to be said at once."""
    parts = parsed(text)
    size = sum(len(part.text) for part in parts if isinstance(part, Run))
    if size > MOST:
        raise RequestError(f"{size:,} characters: {MOST:,} at most are said at once: cut the text")
    return parts


def cut(
    parts: Sequence[Part],
    count: Callable[[Sequence[Run]], int],
    most: int,
    rules: Sequence[Rule] = RULES,
) -> list[Piece]:
    """The pieces of a text. count: sounds of runs; most: of a piece; rules: of reading, as in
    `chunks`. RequestError where there is nothing to say, or a single word is more than that."""
    pieces: list[Piece] = []
    for manner, some in groupby(parts, key=_manner):
        if manner is None:
            pieces = _paused(pieces, max(part.seconds for part in some if isinstance(part, Break)))
            continue
        tokens = [token for run in some if isinstance(run, Run) for token in _tokens(run)]
        for sentence in _sentences(tokens):
            pieces += _fitting(sentence, count, most, rules)
    if not pieces:
        text = " ".join(part.text.strip() for part in parts if isinstance(part, Run))
        raise RequestError(
            f"nothing in {text[:40]!r} can be said: give words in letters that the model has learnt"
        )
    pieces[-1] = replace(
        pieces[-1], pause=_asked(parts[-1])
    )  # no silence at the ends, unless asked
    pieces[0] = replace(pieces[0], lead=_asked(parts[0]))
    return pieces


def _manner(part: Part) -> tuple[str | None, float] | None:
    return (part.voice, part.rate) if isinstance(part, Run) else None


def _paused(pieces: list[Piece], seconds: float) -> list[Piece]:
    """A break stands in place of the pause that the last piece would have; none where it is 0."""
    if not pieces or not seconds:
        return pieces
    return [*pieces[:-1], replace(pieces[-1], pause=seconds)]


def _asked(part: Part) -> float:
    return part.seconds if isinstance(part, Break) and part.asked else 0.0


def _tokens(run: Run) -> list[Run]:
    """A run word by word, the space behind each; a marked one whole."""
    if run.marked:
        return [run]
    return [replace(run, text=match.group()) for match in TOKEN.finditer(run.text)]


# --- sentences ------------------------------------------------------------------------------------


def _sentences(tokens: Sequence[Run]) -> list[list[Run]]:
    made: list[list[Run]] = [[]]
    for number, token in enumerate(tokens):
        made[-1].append(token)
        following = tokens[number + 1] if number + 1 < len(tokens) else None
        if following is not None and _ends(token, following):
            made.append([])
    return [one for one in made if any(token.text.strip() for token in one)]


def _ends(token: Run, following: Run) -> bool:
    """Whether a sentence ends with this token."""
    if BLANK.search(token.text):
        return True
    if token.marked or token.text[-1:].strip():
        return False
    return ends(token.text.strip(), following.text.strip())


# --- what is too long -----------------------------------------------------------------------------


def _fitting(
    tokens: list[Run],
    count: Callable[[Sequence[Run]], int],
    most: int,
    rules: Sequence[Rule],
) -> list[Piece]:
    size = count(tokens)
    if size <= most:
        return [] if size == 0 else [_piece(tokens)]
    if len(tokens) == 1:
        bare = replace(tokens[0], text=tokens[0].text.strip().strip(f"{CLOSING}{OPENING}.,;:?!"))
        if not tokens[0].marked and count([bare]) <= most:  # a mark is heard in its pause
            return [replace(_piece(tokens), prompt=written([bare]))]
        if (
            len(words := _words(tokens[0], rules)) > 1
        ):  # a number, an address: as many words as it has
            return _fitting(words, count, most, rules)
        word = tokens[0].text.strip()
        raise RequestError(
            f"{word[:40]!r} has {size} sounds, this model says {most} at a time: shorten it"
        )
    at = _place(tokens)
    first = _fitting(tokens[:at], count, most, rules)
    return [*first, *_fitting(tokens[at:], count, most, rules)]


def _words(token: Run, rules: Sequence[Rule]) -> list[Run]:
    """What is said of a token, word by word."""
    told = " ".join(chunk.said for chunk in chunks([token], rules))
    plain = replace(token, alias=None, reading="", phonemes=())
    return [replace(plain, text=f"{word} ") for word in told.split()]


def _place(tokens: Sequence[Run]) -> int:
    """Where to cut: behind the strongest mark, the nearest to the middle of those alike."""
    sizes = [len(token.text) for token in tokens]
    whole, so_far, best = sum(sizes), 0, (2.0, 1)
    for number, token in enumerate(tokens[:-1]):
        so_far += sizes[number]
        off = abs(so_far / whole - 0.5)
        mark = token.text.strip().rstrip(CLOSING)[-1:]
        weak = {";": 0.0, ":": 0.0, ".": 0.0, "!": 0.0, "?": 0.0, "\u2014": 0.1, ",": 0.15}
        best = min(best, (off + weak.get(mark, 0.5), number + 1))
    return best[1]


def _piece(tokens: Sequence[Run]) -> Piece:
    last = tokens[-1].text
    text = " ".join("".join(token.text for token in tokens).split())
    mark = last.strip().rstrip(CLOSING)[-1:]
    pause = PARAGRAPH if BLANK.search(last) else PAUSES.get(mark, HURRIED)
    return Piece(
        prompt=written(list(tokens)).strip(),
        text=text,
        voice=tokens[0].voice,
        rate=tokens[0].rate,
        pause=pause,
    )
