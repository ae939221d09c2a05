"""The forecast against what happened: time and memory of six different trainings.

Usage: bench_plan.py    Each training runs in a process of its own, planned and then measured there.
"""

from __future__ import annotations

import json
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


def main() -> None:
    protocol.head("Plan: forecast against measured")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for name, (medium, data, size, changes) in TRAININGS.items():
            told = json.dumps(
                [
                    medium,
                    str(protocol.data("") / data),
                    size,
                    changes,
                    str(Path(place) / name.replace(" ", "")),
                ]
            )
            done = subprocess.run(
                [sys.executable, "-c", CODE, told], capture_output=True, text=True, check=True
            )
            found = json.loads(done.stdout.strip().splitlines()[-1])
            rows.append(
                {
                    "training": name,
                    "planned s": f"{found['seconds']:.1f}",
                    "took s": f"{found['took']:.1f}",
                    "off by": f"{found['seconds'] / found['took'] - 1:+.0%}",
                    "planned MiB": f"{found['peak_bytes'] / 2**20:.0f}",
                    "peak MiB": f"{found['peak'] / 2**20:.0f}",
                    "memory off by": f"{found['peak_bytes'] / found['peak'] - 1:+.0%}",
                }
            )
    protocol.table(rows)


if __name__ == "__main__":
    main()
