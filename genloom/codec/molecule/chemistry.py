"""What RDKit knows of molecules: canonical lines, scaffolds, properties, the same told otherwise.

The one place that imports it (the extra `chem`). Items here are lines of SMILES; what cannot be
read is None. Knows no id, file or model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from genloom.errors import MissingExtra, RequestError

EXTRA = "chem"
HEAVIEST = 1000  # atoms of a molecule that is read: slower than linear beyond


@cache
def library() -> Any:
    """RDKit, told to be silent. MissingExtra where it is not installed."""
    try:
        chem, logger = import_module("rdkit.Chem"), import_module("rdkit.RDLogger")
    except ImportError as error:
        raise MissingExtra("rdkit", EXTRA) from error
    logger.DisableLog("rdApp.*")
    return chem


@cache
def at_hand() -> bool:
    """Whether RDKit is installed."""
    try:
        library()
    except MissingExtra:
        return False
    return True


def molecule(smiles: str) -> Any:
    """RDKit's molecule; None for what breaks the rules of valence or of rings."""
    if not smiles:
        return None
    found = library().MolFromSmiles(smiles)
    if found is None or not 0 < found.GetNumAtoms() <= HEAVIEST:
        return None
    return found


def canonical(smiles: str) -> str | None:
    """The one line that all lines of a molecule share; None where it is no molecule."""
    found = molecule(smiles)
    return None if found is None else str(library().MolToSmiles(found))


def told_otherwise(smiles: str, seed: int, kekule: bool = False) -> str | None:
    """The molecule from another atom on, its branches in another order; None where it is none.
    kekule: its aromatic rings in single and double bonds."""
    chem, found = library(), molecule(smiles)
    if found is None:
        return None
    order = np.random.default_rng(seed).permutation(found.GetNumAtoms()).tolist()
    turned = chem.RenumberAtoms(found, order)
    if kekule:
        chem.Kekulize(turned, clearAromaticFlags=True)
    return str(chem.MolToSmiles(turned, canonical=False, kekuleSmiles=kekule))


def told_in_ways(smiles: str, count: int, seed: int, kekule: bool = False) -> list[str]:
    """As many lines of the molecule, each from any atom on; none where it is none."""
    chem, found = library(), molecule(smiles)
    if found is None or not count:
        return []
    some = chem.MolToRandomSmilesVect(found, count, randomSeed=seed, kekuleSmiles=kekule)
    return [str(one) for one in some]


def alternating(smiles: str) -> str | None:
    """The line with aromatic rings in single and double bonds (Kekule 1865); None for none."""
    chem, found = library(), molecule(smiles)
    if found is None:
        return None
    chem.Kekulize(found, clearAromaticFlags=True)
    return str(chem.MolToSmiles(found, kekuleSmiles=True))


def scaffold(smiles: str) -> str | None:
    """The rings and what joins them (Bemis and Murcko 1996), canonical; "" for chains alone."""
    from rdkit.Chem.Scaffolds.MurckoScaffold import GetScaffoldForMol

    found = molecule(smiles)
    if found is None:
        return None
    return str(library().MolToSmiles(GetScaffoldForMol(found)))


def fault(smiles: str) -> str:
    """Why it is no molecule, in RDKit's words; "" where it is one."""
    chem = library()
    found = chem.MolFromSmiles(smiles, sanitize=False)
    if found is None:
        return "it cannot be parsed"
    problems = chem.DetectChemistryProblems(found)
    return str(problems[0].Message()) if problems else ""


def contains(smiles: str, part: str) -> bool:
    """Whether a molecule has this part, given as SMILES or, with marks, as SMARTS."""
    found, wanted = molecule(smiles), pattern(part)
    return found is not None and bool(found.HasSubstructMatch(wanted))


@cache
def pattern(part: str) -> Any:
    """A part to look for; where it has marks (*), these are any atom. RequestError where it is
    none."""
    chem = library()
    found = chem.MolFromSmiles(part)
    if found is None:
        raise RequestError(f"{part[:60]!r} is no part of a molecule in SMILES")
    wild = chem.AdjustQueryParameters.NoAdjustments()
    wild.makeDummiesQueries = True
    return chem.AdjustQueryProperties(found, wild)


# ---- properties


def _descriptors() -> Mapping[str, Callable[[Any], float]]:
    crippen, lipinski, qed = map(_module, ("Crippen", "Lipinski", "QED"))
    many, more = _module("Descriptors"), _module("rdMolDescriptors")
    return {
        "logP": crippen.MolLogP,
        "QED": qed.qed,
        "weight": many.MolWt,
        "TPSA": more.CalcTPSA,
        "rings": more.CalcNumRings,
        "donors": lipinski.NumHDonors,
        "acceptors": lipinski.NumHAcceptors,
        "rotatable": more.CalcNumRotatableBonds,
        "atoms": lambda found: found.GetNumHeavyAtoms(),
        "sp3": more.CalcFractionCSP3,
        "SA": _access(),
    }


def _module(name: str) -> Any:
    return import_module(f"rdkit.Chem.{name}")


def _access() -> Callable[[Any], float]:
    """How hard it is to make, 1 to 10 (Ertl and Schuffenhauer 2009)."""
    scorer = import_module("rdkit.Contrib.SA_Score.sascorer")

    def of(found: Any) -> float:
        return float(scorer.calculateScore(found))

    return of


PROPERTIES = (
    *("logP", "QED", "weight", "TPSA", "rings", "donors", "acceptors", "rotatable", "atoms"),
    *("sp3", "SA"),
)
MEANT = {  # in lower case, what people call them besides
    "mw": "weight",
    "molwt": "weight",
    "molecular weight": "weight",
    "clogp": "logP",
    "psa": "TPSA",
    "hbd": "donors",
    "hba": "acceptors",
    "sas": "SA",
}


def named(name: str) -> str | None:
    """The property that is called so, in any case; None where it is none of these."""
    plain = name.strip().lower()
    return MEANT.get(plain) or next((one for one in PROPERTIES if one.lower() == plain), None)


@cache
def descriptors() -> Mapping[str, Callable[[Any], float]]:
    """Property -> what computes it of RDKit's molecule."""
    library()
    return _descriptors()


def property_of(smiles: str, name: str) -> float:
    """NaN where it is no molecule."""
    found = molecule(smiles)
    return float("nan") if found is None else float(descriptors()[name](found))


def properties(some: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """float64 [N, P], NaN where one is no molecule."""
    library()
    out = np.full((len(some), len(names)), np.nan)
    table = descriptors()
    for row, smiles in enumerate(some):
        found = molecule(smiles)
        if found is not None:
            out[row] = [float(table[name](found)) for name in names]
    return out


# ---- alikeness


def _prints() -> Any:
    from rdkit.Chem import rdFingerprintGenerator

    return rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)


@cache
def fingerprints() -> Any:
    """Makes the circular fingerprints that alikeness is told by (Rogers and Hahn 2010): radius 2,
    2,048 bits."""
    library()
    return _prints()


def fingerprint(smiles: str) -> Any:
    """None where it is no molecule."""
    found = molecule(smiles)
    return None if found is None else fingerprints().GetFingerprint(found)


def alikeness(one: Any, others: Sequence[Any]) -> np.ndarray:
    """Tanimoto's coefficient of a fingerprint and each of others, float [N]."""
    from rdkit.DataStructs import BulkTanimotoSimilarity

    return np.array(BulkTanimotoSimilarity(one, list(others)))
