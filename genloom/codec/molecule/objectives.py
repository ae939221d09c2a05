"""What molecules can be searched for: a property, how near it is to a number, likeness to one; and
which molecules no chemist would take, however well they score.

Knows RDKit through `chemistry`; no search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from genloom.codec.molecule import chemistry
from genloom.errors import UsageError

Objective = Callable[[Sequence[str]], list[float]]
SIMILARITY = "similarity"
HARDEST = 6.0  # to make, of 10 (Ertl and Schuffenhauer 2009: most known molecules lie below)
LARGEST_RING = 8  # atoms
HEAVIEST = 70  # atoms besides hydrogen
CHAIN = 9  # carbons in a row without a ring or branch
UNSTABLE = {  # by eye of what generators cheat with; the rule of thumb each breaks
    "three hetero atoms in a row": (
        "[#7,#8,#16;!a;!$(*=*);!$([#16](=O)=O)]-[#7,#8;!a]-[#7,#8,#16;!a]"
    ),
    "an open peroxide": "[OX2;!r]-[OX2;!r]",
    "triple bonds in a row": "C#CC#C",
    "double bonds in a row": "C=C=C",
    "a ring of three with a double bond inside": "[r3]=[r3]",
    "a ring of four with two double bonds inside": "[*;r4]=,:[*;r4]~[*;r4]=,:[*;r4]",
}


def objective(words: str) -> Objective | None:
    """What "qed", "logp", "logp:2.5" or "similarity:SMILES" scores; None for other words.

    A property as it is; with a number 1 / (1 + distance); likeness is Tanimoto's coefficient of
    circular fingerprints. NaN for what is no molecule. UsageError where the argument is wrong.
    """
    name, _, argument = words.partition(":")
    if name.strip().lower() == SIMILARITY:
        return _likeness(argument)
    known = chemistry.named(name)
    if known is None:
        return None
    if not argument:
        return lambda some: chemistry.properties(some, [known])[:, 0].tolist()
    try:
        wanted = float(argument)
    except ValueError:
        raise UsageError(f"{words!r}: a number is expected, such as {name}:2.5") from None
    if not math.isfinite(wanted):
        raise UsageError(f"{words!r}: a finite number is expected")
    return lambda some: [
        1 / (1 + abs(x - wanted)) for x in chemistry.properties(some, [known])[:, 0].tolist()
    ]


def _likeness(argument: str) -> Objective:
    target = chemistry.fingerprint(argument) if argument else None
    if target is None:
        raise UsageError(f"similarity:{argument}: a molecule in SMILES is expected after the colon")

    def of(some: Sequence[str]) -> list[float]:
        found = [chemistry.fingerprint(one) for one in some]
        known = iter(chemistry.alikeness(target, [f for f in found if f is not None]).tolist())
        return [math.nan if f is None else next(known) for f in found]

    return of


NAMES = (*(name.lower() for name in chemistry.PROPERTIES), f"{SIMILARITY}:SMILES")


def reproach(smiles: str) -> str:
    """Why no chemist would take this molecule; "" where nothing tells against it."""
    found = chemistry.molecule(smiles)
    if found is None:
        return "no molecule"
    if found.GetNumHeavyAtoms() > HEAVIEST:
        return f"more than {HEAVIEST} atoms"
    rings = found.GetRingInfo().AtomRings()
    if rings and max(map(len, rings)) > LARGEST_RING:
        return f"a ring of more than {LARGEST_RING} atoms"
    for told, pattern in _patterns().items():
        if found.HasSubstructMatch(pattern):
            return str(told)
    if chemistry.descriptors()["SA"](found) > HARDEST:
        return f"harder to make than {HARDEST:g} of 10"
    return ""


@cache
def _patterns() -> dict[str, Any]:
    chem = chemistry.library()
    chain = "-".join(["[CX4;!R;H2]"] * CHAIN)
    told = {**UNSTABLE, f"a chain of {CHAIN} carbons": chain}
    return {name: chem.MolFromSmarts(pattern) for name, pattern in told.items()}
