"""Series learnt: read, put in order, and a model of their steps trained.

Joins the floors below; the models are trained by `api.train` like any other.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time as clock
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from genloom import api, store
from genloom.codec.table.dataframes import as_frame
from genloom.codec.table.frame import read_tables
from genloom.data.source import Manifest
from genloom.errors import DataError
from genloom.folders import own_place
from genloom.linked.keys import learn_keys
from genloom.linked.learning import FEW
from genloom.linked.training import PLAIN
from genloom.requested import software
from genloom.series.learning import learn
from genloom.series.model import LENGTH, START, Series
from genloom.series.panel import Panel, Repeats, Roles, panel_of, roles_of

OPTIONS = (PLAIN, "codec.fine=0", "codec.bins=200", "codec.distinct=64", "family.given=0.0")
_SHARE = 0.1  # of the time, for a model of whose the series are


def read_series(
    data: Any,
    *,
    time: str | None = None,
    entity: str | None = None,
    repeats: Repeats = "refuse",
    roles: Roles | None = None,
) -> tuple[Panel, Any, tuple[Path, ...]]:
    """The panel of a file or a frame, the frame, and the files. roles: of a model, else found."""
    files: tuple[Path, ...] = ()
    notes: list[str] = []
    if isinstance(data, str | Path):
        reading = read_tables(Path(data).expanduser())
        frame, files, notes = reading.items, reading.files, list(reading.notes)
    else:
        frame = as_frame(data)
    if not len(frame):
        raise DataError("the series has no rows: give some")
    found = roles_of(frame, time, entity) if roles is None else roles
    panel = panel_of(frame, found, repeats)
    panel.notes = (*notes, *panel.notes)
    return panel, frame, files


def train(
    data: Any,
    *,
    out: str | Path | None = None,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    licence: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    repeats: Repeats = "refuse",
    device: str = "auto",
    heard: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Series:
    """Learn from a table of steps and save the model. time, entity: columns, told by names and
    values unless given. repeats: what becomes of moments that come twice."""
    begun = clock.monotonic()
    panel, frame, files = read_series(data, time=time, entity=entity, repeats=repeats)
    roles = panel.roles
    for note in panel.notes:
        heard(note)
    if out is None:
        out = f"{Path(data).stem if isinstance(data, str | Path) else 'steps'}-series"
    target = store.place(out)
    own_place(target)
    plan, weights, lesson = learn(panel, frame.columns, seed)
    heard(_said(panel, plan))
    facts = _facts(panel)
    few = len(panel.names) < FEW
    with store.locked(target), tempfile.TemporaryDirectory() as work:
        told = json.dumps(list(plan.told), ensure_ascii=False)
        shared = {"size": size, "seed": seed, "licence": licence, "device": device, "stop": stop}
        steps = api.train(
            "table",
            lesson,
            out=Path(work) / "steps",
            minutes=None if minutes is None else minutes * (1.0 if few else 1 - _SHARE),
            changes=[f"codec.told={told}", *OPTIONS, *changes],
            **shared,
        )
        owners = None
        if not few:
            part = None if minutes is None else minutes * _SHARE
            owners = api.train("table", facts, out=Path(work) / "owners", minutes=part, **shared)
        named = roles.entity is not None
        made = Series(
            plan=plan,
            weights=weights,
            steps=steps,
            owners=owners,
            kept=facts if few else None,
            keys=learn_keys(panel.names) if named else None,
            card=_card(data, frame, files, licence, steps, clock.monotonic() - begun),
        )
        made.save(target)
    return made


def _facts(panel: Panel) -> Any:
    """A row an owner: attributes, length and beginning."""
    starts = panel.starts
    out = panel.statics.copy()
    out[LENGTH] = np.diff(starts)
    out[START] = panel.seconds[starts[:-1]]
    return out


def _said(panel: Panel, plan: Any) -> str:
    roles = panel.roles
    many = f"{len(panel.names):,} series" if roles.entity else "a series"
    pace = "irregular" if roles.step is None else f"every {roles.step:g} s"
    season = f", season of {plan.period} steps" if plan.period else ""
    parts = [f"{len(panel.seconds):,} steps of {many}, {pace}{season}"]
    for word, names in (
        ("channels", roles.channels),
        ("events", roles.categories),
        ("attributes", roles.statics),
        ("left out", roles.left),
    ):
        if names:
            parts.append(f"{word}: {', '.join(names)}")
    return "; ".join(parts)


def _card(
    data: Any, frame: Any, files: tuple[Path, ...], licence: str | None, steps: Any, seconds: float
) -> dict[str, Any]:
    if files:
        root = Path(data).expanduser().resolve()
        manifest = Manifest.of_files(root, files, items=len(frame), licence=licence).to_json()
    else:
        manifest = {"items": len(frame), "licence": licence}
    return {
        "data": manifest,
        "metrics": steps.card.get("metrics", {}),
        "tables": {},
        "weights": hashlib.sha256(steps.digest().encode()).hexdigest(),
        "seconds": seconds,
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
