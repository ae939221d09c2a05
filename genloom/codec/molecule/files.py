"""Molecules on disk: lines of SMILES, tables with a column of them, SD files; drawings.

Knows what a molecule must be to be learnt, and counts what is left out by its reason. Knows no id.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.codec.molecule import chemistry
from genloom.codec.molecule.drawing import drawn
from genloom.codec.molecule.item import NOTHING, Molecule, Molecules, molecule, with_values
from genloom.codec.molecule.sdf import read_sdf, sdf_text
from genloom.codec.molecule.words import line, split, words
from genloom.codec.saving import write_atomic
from genloom.errors import DataError, RequestError

LINES = (".smi", ".smiles", ".ism")
TABLES = (".csv", ".tsv")
SD = (".sdf", ".sd", ".mol")
READ = (*LINES, *TABLES, *SD)
WRITTEN = (".smi", ".csv", ".sdf", ".svg", ".png", ".txt")
COLUMNS = ("smiles", "canonical_smiles", "canonicalsmiles", "smi", "structure", "molecule", "mol")
COMPUTED = ("logP", "QED", "weight")  # that stand beside made molecules
MOST_COLUMNS = 16  # numbers beside a molecule
NUMBERS = 0.5  # of a column's cells, for it to be one of numbers


@dataclass
class Found:
    """What readers come upon. salts: of which the largest part was taken; texts: cells of columns
    of numbers that are none, by column."""

    items: list[Molecule] = field(default_factory=list)
    left: LeftOut = field(default_factory=LeftOut)
    salts: int = 0
    texts: dict[str, int] = field(default_factory=dict)
    ignored: dict[str, None] = field(default_factory=dict)

    def add(
        self, place: str, smiles: str, values: Mapping[str, float], name: str, longest: int
    ) -> None:
        """Keep a molecule, or say why not."""
        try:
            made, salted = checked(smiles, longest)
        except DataError as error:
            self.left.add(place, str(error))
            return
        self.salts += salted
        self.items.append(Molecule(made, values or NOTHING, name, checked=True))

    def notes(self) -> tuple[str, ...]:
        told = []
        if self.salts:
            told.append(f"{self.salts:,} salts and mixtures: the largest part of each is learnt")
        for column, many in self.texts.items():
            told.append(f"column {column!r}: {many:,} cells are no numbers and are not told")
        if self.ignored:
            told.append(f"columns without numbers are not learnt: {', '.join(self.ignored)}")
        if not chemistry.at_hand():
            told.append(
                "RDKit is not installed: lines are checked by grammar and valence alone and learnt "
                "as they stand; pip install 'genloom[chem]'"
            )
        return tuple(told)


def checked(smiles: str, longest: int) -> tuple[str, bool]:
    """The line as it is learnt, and whether the molecule had other parts that were taken away.
    longest: words of one. DataError says what is wrong with it."""
    told = words(smiles)
    salted = "." in told
    if salted:
        smiles = max(smiles.split("."), key=_heavy)
    if chemistry.at_hand():
        made = chemistry.canonical(smiles)
        if made is None:
            raise DataError(_fault(smiles))
        smiles = made
    told = words(smiles)
    if len(told) >= longest:
        raise DataError(f"{len(told):,} words, at most {longest - 1:,}")
    return line(told), salted


def _heavy(part: str) -> int:
    try:
        return sum(word[0].isalpha() or word[0] == "[" for word in split(part))
    except DataError:
        return 0


def _fault(smiles: str) -> str:
    told = chemistry.fault(smiles) or "its valences or rings cannot be"
    return f"no molecule: {told}"


def read_molecules(path: Path, longest: int) -> Reading:
    """Every molecule under a file or a folder. longest: words of one. DataError where there is
    none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give {', '.join(READ)} files")
    found, used = Found(), []
    for place, name in files_at(path):
        suffix = suffix_of(name)
        if suffix not in READ:
            continue
        try:
            text = content(place).decode("utf-8", "replace")
        except Unreadable as error:
            found.left.add(name, str(error))
            continue
        used.append(Path(place))
        if suffix in SD:
            _sd(found, name, text, longest)
        elif suffix in TABLES:
            _table(found, name, text, "\t" if suffix == ".tsv" else ",", longest)
        else:
            _lines(found, name, text, longest)
    if not found.items:
        why = found.left.told() or f"no file ends in {', '.join(READ)}"
        raise DataError(f"{path} has no molecules: {why}")
    return Reading(
        items=found.items,
        files=tuple(used),
        skipped=found.left.named,
        notes=(*found.notes(), *found.left.notes()),
        reasons=dict(found.left.reasons),
    )


