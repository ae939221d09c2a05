"""Text: quality in the wall-clock time of nanoGPT's CPU configuration, and training throughput.

Usage: bench_text.py [--runs 3] [--seconds S] [--only speed|quality]   nanoGPT: a checkout at
$PEERS/nanogpt with prepared data, run by $PEERS/hf's Python. Without it, S seconds are taken (120
unless given). Throughput is measured in rounds in which every tool has its turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import protocol
import torch

from genloom import api
from genloom.forecast import fast_bf16
from genloom.trust import quality

# nanoGPT's own architecture and batch, said in our words
GPT2 = (
    "codec.vocab=bytes",
    "codec.length=64",
    "data.batch=12",
    "net.net.width=128",
    "net.net.heads=4",
    "net.net.depth=4",
    "net.net.norm=layer",
    "net.net.activation=gelu_erf",
    "net.net.rotary=null",
    "net.net.qk_norm=none",
    "net.net.learned=64",
    "net.net.softcap=0",
    "net.net.tied=true",
    "train.muon_rate=0",
    "train.rate=0.001",
    "train.weight_decay=0.1",
    "train.ema=0",
    "train.judge=0",
    "train.preview=0",
)
TOKENS = 12 * 64  # a step
STEPS = 200  # that are timed
WAYS = {
    "": ("train.compile=off", "train.precision=fp32"),
    ", compiled": ("train.compile=on", "train.precision=fp32"),
    ", bf16": ("train.compile=off", "train.precision=bf16"),
    ", compiled, bf16": ("train.compile=on", "train.precision=bf16"),
}
SHORT = (f"--max_iters={STEPS + 30}", f"--lr_decay_iters={STEPS + 30}", "--eval_iters=1")


def nanogpt(python: Path, *flags: str) -> tuple[float, float, float]:
    """(wall seconds, tokens/s by the median iteration, last val loss)."""
    folder = python.parents[2] / "nanogpt"
    env = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    start = time.perf_counter()
    out = subprocess.run(
        ["sh", str(protocol.SHARED / "bench" / "nanogpt.sh"), str(folder), *flags],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    ).stdout
    wall = time.perf_counter() - start
    times = [
        float(line.split("time ")[1].split("ms")[0])
        for line in out.splitlines()
        if line.startswith("iter ")
    ]
    losses = [float(line.split("val loss ")[1]) for line in out.splitlines() if "val loss" in line]
    return wall, 1e3 * TOKENS / statistics.median(times), losses[-1]


def trainer(python: Path, text: Path) -> float:
    """Tokens/s of the transformers Trainer, by the wall."""
    script = protocol.SHARED / "bench" / "train_hf_gpt2.py"
    told = protocol.run_json([python, script, text, "--iters", str(STEPS), "--trainer"])
    return float(told["tok_s"])


def ours(text: Path, seconds: float, seed: int, folder: Path) -> tuple[float, float]:
    """(wall seconds, nats per character of the last tenth, scored once with full context)."""
    start = time.perf_counter()
    out = folder / f"text-{seed}"
    api.train("text", text, out=out, minutes=seconds / 60, seed=seed, changes=["train.preview=0"])
    wall = time.perf_counter() - start
    report = quality.evaluate(api.load(out))
    return wall, report["nats_per_character"].value or float("nan")


def throughput(text: Path, folder: Path, *how: str) -> float:
    """Tokens/s of our median step of nanoGPT's architecture, everything between steps included."""
    marks: list[float] = []

    def listen(event: Any) -> None:
        if event.kind == "step":
            marks.append(time.perf_counter())

    changes = [*GPT2, f"train.steps={STEPS + 30}", *how]
    api.train("text", text, out=folder / "speed", changes=changes, listener=listen)
    marks = marks[-STEPS - 1 :]
    return TOKENS / statistics.median(b - a for a, b in pairwise(marks))


def tools(python: Path | None, text: Path, folder: Path) -> dict[str, Callable[[], float]]:
    """Everything whose speed is measured, by its name in the table."""
    found: dict[str, Callable[[], float]] = {}
    if python and (python.parents[2] / "nanogpt").is_dir():
        found["nanoGPT"] = lambda: nanogpt(python, *SHORT)[1]
        found["nanoGPT, compiled"] = lambda: nanogpt(python, *SHORT, "--compile=True")[1]
    if python:
        found["transformers Trainer"] = lambda: trainer(python, text)
    for way, how in WAYS.items():
        if "bf16" not in way or fast_bf16(torch.device("cpu")):
            found[f"Genloom{way}"] = lambda how=how: throughput(text, folder, *how)
    return found


def speeds(python: Path | None, text: Path, folder: Path, runs: int) -> None:
    """Tokens/s of every tool, in turns."""
    every = tools(python, text, folder)
    found: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(runs):
        for name, measure in every.items():
            found[name].append(measure())
    protocol.table(
        [
            {"tool, nanoGPT's architecture": n, "training tokens/s": protocol.median(v)}
            for n, v in found.items()
        ]
    )


def qualities(python: Path | None, text: Path, folder: Path, args: argparse.Namespace) -> None:
    """Loss after the seconds that nanoGPT takes here."""
    rows, seconds = [], args.seconds or 120.0
    if python and (python.parents[2] / "nanogpt").is_dir():
        wall, _, loss = nanogpt(python)
        seconds = args.seconds or wall
        row = {"tool": "nanoGPT, its CPU configuration", "wall s": f"{wall:.0f} (1 run)"}
        rows.append({**row, "nats/character": f"{loss:.3f} (20 random batches)"})
    found = [ours(text, seconds, seed, folder) for seed in range(args.runs)]
    row = {"tool": "Genloom, text preset", "wall s": protocol.median([w for w, _ in found])}
    rows.append({**row, "nats/character": protocol.median([n for _, n in found])})
    protocol.table(rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--only", choices=["speed", "quality"])
    args = parser.parse_args()
    text = protocol.data("tinyshakespeare") / "input.txt"
    python = protocol.peer("hf")
    protocol.head("Text: tinyshakespeare, last tenth held out")
    with tempfile.TemporaryDirectory() as place:
        if args.only != "quality":
            speeds(python, text, Path(place), args.runs)
        if args.only != "speed":
            qualities(python, text, Path(place), args)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    main()
