"""Images: MNIST by class, flow and GAN, each with a budget of wall-clock minutes.

Usage: bench_images.py [--minutes 10] [--only flow|gan] [--count 5000] [--keep FOLDER]
Feature space: the penultimate layer of a classifier trained on the real training digits.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import protocol

from genloom import api
from genloom.trust import quality

MEDIA = {"flow": "image", "gan": "image-gan"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", choices=sorted(MEDIA))
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    source = protocol.data("mnist")
    protocol.head(f"Images: MNIST, a sixth held out, {args.minutes:g} minutes")
    with tempfile.TemporaryDirectory() as place:
        folder = args.keep or Path(place)
        for name in [args.only] if args.only else MEDIA:
            out = folder / f"mnist-{name}"
            start = time.perf_counter()
            api.train(
                MEDIA[name],
                source,
                out=out,
                minutes=args.minutes,
                changes=["data.holdout=0.1667", "train.judge=0"],
            )
            trained = time.perf_counter() - start
            model = api.load(out)
            report = quality.evaluate(model, count=args.count)
            print(
                f"{name}: trained in {trained:.0f} s, {model.card['steps']} steps, "
                f"{model.parameters:,} weights\n"
            )
            protocol.table(
                [
                    {k: getattr(r, k) for k in ("metric", "value", "floor", "ceiling", "note")}
                    for r in report.rows
                ]
            )


if __name__ == "__main__":
    main()
