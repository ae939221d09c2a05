"""SELFIES as words: a notation in which any run of words is a molecule (Krenn et al. 2020).

Asks the library `selfies` (the extra `chem`) alone. Knows no id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from genloom.errors import DataError, MissingExtra


def library() -> Any:
    try:
        import selfies
    except ImportError as error:
        raise MissingExtra("selfies", "chem") from error
    return selfies


def words(smiles: str) -> list[str]:
    """DataError where a molecule cannot be told so."""
    found = library()
    try:
        return list(found.split_selfies(found.encoder(smiles, strict=False)))
    except found.EncoderError as error:
        raise DataError(f"no SELFIES: {str(error).splitlines()[0]}") from None


def line(some: Iterable[str]) -> str:
    """The SMILES of these words; "" where they are none."""
    found = library()
    try:
        return str(found.decoder("".join(some)))
    except found.DecoderError:
        return ""
