"""What a training measured, under the names that clients know, and as a table of all steps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NO_LOSS = ("norm", "seconds", "time", "step", "kind", "player", "verdict")
LOSSES = ("loss", "held_out_loss")
SIDES = {"step": "train", "judge": "valid"}  # kinds of events


def _measured(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        k: float(v)
        for k, v in values.items()
        if isinstance(v, int | float) and not isinstance(v, bool) and not k.startswith(NO_LOSS)
    }


def loss_of(values: Mapping[str, Any]) -> float:
    """The loss among what was measured: by name, else what comes first."""
    told = _measured(values)
    named = (told[name] for name in LOSSES if name in told)
    return next(named, next(iter(told.values()), 0.0))


def metrics(side: str, values: Mapping[str, Any]) -> dict[str, float]:
    """side: "train" or "valid"; the loss first, and everything under its own name."""
    return {f"{side}_loss": loss_of(values), **_measured(values)}


def table_of(path: Path) -> bytes:
    """CSV with a row for each step: what the log says last of it."""
    rows: dict[int, dict[str, float]] = {}
    with path.open("rb") as file:
        for line in file:
            try:
                told = json.loads(line)
            except ValueError:
                continue  # half a line, from a process that was killed
            side = SIDES.get(told.get("kind"))
            if side is not None:
                rows.setdefault(told["step"], {}).update(metrics(side, told))
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    columns.sort(key=lambda name: name not in ("train_loss", "valid_loss"))
    text = io.StringIO()
    table = csv.DictWriter(text, ["step", *columns], lineterminator="\n")
    table.writeheader()
    table.writerows({"step": step, **rows[step]} for step in sorted(rows))
    return text.getvalue().encode()
