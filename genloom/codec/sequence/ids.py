"""Sequences as ids: what each number stands for, how a piece is laid out, and how it is read again.

Layout: words told of it, TURNED where it is told backwards, INNER where it is a window out of
something longer, its letters. With gaps: GAP in the place of each missing letter, or RUN for any
number of them, then FILL and what stood there, in order. Knows no file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from genloom.codec.sequence.alphabet import Alphabet
from genloom.codec.sequence.gff import GENE
from genloom.codec.sequence.item import BioSequence

PAD, BOS, EOS, TURNED, INNER, GAP, RUN, FILL = range(8)
LETTERS_AT = 8


class Ids:
    """letters of an alphabet, its unknown one, letters by their place in a codon, known words.

    In what is told to be a gene a letter has another id for each place in its codon: the reading
    frame need not be found, which nets this small do not do in minutes (see LOG)."""

    def __init__(self, alphabet: Alphabet, words: Sequence[str]) -> None:
        self.alphabet, self.words = alphabet, tuple(words)
        self.unknown = LETTERS_AT + len(alphabet.letters)
        self.framed_at = self.unknown + 1
        self.words_at = self.framed_at + alphabet.frame * len(alphabet.letters)
        self.number: Mapping[str, int] = {w: self.words_at + n for n, w in enumerate(self.words)}
        self.table = np.zeros(256, np.int16)
        for n, letter in enumerate((*alphabet.letters, alphabet.unknown)):
            self.table[ord(letter)] = LETTERS_AT + n

    @property
    def vocab(self) -> int:
        return self.words_at + len(self.words)

    def letters(self, text: str) -> np.ndarray:
        """int16 [L]."""
        return self.table[np.frombuffer(str(text).encode("ascii"), np.uint8)]

    def framed(self, words: Sequence[str]) -> bool:
        """Whether letters behind these words are told by their places in codons."""
        return bool(self.alphabet.frame) and GENE in words and GENE in self.number

    def coded(self, text: str, words: Sequence[str], start: int = 0) -> np.ndarray:
        """int16 [L]: letters behind these words. start: place of the first, from 0."""
        own, many = self.letters(text), len(self.alphabet.letters)
        if not self.framed(words):
            return own
        place = (start + np.arange(len(own))) % self.alphabet.frame
        known = (own >= LETTERS_AT) & (own < self.unknown)
        framed = self.framed_at + place * many + own - LETTERS_AT
        return np.where(known, framed, own).astype(np.int16)

    def head(self, item: BioSequence) -> list[int]:
        """What stands before the letters."""
        told = [self.number[word] for word in item.words if word in self.number]
        return told + [TURNED] * item.turned + [INNER] * item.inner

    def parts(self, item: BioSequence) -> tuple[np.ndarray, np.ndarray]:
        """(ids, how much each counts as a target, and its end), int16 [L] and float32 [L + 1]."""
        head, own = self.head(item), self.coded(item, item.words)
        body = own[::-1] if item.turned else own
        if item.gaps:
            body = _gapped(body, item.gaps, item.loose)
        ids = np.concatenate((np.array(head, np.int16), body))
        counts = np.ones(len(ids) + 1, np.float32)
        counts[: len(head)] = 0.0
        counts[:-1][(ids == self.unknown) | (ids >= GAP) & (ids <= FILL)] = 0.0
        counts[-1] = 0.0 if item.open and not item.gaps else 1.0
        return ids, counts

    def tensor(self, item: BioSequence) -> Tensor:
        return torch.from_numpy(self.parts(item)[0].astype(np.int64))

    def read(self, ids: Sequence[int]) -> BioSequence:
        """What ids stand for; those without meaning at their place are passed over."""
        words: list[str] = []
        letters: list[str] = []
        filled: list[str] = []
        turned = inner = filling = False
        spelt, many = self.alphabet.letters + self.alphabet.unknown, len(self.alphabet.letters)
        for one in ids:
            if one == EOS:
                break
            turned, inner, filling = (
                turned or one == TURNED,
                inner or one == INNER,
                filling or one == FILL,
            )
            if self.words_at <= one < self.vocab:
                words.append(self.words[one - self.words_at])
            elif LETTERS_AT <= one < self.words_at:
                at = one - LETTERS_AT if one < self.framed_at else (one - self.framed_at) % many
                (filled if filling else letters).append(spelt[at])
            elif one in (GAP, RUN) and not filling:
                letters.append(_RUN if one == RUN else _GAP)
        text = "".join(_whole(letters, filled))
        return BioSequence(text[::-1] if turned else text, words=words, inner=inner, open=inner)


_GAP, _RUN = "?", "*"


def _whole(letters: Sequence[str], filled: Sequence[str]) -> list[str]:
    """Letters with what fills their gaps in its place."""
    left = deque(filled)
    out: list[str] = []
    for one in letters:
        if one == _RUN:
            out += left
            left.clear()
        elif one == _GAP:
            out += [left.popleft()] if left else []
        else:
            out.append(one)
    return out


def _gapped(body: np.ndarray, gaps: Sequence[tuple[int, int]], loose: bool) -> np.ndarray:
    left: list[np.ndarray] = []
    spans, at = [np.array([FILL], np.int16)], 0
    for start, stop in gaps:
        hole = np.array([RUN] if loose else [GAP] * (stop - start), np.int16)
        left += [body[at:start], hole]
        spans.append(body[start:stop])
        at = stop
    return np.concatenate((*left, body[at:], *spans))
