"""Molecules drawn flat, as chemists do, many on a sheet: SVG or PNG by RDKit (the extra `chem`).

Knows pictures of molecules; no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genloom.codec.molecule import chemistry
from genloom.codec.molecule.item import Molecule
from genloom.errors import RequestError

SIDE = 240  # pixels of one
MOST = 400  # on a sheet
ACROSS = 5
SHOWN = ("logP", "QED")


def drawn(some: Sequence[Molecule], suffix: str, legends: Sequence[str] = ()) -> bytes:
    """A sheet of these molecules, .svg or .png; what is none stands as a mark with its
    line. legends: a line below each, its properties unless given."""
    if not some:
        raise RequestError("there are no molecules to draw: give at least one")
    if len(some) > MOST:
        raise RequestError(f"{len(some):,} molecules on one sheet: at most {MOST}")
    chem = chemistry.library()
    from rdkit.Chem.Draw import rdMolDraw2D

    across = min(ACROSS, len(some))
    down = -(-len(some) // across)
    size = (across * SIDE, down * SIDE, SIDE, SIDE)
    vector = suffix == ".svg"
    canvas = (rdMolDraw2D.MolDraw2DSVG if vector else rdMolDraw2D.MolDraw2DCairo)(*size)
    canvas.drawOptions().legendFontSize = 13
    none = chem.MolFromSmiles("*")  # an empty one would have no legend
    found = [chemistry.molecule(one) or none for one in some]
    told = list(legends) or [_legend(one) for one in some]
    canvas.DrawMolecules(found, legends=told)
    canvas.FinishDrawing()
    made: Any = canvas.GetDrawingText()
    return bytes(made.encode() if vector else made)


def _legend(one: Molecule) -> str:
    if chemistry.molecule(one) is None:
        return f"no molecule: {str(one)[:24]}"
    found = chemistry.properties([one], SHOWN)[0]
    return "  ".join(f"{name} {value:.2f}" for name, value in zip(SHOWN, found, strict=True))
