"""Tables: the seven open sets, ours beside the peers in one run, scored by a judge not ours.

Usage: bench_tables.py [--sets adult ...] [--tools genloom copula mostlyai sdv-copula ctgan tvae]
       [--rows N] [--minutes M] [--peer-seconds S] [--seeds 1] [--threads 1] [--many]
Peers: $PEERS/mostlyai, $PEERS/sdv; scores: $PEERS/sdmetrics, by score_tables.py (see there for what
each means). train.csv of a set is shuffled with seed 0 and split 80 : 20; --rows takes the first of
the 80 alone. Every tool has its own defaults and stops by itself; --minutes bounds ours and
--peer-seconds the others (CTGAN and TVAE: as many epochs as that time holds, 300 at most). Floor:
`genloom.metric.copula`; ceiling: real held-out rows as if they had been made (nothing is nearer to
them, so how near they are is not told). --many also times 100,000 rows of the first set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import protocol
import torch

from genloom import api
from genloom.metric.copula import copula_rows

HERE = Path(__file__).parent
TARGETS = {  # what is learnt from made rows, and the class that counts; - for a number
    "adult": ("income-per-year", ">50K"),
    "shoppers": ("Revenue", "True"),
    "magic": ("class", "g"),
    "beijing_pm25": ("pm2.5", "-"),
    "california_housing": ("median_house_value", "-"),
    "insurance": ("charges", "-"),
    "wine_white": ("quality", "-"),
}
# What a column holds, where it looks like something else; the others are told so, too: they take
# the numbers of rows for numbers, and so do the scores.
KINDS = {"beijing_pm25": {"No": "number"}}
Made = tuple[float, float, Path]  # seconds to fit and to make, where the rows lie


def split(name: str, rows: int | None, folder: Path) -> tuple[Path, Path, int]:
    frame = pd.read_csv(protocol.data("tables") / name / "train.csv", skipinitialspace=True)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = int(0.8 * len(frame))
    count = min(cut, rows or cut)
    frame[:count].to_csv(folder / "train.csv", index=False)
    frame[cut:].to_csv(folder / "test.csv", index=False)
    return folder / "train.csv", folder / "test.csv", count


def scores(train: Path, test: Path, made: Path, name: str) -> dict[str, Any]:
    python = protocol.peer("sdmetrics")
    if python is None:
        return {}
    return protocol.run_json(
        [python, HERE / "score_tables.py", train, test, made, *TARGETS[name]], env=single()
    )


def single() -> dict[str, str]:
    """As many threads for others as for us."""
    count = str(torch.get_num_threads())
    return {**os.environ, "OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count}


# --- who makes them -------------------------------------------------------------------------------


def genloom(train: Path, rows: int, folder: Path, minutes: float | None, seed: int) -> Made:
    kinds = KINDS.get(train.parent.name)
    changes = [f"codec.kinds={json.dumps(kinds)}"] if kinds else []
    out = folder / f"model-{seed}"
    begun = time.perf_counter()
    model = api.train("table", train, out=out, minutes=minutes, seed=seed, changes=changes)
    fitted = time.perf_counter()
    frame = model.generate(rows, seed=seed)
    done = time.perf_counter()
    frame.to_csv(folder / "genloom.csv", index=False)
    print(model.card.get("chosen", {}).get("because", "nothing was tried beside the preset's net"))
    return fitted - begun, done - fitted, folder / "genloom.csv"


def copula(train: Path, rows: int, folder: Path, minutes: float | None, seed: int) -> Made:
    frame = pd.read_csv(train)
    kinds = {c: "number" if frame[c].dtype.kind in "if" else "choice" for c in frame}
    begun = time.perf_counter()
    made = copula_rows(frame, kinds, rows, seed)
    seconds = time.perf_counter() - begun
    made.to_csv(folder / "copula.csv", index=False)
    return seconds, 0.0, folder / "copula.csv"


def peer(environment: str, unit: float, *command: Any) -> Callable[..., Made | None]:
    """A peer's script: command holds TRAIN, ROWS and OUT where these go; a bound of its time, in
    units of so many seconds, follows them."""

    def make(train: Path, rows: int, folder: Path, minutes: float | None, seed: int) -> Made | None:
        python, out = protocol.peer(environment), folder / f"{environment}.csv"
        if python is None:
            return None
        given = {"TRAIN": train, "ROWS": str(rows), "OUT": out}
        bound = [] if minutes is None else [str(60 * minutes / unit)]
        call = [python, *(given.get(c, c) for c in command), *bound]
        try:
            found = protocol.run_json(call, env=single())
        except subprocess.CalledProcessError as error:
            print(f"({environment} failed: {error.stderr.strip().splitlines()[-1][:200]})")
            return None
        return found["fit_s"], found["sample_s"], out

    return make


SDV = HERE / "peer_tables.py"
MOSTLYAI = protocol.SHARED / "bench" / "table_mostlyai.py"
TOOLS: dict[str, Callable[..., Made | None]] = {
    "genloom": genloom,
    "copula": copula,
    "mostlyai": peer("mostlyai", 60.0, MOSTLYAI, "TRAIN", "ROWS", "OUT"),
    "sdv-copula": peer("sdv", 1.0, SDV, "copula", "TRAIN", "ROWS", "OUT"),
    "ctgan": peer("sdv", 1.0, SDV, "ctgan", "TRAIN", "ROWS", "OUT"),
    "tvae": peer("sdv", 1.0, SDV, "tvae", "TRAIN", "ROWS", "OUT"),
}


def row(name: str, made: Made, found: dict[str, Any]) -> dict[str, Any]:
    return {"tool": name, "fit s": f"{made[0]:.1f}", "sample s": f"{made[1]:.2f}", **found}


def many(folder: Path) -> None:
    """100,000 rows, three times."""
    model = api.load(folder / "model-0")
    model.generate(1000)
    times = []
    for number in range(3):
        start = time.perf_counter()
        model.generate(100_000, seed=number)
        times.append(time.perf_counter() - start)
    print(f"100,000 rows sampled and decoded: {protocol.median(times)} s\n")


def measured(name: str, args: argparse.Namespace, folder: Path) -> None:
    train, test, rows = split(name, args.rows, folder)
    found = []
    for tool in args.tools:
        for seed in range(args.seeds if tool == "genloom" else 1):
            others = args.peer_seconds and args.peer_seconds / 60
            bound = args.minutes if tool == "genloom" else others
            made = TOOLS[tool](train, rows, folder, bound, seed)
            if made is not None:
                called = f"{tool}, seed {seed}" if args.seeds > 1 and tool == "genloom" else tool
                found.append(row(called, made, scores(train, test, made[2], name)))
    real = scores(train, test, test, name)
    told = {k: real[k] for k in ("shape_error", "trend_error", "two_sample_auc") if k in real}
    found.append(row("real held-out rows", (0.0, 0.0, test), told))
    print(f"### {name}: {TARGETS[name][0]}, {rows:,} rows\n")
    protocol.table(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=tuple(TARGETS), default=tuple(TARGETS))
    parser.add_argument("--tools", nargs="+", choices=tuple(TOOLS), default=tuple(TOOLS)[:3])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--peer-seconds", type=float)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--many", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads or torch.get_num_threads())
    protocol.head("Tables")
    for number, name in enumerate(args.sets):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / name
            folder.mkdir()
            measured(name, args, folder)
            if args.many and number == 0:
                many(folder)


if __name__ == "__main__":
    main()
