"""Searching for molecules that score well: the best of so many scores, beside a random search from
the same model and beside the best that it learnt from.

    .venv/bin/python benchmarks/bench_discovery.py zinc-model --budget 5000 --out searches

Tasks: likeness to a drug (QED), and to celecoxib, whose neighbours are not in the data.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import protocol

from genloom import api
from genloom.discovery import report
from genloom.discovery.search import discover

CELECOXIB = "Cc1ccc(-c2cc(C(F)(F)F)nn2-c2ccc(S(N)(=O)=O)cc2)cc1"
TASKS = {"qed": "qed", "similarity": f"similarity:{CELECOXIB}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--budget", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--out", type=Path, default=Path("searches"))
    args = parser.parse_args()
    protocol.head("Searching for molecules")
    model = api.load(args.model)
    items = model.training_items()
    for task in args.tasks:
        for seed in range(args.seeds):
            begun = time.monotonic()
            place = args.out / f"{task}-{seed}"
            found = discover(
                model, TASKS[task], place, training=items, budget=args.budget, seed=seed
            )
            told = report.values(found)
            report.write(found)
            known = {*model.codec.keys(items)}
            best = found.archive.best(100)
            valid = sum(model.codec.proper([entry.item for entry in best]))
            copies = sum(entry.key in known for entry in best)
            print(f"{task}, seed {seed}: {told['ended']}, {time.monotonic() - begun:.0f} s")
            for name in ("search", "random"):
                print(name, told[name], sep="\t")
            print("training", told["training"], sep="\t")
            print(f"of the best 100: {valid} valid, {copies} copies, {told['diversity']}")
            for entry in told["best"]:
                print(f"{entry['score']:.4f}", entry["item"], sep="\t")


if __name__ == "__main__":
    main()
