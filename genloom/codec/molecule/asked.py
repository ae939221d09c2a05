"""What is asked of a molecule: properties within ranges, and a part that it is to hold.

Reads conditions and prompts, and finds the ways in which a part can be said. Knows no id.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.guide import HOLE, Way
from genloom.codec.molecule.properties import Range
from genloom.codec.molecule.words import words
from genloom.codec.where import Both, Compare, Node, parse
from genloom.errors import DataError, RequestError

PART, SCAFFOLD = "part", "scaffold"
WAYS = 24  # to say a part, of which any may be drawn
TRIED = 96
MOST = 400  # characters of a part
_CONDITION = re.compile(r"\(?\s*(?P<name>[A-Za-z_][\w ]*?)\s*(?:[=<>]|!=|\bbetween\b)")


@dataclass
class Asked:
    """ranges: property -> what it is to be; part: SMILES, marks where something is to be attached;
    scaffold: that its rings and what joins them are to be exactly these."""

    ranges: dict[str, Range] = field(default_factory=dict)
    part: str = ""
    scaffold: str = ""

    @property
    def core(self) -> str:
        return self.part or self.scaffold

    def misses(self, smiles: str, spread: Mapping[str, float]) -> float:
        """How far a molecule is from what was asked, in deviations of its properties; infinite for
        none, or one without the part."""
        if chemistry.canonical(smiles) is None:
            return math.inf
        if self.part and not chemistry.contains(smiles, self.part):
            return math.inf
        if self.scaffold and chemistry.scaffold(smiles) != chemistry.scaffold(self.scaffold):
            return math.inf
        computed = {name: chemistry.named(name) for name in self.ranges}
        return sum(
            self.ranges[name].off(chemistry.property_of(smiles, plain)) / spread.get(name, 1.0)
            for name, plain in computed.items()
            if plain is not None
        )


def asked(prompt: str | None, where: Any, names: Iterable[str]) -> Asked:
    """names: of the properties that can be asked for. RequestError names what cannot be met."""
    known = {name.lower(): name for name in names}
    out = Asked()
    text = (prompt or "").strip()
    if _conditional(text, known):
        _conditions(out, parse(text), known)
    elif text:
        out.part = _part(text)
    if where:
        _conditions(out, parse(where), known)
    if out.part and out.scaffold:
        raise RequestError("a part and a scaffold are asked for: give one of them", param="where")
    return out


def _conditional(text: str, known: Mapping[str, str]) -> bool:
    """Whether a prompt speaks of properties: "O=C" does not."""
    found = _CONDITION.match(text)
    if found is None:
        return False
    name = found["name"].lower()
    return " " in text or name in known or name in (PART, SCAFFOLD) or bool(chemistry.named(name))


def _conditions(out: Asked, node: Node, known: Mapping[str, str]) -> None:
    for leaf in _joined(node):
        if not isinstance(leaf, Compare) or leaf.op == "!=":
            raise RequestError(
                "of a molecule such is asked as logP < 3 and QED > 0.8: comparisons joined by and",
                param="where",
            )
        if leaf.column.lower() in (PART, SCAFFOLD):
            setattr(out, leaf.column.lower(), _part(str(leaf.value)))
            continue
        name = known.get(leaf.column.lower())
        name = name or known.get((chemistry.named(leaf.column) or "").lower())
        if name is None:
            told = ", ".join(known.values()) or "no property"
            raise RequestError(
                f"this model was told no {leaf.column[:40]!r} of its molecules: it knows {told}, "
                f"{PART} and {SCAFFOLD}",
                param="where",
            )
        if isinstance(leaf.value, bool | str):
            raise RequestError(f"{name} is a number, not {leaf.value!r}", param="where")
        value = float(leaf.value)
        low = -math.inf if leaf.op in ("<", "<=") else value
        high = math.inf if leaf.op in (">", ">=") else value
        wanted = Range(low, high)
        out.ranges[name] = out.ranges[name].also(wanted, name) if name in out.ranges else wanted


def _joined(node: Node) -> list[Node]:
    """What is joined by and."""
    if not isinstance(node, Both):
        return [node]
    return [one for part in node.parts for one in _joined(part)]


def _part(text: str) -> str:
    """A part as it was given, checked. RequestError where it is no molecule's."""
    if len(text) > MOST:
        raise RequestError(f"a part of {len(text)} characters: at most {MOST}", param="prompt")
    try:
        told = words(text)
    except DataError as error:
        raise RequestError(f"{text[:60]!r} is no part in SMILES: {error}", param="prompt") from None
    if "." in told:
        raise RequestError("a part of several pieces: give one that hangs together", param="prompt")
    return text


def ways(
    part: str, vocabulary: Iterable[str], kekule: bool = False, seed: int = 0
) -> tuple[Way, ...]:
    """Ways to say a part in words that a model knows. RequestError where there is none. kekule:
    aromatic rings are told by their bonds."""
    chem, known = chemistry.library(), frozenset(vocabulary)
    found = chem.MolFromSmiles(re.sub(r"\[\*(:\d+)?\]|\[\d+\*\]", "*", part))
    if found is None or all(atom.GetAtomicNum() == 0 for atom in found.GetAtoms()):
        raise RequestError(
            f"{part[:60]!r} is no part of a molecule ({chemistry.fault(part)})", param="prompt"
        )
    draw = np.random.default_rng(seed)
    out: dict[tuple[str, ...], Way] = {}
    strange: set[str] = set()
    real = [atom.GetIdx() for atom in found.GetAtoms() if atom.GetAtomicNum()]
    for _ in range(TRIED):
        order = draw.permutation(found.GetNumAtoms()).tolist()
        turned = chem.RenumberAtoms(found, order)
        root = order.index(int(draw.choice(real)))
        if kekule:
            chem.Kekulize(turned, clearAromaticFlags=True)
        line = chem.MolToSmiles(turned, canonical=False, rootedAtAtom=root, kekuleSmiles=kekule)
        told = tuple(words(line))
        lacking = {word for word in told if word not in known and word != HOLE}
        strange |= lacking
        if not lacking and told not in out:
            out[told] = Way(told, _free(turned, told))
        if len(out) == WAYS:
            break
    if not out:
        raise RequestError(
            f"this model never saw {', '.join(sorted(strange))}, which {part[:60]!r} needs",
            param="prompt",
        )
    return tuple(out.values())


def _free(turned: Any, told: tuple[str, ...]) -> tuple[int, ...]:
    """Hydrogens of each atom that may be replaced, by word: those that brackets name stay."""
    order = list(turned.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    out, place = [], 0
    for word in told:
        if not (word[0].isalpha() or word[0] in "[*"):
            out.append(0)
            continue
        atom = turned.GetAtomWithIdx(order[place])
        out.append(0 if word[0] == "[" else int(atom.GetTotalNumHs()))
        place += 1
    return tuple(out)