def _lines(found: Found, name: str, text: str, longest: int) -> None:
    for number, row in enumerate(text.splitlines(), 1):
        smiles, _, rest = row.strip().replace("\t", " ").partition(" ")
        heading = number == 1 and smiles.lower() in COLUMNS
        if smiles and not heading and not smiles.startswith("#"):
            found.add(f"{name} line {number}", smiles, NOTHING, rest.strip(), longest)


def _table(found: Found, name: str, text: str, comma: str, longest: int) -> None:
    rows = list(csv.reader(io.StringIO(text), delimiter=comma))
    if not rows:
        return
    heading = [cell.strip() for cell in rows[0]]
    at = next((n for n, cell in enumerate(heading) if cell.lower() in COLUMNS), None)
    if at is None:
        told = ", ".join(heading[:8])
        found.left.add(name, f"no column is called smiles: it has {told[:80]}")
        return
    body = [row for row in rows[1:] if row]
    chosen = _numbers(found, heading, body, at)
    for number, row in enumerate(body, 2):
        values = {heading[n]: x for n in chosen if (x := _number(row, n)) is not None}
        smiles = row[at].strip() if at < len(row) else ""
        found.add(f"{name} row {number}", smiles, values, "", longest)


def _numbers(found: Found, heading: Sequence[str], body: Sequence[Sequence[str]], at: int) -> list:
    """The columns that hold numbers, most of them at least."""
    out: list[int] = []
    for n, column in enumerate(heading):
        if n == at or not column:
            continue
        filled = [row for row in body if n < len(row) and row[n].strip()]
        known = sum(_number(row, n) is not None for row in filled)
        if not filled or known < NUMBERS * len(filled):
            found.ignored[column] = None
        elif len(out) < MOST_COLUMNS:
            out.append(n)
            if known < len(filled):
                found.texts[column] = len(filled) - known
    return out


def _number(row: Sequence[str], n: int) -> float | None:
    try:
        value = float(row[n])
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def _sd(found: Found, name: str, text: str, longest: int) -> None:
    for number, one in enumerate(read_sdf(text), 1):
        place = f"{name} record {number}"
        if one is None:
            found.left.add(place, "it cannot be read")
        else:
            found.add(place, one.smiles, one.values, one.name, longest)


# --- writing


def write_molecules(item: Any, path: Path, record: Mapping[str, Any] | None) -> bool:
    """One molecule, or several in one file, by the suffix. RequestError for other endings."""
    path = Path(path)
    some = item.items if isinstance(item, Molecules) else [molecule(item)]
    suffix = path.suffix.lower()
    if suffix in (".svg", ".png"):
        write_atomic(path, drawn(some, suffix))
        return False
    if suffix not in WRITTEN:
        raise RequestError(f"{path.name}: molecules are written as {', '.join(WRITTEN)}")
    if suffix in (".csv", ".sdf") and chemistry.at_hand():
        some = with_values(some, COMPUTED)
    text = {".csv": table_text, ".sdf": sdf_text}.get(suffix, lines_text)(some)
    write_atomic(path, text.encode("utf-8", "replace"))
    return False


def lines_text(some: Sequence[Molecule]) -> str:
    return "".join(f"{one} {one.name}".rstrip() + "\n" for one in some)


def table_text(some: Sequence[Molecule]) -> str:
    """smiles, then every property that any of them has."""
    names = list(dict.fromkeys(name for one in some for name in one.values))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["smiles", *names])
    for one in some:
        writer.writerow([str(one), *(_cell(one.values.get(name)) for name in names)])
    return out.getvalue()


def _cell(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"


def write_lines(some: Sequence[Any], path: Path) -> Path:
    """A data set of molecules: .smi or, with columns, .csv; packed where the path ends with .gz."""
    found = [molecule(one) for one in some]
    table = suffix_of(path.name) == ".csv"
    text = (table_text if table else lines_text)(found).encode()
    return write_atomic(path, gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
