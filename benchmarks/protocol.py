"""What every benchmark shares: where data and peers are, the machine in words, medians, rows."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from genloom import api

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def data(name: str) -> Path:
    """A folder of the open data; the script ends with the reason where it is absent."""
    path = SHARED / "data" / name
    if not path.exists():
        print(f"skipped: {name} is not in ../shared/data")
        sys.exit(0)
    return path


def peer(name: str) -> Path | None:
    """The Python of a peer's environment below $PEERS, or None."""
    folder = os.environ.get("PEERS")
    path = Path(folder) / name / "bin" / "python" if folder else None
    if path is None or not path.exists():
        print(f"(no peer {name}: $PEERS does not hold it; only our side is measured)")
        return None
    return path


def run_json(command: Sequence[str | Path], **more: Any) -> dict[str, Any]:
    """The last line that a command prints, as JSON."""
    done = subprocess.run(
        [str(c) for c in command], check=True, capture_output=True, text=True, **more
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def head(title: str) -> None:
    """Date, machine and versions: the first lines of everything printed."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    print(f"## {title}\n")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}; {os.cpu_count()} cores of "
        f"{model}, {torch.get_num_threads()} threads; "
        + ", ".join(f"{k} {v}" for k, v in api.software().items())
        + "\n"
    )


def median(values: Sequence[float]) -> str:
    """Median and spread."""
    if len(values) == 1:
        return f"{values[0]:.4g} (1 run)"
    middle = statistics.median(values)
    return f"{middle:.4g} ({min(values):.4g} to {max(values):.4g}, {len(values)} runs)"


def table(rows: Sequence[dict[str, Any]]) -> None:
    """A markdown table of dictionaries with the same keys."""
    keys = list(rows[0])
    print("| " + " | ".join(keys) + " |")
    print("|" + "---|" * len(keys))
    for row in rows:
        print("| " + " | ".join(str(row.get(k, "")) for k in keys) + " |")
    print(flush=True)
