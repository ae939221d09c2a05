"""The genetic code: which codon is read as which residue, and which end a protein.

The standard code; bacteria's (table 11) differs in where genes may begin. Knows letters.
"""

from __future__ import annotations

from itertools import product

_BASES = "TCAG"
_RESIDUES = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODE = {"".join(c): r for c, r in zip(product(_BASES, repeat=3), _RESIDUES, strict=True)}
STOPS = frozenset(codon for codon, residue in CODE.items() if residue == "*")
STARTS = frozenset(("ATG", "GTG", "TTG"))
SYNONYMS = {
    codon: frozenset(c for c, r in CODE.items() if r == residue and c != codon)
    for codon, residue in CODE.items()
    if residue != "*"
}


def translated(letters: str) -> str:
    """Residues up to the first stop; X for a codon that is not known."""
    out = []
    for n in range(0, len(letters) - 2, 3):
        residue = CODE.get(letters[n : n + 3], "X")
        if residue == "*":
            break
        out.append(residue)
    return "".join(out)
