"""What each technique is worth at this size: the stories recipe, one thing changed at a time.

Usage: bench_ablation.py [--steps 1000] [--device cpu] [--data FOLDER] [--only NAME ...]
[--megabytes 12] [--seeds 1]   All take the same steps on the same windows. Bits per byte of
held-out books (lower is better) and milliseconds a step on this device.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import protocol
from bench_stories import beginnings, books

from genloom import api
from genloom.recipe import Facts
from genloom.recipes.stories import choose
from genloom.train.log import Event
from genloom.trust import quality_text

WAYS: dict[str, tuple[str, ...]] = {
    "as the recipe has it": (),
    "AdamW alone": ("train.muon_rate=0", "train.rate=0.003"),
    "without QK-norm": ("net.net.qk_norm=none",),
    "SwiGLU of equal size": ("net.net.activation=swiglu", "net.net.expansion=2.667"),
    "GELU": ("net.net.activation=gelu",),
    "without logit soft-cap": ("net.net.softcap=0",),
    "without tail averaging": ("train.ema=0",),
    "value embeddings, every 2nd layer": ("net.net.valued=2",),
    "bigram embeddings, 16,384": ("net.net.bigram=16384",),
    "batch ramp, first 30 %": ("data.ramp=0.3",),
    "short windows, first 30 %": ("data.short=0.3",),
    "tied head": ("net.net.tied=true",),
    "dropout 0.1": ("net.net.dropout=0.1",),
}


def once(
    asked: argparse.Namespace, train: list[str], held: list[str], seed: int, changes: list[str]
) -> tuple[float, float, int]:
    """(bits per byte, ms a step, weights)."""
    marks: list[float] = []

    def heard(event: Event) -> None:
        if event.kind == "step":
            marks.append(time.perf_counter())

    recipe = choose(asked.size, Facts(items=len(train), units=10**8)).with_(*changes)
    with tempfile.TemporaryDirectory() as folder:
        model = api.train(
            recipe,
            train,
            out=Path(folder) / "stories",
            seed=seed,
            device=asked.device,
            listener=heard,
        )
    model.nets.to(api.pick_device(asked.device))
    own = quality_text._score(model, held).rates()
    step = statistics.median(b - a for a, b in pairwise(marks))
    return own["bits_per_byte"], 1e3 * step, model.parameters


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--steps", type=int, default=1000)
    told.add_argument("--megabytes", type=float, default=12.0)
    told.add_argument("--size", default="base")
    told.add_argument("--device", default="cpu")
    told.add_argument("--seeds", type=int, default=1)
    told.add_argument("--data", type=Path, default=None)
    told.add_argument("--only", action="append", default=[])
    told.add_argument("--set", dest="changes", action="append", default=[])
    asked = told.parse_args()
    protocol.head("ablation")
    train, held = books(asked.data or protocol.data("stories"))
    most = int(asked.megabytes * 1e6 / len(train))
    train, some = [text[:most] for text in train], beginnings(held, 300_000)
    common = [
        *("train.compile=off", "train.judge=0", "train.epochs=0", "train.save_seconds=10000"),
        f"train.steps={asked.steps}",
        *asked.changes,
    ]
    for name, changes in WAYS.items():
        if asked.only and not any(only in name for only in asked.only):
            continue
        for seed in range(asked.seeds):
            bits, step, weights = once(asked, train, some, seed, [*common, *changes])
            print(
                f"| {name} | {bits:.4f} | {step:.0f} ms | {weights:,} | seed {seed} |", flush=True
            )


if __name__ == "__main__":
    main()
