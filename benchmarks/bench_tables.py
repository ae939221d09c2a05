"""Tables: Adult, ours and mostlyai-engine in one run, scored by the same independent script.

Usage: bench_tables.py [--runs 1] [--minutes 1.45]   peers: $PEERS/mostlyai, $PEERS/sdmetrics.
train.csv is shuffled with seed 0 and split 80 : 20. The scores need $PEERS/sdmetrics.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import protocol

from genloom import api

TARGET, POSITIVE = "income-per-year", ">50K"
SCORES = (
    "shape_error",
    "trend_error",
    "tstr_auc",
    "trtr_auc",
    "two_sample_auc",
    "closer_to_train",
    "exact_copies",
    "exact_copies_of_real_test",
)


def split(folder: Path) -> tuple[Path, Path, int]:
    import pandas

    frame = pandas.read_csv(protocol.data("tables") / "adult" / "train.csv", skipinitialspace=True)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = int(0.8 * len(frame))
    frame[:cut].to_csv(folder / "train.csv", index=False)
    frame[cut:].to_csv(folder / "test.csv", index=False)
    return folder / "train.csv", folder / "test.csv", cut


def score(train: Path, test: Path, made: Path) -> dict[str, float]:
    python = protocol.peer("sdmetrics")
    if python is None:
        return {}
    script = protocol.SHARED / "bench" / "score_table.py"
    return protocol.run_json([python, script, train, test, made, TARGET, POSITIVE])


def row(name: str, fit: float, sample: float, scores: dict[str, float]) -> dict[str, object]:
    return {
        "tool": name,
        "fit s": f"{fit:.1f}",
        "sample s": f"{sample:.2f}",
        **{k: scores.get(k, "") for k in SCORES},
    }


def ours(
    train: Path, test: Path, rows: int, minutes: float, seed: int, folder: Path
) -> dict[str, object]:
    start = time.perf_counter()
    model = api.train("table", train, out=folder / f"t{seed}", minutes=minutes, seed=seed)
    fitted = time.perf_counter()
    frame = model.generate(rows, seed=seed)
    done = time.perf_counter()
    made = folder / f"ours-{seed}.csv"
    frame.to_csv(made, index=False)
    name = f"Genloom, --minutes {minutes:g}, seed {seed}"
    return row(name, fitted - start, done - fitted, score(train, test, made))


def theirs(train: Path, test: Path, rows: int, folder: Path) -> dict[str, object] | None:
    python = protocol.peer("mostlyai")
    if python is None:
        return None
    made = folder / "mostlyai.csv"
    script = protocol.SHARED / "bench" / "table_mostlyai.py"
    found = protocol.run_json([python, script, train, str(rows), made])
    return row("mostlyai-engine", found["fit_s"], found["sample_s"], score(train, test, made))


def many(folder: Path, seed: int) -> None:
    """100,000 rows, three times."""
    model = api.load(folder / f"t{seed}")
    model.generate(1000)
    times = []
    for number in range(3):
        start = time.perf_counter()
        model.generate(100_000, seed=number)
        times.append(time.perf_counter() - start)
    print(f"100,000 rows sampled and decoded: {protocol.median(times)} s\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.45, 0.7])
    args = parser.parse_args()
    protocol.head("Tables: Adult")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train, test, rows = split(folder)
        found = [theirs(train, test, rows, folder)]
        for seed in range(args.runs):
            for minutes in args.minutes:
                found.append(ours(train, test, rows, minutes, seed, folder))
        import pandas

        real = pandas.read_csv(train)
        real.sample(len(real), replace=True, random_state=1).to_csv(
            folder / "boot.csv", index=False
        )
        found.append(row("bootstrap of real rows", 0, 0, score(train, test, folder / "boot.csv")))
        protocol.table([f for f in found if f])
        many(folder, 0)


if __name__ == "__main__":
    main()
