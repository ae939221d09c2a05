"""`genloom make notes` and `genloom make rows`: texts from rows, and rows from texts. Words, files
and paths around `genloom.make.notes`."""

from __future__ import annotations

import csv
import io
import json as format_
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.errors import DataError, UsageError

TEXT = "text"  # the column of the texts


def notes(
    rows: str | None = None,
    /,
    *,
    template: str,
    writer: str | None = None,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    out: Annotated[Path | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Write a text from each row of a table, and say how much of the rows can be read back.

    Every fact of a text is its row's: a sentence that does not read back as the row has it is not
    printed. Without a table, rows are made up for our own templates.

    Parameters
    ----------
    rows
        A table (CSV) with a column for each field of the template; made up unless given.
    template
        clinical, email, product, or a file of sentences: see docs/tables.md.
    writer
        A model of texts that may say sentences in its own way; what it says is checked.
    count
        The first so many rows, or how many to make up (10).
    out
        A .csv or .jsonl with the rows and their texts, or a folder for a file each.
    seed
        The same seed writes the same again.
    json
        Print JSON: the texts, and what was measured.
    quiet
        No summary.
    """
    settings.store()
    from genloom.make import notes as making
    from genloom.make.notes_rows import rows_made
    from genloom.make.notes_template import template_of

    asked = template_of(template)
    if count is not None and count < 1:
        raise UsageError(f"--count is {count}, but at least 1 is expected")
    if rows is None:
        given = rows_made(asked.name, 10 if count is None else count, seed)
    else:
        given = read_rows(Path(rows).expanduser())[:count]
    model = None if writer is None else settings.load(writer)
    made = making.write(given, asked, writer=model, seed=seed)
    texts = [note.text for note in made.notes]
    if out is not None:
        _write(out.expanduser(), given, texts)
    if json:
        output.values({**made.told(), "texts": texts})
        return
    output.text(str(out) if out is not None else "\n\n---\n\n".join(texts))
    if not quiet:
        print(_summary(made.told()), file=sys.stderr, flush=True)


def rows(
    texts: Path,
    /,
    *,
    template: str,
    known: Path | None = None,
    out: Annotated[Path | None, Parameter(name=["-o", "--out"])] = None,
) -> None:
    """Read the row that each text states, by the template that it was written with.

    Parameters
    ----------
    texts
        A .jsonl or .csv with a column "text", a folder of .txt files, or one text.
    template
        As for notes.
    known
        A table (CSV) with the values that columns of words may have; for our own templates those of
        the rows that are made up for them.
    out
        A file for the rows (CSV); else they are printed.
    """
    settings.store()
    from genloom.make import notes as making
    from genloom.make.notes_rows import rows_made
    from genloom.make.notes_template import template_of

    asked = template_of(template)
    sample = rows_made(asked.name, 2000) if known is None else read_rows(known.expanduser())
    found = making.read(_texts(texts.expanduser()), asked, sample)
    told = _csv(found)
    if out is None:
        output.text(told, end="")
    else:
        from genloom.codec.saving import write_atomic

        write_atomic(out.expanduser(), told.encode())
        output.text(str(out))


def _summary(told: Mapping[str, Any]) -> str:
    by = told["sentences_by_model"]
    model = f", {by:,} of them by the model" if by or told["refused"] else ""
    refused = ", ".join(f"{n} for {why}" for why, n in told["refused"].items())
    back = f"{told['recovered']:.1%} read back as they were"
    floor = f"floor, another row's text: {told['recovered_floor']:.1%}"
    of = f"{told['cells']:,} cells that they state ({told['stated']:.1%} of all)"
    return (
        f"{told['notes']:,} texts of {told['sentences']:,} sentences{model}; of {of} {back} "
        f"({floor}), {told['facts_not_in_row']:,} as something else"
        + (f"; refused: {refused}" if refused else "")
    )


# --- files ----------------------------------------------------------------------------------------


def read_rows(path: Path) -> list[dict[str, str]]:
    """The cells as they are written. DataError where it is no table."""
    try:
        text = path.read_text("utf-8-sig")
        found = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{path} cannot be read ({error}): give a CSV with a line of names"
        ) from None
    uneven = next(
        (n for n, row in enumerate(found, 2) if None in row or None in row.values()), None
    )
    if uneven is not None:
        raise DataError(f"{path}, row {uneven}: it has more or fewer cells than there are names")
    return [{key.strip(): value.strip() for key, value in row.items()} for row in found]


def _texts(path: Path) -> list[str]:
    try:
        if path.is_dir():
            return [file.read_text("utf-8") for file in sorted(path.glob("*.txt"))]
        if path.suffix == ".csv":
            return [row[TEXT] for row in read_rows(path)]
        text = path.read_text("utf-8")
        if path.suffix == ".jsonl":
            return [str(format_.loads(line)[TEXT]) for line in text.splitlines() if line.strip()]
        return [text]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} cannot be read ({type(error).__name__}: {error}): give a .jsonl or .csv with "
            f"a column {TEXT!r}, a folder of .txt files, or one text"
        ) from None


def _write(path: Path, rows: Sequence[Mapping[str, str]], texts: Sequence[str]) -> None:
    from genloom.codec.saving import write_atomic

    both = [{**row, TEXT: text} for row, text in zip(rows, texts, strict=True)]
    if path.suffix == ".csv":
        write_atomic(path, _csv(both).encode())
    elif path.suffix == ".jsonl":
        lines = (format_.dumps(one, ensure_ascii=False) for one in both)
        write_atomic(path, "".join(f"{line}\n" for line in lines).encode())
    elif path.suffix:
        raise UsageError(f"{path.name} is neither .csv nor .jsonl nor a folder: give one of these")
    else:
        path.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(texts):
            write_atomic(path / f"{number:06d}.txt", f"{text}\n".encode())


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
