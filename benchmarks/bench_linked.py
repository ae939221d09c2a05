"""Linked tables: a shop of three tables with planted dependencies, learnt and drawn again.

    python benchmarks/bench_linked.py [--customers 4000] [--minutes 4] [--rows 1000000] [--seed 0]

Half of the customers are learnt from, the other half is the ceiling, the same rows with links drawn
at random the floor. Then so many rows are drawn into a folder by a process of its own, whose time
and memory are told.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from genloom.datasets.shop import draw_shop, halves
from genloom.linked.tables import Tables
from genloom.linked.training import train, understand
from genloom.linked.writing import write_tables
from genloom.trust.quality_linked import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=8000)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--draw", type=Path, default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.draw is not None:
        draw(given.draw, given.rows, given.seed)
        return
    with tempfile.TemporaryDirectory() as work:
        target = given.out or Path(work) / "shop"
        real, other = halves(draw_shop(given.customers, given.seed))
        begun = time.monotonic()
        model = train(real, out=target, minutes=given.minutes, seed=given.seed, heard=print)
        print(f"trained in {time.monotonic() - begun:.0f} s")
        made = model.generate(seed=given.seed + 1)
        for row in measure(understand(real).schema, real, made, other, given.seed):
            print(
                f"{row.metric:44} {row.value:8.4f}  floor {row.floor:7.4f}"
                f"  ceiling {row.ceiling:7.4f}"
            )
        told = ["--draw", str(target), "--rows", str(given.rows), "--seed", str(given.seed)]
        subprocess.run([sys.executable, __file__, *told], check=True)


def draw(folder: Path, rows: int, seed: int) -> None:
    """So many rows in all, about, into a folder: seconds, bytes at most, and rows that came."""
    begun = time.monotonic()
    model = Tables.load(folder)
    whole = sum(plan.rows for plan in model.plans.values())
    with tempfile.TemporaryDirectory() as work:
        target = Path(work) / "made"
        told = write_tables(model.stream(scale=rows / whole, seed=seed), target, ".csv")
        files = {path.name: path.stat().st_size for path in sorted(target.iterdir())}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    shown = {
        "rows": told,
        "total": sum(told.values()),
        "seconds": round(time.monotonic() - begun, 1),
        "cpu_seconds": round(resource.getrusage(resource.RUSAGE_SELF).ru_utime, 1),
        "peak_gib": round(peak, 2),
        "bytes": files,
    }
    print(json.dumps(shown))


if __name__ == "__main__":
    main()
