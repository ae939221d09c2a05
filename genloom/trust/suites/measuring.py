"""Suites asked of a model: found, checked, measured, and told with all that makes a number mean
something: protocol, examples, interval, floor, published figures, items known from training.

Joins the parts; each kind of question lies in a file of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genloom import api
from genloom.engine.requests import streams
from genloom.errors import DataError, UsageError
from genloom.train.log import Event, Listener, silent
from genloom.trust.quality import Report, Row
from genloom.trust.suites import (
    answering,
    choosing,
    contamination,
    figures,
    perplexity,
    programming,
    prompts,
)
from genloom.trust.suites.fields import fill, longest
from genloom.trust.suites.finding import Found, find
from genloom.trust.suites.outcome import Asked, Number, Outcome, Tell
from genloom.trust.suites.suite import Suite

MEASURES: Mapping[str, Callable[[api.Model, Asked], Outcome]] = {
    "choice": choosing.measure,
    "answer": answering.measure,
    "program": programming.measure,
    "perplexity": perplexity.measure,
}
PACE = 5.0  # seconds between two words on how far a stage is
SAMPLED = frozenset({"program"})  # kinds of which several may be drawn of each prompt
SHOWING = frozenset({"choice", "answer", "program"})  # kinds that have examples


@dataclass(frozen=True, kw_only=True)
class SuiteRow(Row):
    """A row with the suite, its 95 % interval (how: Wilson, or bootstrap), items and protocol."""

    suite: str = ""
    low: float | None = None
    high: float | None = None
    how: str = ""
    items: int = 0
    shots: int = 0
    protocol: str = ""
    published: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SuiteReport(Report):
    """items: of each suite by its name, what became of every one of its items."""

    rows: tuple[SuiteRow, ...]
    items: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "items": {k: list(v) for k, v in self.items.items()}}


def evaluate(
    model: api.Model | str | Path,
    suites: Sequence[str],
    folder: str | Path,
    *,
    limit: int | None = None,
    shots: int | None = None,
    samples: int = 1,
    tokens: int | None = None,
    seed: int = 0,
    listener: Listener = silent,
) -> SuiteReport:
    """Ask suites of a model: files, folders, names, or NAME=PATH; names are looked for in `folder`.

    limit: the first so many items; shots: examples before each, as the suite's protocol has them
    unless given; samples: programs drawn of each prompt, for pass@k; tokens: of an answer at most.
    UsageError where the model reads no texts or a suite is not known; DataError where items cannot
    be asked, or where most of them stand in the model's training data.
    """
    loaded = model if isinstance(model, api.Model) else api.load(model)
    if not streams(loaded.codec.spec):
        raise UsageError(
            f"{loaded.recipe.name} makes no runs of ids: suites are asked of models that read texts"
        )
    _check(limit=limit, shots=shots, samples=samples, tokens=tokens)
    found = [find(one, Path(folder)) for one in suites]
    tell = _telling(listener)
    tell("reading the training data, to know its texts again")
    known = contamination.training(loaded)
    begun = time.monotonic()
    rows: list[SuiteRow] = []
    told: list[dict[str, Any]] = []
    items: dict[str, list[dict[str, Any]]] = {}
    for one in found:
        changes = _changes(one.suite, shots, tokens)
        asked = _asked(one, changes, limit, samples, seed, tell, known.text)
        some, about, each = _measured(loaded, one, asked, known)
        rows += some
        told.append(about)
        items[_label(one.suite.name, items)] = each
    protocol = {
        "model": loaded.recipe.name,
        "weights": loaded.digest(),
        "bits": loaded.bits,
        "seed": seed,
        "suites": told,
        "seconds": round(time.monotonic() - begun, 2),
        "software": api.software(),
    }
    return SuiteReport(rows=tuple(rows), protocol=protocol, items=items)


def _label(name: str, taken: Mapping[str, Any]) -> str:
    count = sum(key.partition("#")[0] == name for key in taken)
    return f"{name}#{count + 1}" if count else name


def _check(**values: int | None) -> None:
    least = {"shots": 0}
    for name, given in values.items():
        if given is not None and given < least.get(name, 1):
            raise UsageError(f"{name} is {given}, but at least {least.get(name, 1)} is expected")


def _telling(listener: Listener) -> Tell:
    """Stages are told as they come, what only counts up (" of ") every few seconds."""
    count, last = 0, 0.0

    def tell(stage: str) -> None:
        nonlocal count, last
        now = time.monotonic()
        if " of " in stage and now - last < PACE:
            return
        count, last = count + 1, now
        listener(Event(kind="measure", step=count, values={"stage": stage}))

    return tell


# --- one suite ------------------------------------------------------------------------------------


def _changes(suite: Suite, shots: int | None, tokens: int | None) -> dict[str, int]:
    """What the user wants otherwise than the protocol."""
    wanted = {"shots": shots if suite.kind in SHOWING else 0, "tokens": tokens}
    return {key: value for key, value in wanted.items() if value is not None}


def _asked(
    found: Found,
    changes: Mapping[str, Any],
    limit: int | None,
    samples: int,
    seed: int,
    tell: Tell,
    training: bytes,
) -> Asked:
    suite, rows = replace(found.suite, **changes), found.rows[:limit]
    draw = prompts.Examples(suite, found.pool() if suite.shots else [], found.apart, suite.shots)
    contexts = []
    for number, row in enumerate(rows, 1):
        try:
            prompts.check(suite, row)
            contexts.append(draw(row))
        except DataError as error:
            raise DataError(f"{found.place}: item {number}: {error}") from None
    return Asked(
        suite=suite,
        rows=rows,
        contexts=contexts,
        samples=samples if suite.kind in SAMPLED else 1,
        seed=seed,
        tell=tell,
        training=training,
    )


def _measured(
    model: api.Model, found: Found, asked: Asked, known: contamination.Training
) -> tuple[list[SuiteRow], dict[str, Any], list[dict[str, Any]]]:
    suite = asked.suite
    asked.tell(f"{suite.name}: looking for its items in the training data")
    seen = contamination.seen([_known_by(suite, row) for row in asked.rows], known.text)
    _refuse(found, seen)
    begun = time.monotonic()
    outcome = MEASURES[suite.kind](model, asked)
    seconds = time.monotonic() - begun
    about = {
        "suite": suite.name,
        "place": found.place,
        "protocol": protocol(suite),
        "items": len(asked.rows),
        "of": len(found.rows),
        "shots": suite.shots,
        "cut_items": outcome.cut,
        "known_from_training": None if known.missing else sum(seen),
        "seconds": round(seconds, 2),
        "items_a_second": round(len(asked.rows) / max(seconds, 1e-9), 2),
        **outcome.settings,
        "notes": [*_notes(asked, outcome, known, seen), *outcome.notes],
    }
    items = [
        {"item": n, **item, "known_from_training": hit}
        for n, (item, hit) in enumerate(zip(outcome.items, seen, strict=True), 1)
    ]
    return [_row(suite, n, len(items), seen) for n in outcome.numbers], about, items


def _known_by(suite: Suite, row: Mapping[str, Any]) -> str:
    return fill(suite.known_by, row) if suite.known_by else longest(suite.prompt, row)


def _refuse(found: Found, seen: Sequence[bool]) -> None:
    if 2 * sum(seen) > len(seen):
        raise DataError(
            f"{found.place}: {sum(seen):,} of {len(seen):,} items stand word for word in the data "
            "that this model was trained on: ask what it has not seen"
        )


def protocol(suite: Suite) -> str:
    version = f" (task version {suite.version})" if suite.version else ""
    return f"{suite.name}, {suite.shots}-shot, as {suite.protocol}{version}"


def _notes(
    asked: Asked, outcome: Outcome, known: contamination.Training, seen: Sequence[bool]
) -> list[str]:
    out = []
    if known.missing:
        out.append(f"{known.missing}: whether items were seen in training is not known")
    elif any(seen):
        out.append(f"{sum(seen):,} of {len(seen):,} items stand in the training data")
    if outcome.cut:
        out.append(
            f"{outcome.cut:,} of {len(asked.rows):,} items were longer than the context and were "
            "cut from the left"
        )
    return out


def _row(suite: Suite, number: Number, count: int, seen: Sequence[bool]) -> SuiteRow:
    interval = number.interval
    return SuiteRow(
        metric=number.metric,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        how=number.how,
        floor=number.floor,
        ceiling=number.ceiling,
        better=number.better,
        note="; ".join(filter(None, (number.note, _beside(number), _unseen(number, seen)))),
        suite=suite.name,
        items=count,
        shots=suite.shots,
        protocol=protocol(suite),
        published=tuple(
            f"{f.of}: {f.value} ({f.source})" for f in figures.of(suite.name, number.metric)
        ),
    )


def _beside(number: Number) -> str:
    """Said where the number may as well be the floor's."""
    low, high, floor = number.interval.low, number.interval.high, number.floor
    return "not told from the floor" if floor is not None and low <= floor <= high else ""


def _unseen(number: Number, seen: Sequence[bool]) -> str:
    """The number over the items that were not in the training data."""
    if not any(seen) or not number.each:
        return ""
    rest = [x for x, hit in zip(number.each, seen, strict=True) if not hit]
    return f"without the items seen in training {sum(rest) / len(rest):.4f}"
