"""A molecule as an item: its line of SMILES, with the columns that stood beside it.

Knows how variations of a molecule are told: its atoms in another order, some of its properties
before it. Knows no file and no id.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.words import line, words
from genloom.errors import DataError

UNTOLD = 0.4  # of variations: no property is told
NOTHING: Mapping[str, float] = MappingProxyType({})


class Molecule(str):
    """values: property -> number; name: what it is called, or "". asked: the properties that are
    told before it; turned: its atoms do not stand in the usual order. checked: its line is the one
    that it is learnt in."""

    values: Mapping[str, float]
    name: str
    asked: tuple[str, ...]
    turned: bool
    checked: bool

    def __new__(
        cls,
        smiles: str,
        values: Mapping[str, float] = NOTHING,
        name: str = "",
        *,
        asked: Sequence[str] = (),
        turned: bool = False,
        checked: bool = False,
    ) -> Self:
        made = super().__new__(cls, smiles)
        made.values, made.name, made.asked, made.turned = values, name, tuple(asked), turned
        made.checked = checked
        return made

    def told(self) -> dict[str, Any]:
        """What is known of it, JSON-ready."""
        return {"smiles": str(self), **self.values}


class Molecules:
    """Several that are written together into one file."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = [molecule(one) for one in items]

    def __len__(self) -> int:
        return len(self.items)


def molecule(item: Any) -> Molecule:
    """A molecule from one or from a line. DataError where it is neither."""
    if isinstance(item, Molecule):
        return item
    if not isinstance(item, str):
        raise DataError(f"a molecule is given as SMILES, not as {type(item).__name__}")
    return Molecule(item)


def usual(smiles: str) -> str:
    """The line as it is learnt: canonical with RDKit, else with its rings numbered anew."""
    if isinstance(smiles, Molecule) and smiles.checked:
        return str(smiles)
    if chemistry.at_hand():
        return chemistry.canonical(smiles) or smiles
    try:
        return line(words(smiles))
    except DataError:
        return smiles


def with_values(items: Sequence[Molecule], names: Sequence[str]) -> list[Molecule]:
    """The molecules with these properties computed where they are not told already."""
    lacking = [
        name
        for name in names
        if name in chemistry.PROPERTIES and not all(name in one.values for one in items)
    ]
    if not lacking:
        return list(items)
    found = chemistry.properties(items, lacking)
    out = []
    for one, row in zip(items, found, strict=True):
        values = {**dict(zip(lacking, row.tolist(), strict=True)), **one.values}
        out.append(Molecule(one, values, one.name, checked=one.checked))
    return out


def varied(
    one: Molecule,
    names: Sequence[str],
    draw: random.Random,
    count: int,
    turned: float,
    kekule: bool = False,
) -> list[Molecule]:
    """The molecule told in so many ways. names: properties that may be told; turned: how often its
    atoms stand in another order; kekule: aromatic rings are then told by their bonds."""
    many = sum(draw.random() < turned for _ in range(count))
    ways = chemistry.told_in_ways(one, many, draw.getrandbits(30), kekule) if many else []
    lines = [(way, True) for way in ways] + [(str(one), False)] * (count - len(ways))
    return [
        Molecule(way, one.values, one.name, asked=_asked(one, names, draw), turned=turns)
        for way, turns in lines
    ]


def _asked(one: Molecule, names: Sequence[str], draw: random.Random) -> list[str]:
    """Which properties are told before it."""
    known = [name for name in names if math.isfinite(one.values.get(name, math.nan))]
    if not known or draw.random() < UNTOLD:
        return []
    chosen = draw.sample(known, draw.randint(1, len(known)))
    return [name for name in known if name in chosen]
