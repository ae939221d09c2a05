"""Where one is in a line of SMILES: atoms with the bonds that they have left, branches, rings.

Says which words may come next so that the line is complete and no atom has too many bonds: the
grammar of SMILES and the usual valences (OpenSMILES 1.0, section 3.1). It does not tell whether
aromatic rings can be (RDKit does). Knows words; no ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from genloom.codec.molecule.words import OPEN, closes

BONDS = {"-": 1, "=": 2, "#": 3, "$": 4, ":": 1, "~": 1, "/": 1, "\\": 1}
PLAIN = {"B": 3, "C": 4, "N": 3, "O": 2, "P": 5, "S": 6, "F": 1, "Cl": 1, "Br": 1, "I": 1, "*": 8}
AROMATIC = {"b": 3, "c": 3, "n": 3, "o": 2, "p": 3, "s": 2}
CHARGED = {"B": 3, "C": 4, "N": 3, "O": 2, "P": 5, "S": 6, "Se": 6, "Si": 4, "As": 5, "Te": 6}
HALOGENS = ("F", "Cl", "Br", "I")
FREE = 8  # bonds of an atom of which nothing is known
SMALLEST = 3  # atoms of a ring
_ATOM = re.compile(
    r"\[(?P<isotope>\d+)?(?P<element>[A-Z][a-z]?|[a-z][a-z]?|\*)(?P<chirality>@{0,2}(?:[A-Z]{2}\d+)?)"
    r"(?P<hydrogens>H\d?)?(?P<charge>(?:\++|-+)\d*)?(?::\d+)?\]"
)


@dataclass(frozen=True)
class Kind:
    """room: bonds that an atom may have to others; aromatic: whether it stands in such a ring."""

    room: int
    aromatic: bool


@lru_cache(maxsize=4096)
def kind(word: str) -> Kind | None:
    """Of an atom; None where the word is none."""
    if word in PLAIN:
        return Kind(PLAIN[word], False)
    if word in AROMATIC:
        return Kind(AROMATIC[word], True)
    found = _ATOM.fullmatch(word)
    if found is None:
        return None
    element, low = found["element"], found["element"][0].islower()
    hydrogens = int(found["hydrogens"][1:] or 1) if found["hydrogens"] else 0
    charge = _charge(found["charge"] or "")
    if low:
        room = AROMATIC.get(element, 3) + (charge if element in "nops" else 0)
        return Kind(max(2, min(3, room - hydrogens)), True)
    if element in HALOGENS:
        return Kind(max(0, FREE if charge > 0 else 1 + charge), False)
    if element not in CHARGED:
        return Kind(FREE, False)
    room = CHARGED[element]
    if element in ("N", "O", "S"):
        room += charge
    elif element in ("B", "P"):
        room -= charge
    else:
        room -= abs(charge)
    return Kind(max(0, room - hydrogens), False)


def _charge(text: str) -> int:
    if not text:
        return 0
    digits = text.lstrip("+-")
    many = int(digits) if digits else len(text)
    return many if text[0] == "+" else -many


@dataclass
class Walk:
    """At the start of a line. room, aromatic: of each atom, bonds left and whether it is; rings:
    (atom, bond) of those open; branches: atoms at which they began. floor, ground: branches and
    rings that somebody else will close."""

    room: list[int] = field(default_factory=list)
    aromatic: list[bool] = field(default_factory=list)
    rings: list[tuple[int, int]] = field(default_factory=list)
    branches: list[int] = field(default_factory=list)
    joined: set[tuple[int, int]] = field(default_factory=set)
    last: int | None = None  # the atom that what comes is bound to
    bond: str = ""  # that was told for what comes
    fresh: bool = True  # a branch or the line has just begun
    broken: bool = False  # something came that may not
    floor: int = 0
    ground: int = 0

    @property
    def whole(self) -> bool:
        """Whether the line may end here."""
        open_ = self.rings or self.branches or self.bond
        return self.last is not None and not open_ and not self.fresh and not self.broken

    def state(self) -> tuple[object, ...]:
        """What the next words depend on."""
        left = None if self.last is None else min(self.room[self.last], 4)
        ends = tuple(
            self._closing(place) for place in range(1, len(self.rings) + 1)
        )  # bonds that closing each would take
        return (
            left,
            self.last is not None and self.aromatic[self.last],
            ends,
            self._deep(),
            bool(self.branches),
            len(self.rings) - self.ground > 1,
            self.bond,
            self.fresh,
            self.last is None,
            self._kept(),
        )

    def allows(self, word: str) -> bool:
        """Whether a line that begins so can go on with it and still end well."""
        if word in BONDS:
            return self._bond_fits(word)
        if word == "(":
            free = self.last is not None and not self.fresh and not self.bond
            return free and self.room[self.last or 0] >= 1 + (not self._deep())
        if word == ")":
            return bool(self.branches) and not self.fresh and not self.bond
        if word == ".":
            return self.whole
        if word == OPEN:
            return self._may_open()
        if place := closes(word):
            return self._may_close(place)
        return self._may_stand(word)

    def _deep(self) -> bool:
        """Whether a branch has begun that is closed before the end."""
        return len(self.branches) > self.floor

    def _bond_fits(self, word: str) -> bool:
        if self.last is None or self.bond:
            return False
        if self.aromatic[self.last] and word in ("#", "$"):
            return False
        return self.room[self.last] - self._kept() >= self._cost(self.last, BONDS[word])

    def _order(self) -> int:
        return BONDS.get(self.bond, 1)

    def _cost(self, atom: int, order: int) -> int:
        """Of what an atom has left: in an aromatic ring a neighbour is a neighbour."""
        return min(order, 1) if self.aromatic[atom] else order

    def _kept(self) -> int:
        """Bonds that the last atom keeps for what comes behind a branch that has just begun: else a
        ring that is open could not be closed any more."""
        return int(self.fresh and len(self.branches) == self.floor + 1)

    def _may_open(self) -> bool:
        if self.last is None or self.fresh:
            return False
        taken = self._cost(self.last, self._order())
        return self.room[self.last] >= taken + (not self._deep())

    def _closing(self, place: int) -> int:
        """Bonds that closing this ring takes of the last atom; 0 where it cannot be closed."""
        if self.last is None or self.fresh or place > len(self.rings):
            return 0
        atom, reserved = self.rings[-place]
        pair = (min(atom, self.last), max(atom, self.last))
        order = max(reserved, self._order())
        here, there = self._cost(self.last, order), self._more(atom, order, reserved)
        both = self.room[self.last] >= here and self.room[atom] >= there
        near = atom == self.last or pair in self.joined
        return here if both and not near else 0

    def _more(self, atom: int, order: int, reserved: int) -> int:
        """What a ring takes of the atom where it began, besides what was kept for it."""
        return self._cost(atom, order) - self._cost(atom, reserved)

    def _may_close(self, place: int) -> bool:
        taken = self._closing(place)
        if not taken:
            return False
        left = self.room[self.last or 0] - taken
        return left >= 1 or self._deep() or len(self.rings) == self.ground + 1

    def _may_stand(self, word: str) -> bool:
        what = kind(word)
        if what is None:
            return False
        if self.last is None:
            return True
        order = self._order()
        own = min(order, 1) if what.aromatic else order
        left = self.room[self.last] - self._kept()
        if what.room < own or left < self._cost(self.last, order):
            return False
        if what.aromatic and self.bond in ("#", "$"):
            return False
        closed = len(self.rings) == self.ground
        return what.room - own >= 1 or self._deep() or closed

    def take(self, word: str) -> None:
        """Follow a word, whether or not it was allowed."""
        self.broken = self.broken or not self.allows(word)
        if word in BONDS:
            self.bond = word
        elif word == "(":
            self.branches.append(self.last or 0)
            self.fresh = True
        elif word == ")":
            self.last = self.branches.pop() if self.branches else self.last
            self.fresh = False
        elif word == ".":
            self.last, self.fresh = None, True
        elif word == OPEN:
            order = self._order()
            if self.last is not None:
                self.rings.append((self.last, order))
                self.room[self.last] -= self._cost(self.last, order)
            self.bond = ""
        elif place := closes(word):
            self._close(place)
        else:
            self._stand(word)

    def _close(self, place: int) -> None:
        if self.last is not None and place <= len(self.rings):
            atom, reserved = self.rings.pop(-place)
            order = max(reserved, self._order())
            self.room[self.last] -= self._cost(self.last, order)
            self.room[atom] -= self._more(atom, order, reserved)
            self.joined.add((min(atom, self.last), max(atom, self.last)))
        self.bond = ""

    def _stand(self, word: str) -> None:
        what = kind(word) or Kind(FREE, False)
        here = len(self.room)
        self.room.append(what.room)
        self.aromatic.append(what.aromatic)
        if self.last is not None:
            order = self._order()
            self.room[here] -= self._cost(here, order)
            self.room[self.last] -= self._cost(self.last, order)
            self.joined.add((self.last, here))
        self.last, self.bond, self.fresh = here, "", False


def walked(some: Sequence[str]) -> Walk:
    """Where one is after these words."""
    out = Walk()
    for word in some:
        out.take(word)
    return out


def well_formed(some: Sequence[str]) -> bool:
    """Whether a line is complete and no atom has too many bonds, as far as can be told so."""
    return walked(some).whole
