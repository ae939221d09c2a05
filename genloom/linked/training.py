"""Linked tables learnt: read, understood, checked, and a model of rows trained for each.

Joins the floors below; the models are trained by `api.train` like any other.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom import api, store
from genloom.data.source import Manifest
from genloom.errors import UsageError
from genloom.folders import own_place
from genloom.linked.detecting import detect
from genloom.linked.integrity import Orphans, check_names, kept
from genloom.linked.learning import Learner, Lesson
from genloom.linked.reading import read_all
from genloom.linked.schema import Schema, Table, ordered, read_schema
from genloom.linked.tables import Tables
from genloom.requested import software

LEAST_MINUTES = 0.05
PLAIN = 'train.compile="off"'  # compiling each of several small nets takes longer than it spares
WORDLESS = "codec.texts=0"  # texts are placeholders in tables that refer to each other


@dataclass(frozen=True, kw_only=True)
class Understood:
    """Tables read and joined: what `genloom data inspect` shows and `train` learns."""

    schema: Schema
    frames: dict[str, Any]
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def understand(
    data: Any,
    *,
    schema: str | Path | Sequence[Table] | None = None,
    orphans: Orphans = "refuse",
    without: Sequence[str] = (),
) -> Understood:
    """A folder of tables, or a mapping of names to frames, with their keys and links: told by names
    and values unless a schema is given. DataError names what does not fit: a cycle, a key that
    repeats, orphans that are to be refused. without: links TABLE.COLUMN that are left out, with
    their columns."""
    frames, files, notes = read_all(data)
    if schema is None:
        tables = detect(frames)
    else:
        tables = read_schema(Path(schema)) if isinstance(schema, str | Path) else tuple(schema)
        frames = {t.name: frames[t.name] for t in tables if t.name in frames}
    check_names(tables, frames)
    loose = Schema(tables=tables).without(without)
    for place in without:
        name, _, column = place.partition(".")
        frames[name] = frames[name].drop(columns=[column])
    joined = ordered(loose.tables)
    if not any(table.links for table in joined.tables):
        raise UsageError(
            f"nothing links the tables {', '.join(joined.names)}: give a schema (--schema "
            "FILE.json), or learn each by  genloom train table"
        )
    frames, said = kept(joined, frames, orphans)
    return Understood(schema=joined, frames=frames, files=files, notes=(*notes, *said))


def train(
    data: Any,
    *,
    out: str | Path | None = None,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    licence: str | None = None,
    schema: str | Path | Sequence[Table] | None = None,
    orphans: Orphans = "refuse",
    without: Sequence[str] = (),
    device: str = "auto",
    heard: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Tables:
    """Learn linked tables and save them as one model; see `understand` for data and schema.
    minutes: for all tables together. heard: told in a line what is learnt."""
    found = understand(data, schema=schema, orphans=orphans, without=without)
    for note in found.notes:
        heard(note)
    if out is None:
        out = f"{Path(data).name if isinstance(data, str | Path) else 'linked'}-tables"
    target = store.place(out)
    own_place(target)
    begun = time.monotonic()
    with store.locked(target), tempfile.TemporaryDirectory() as work:
        learner = Learner(schema=found.schema, frames=found.frames, seed=seed)
        lessons = {name: learner.lesson(name) for name in found.schema.names}
        shares = _shares(lessons)
        models = {}
        for name, lesson in lessons.items():
            if lesson.frame is None:
                heard(f"{name}: {lesson.plan.rows} rows, so few that they stay as they are")
                continue
            told = f"{lesson.plan.rows:,} rows" + ("" if lesson.plan.chain else ", each by itself")
            part = None if minutes is None else max(LEAST_MINUTES, minutes * shares[name])
            heard(f"{name}: {told}" + ("" if part is None else f", {part:.2g} minutes"))
            models[name] = api.train(
                "table",
                lesson.frame,
                out=Path(work) / name,
                minutes=part,
                size=size,
                seed=seed,
                changes=[*_changes(lesson), *changes],
                licence=licence,
                device=device,
                stop=stop,
            )
        card = _card(found, models, licence, data, time.monotonic() - begun)
        made = Tables(
            schema=found.schema,
            plans={name: lesson.plan for name, lesson in lessons.items()},
            models=models,
            kept={n: learner.whole(n) for n, one in lessons.items() if one.frame is None},
            middles=learner.middles,
            looking=learner.codecs,
            card=card,
        )
        made.save(target)
    return made


def _changes(lesson: Lesson) -> list[str]:
    """Of a model that is told a part of each row: it draws the rest in the codec's order."""
    if not lesson.plan.told:
        return [PLAIN, WORDLESS]
    told = json.dumps(list(lesson.plan.told), ensure_ascii=False)
    return [PLAIN, WORDLESS, f"codec.told={told}", "family.given=0.0"]


def _shares(lessons: dict[str, Lesson]) -> dict[str, float]:
    """Of the time: by rows times columns."""
    work = {n: one.frame.size for n, one in lessons.items() if one.frame is not None}
    total = max(1, sum(work.values()))
    return {name: each / total for name, each in work.items()}


def _card(
    found: Understood, models: dict[str, Any], licence: str | None, data: Any, seconds: float
) -> dict[str, Any]:
    items = sum(len(frame) for frame in found.frames.values())
    if found.files:
        root = Path(data).expanduser().resolve()
        manifest = Manifest.of_files(root, found.files, items=items, licence=licence).to_json()
    else:
        manifest = {"items": items, "licence": licence}
    return {
        "data": manifest,
        "metrics": {},
        "tables": {
            name: {
                "rows": len(frame),
                **(models[name].card.get("metrics", {}) if name in models else {}),
            }
            for name, frame in found.frames.items()
        },
        "weights": _digest(models),
        "seconds": seconds,
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _digest(models: dict[str, Any]) -> str:
    """One digest over those of the models."""
    total = hashlib.sha256()
    for name, model in sorted(models.items()):
        total.update(f"{name} {model.digest()}".encode())
    return total.hexdigest()
