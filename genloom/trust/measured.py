"""What was measured of a model, kept beside it: the last measurements, newest first, as JSON.

Knows files and the shape of a `quality.Report`; measures nothing and loads no torch. What was
measured of other weights than the model's card names now is kept and not told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom import store
from genloom.codec.saving import write_atomic

FOLDER = "measured"
MOST = 20  # measurements that stay
LARGEST = 64 << 20  # bytes of a file that is read
TOLD = ("rows", "protocol")  # of a report; the items of suites are too many to keep


def keep(folder: Path, report: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a report (as JSON) of the model in this folder; what was kept, with its time.
    ResourceError where it cannot be written."""
    now, weights = datetime.now(UTC), object_in(folder / "card.json").get("weights")
    made = {"created": now.isoformat(timespec="seconds"), "weights": weights}
    made |= {name: report[name] for name in TOLD}
    text = json.dumps(made, ensure_ascii=False, indent=1, default=str)
    place = store.run_folder(folder) / FOLDER
    write_atomic(place / f"{now:%Y%m%d-%H%M%S-%f}.json", f"{text}\n".encode("utf-8", "replace"))
    for old in sorted(place.glob("*.json"))[:-MOST]:
        old.unlink(missing_ok=True)
    return made


def kept(folder: Path) -> list[dict[str, Any]]:
    """What was measured of these weights, the newest first; what cannot be read is left out."""
    weights = object_in(folder / "card.json").get("weights")
    files = sorted((store.run_folder(folder) / FOLDER).glob("*.json"), reverse=True)
    found = map(object_in, files)
    return [one for one in found if set(TOLD) <= set(one) and one.get("weights") == weights]


def object_in(file: Path) -> dict[str, Any]:
    """A JSON file's object; empty where there is none that can be read."""
    try:
        if file.stat().st_size > LARGEST:
            return {}
        told = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
