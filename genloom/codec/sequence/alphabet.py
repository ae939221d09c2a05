"""The alphabets of biological sequences: which letters are drawn, which stand for several, which
strand reads against which, and how to tell one alphabet from another.

Knows letters; no file and no id. Letters follow IUPAC-IUB (1984, 1985).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from genloom.errors import RecipeError
from genloom.metric.substitution import alike, blosum62

LEAST_TOLD = 30  # letters below which a sequence may be of any alphabet
PLAIN = 0.98  # share of A, C, G, T, U and N from which a sequence is taken for nucleotides
STRANGE = 0.02  # share of letters that no nucleotide has, from which it is none
_BASES = np.frombuffer(b"ACGTUN", np.uint8)
_NO_BASES = np.frombuffer(b"EFILPQZJOX", np.uint8)


@dataclass(frozen=True)
class Alphabet:
    """letters: those that are drawn. unknown: what stands for several or any. several: further
    letters that are read as it. read_as: letter -> the one it is read as. complement: letter ->
    the one it pairs with, empty where there is one strand. long: what is read may be longer than
    any context, and is learnt in windows. kmer: letters of a run that two sequences seldom share
    by chance. exchanged: what one letter for another is worth is known (BLOSUM62). frame: letters
    of a codon, by whose places the letters of genes are told apart; 0 for none."""

    name: str
    called: str
    letters: str
    unknown: str
    several: str = ""
    read_as: Mapping[str, str] = field(default_factory=dict)
    complement: Mapping[str, str] = field(default_factory=dict)
    long: bool = False
    kmer: int = 5
    exchanged: bool = False
    frame: int = 0

    @cached_property
    def table(self) -> bytes:
        """256 bytes: what each byte is read as, 0 where it is no letter of this alphabet."""
        out = bytearray(256)
        for letter in (*self.letters, self.unknown):
            out[ord(letter)] = ord(letter)
        for letter in self.several:
            out[ord(letter)] = ord(self.unknown)
        for letter, other in self.read_as.items():
            out[ord(letter)] = ord(other)
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
            out[ord(letter.lower())] = out[ord(letter)]
        return bytes(out)

    @cached_property
    def worth(self) -> np.ndarray:
        """float [A + 1, A + 1]: of one letter beside another, the unknown one last."""
        return blosum62(self.letters) if self.exchanged else alike(len(self.letters))

    def turned(self, letters: str) -> str:
        """The other strand, read in its own direction; where there is none, the same backwards."""
        other = str.maketrans(dict(self.complement))
        return letters.translate(other)[::-1]


PROTEIN = Alphabet(
    name="protein",
    called="proteins",
    letters="ACDEFGHIKLMNPQRSTVWY",
    unknown="X",
    several="BJZUO",  # U and O, the 21st and 22nd residue, are too few to be learnt
    kmer=5,
    exchanged=True,
)
DNA = Alphabet(
    name="dna",
    called="nucleotides",
    letters="ACGT",
    unknown="N",
    several="RYSWKMBDHV",
    read_as={"U": "T"},
    complement={"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"},
    long=True,
    kmer=12,
    frame=3,
)
ALPHABETS: Mapping[str, Alphabet] = {one.name: one for one in (PROTEIN, DNA)}


def alphabet_of(name: str) -> Alphabet:
    """RecipeError for any other name."""
    if name not in ALPHABETS:
        raise RecipeError(f"codec.alphabet is {name!r}: give {' or '.join(ALPHABETS)}")
    return ALPHABETS[name]


def looks(counts: np.ndarray) -> Alphabet | None:
    """The alphabet of a sequence with so many of each byte, long [256], upper case; None where it
    is too short to tell."""
    total = int(counts.sum())
    if total < LEAST_TOLD:
        return None
    if counts[_BASES].sum() >= PLAIN * total:
        return DNA
    return PROTEIN if counts[_NO_BASES].sum() > STRANGE * total else None


def looks_of(items: Iterable[str]) -> Alphabet | None:
    """The alphabet of the first of these that is long enough to tell."""
    for one in items:
        data = np.frombuffer(one.upper().encode("latin-1", "replace"), np.uint8)
        if (found := looks(np.bincount(data, minlength=256))) is not None:
            return found
    return None
