"""The forecast against what happened: time and memory of six different trainings.

Usage: bench_plan.py [--runs 3] [--only NAME ...]    Each training runs in a process of its own,
planned and then measured there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import protocol

TRAININGS = {
    "text, tiny": ("text", "tinyshakespeare/input.txt", "tiny", ["train.steps=150"]),
    "text, small": ("text", "tinyshakespeare/input.txt", "small", ["train.steps=150"]),
    "table, small": ("table", "tables/adult/train.csv", "small", ["train.steps=200"]),
    "table-gan, small": ("table-gan", "tables/insurance/train.csv", "small", ["train.steps=300"]),
    "image, tiny": ("image", "tiles32", "tiny", ["train.steps=100"]),
    "image-gan, tiny": ("image-gan", "tiles32", "tiny", ["train.steps=100"]),
}
CODE = """
import json, sys, time, torch
from pathlib import Path
from genloom import api
from genloom.train import plan
medium, data, size, changes, out = json.loads(sys.argv[1])
told = {}
def listen(event):
    if event.kind == "plan":
        told.update(event.values)
        plan.reset_peak(torch.device("cpu"))
    if event.kind == "start":
        told["begun"] = time.perf_counter()
    if event.kind == "done":
        told["took"] = time.perf_counter() - told["begun"]
        told["peak"] = plan.peak_bytes(torch.device("cpu"))
api.train(medium, data, size=size, changes=changes, out=out, listener=listen)
print(json.dumps({k: told[k] for k in ("seconds", "took", "peak_bytes", "peak")}))
"""


def measured(place: str, name: str) -> dict[str, float]:
    """What one training was planned to take, and took."""
    medium, data, size, changes = TRAININGS[name]
    out = str(Path(place) / name.replace(" ", ""))
    told = json.dumps([medium, str(protocol.data("") / data), size, changes, out])
    done = subprocess.run(
        [sys.executable, "-c", CODE, told], capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def row(name: str, runs: list[dict[str, float]]) -> dict[str, str]:
    """Medians over the runs of one training."""
    found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    off = sorted(run["seconds"] / run["took"] - 1 for run in runs)
    heavy = sorted(run["peak_bytes"] / run["peak"] - 1 for run in runs)
    return {
        "training": name,
        "planned s": f"{found['seconds']:.1f}",
        "took s": f"{found['took']:.1f}",
        "off by": f"{statistics.median(off):+.0%} ({off[0]:+.0%} to {off[-1]:+.0%})",
        "planned MiB": f"{found['peak_bytes'] / 2**20:.0f}",
        "peak MiB": f"{found['peak'] / 2**20:.0f}",
        "memory off by": f"{statistics.median(heavy):+.0%}",
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=TRAININGS, nargs="*", default=list(TRAININGS))
    args = parser.parse_args()
    protocol.head(f"Plan: forecast against measured, {args.runs} runs")
    with tempfile.TemporaryDirectory() as place:
        runs = [{name: measured(place, name) for name in args.only} for _ in range(args.runs)]
    protocol.table([row(name, [found[name] for found in runs]) for name in args.only])


if __name__ == "__main__":
    main()
