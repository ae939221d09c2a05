"""SD files: records of molecules with coordinates and named values, read and written by RDKit.

Knows the format through RDKit alone (the extra `chem`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.item import Molecule
from genloom.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Record:
    smiles: str
    values: Mapping[str, float]
    name: str


def read_sdf(text: str) -> Iterator[Record | None]:
    """Each record; None where it cannot be read."""
    chem = chemistry.library()
    supplier = chem.SDMolSupplier()
    supplier.SetData(text if text.rstrip().endswith("$$$$") else text + "\n$$$$\n")
    for found in supplier:
        if found is None or not found.GetNumAtoms():
            yield None
            continue
        name = found.GetProp("_Name").strip() if found.HasProp("_Name") else ""
        yield Record(smiles=chem.MolToSmiles(found), values=_values(found), name=name)


def _values(found: object) -> dict[str, float]:
    out: dict[str, float] = {}
    for key, value in found.GetPropsAsDict().items():  # type: ignore[attr-defined]
        with suppress(TypeError, ValueError):
            if math.isfinite(float(value)):
                out[str(key)] = float(value)
    return out


def sdf_text(some: Sequence[Molecule]) -> str:
    """With flat coordinates. RequestError for a line that is no molecule."""
    chem = chemistry.library()
    from rdkit.Chem import rdDepictor

    parts = []
    for number, one in enumerate(some, 1):
        found = chemistry.molecule(one)
        if found is None:
            raise RequestError(
                f"molecule {number} of {len(some)}, {str(one)[:60]!r}, breaks the rules of "
                "valence: as .smi it can be written"
            )
        rdDepictor.Compute2DCoords(found)
        found.SetProp("_Name", one.name or f"molecule {number}")
        block = chem.MolToMolBlock(found)
        named = {"SMILES": str(one), **{k: f"{v:.6g}" for k, v in one.values.items()}}
        fields = "".join(f">  <{key}>\n{value}\n\n" for key, value in named.items())
        parts.append(f"{block}{fields}$$$$\n")
    return "".join(parts)
