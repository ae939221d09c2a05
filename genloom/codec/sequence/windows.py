"""What is learnt of sequences: pieces that fit the context, told in several ways.

Windows out of what is longer, on either strand; backwards; with gaps that are told last; with words
or without; the features that an annotation names. Knows letters; no id and no file.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genloom.codec.sequence.alphabet import Alphabet
from genloom.codec.sequence.item import BioSequence, Gap

MOST_WORDS = 4  # that are told of a piece
UNTOLD = 0.3  # of pieces: no word is told
MOST_GAPS = 3
GAPPED = 0.25  # share of the letters that gaps take at most
LOOSE = 0.4  # of single gaps: their length is not told
LEAST_GAPPED = 8  # letters of a piece that has a gap
MOST_UNKNOWN = 0.5  # share of unknown letters of a window


@dataclass(frozen=True, kw_only=True)
class Ways:
    """room: letters that fit; variations: of each; backward, gaps: shares of the pieces."""

    alphabet: Alphabet
    room: int
    variations: int
    backward: float
    gaps: float


def varied(item: BioSequence, ways: Ways, draw: random.Random) -> Iterator[BioSequence]:
    """Pieces of one item."""
    for _ in range(ways.variations):
        for piece in _pieces(item, ways, draw):
            if _says(piece, ways.alphabet):
                yield _told(piece, ways, draw)
        for feature in item.features:
            yield _told(_begun(feature, ways.room), ways, draw, kind=feature.words[0])
            if (rest := len(feature) - ways.room) > 0:  # and a later piece, codons whole
                at = 3 * draw.randint(1, rest // 3 + 1)
                piece = feature.piece(at, at + ways.room)
                yield _told(piece, ways, draw, kind=feature.words[0])


def _pieces(item: BioSequence, ways: Ways, draw: random.Random) -> Iterator[BioSequence]:
    """The whole where it fits; else windows that cover it once, from a border drawn anew. One
    begins where the item begins."""
    room, size = ways.room, len(item)
    if size <= room:
        yield item
        return
    if not ways.alphabet.long:
        yield item.piece(0, room)
        start = draw.randrange(1, room)
    else:
        start = -draw.randrange(room)
    while start < size:
        stop = min(size, start + room)
        if stop - max(start, 0) >= room // 4:
            yield item.piece(max(start, 0), stop)
        start = stop


def _begun(item: BioSequence, room: int) -> BioSequence:
    """The beginning of a feature."""
    return item if len(item) <= room else item.piece(0, room)


def _says(piece: BioSequence, alphabet: Alphabet) -> bool:
    return piece.count(alphabet.unknown) < MOST_UNKNOWN * len(piece)


def _told(piece: BioSequence, ways: Ways, draw: random.Random, kind: str = "") -> BioSequence:
    """With some of its words; on the other strand or backwards; with gaps. kind: a word that is
    always told first, of a piece that has one strand."""
    letters: str = piece
    turned = False
    if not kind and ways.alphabet.complement:
        letters = ways.alphabet.turned(piece) if draw.random() < 0.5 else piece
        inner, open_ = piece.inner, piece.open
        if letters is not piece:
            inner, open_ = open_, inner
    else:
        turned = not kind and draw.random() < ways.backward
        inner, open_ = (piece.open, piece.inner) if turned else (piece.inner, piece.open)
    words = _some([word for word in piece.words if word != kind], draw)
    gaps: Sequence[Gap] = ()
    if not turned and draw.random() < ways.gaps and len(letters) >= LEAST_GAPPED:
        most = int(ways.room / (1 + GAPPED))
        letters, open_ = letters[:most], open_ or len(letters) > most
        gaps = _gaps(len(letters), draw)
    return BioSequence(
        str(letters),
        piece.name,
        [kind, *words] if kind else words,
        inner=inner,
        open=open_,
        turned=turned,
        gaps=gaps,
        loose=len(gaps) == 1 and draw.random() < LOOSE,
    )


def _some(words: Sequence[str], draw: random.Random) -> list[str]:
    if not words or draw.random() < UNTOLD:
        return []
    return draw.sample(words, draw.randint(1, min(MOST_WORDS, len(words))))


def _gaps(size: int, draw: random.Random) -> list[Gap]:
    """One to three, together up to a share of the letters, none beside another."""
    count = draw.randint(1, MOST_GAPS)
    out: list[Gap] = []
    for _ in range(count):
        long = draw.randint(1, max(1, int(GAPPED * size / count)))
        start = draw.randrange(0, size - long + 1)
        if all(start > stop or start + long < first for first, stop in out):
            out.append((start, start + long))
    return sorted(out)
