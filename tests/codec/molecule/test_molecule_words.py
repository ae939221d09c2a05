"""Lines of SMILES as words and back, and the grammar that a line follows."""

from __future__ import annotations

import pytest

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.walk import Walk, kind, well_formed
from genloom.codec.molecule.words import MOST_RINGS, aromatic, line, split, words
from genloom.errors import DataError

LINES = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@@H]1CC[NH2+]C1",
    "[13CH4]",
    "C12CC1C2",
    "F/C=C\\Cl",
    "O=[N+]([O-])c1ccc2[nH]ccc2c1",
    "[Na+].[Cl-]",
    "C1CC%10CC1C%10",
)


@pytest.mark.parametrize("smiles", LINES)
def test_words_come_back_as_the_same_molecule(smiles: str):
    told = words(smiles)
    again = line(told)
    assert words(again) == told and well_formed(told)
    if chemistry.at_hand():
        assert chemistry.canonical(again) == chemistry.canonical(smiles)


def test_rings_are_told_by_how_long_ago_they_began():
    assert words("C1CC1") == ["C", "&", "C", "C", "&1"]
    assert words("C1C2CC1C2") == ["C", "&", "C", "&", "C", "C", "&2", "C", "&1"]
    assert line(["C", "&1"]) == "C1"  # what never began stays open, and shows


@pytest.mark.parametrize(
    ("smiles", "named"),
    [
        ("", "empty"),
        ("C\u0421C", "\u0421"),
        ("C1CC", "ring 1"),
        ("CXC", "X"),
        ("C" * 4001, "4,001"),
    ],
)
def test_what_is_none_is_named(smiles: str, named: str):
    with pytest.raises(DataError, match=named):
        words(smiles)


def test_many_rings_and_a_molecule_of_500_atoms():
    assert len(split("C" * 500)) == 500
    with pytest.raises(DataError, match="rings"):
        words("".join(f"C%({n})" for n in range(MOST_RINGS + 2)))


@pytest.mark.parametrize(
    "smiles", ["C(C", "C)C", "C==C", "FC(F)(F)(F)F", "C#C=C", "O=C=O=C", "ClC1", "(C)", "C("]
)
def test_what_cannot_be_is_not_well_formed(smiles: str):
    try:
        told = words(smiles)
    except DataError:
        return
    assert not well_formed(told)


def test_what_is_allowed_can_always_be_ended():
    """From any beginning that the grammar lets one draw, a complete line is within reach."""
    known = ["C", "N", "O", "F", "=", "#", "(", ")", "&", "&1", "&2", "c", "[NH+]", "[O-]"]
    for seed in range(60):
        walk, place = Walk(), seed
        for _ in range(30):
            some = [word for word in known if walk.allows(word)]
            if not some:
                assert walk.whole
                break
            place = (place * 1103515245 + 12345) % (1 << 31)
            walk.take(some[place // 7 % len(some)])
            assert not walk.broken


def test_kinds_of_atoms():
    found = {word: kind(word) for word in ("C", "c", "[nH]", "[NH3+]", "[O-]", "Cl", "(")}
    room = {word: None if k is None else k.room for word, k in found.items()}
    assert room == {"C": 4, "c": 3, "[nH]": 2, "[NH3+]": 1, "[O-]": 1, "Cl": 1, "(": None}
    assert aromatic(["C", "[nH]"]) and not aromatic(["Cl", "[Na+]", "&1"])
