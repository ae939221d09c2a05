"""Scenes: captions that can be checked exactly; combinations held out by name.

Usage: bench_scenes.py [--minutes 10] [--count 1000] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import protocol

from genloom import api
from genloom.demo import scenes
from genloom.engine.engine import Engine
from genloom.spec import Request


def right(model: api.Model, combinations: list, count: int, seed: int) -> float:
    """Share of pictures whose colour, shape and place are all as asked."""
    asked = random.Random(seed).choices(combinations, k=count)
    hits = 0
    with Engine(model) as engine:
        made = [
            engine.submit(Request(prompt=scenes.caption(s), seed=seed, first=n))
            for n, s in enumerate(asked)
        ]
        for scene, generation in zip(asked, made, strict=True):
            hits += scenes.look(generation.result()[0]) == scene
    return hits / count


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    protocol.head(f"Scenes: drawn by the project, {args.minutes:g} minutes")
    with tempfile.TemporaryDirectory() as place:
        folder = args.keep or Path(place)
        scenes.write_folder(folder / "scenes", 20_000, seed=0)
        start = time.perf_counter()
        api.train(
            "image",
            folder / "scenes",
            out=folder / "model",
            minutes=args.minutes,
            changes=["train.judge=0"],
        )
        trained = time.perf_counter() - start
        model = api.load(folder / "model")
        seen = list(scenes.training_combinations())
        held = list(scenes.held_out_combinations())
        print(f"trained in {trained:.0f} s, {model.card['steps']} steps\n")
        protocol.table(
            [
                {
                    "combinations": name,
                    "all three right": f"{right(model, some, args.count, 1):.3f}",
                    "floor (guessing)": f"{1 / (len(seen) + len(held)):.4f}",
                    "ceiling (drawn ones)": "1.000",
                }
                for name, some in (("seen", seen), ("never seen", held))
            ]
        )


if __name__ == "__main__":
    main()
