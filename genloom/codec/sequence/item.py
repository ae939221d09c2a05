"""A biological sequence as an item: it reads as its letters, and keeps its name and its words.

Knows how a piece is cut and told otherwise (backwards, with gaps, out of something longer). Knows
no file and no id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from genloom.codec.sequence.alphabet import Alphabet
from genloom.errors import DataError

Gap = tuple[int, int]


class BioSequence(str):
    """Letters, upper case.

    name      what its header calls it
    words     what is told of it: family, function, organism, kind of a feature
    features  pieces of it that an annotation names, as they are read, each with its words
    inner     it is cut out of something longer, and does not begin where that begins
    open      it does not end where the whole ends
    turned    it is told backwards
    gaps      places from..to that are told last
    loose     how long its gap is is not told
    """

    name: str
    words: tuple[str, ...]
    features: tuple[BioSequence, ...]
    inner: bool
    open: bool
    turned: bool
    gaps: tuple[Gap, ...]
    loose: bool

    def __new__(
        cls,
        letters: str,
        name: str = "",
        words: Sequence[str] = (),
        *,
        features: Sequence[BioSequence] = (),
        inner: bool = False,
        open: bool = False,
        turned: bool = False,
        gaps: Sequence[Gap] = (),
        loose: bool = False,
    ) -> Self:
        made = super().__new__(cls, letters)
        made.name, made.words, made.features = name, tuple(words), tuple(features)
        made.inner, made.open, made.turned, made.gaps = inner, open, turned, tuple(gaps)
        made.loose = loose
        return made

    def piece(self, start: int, stop: int, words: Sequence[str] | None = None) -> BioSequence:
        """Letters start..stop, with its words unless others are given."""
        return BioSequence(
            self[start:stop],
            self.name,
            self.words if words is None else words,
            inner=self.inner or start > 0,
            open=self.open or stop < len(self),
        )

    def like(self, letters: str, cut: bool, left: bool) -> BioSequence:
        """Other letters, told as this is. cut, left: something is missing before, behind them."""
        return BioSequence(
            letters, self.name, self.words, inner=self.inner or cut, open=self.open or left
        )

    @property
    def headline(self) -> str:
        """Of a FASTA record."""
        return " ".join((self.name or "generated", *self.words))


def as_sequence(item: Any, alphabet: Alphabet) -> BioSequence:
    """From an item, or from letters as somebody may write them. DataError says what is wrong."""
    if isinstance(item, BioSequence):
        return item
    if not isinstance(item, str):
        raise DataError(f"a sequence is given as letters, not as {type(item).__name__}")
    head, _, rest = (
        item.strip().partition("\n") if item.lstrip().startswith(">") else ("", "", item)
    )
    return BioSequence(letters_in(rest, alphabet), head[1:].strip())


def letters_in(text: str, alphabet: Alphabet) -> str:
    """Letters of a sequence in one piece, as they are learnt. DataError names what is none."""
    plain = "".join(text.split())
    data = plain.encode("latin-1", "replace").translate(alphabet.table)
    wrong = data.find(b"\0")
    if wrong >= 0:
        raise DataError(
            f"{plain[wrong]!r} at {wrong + 1} is no letter of {alphabet.called} "
            f"({alphabet.letters})"
        )
    return data.decode("ascii")


def fasta(items: Sequence[Any], width: int = 60) -> str:
    """Records with lines of so many letters."""
    parts = []
    for one in items:
        head = one.headline if isinstance(one, BioSequence) else "generated"
        letters = str(one)
        lines = [letters[n : n + width] for n in range(0, len(letters), width)]
        parts.append("\n".join((f">{head}", *lines, "")))
    return "".join(parts)
