"""Tunes: bits a word of held-out tunes beside a 5-gram, and what a model's tunes are like.

Usage: bench_music.py MODEL [--count 48] [--temperatures 0.9] [--ways guided,copying,free]
MODEL: a folder trained by `genloom train folk`, whose tunes are where its card says. The rows are
those of `genloom eval` (genloom/trust/quality_tune.py), tunes asked for by type and key of held-out
ones. ways: guided is as anybody gets it; copying: nothing that was learnt is refused; free: without
the form that lets bars add up, too. Floors and ceilings as there.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import protocol

from genloom import api
from genloom.trust.quality import evaluate

WAYS = {"guided": (True, True), "copying": (True, False), "free": (False, False)}


def measured(place: Path, way: str, temperature: float, count: int) -> list[dict[str, Any]]:
    """Rows of one way, under its name."""
    model = api.load(place)
    codec: Any = model.codec
    strict, refuses = WAYS[way]
    codec.strict, codec.fresh = strict, codec.fresh if refuses else 0
    begun = time.process_time()
    report = evaluate(model, count=count, temperature=temperature)
    seconds = time.process_time() - begun
    rows = [
        {
            "way": f"{way}, {temperature:g}",
            "metric": row.metric,
            "value": row.value,
            "floor": row.floor,
            "ceiling": row.ceiling,
        }
        for row in report.rows
    ]
    print(f"{way}, temperature {temperature:g}: {seconds:.0f} s of a core in all", flush=True)
    return [{k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.9])
    parser.add_argument("--ways", default="guided,copying,free")
    args = parser.parse_args()
    protocol.head("Tunes")
    model = api.load(args.model)
    print(f"{model.parameters:,} weights; {args.count} tunes a way\n")
    rows: list[dict[str, Any]] = []
    for way in args.ways.split(","):
        for temperature in args.temperatures:
            rows += measured(args.model, way, temperature, args.count)
    protocol.table(rows)


if __name__ == "__main__":
    main()
