"""Tunes: bits a word of held-out tunes beside a 5-gram, and what a model's tunes are like.

Usage: bench_music.py MODEL [--count 48] [--temperatures 0.9] [--ways guided,copying,free]
       bench_music.py MODEL --tries 1 4 8 [--count 48]
MODEL: a folder trained by `genloom train folk`, whose tunes are where its card says. The rows are
those of `genloom eval` (genloom/trust/quality_tune.py), tunes asked for by type and key of held-out
ones. ways: guided is as anybody gets it; copying: nothing that was learnt is refused; free: without
the form that lets bars add up, too. Floors and ceilings as there. tries: instead, so many tunes are
drawn for each and the one is kept whose key the key finder finds best; because that judge then
chooses, a second one that had no say is told beside it: the correlation with Krumhansl's ratings.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protocol

from genloom import api
from genloom.codec.tune.item import tune
from genloom.codec.tune.kin import runs
from genloom.codec.tune.score import arranged, score_of
from genloom.metric.tunes import copied, scored, verdict
from genloom.music.key_finder import correlated
from genloom.music.keys import Key
from genloom.options import Options
from genloom.spec import Request
from genloom.trust.quality import evaluate
from genloom.trust.quality_tune import Wish, _wishes

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


def trying(place: Path, tries: Sequence[int], count: int) -> None:
    """A row for each number of tries, then tunes asked for otherwise and real ones."""
    model = api.load(place)
    held, wishes = list(model.held_out_items()), _wishes(list(model.held_out_items()), count, 0)
    known = [arranged(tune(one).ids) for one in model.training_items()]
    keys, rows, first = [one.key for one in wishes], [], []
    for most in tries:
        begun = time.process_time()
        made = [_kept(model, one, most) for one in wishes]
        seconds = (time.process_time() - begun) / count
        own = [arranged(tune(text).ids) for text in made]
        row = _keyed(f"{most}", made, keys)
        row |= {"8 bars of training": f"{copied(own, known, runs, 8):.3f}"}
        rows.append(row | {"seconds each": f"{seconds:.1f}"})
        first = first or made
        print(rows[-1], flush=True)
    rest = {"8 bars of training": "", "seconds each": ""}
    half = count // 2
    rows.append(_keyed("floor: keys asked of others", first, [*keys[half:], *keys[:half]]) | rest)
    real = [str(tune(one)) for one in held]
    own_keys = [score_of(tune(one).ids).key for one in held]
    rows.append(_keyed("held-out tunes", real, own_keys) | rest)
    protocol.table(rows)


def _kept(model: api.Model, one: Wish, most: int) -> str:
    options = Options(temperature=0.9, tries=most)
    (text,) = api.exact(model, Request(where=one.where, seed=one.seed, options=options))
    return str(text)


def _keyed(name: str, texts: Sequence[str], keys: Sequence[Key]) -> dict[str, str]:
    seen = [verdict(text, key) for text, key in zip(texts, keys, strict=True)]
    scores = [scored(text) for text in texts]
    found = [None if one is None else correlated(one)[0][0] for one in scores]
    pairs = [(a, b) for a, b in zip(found, keys, strict=True) if a is not None]
    hits = {
        "in key": [one.found for one in seen],
        "tonic": [one.tonic for one in seen],
        "in key, Krumhansl": [str(a) == str(b) for a, b in pairs],
        "tonic, Krumhansl": [a.pitch_class == b.pitch_class for a, b in pairs],
        "bars add up": [one.adds_up for one in seen],
    }
    return {"tries": name, **{k: f"{sum(v) / len(texts):.3f}" for k, v in hits.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.9])
    parser.add_argument("--ways", default="guided,copying,free")
    parser.add_argument("--tries", type=int, nargs="+")
    args = parser.parse_args()
    protocol.head("Tunes")
    model = api.load(args.model)
    print(f"{model.parameters:,} weights; {args.count} tunes a way\n")
    if args.tries:
        trying(args.model, args.tries, args.count)
        return
    rows: list[dict[str, Any]] = []
    for way in args.ways.split(","):
        for temperature in args.temperatures:
            rows += measured(args.model, way, temperature, args.count)
    protocol.table(rows)


if __name__ == "__main__":
    main()
