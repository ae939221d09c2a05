"""`genloom score` for models of sequences: how likely each is, or each variant beside the wild one.

Sequences come as letters, FASTA, or a CSV file with a column of sequences or of variants. Knows
files and words on a screen; the likelihood is in genloom/likelihood.py.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.cli import output, source
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.api import Model

NAMES = ("mutations", "mutation", "mutant", "mutants", "variant", "variants", "hgvs")
SEQUENCES = ("sequence", "mutated_sequence", "seq")
TABLES = (".csv", ".tsv")
LARGEST = 1 << 28  # bytes of a table


def meant(model: Model, *asked: str | None) -> bool:
    """Whether the model reads sequences; UsageError where another is asked for variants."""
    from genloom.likelihood import able

    if not able(model) and any(one is not None for one in asked):
        raise UsageError("--wild, --mutations and --measured are for models of proteins and DNA")
    return able(model)


def score(
    model: Model,
    given: Sequence[str],
    file: str | None,
    wild: str | None,
    mutations: str | None,
    measured: str | None,
    json: bool,
) -> None:
    rows, values = _rows(model, given, file, wild, mutations, measured)
    if wild is not None:
        told = _variants(model, _wild(model, wild), rows)
    else:
        told = _sequences(model, rows)
    ranks = None if measured is None else _rank(told, values)
    if json:
        output.values(told if ranks is None else {"rows": told, **ranks})
        return
    if told:
        output.table(list(told[0]), [[_cell(value) for value in row.values()] for row in told])
    if ranks is not None:
        output.pairs(ranks)


def _cell(value: Any) -> Any:
    text = value if isinstance(value, str) else None
    return value if text is None or len(text) <= 40 else f"{text[:39]}…"


def _sequences(model: Model, rows: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    from genloom.likelihood import likelihoods

    codec: Any = model.codec
    told = likelihoods(model, [_as_item(codec, letters) for _, letters in rows])
    return [
        {
            "name": name,
            "letters": one.letters,
            "nats": one.nats,
            "perplexity": one.perplexity,
        }
        for (name, _), one in zip(rows, told, strict=True)
    ]


def _variants(model: Model, wild: str, rows: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    from genloom.codec.sequence.variants import mutated
    from genloom.likelihood import gains

    codec: Any = model.codec
    others = [
        mutated(wild, text, codec.letters) if _is_variant(text) else str(_as_item(codec, text))
        for _, text in rows
    ]
    found = gains(model, _as_item(codec, wild), [_as_item(codec, one) for one in others])
    order = sorted(range(len(found)), key=lambda n: -found[n])
    rank = {n: place for place, n in enumerate(order, start=1)}
    return [
        {"variant": name, "gain": found[n], "rank": rank[n]} for n, (name, _) in enumerate(rows)
    ]


def _is_variant(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _as_item(codec: Any, letters: str) -> Any:
    from genloom.codec.sequence.item import as_sequence

    try:
        return as_sequence(letters, codec.letters)
    except DataError as error:
        raise UsageError(f"{letters[:20]}...: {error}") from None


# --- what is given --------------------------------------------------------------------------------


def _wild(model: Model, given: str) -> str:
    """Of a file, or as it stands."""
    if not Path(given).expanduser().is_file():
        return str(_as_item(model.codec, given))
    found = _fasta(model, Path(given).expanduser())
    if len(found) != 1:
        raise UsageError(f"--wild {given} holds {len(found)} sequences: give one")
    return found[0][1]


def _fasta(model: Model, path: Path) -> list[tuple[str, str]]:
    codec: Any = model.codec
    items = type(codec)(alphabet=codec.letters.name).read(path).items
    return [(one.name or str(one)[:20], str(one)) for one in items]


def _rows(
    model: Model,
    given: Sequence[str],
    file: str | None,
    wild: str | None,
    mutations: str | None,
    measured: str | None,
) -> tuple[list[tuple[str, str]], list[str]]:
    """(name, letters or a variant) of each, and what was measured of it."""
    if mutations is not None:
        if wild is None:
            raise UsageError("--mutations are of a sequence: give it with --wild")
        return [(one.strip(), one.strip()) for one in mutations.split(",") if one.strip()], []
    paths = [Path(one).expanduser() for one in ([file] if file else given)]
    if len(paths) == 1 and paths[0].is_file():
        if paths[0].name.lower().endswith(TABLES):
            return _table(paths[0], wild, measured)
        if measured is not None:
            raise UsageError("--measured names a column: give a CSV file")
        return _fasta(model, paths[0]), []
    if not given:
        text = source.prompt_from(source.STDIN) or ""
        given = [one for one in text.split() if not one.startswith(">")]
    if not given:
        raise UsageError("there is nothing to score: give a file, sequences, or --mutations")
    return [(one if len(one) <= 40 else f"{one[:20]}...", one) for one in given], []


def _table(
    path: Path, wild: str | None, measured: str | None
) -> tuple[list[tuple[str, str]], list[str]]:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: larger than {LARGEST:,} bytes: give it in parts")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error}): give a CSV file in UTF-8") from None
    tabs = path.suffix.lower() == ".tsv"
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if tabs else ","))
    columns = list(rows[0]) if rows else []
    names = (*NAMES, *SEQUENCES) if wild is not None else SEQUENCES
    found = next((c for n in names for c in columns if c and c.strip().lower() == n), None)
    if found is None:
        raise UsageError(
            f"{path} has no column named {', '.join(names)}: it has "
            f"{', '.join(map(str, columns)) or 'none'}" + ("" if wild else "; variants need --wild")
        )
    if measured is not None and measured not in columns:
        raise UsageError(f"{path} has no column {measured!r}: it has {', '.join(columns)}")
    cells = [str(row[found] or "").strip() for row in rows]
    empty = next((n for n, one in enumerate(cells) if not one), None)
    if empty is not None:
        raise UsageError(f"{path}, row {empty + 1}: {found} is empty")
    values = [] if measured is None else [str(row[measured]) for row in rows]
    return [(one if len(one) <= 40 else f"row {n}", one) for n, one in enumerate(cells, 1)], values


def _rank(told: Sequence[Mapping[str, Any]], values: Sequence[str]) -> dict[str, Any]:
    """Spearman's correlation with what was measured, rows without a number left out."""
    from genloom.metric.ranks import spearman

    if not told or not values:
        raise UsageError("--measured is a column of a CSV file of variants: give one")
    key = "gain" if "gain" in told[0] else "nats"
    pairs = []
    for row, text in zip(told, values, strict=True):
        try:
            pairs.append((float(row[key]), float(text)))
        except ValueError:
            continue
    if len(pairs) < 3:
        raise UsageError("the measured column holds fewer than 3 numbers: name another")
    return {"spearman": spearman(*zip(*pairs, strict=True)), "measured": len(pairs)}
