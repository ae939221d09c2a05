"""Texts written from the rows of a table, and the rows read back from them.

Each sentence of a template is said in one of its ways, or by a model of texts where one is given; a
model's sentence is printed only where every fact of it reads back as the row has it, else the
template's own is. Then every text is read again, and how much of the rows comes back is told.
Knows the public interface, templates and facts; no file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from genloom import api
from genloom.errors import UsageError
from genloom.make.notes_facts import Known, Row, filled
from genloom.make.notes_template import Sentence, Template

TRIES = 3  # of a model at a sentence
LONGEST = 60  # ids of one


@dataclass(frozen=True, kw_only=True)
class Note:
    """text; by_model: sentences of it that a model wrote; left_out: columns that it does not state,
    because they are empty or nothing says their value."""

    text: str
    sentences: int
    by_model: int
    left_out: tuple[str, ...]
    read: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Notes:
    """recovered: the share of the cells that are stated and read back as they were; floor: the same
    where each row is read from another row's text. of: cells that are not empty. refused: why
    sentences of the model were not printed, with how many."""

    notes: tuple[Note, ...]
    recovered: float
    floor: float
    cells: int
    of: int
    strange: int
    refused: dict[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        sentences = sum(note.sentences for note in self.notes)
        return {
            "notes": len(self.notes),
            "sentences": sentences,
            "sentences_by_model": sum(note.by_model for note in self.notes),
            "refused": self.refused,
            "cells": self.cells,
            "stated": round(self.cells / max(self.of, 1), 4),
            "recovered": round(self.recovered, 4),
            "recovered_floor": round(self.floor, 4),
            "recovered_ceiling": 1.0,
            "facts_not_in_row": self.strange,
        }


def write(
    rows: Sequence[Row],
    template: Template,
    *,
    writer: api.Model | None = None,
    seed: int = 0,
    known: Sequence[Row] = (),
    tell: Callable[[int], None] = lambda done: None,
) -> Notes:
    """A text for each row. known: rows whose values columns may have, besides these."""
    if not rows:
        raise UsageError("there are no rows to write from: give at least one")
    gone = [c for c in template.columns if all(c not in row for row in rows)]
    if gone:
        raise UsageError(
            f"the rows lack what template {template.name} states: {', '.join(gone)}; they have "
            f"{', '.join(rows[0])}"
        )
    if writer is not None and not hasattr(writer.codec, "stable_prefix"):
        raise UsageError(f"{writer.recipe.name} writes no texts: give --writer a model of texts")
    facts, refused = Known(template, [*rows, *known]), {}
    notes = []
    for number, row in enumerate(rows):
        notes.append(_note(facts, row, number, seed, writer, refused))
        tell(number + 1)
    return _measured(notes, rows, template, refused)


def read(texts: Sequence[str], template: Template, known: Sequence[Row]) -> list[dict[str, str]]:
    """The rows that texts state; "" where one states nothing of a column."""
    facts = Known(template, known)
    found = map(facts.read, texts)
    return [{column: one.get(column, "") for column in template.columns} for one in found]


def _note(
    facts: Known,
    row: Row,
    number: int,
    seed: int,
    writer: api.Model | None,
    refused: dict[str, int],
) -> Note:
    paragraphs: list[list[str]] = [[]]
    by_model = sentences = 0
    stated: set[str] = set()
    for place, sentence in enumerate(facts.template.sentences):
        if sentence.opens and paragraphs[-1]:
            paragraphs.append([])
        chance = _chance(seed, number, place)
        said = _by_template(facts, sentence, row, chance)
        if said is None:
            continue
        if writer is not None and sentence.fields:
            own = _by_model(facts, sentence, row, writer, chance, refused)
            by_model, said = by_model + (own is not None), own or said
        sentences += 1
        stated |= set(sentence.fields)
        paragraphs[-1].append(said)
    text = "\n\n".join(" ".join(part) for part in paragraphs if part)
    return Note(
        text=text,
        sentences=sentences,
        by_model=by_model,
        left_out=tuple(c for c in facts.template.columns if c not in stated),
        read=facts.read(text),
    )


def _by_template(facts: Known, sentence: Sentence, row: Row, chance: int) -> str | None:
    """One of the template's ways, of which every field reads back as the row has it."""
    ways = sentence.variants
    for turn in range(len(ways)):
        said = filled(facts, ways[(chance + turn) % len(ways)], row)
        if said is not None and facts.exactly(sentence, said, row):
            return said
    return None


def _chance(*parts: int) -> int:
    told = "/".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(told, digest_size=6).digest())


def _by_model(
    facts: Known,
    sentence: Sentence,
    row: Row,
    writer: api.Model,
    seed: int,
    refused: dict[str, int],
) -> str | None:
    """The model's own way to say it, where every fact of it is the row's."""
    ways = [w for v in sentence.variants if (w := filled(facts, v, row)) is not None]
    prompt = "".join(f"{way}\n" for way in ways)
    options = {"max_tokens": LONGEST, "temperature": 0.7, "stop": ("\n",)}
    for turn in range(TRIES):
        made = str(api.generate(writer, prompt, 1, seed=seed + turn, **options)[0])
        said = made.removeprefix(prompt).split("\n")[0].strip()
        faults = facts.faults(sentence, said, row) if said else ["nothing"]
        if not faults:
            return said
        kind = faults[0].split(" ")[0].rstrip(":")
        kind = (
            kind if kind in ("number", "denies", "nothing", *sentence.fields) else "a strange word"
        )
        refused[kind] = refused.get(kind, 0) + 1
    return None


def _measured(
    notes: Sequence[Note], rows: Sequence[Row], template: Template, refused: dict[str, int]
) -> Notes:
    """Cells that are stated and come back; a fact that is read and not in the row is counted."""
    right = floor = cells = strange = 0
    for number, (note, row) in enumerate(zip(notes, rows, strict=True)):
        other = notes[(number + 1) % len(notes)].read
        for column in template.columns:
            value = row.get(column, "")
            strange += column in note.read and note.read[column] != value
            if not value or column in note.left_out:
                continue
            cells += 1
            right += note.read.get(column) == value
            floor += other.get(column) == value
    return Notes(
        notes=tuple(notes),
        recovered=right / max(cells, 1),
        floor=floor / max(cells, 1),
        cells=cells,
        of=sum(bool(row.get(column, "")) for row in rows for column in template.columns),
        strange=strange,
        refused=refused,
    )
