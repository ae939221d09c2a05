"""What a header says of a sequence, as words to ask for it by: family, function, organism.

Knows how NCBI, UniProt and Prokka write theirs, and which words say nothing. Knows no letters.
"""

from __future__ import annotations

import re

MOST = 12  # words of one sequence
_UNIPROT = re.compile(r"\b(OS|OX|GN|PE|SV)=")
_BRACKETS = re.compile(r"\[([^\[\]]{3,80})\]\s*$")
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]{2,}")
_SILENT = frozenset(
    re.findall(
        r"\w+",
        "the and for with from protein proteins putative probable uncharacterized uncharacterised "
        "hypothetical predicted possible partial conserved unknown isoform fragment chain variant "
        "like containing dependent type family multispecies str substr strain subsp complete "
        "genome sequence unnamed product",
    )
)


def name_of(header: str) -> str:
    """The first word."""
    return header.split(None, 1)[0][:80] if header.strip() else ""


def words_of(header: str) -> tuple[str, ...]:
    """Words of the description and of the organism, lower case, each once, in order."""
    _, _, text = header.strip().partition(" ")
    organism = ""
    if "~~~" in text:  # EC~~~gene~~~product~~~
        text = text.split("~~~")[2] if text.count("~~~") >= 2 else text.replace("~~~", " ")
    elif found := _UNIPROT.search(text):
        rest, text = text[found.start() :], text[: found.start()]
        named = re.search(r"OS=(.*?)(?=\s[A-Z]{2}=|$)", rest)
        organism = named[1] if named else ""
    elif found := _BRACKETS.search(text):
        organism, text = found[1], text[: found.start()]
    return plain(f"{text} {' '.join(organism.split()[:2])}")


def plain(text: str) -> tuple[str, ...]:
    """Words of a text that say something."""
    found = (word.strip("'-").lower() for word in _WORD.findall(text))
    told = dict.fromkeys(word for word in found if len(word) > 2 and word not in _SILENT)
    return tuple(told)[:MOST]
