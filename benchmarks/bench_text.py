"""Text: quality in the wall-clock time of nanoGPT's CPU configuration, and training throughput.

Usage: bench_text.py [--runs 1] [--seconds S]   nanoGPT: a checkout at $PEERS/nanogpt with prepared
data, run by $PEERS/hf's Python. Without it, S seconds are taken (120 unless given).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

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
    "net.net.activation=gelu",
    "net.net.rotary=false",
    "net.net.qk_norm=false",
    "net.net.learned=64",
    "net.net.softcap=0",
    "net.net.tied=true",
    "train.muon_rate=0",
    "train.ema=0",
    "train.judge=0",
    "train.preview=0",
)


def nanogpt(python: Path) -> tuple[float, float, float]:
    """(wall seconds, tokens/s by the median iteration, last val loss)."""
    folder = python.parents[2] / "nanogpt"
    env = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    start = time.perf_counter()
    out = subprocess.run(
        ["sh", str(protocol.SHARED / "bench" / "nanogpt.sh"), str(folder)],
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
    return wall, 768e3 / statistics.median(times), losses[-1]


def ours(text: Path, seconds: float, seed: int, folder: Path) -> tuple[float, float]:
    """(wall seconds, nats per character of the last tenth, scored once with full context)."""
    start = time.perf_counter()
    out = folder / f"text-{seed}"
    api.train("text", text, out=out, minutes=seconds / 60, seed=seed, changes=["train.preview=0"])
    wall = time.perf_counter() - start
    report = quality.evaluate(api.load(out))
    return wall, report["nats_per_character"].value or float("nan")


def throughput(text: Path, folder: Path, *how: str) -> float:
    """Tokens/s of 200 steps of nanoGPT's architecture, by the wall, compiling not counted."""
    marks: list[tuple[int, float]] = []

    def listen(event: object) -> None:
        if event.kind == "step":
            marks.append((event.step, time.perf_counter()))

    changes = [*GPT2, "train.steps=230", *how]
    api.train("text", text, out=folder / "speed", changes=changes, listener=listen)
    return 768 * 200 / (marks[-1][1] - marks[-201][1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float)
    args = parser.parse_args()
    text = protocol.data("tinyshakespeare") / "input.txt"
    python = protocol.peer("hf")
    protocol.head("Text: tinyshakespeare, last tenth held out")
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seconds = args.seconds or 120.0
        if python and (python.parents[2] / "nanogpt").is_dir():
            wall, speed, loss = nanogpt(python)
            seconds = args.seconds or wall
            rows.append(
                {
                    "tool": "nanoGPT, its CPU configuration",
                    "wall s": f"{wall:.0f}",
                    "nats/character": f"{loss:.3f} (20 random batches)",
                    "training tokens/s": f"{speed:,.0f}",
                }
            )
        if python:
            speeds = [
                protocol.run_json(
                    [
                        python,
                        protocol.SHARED / "bench" / "train_hf_gpt2.py",
                        text,
                        "--iters",
                        "200",
                        "--trainer",
                    ]
                )["tok_s"]
                for _ in range(args.runs)
            ]
            rows.append(
                {
                    "tool": "transformers Trainer, same architecture",
                    "wall s": "",
                    "nats/character": "",
                    "training tokens/s": protocol.median(speeds),
                }
            )
        ways = {"": ("train.compile=off",), ", compiled": ("train.compile=on",)}
        if fast_bf16(torch.device("cpu")):
            ways[", compiled, bf16"] = ("train.compile=on", "train.precision=bf16")
        for way, how in ways.items():
            speeds = [throughput(text, folder, *how) for _ in range(args.runs)]
            name = f"Genloom, nanoGPT's architecture{way}"
            rows.append(
                {
                    "tool": name,
                    "wall s": "",
                    "nats/character": "",
                    "training tokens/s": protocol.median(speeds),
                }
            )
        found = [ours(text, seconds, seed, folder) for seed in range(args.runs)]
        rows.append(
            {
                "tool": "Genloom, text preset",
                "wall s": protocol.median([w for w, _ in found]),
                "nats/character": protocol.median([n for _, n in found]),
                "training tokens/s": "",
            }
        )
    protocol.table(rows)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    main()
