"""Which words may come next in a molecule that is asked for: its properties' steps, the part that
it is to hold, a line that is complete.

A guide of one sample (`spec.Guide`). A part may be told from any atom on, so several ways to say it
are followed at once; what the net draws decides which. Knows ids by their words; no net.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genloom.codec.molecule.walk import Walk
from genloom.codec.molecule.words import OPEN, closes

HOLE = "*"  # where something is to be attached
_RING, _BRANCH, _SPARE = 3, 2, 4  # words at most to close a ring or a branch, and some to spare


@dataclass(frozen=True)
class Way:
    """One way to say a part. words; free: of each, the hydrogens that may make room for what is
    attached (0 for what is no atom)."""

    words: tuple[str, ...]
    free: tuple[int, ...]

    @property
    def marked(self) -> bool:
        return HOLE in self.words


@dataclass(frozen=True)
class Place:
    """Where one is in a way: before word `at`, or within what is attached: `deep` branches (1: of
    the branch that attaches it), `rings` of its own that are open, whether an `atom` came. spent:
    hydrogens of the last atom that are replaced."""

    way: int
    at: int
    deep: int = 0
    rings: int = 0
    atom: bool = False
    spent: int = 0
    hole: bool = False


@dataclass
class Words:
    """The vocabulary as guides see it. eos: the id that ends an item."""

    words: tuple[str, ...]
    first: int
    eos: int
    masks: dict[object, Tensor] = field(default_factory=dict)

    def packed(self, ids: Sequence[int], size: int) -> Tensor:
        """int32 [ceil(V / 32)], a bit for each of these ids."""
        bits = [0] * -(-size // 32)
        for one in ids:
            bits[one >> 5] |= 1 << (one & 31)
        return torch.tensor([b - (1 << 32) if b >> 31 else b for b in bits], dtype=torch.int32)


@dataclass
class MoleculeGuide:
    """steps: ids that each property may have, in the order in which they are told; lead: ids that
    stand before the line, after them. rings: whether what is attached may have some. strict:
    whether the line has to be complete. most: ids that there is room for; as they come to their
    end, what is open is closed."""

    vocabulary: Words
    size: int
    steps: tuple[tuple[int, ...], ...] = ()
    lead: tuple[int, ...] = ()
    ways: tuple[Way, ...] = ()
    rings: bool = True
    strict: bool = True
    most: int | None = None
    walk: Walk = field(default_factory=Walk)
    came: int = 0
    places: frozenset[Place] = frozenset()

    def __post_init__(self) -> None:
        self.places = frozenset(Place(n, 0) for n in range(len(self.ways)))

    def copy(self) -> MoleculeGuide:
        """The same, on its own from here on."""
        made = copy.copy(self)
        made.walk = copy.deepcopy(self.walk)
        return made

    # --- what may come

    def mask(self) -> Tensor:
        """int32 [ceil(V / 32)]"""
        before = [*self.steps, *((one,) for one in self.lead)]
        if self.came < len(before):
            return self.vocabulary.packed(before[self.came], self.size)
        if self.ways:
            return self.vocabulary.packed(self._attaching(), self.size)
        if self.strict and self._late():
            return self.vocabulary.packed(self._closing(self._free()), self.size)
        key = (self.size, self.strict, self.walk.state()) if self.strict else (self.size, False)
        known = self.vocabulary.masks.get(key)
        if known is None:
            known = self.vocabulary.packed(self._free(), self.size)
            self.vocabulary.masks[key] = known
        return known

    def _free(self) -> list[int]:
        first, eos = self.vocabulary.first, self.vocabulary.eos
        some = enumerate(self.vocabulary.words)
        if not self.strict:
            return [eos, *(first + n for n, _ in some)]
        ids = [first + n for n, word in some if self.walk.allows(word)]
        if self.walk.whole or not ids:
            ids.append(eos)
        return ids

    def _attaching(self) -> list[int]:
        first = self.vocabulary.first
        ids = [first + n for n, word in enumerate(self.vocabulary.words) if self._next(word)]
        if self._ends() or not ids:
            ids.append(self.vocabulary.eos)
        return self._closing(ids) if self._late() else ids

    # --- coming to an end

    def _late(self) -> bool:
        """Whether there is hardly more room than closing what is open takes."""
        return self.most is not None and self.most - self.came <= self._left() + _SPARE

    def _left(self) -> int:
        """Words at most until the line is complete, if nothing else is begun."""
        walk = self.walk
        open_ = _RING * len(walk.rings) + _BRANCH * len(walk.branches) + bool(walk.bond)
        told = [len(self.ways[place.way].words) - place.at for place in self.places]
        return open_ + walk.fresh + min(told, default=0)

    def _closing(self, ids: list[int]) -> list[int]:
        """Of what may come what brings the end nearer: the end, a word of the part, a ring, a
        branch; else an atom that a ring can be closed at; else all."""
        first, eos = self.vocabulary.first, self.vocabulary.eos
        if eos in ids:
            return [eos]
        words = {one: self.vocabulary.words[one - first] for one in ids}
        nearer = [one for one, word in words.items() if self._nearer(word)]
        plain = [one for one, word in words.items() if word == "C"]
        return nearer or plain or ids

    def _nearer(self, word: str) -> bool:
        if closes(word) or word == ")":
            return True
        at = {place.at for place in self.places}
        return bool(at) and min(place.at for place in self._next(word)) > min(at)

    def _ends(self) -> bool:
        """Whether the part is complete, and what is attached at its end."""
        walk = self.walk
        if walk.rings or walk.branches or walk.bond or walk.fresh:
            return False
        return any(
            place.at >= len(self.ways[place.way].words) and (place.atom or not place.hole)
            for place in self.places
        )

    # --- what came

    def accept(self, drawn: int) -> None:
        """This id came."""
        before = len(self.steps) + len(self.lead)
        self.came += 1
        at = drawn - self.vocabulary.first
        if self.came <= before or not 0 <= at < len(self.vocabulary.words):
            return
        word = self.vocabulary.words[at]
        if self.ways:
            self.places = self._next(word)
        self.walk.take(word)

    def _next(self, word: str) -> frozenset[Place]:
        """Where one may be after this word; nowhere where it may not come."""
        return frozenset(new for place in self.places for new in self._after(place, word))

    def _after(self, place: Place, word: str) -> list[Place]:
        way = self.ways[place.way]
        if place.deep or place.hole:
            return self._within(place, way, word)
        out: list[Place] = []
        ended = place.at >= len(way.words)
        if not ended:
            wanted = way.words[place.at]
            if wanted == HOLE:
                out += self._within(Place(place.way, place.at + 1, hole=True), way, word)
            elif wanted == word:
                keeps = place.spent if word == OPEN or closes(word) else 0
                out.append(Place(place.way, place.at + 1, spent=keeps))
        free = self._room(place, way)
        if free and word == "(" and not self.walk.bond and not ended:
            spent = place.spent + 1
            out.append(Place(place.way, place.at, deep=1, spent=spent))
        if ended and free and not way.marked:
            tail = Place(place.way, place.at, hole=True, spent=place.spent + 1)
            out += self._within(tail, way, word)
        return out

    def _room(self, place: Place, way: Way) -> int:
        """Hydrogens of the last atom that are left to be replaced."""
        if way.marked or not place.at:
            return 0
        at = place.at - 1
        while at >= 0 and (way.words[at] == OPEN or closes(way.words[at])):
            at -= 1
        wanted = way.words[place.at] if place.at < len(way.words) else ""
        if wanted == OPEN or closes(wanted) or at < 0:  # rings stand before branches
            return 0
        return max(0, way.free[at] - place.spent)

    def _within(self, place: Place, way: Way, word: str) -> list[Place]:
        """Within what is attached; the part goes on where a branch or a hole ends."""
        values = {"way": place.way, "at": place.at, "spent": place.spent, "hole": place.hole}
        deep, rings, atom = place.deep, place.rings, place.atom
        if word == ")" and deep == (0 if place.hole else 1):
            if rings or not atom or self.walk.bond:
                return []
            if not place.hole:
                return [Place(place.way, place.at, spent=place.spent)]
            goes_on = place.at < len(way.words) and way.words[place.at] == ")"
            return [Place(place.way, place.at + 1)] if goes_on else []
        if word == "." or not self._fits(place, way, word):
            return []
        if word == "(":
            deep += 1
        elif word == ")":
            deep -= 1
        elif word == OPEN:
            rings += 1
        elif closes(word):
            rings -= 1
        else:
            atom = atom or word[0].isalpha() or word[0] == "["
        return [Place(**values, deep=deep, rings=rings, atom=atom)]

    def _fits(self, place: Place, way: Way, word: str) -> bool:
        """By the grammar, and by rings of its own alone."""
        if word == OPEN and not (self.rings and place.atom):
            return False
        if closes(word) > place.rings:
            return False
        if word == "(" and not place.atom:
            return False
        if not place.atom and word in ("=", "#", "$", ":"):
            return False  # what is attached replaces one hydrogen
        walk = self.walk
        walk.floor = len(walk.branches) - place.deep + (not place.hole)
        walk.ground = len(walk.rings) - place.rings
        try:
            return walk.allows(word)
        finally:
            walk.floor = walk.ground = 0
