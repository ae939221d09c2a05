"""Molecules: what a model of drug-like or of small molecules makes, unfiltered, beside counts and
beside real ones.

    .venv/bin/python benchmarks/bench_molecules.py zinc --minutes 15 --count 10000 --out zinc-model
    .venv/bin/python benchmarks/bench_molecules.py qm9 --minutes 15 --count 10000 --out qm9-model

The protocol is that of `genloom eval`: nothing is left out before validity is told; floors are
draws of a character 5-gram, ceilings held-out molecules. With --minutes 0 the steps are those of
--set train.steps=N, whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import protocol

from genloom import api
from genloom.trust import quality

FILES = {"zinc": "zinc_24k.smi", "qm9": "qm9_smiles.csv.gz"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=sorted(FILES))
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--size", help="of the preset; by the minutes unless said")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--out", type=Path, default=Path("molecule-model"))
    parser.add_argument("--again", action="store_true", help="measure the model that lies in --out")
    args = parser.parse_args()
    protocol.head("Molecules")
    path = protocol.data("molecules") / FILES[args.data]
    begun = time.monotonic()
    if args.again:
        model = api.load(args.out)
    else:
        model = api.train(
            "molecule",
            path,
            out=args.out,
            minutes=args.minutes or None,
            size=args.size,
            seed=args.seed,
            changes=args.set,
            licence="MIT",
        )
    print(f"{model.parameters:,} weights, {time.monotonic() - begun:.0f} s")
    found = quality.evaluate(model, count=args.count, seed=args.seed)
    for row in found.rows:
        told = [row.value, row.floor, row.ceiling]
        print(row.metric, *("-" if x is None else f"{x:.4f}" for x in told), row.note, sep="\t")
    print(json.dumps(found.to_json()["protocol"]))


if __name__ == "__main__":
    main()
