"""Training on a GPU: the share of the card's own bf16 rate that a 124M model's training reaches.

Usage: bench_gpu.py [--steps 60] [--batch 32] [--accumulate 1] [--set k=v]   Ids are random: only
speed is measured. The rate is that of large bf16 products, seconds before. Operations
of a step: 6 a weight of every product and token, and causal attention (the half that is seen).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import protocol
import torch

from genloom.data.loader import Loader
from genloom.model import Model
from genloom.recipe import Data, Part, Recipe, Train
from genloom.spec import TokenSpec
from genloom.train.log import Event
from genloom.train.loop import Job, Loop

SHAPE = {"width": 768, "depth": 12, "heads": 12}
LENGTH, VOCAB = 1024, 50304


def rate(size: int = 8192) -> float:
    """Operations a second of bf16 products."""
    a, b = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(20):
        a @ b
    torch.cuda.synchronize()
    return 20 * 2 * size**3 / (time.perf_counter() - begun)


def recipe(batch: int, accumulate: int, steps: int, changes: list[str]) -> Recipe:
    made = Recipe(
        name="speed",
        codec=Part("text", {"length": LENGTH}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", SHAPE)},
        data=Data(batch=batch, pack=True),
        train=Train(steps=steps, accumulate=accumulate, compile="on", save_seconds=1e9),
    )
    return made.with_(*changes)


def operations(model: Model, width: int, depth: int) -> float:
    """Of one token's training."""
    net: Any = model.nets["net"]
    weights = sum(p.numel() for p in net.transformer.parameters()) + VOCAB * width
    return 6.0 * weights + 6.0 * depth * width * LENGTH


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--steps", type=int, default=60)
    told.add_argument("--batch", type=int, default=32)
    told.add_argument("--accumulate", type=int, default=1)
    told.add_argument("--set", dest="changes", action="append", default=[])
    asked = told.parse_args()
    protocol.head("gpu")
    torch.set_float32_matmul_precision("high")
    peak = rate()
    spec = TokenSpec(vocab=VOCAB, length=LENGTH, bos=0, eos=0, pad=0)
    made = recipe(asked.batch, asked.accumulate, asked.steps, asked.changes)
    nets = made.make_nets(spec, None).to("cuda")
    model = Model(recipe=made, codec=made.make_codec(), prompt=None, nets=nets)
    data = [torch.randint(1, VOCAB, (4_000_000,), dtype=torch.int32)]
    loader = Loader(data, spec, batch=asked.batch, seed=0, pack=True)
    marks: list[float] = []

    def heard(event: Event) -> None:
        if event.kind == "step":
            marks.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        Loop(Job(model=model, loader=loader, run=Path(folder), listener=heard)).fit()
    times = sorted(b - a for a, b in pairwise(marks[len(marks) // 3 :]))
    tokens = asked.batch * LENGTH / statistics.median(times)
    reached = tokens * operations(model, SHAPE["width"], SHAPE["depth"])
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print(f"{model.parameters:,} weights, {asked.batch} x {LENGTH} tokens a step {asked.changes}")
    print(f"bf16 products {peak / 1e12:.0f} TFLOP/s; step {1e3 * statistics.median(times):.1f} ms")
    print(f"{tokens:,.0f} tokens/s = {reached / 1e12:.0f} TFLOP/s = {reached / peak:.1%} of that")
    print(f"peak memory {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)


if __name__ == "__main__":
    main()
