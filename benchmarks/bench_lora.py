"""Fine-tuning with LoRA: tokens a second and peak memory, beside transformers with PEFT.

Usage: bench_lora.py [--shapes small qwen3-0.6b] [--steps 6] [--keep FOLDER]
The same random weights (written in the Hugging Face layout), rank 16, alpha 32, all seven linear
maps of each layer, the same rows of ids without padding, AdamW, gradients clipped at 1. Each run is
a process of its own with 2 threads; the first two steps are not counted; memory is the largest
resident size of the process, weights included. Ours is a step of the package's own loop; the peer's
is the loop of PEFT's guide: forward with labels, backward, clip, fused AdamW, zero_grad, sdpa
attention, no cache; in bf16 with adapters in fp32 (PEFT's default) and in bf16 (faster). Compiled
is our loop with its step through torch.compile, as `train` takes it where a probe says so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import protocol
import torch

SIZES = {"small": (8, 256), "qwen3-0.6b": (4, 256)}  # rows, ids of a row
SKIPPED = 2
NAMES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
OURS = ("fp32", "bf16", "bf16, compiled", "int8", "int4")
PEERS = ("fp32", "bf16", "bf16 throughout")
PEER = """
import json, resource, sys, time
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

folder, how, rows, length, steps, names = json.loads(sys.argv[1])
torch.set_num_threads(2)
torch.manual_seed(0)
kind = torch.float32 if how == "fp32" else torch.bfloat16
model = AutoModelForCausalLM.from_pretrained(folder, dtype=kind, attn_implementation="sdpa")
model.config.use_cache = False
config = LoraConfig(r=16, lora_alpha=32, target_modules=names, task_type="CAUSAL_LM")
model = get_peft_model(model, config, autocast_adapter_dtype=how != "bf16 throughout").train()
learnt = [p for p in model.parameters() if p.requires_grad]
optimiser = torch.optim.AdamW(learnt, lr=1e-3, fused=True)
rng = torch.Generator().manual_seed(1)
times, losses = [], []
for _ in range(steps + 2):
    ids = torch.randint(0, 256, (rows, length + 1), generator=rng)
    begun = time.perf_counter()
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learnt, 1.0)
    optimiser.step()
    optimiser.zero_grad()
    losses.append(float(loss.detach()))
    times.append(time.perf_counter() - begun)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
learnt = sum(p.numel() for p in learnt)
print(json.dumps({"times": times[2:], "peak": peak, "losses": losses, "learnt": learnt}))
"""

CHECK = """
import json, sys
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

base, there, more, names, ids = json.loads(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
if more is None:
    model = PeftModel.from_pretrained(model, there)
else:
    model = get_peft_model(model, LoraConfig(r=4, lora_alpha=6, target_modules=names, **more))
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "lora_" in name:
                p.add_(torch.randn(p.shape, generator=rng) * 0.02)
    model.save_pretrained(there)
with torch.no_grad():
    print(json.dumps(model.eval()(torch.tensor([ids])).logits[0, -1].tolist()))
"""


# --- our side -------------------------------------------------------------------------------------


class Rows:
    """A loader of random ids."""

    def __init__(self, spec: Any, rows: int, length: int) -> None:
        self.spec, self.rows, self.length = spec, rows, length
        self.epoch_size, self.targets, self.told = 1000, rows * length, {}
        self.rng = torch.Generator().manual_seed(1)

    def batches(self, step: int, accumulate: int) -> list[Any]:
        from genloom.spec import Batch

        ids = torch.randint(0, 256, (self.rows, self.length + 1), generator=self.rng)
        weight = torch.ones(ids.shape)
        weight[:, 0] = 0
        return [Batch(spec=self.spec, x=ids, weight=weight)]


def ours(folder: str, how: str, rows: int, length: int, steps: int) -> dict[str, Any]:
    """One training of the package's own loop, step by step."""
    from genloom import adapted, api
    from genloom.net.frozen import freeze
    from genloom.net.lora import Adapter, attach
    from genloom.train.loop import Job, Loop

    torch.set_num_threads(2)
    how, _, compiled = how.partition(", ")
    model = adapted.load(
        api.Model, Path(folder), dtype=torch.float32 if how == "fp32" else "stored"
    )
    net: Any = model.nets["net"]
    if how != "fp32":
        freeze(net, {"bf16": "bf16", "int8": "int8", "int4": "int4"}[how])  # type: ignore[arg-type]
    attach(net, Adapter(rank=16, alpha=32.0))
    model.recipe = model.recipe.training(
        steps=100,
        rate=1e-3,
        muon_rate=0.0,
        ema=0.0,
        compile="on" if compiled else "off",
        clip=1.0,
        warmup=0.0,
        decay=0.0,
    )
    with tempfile.TemporaryDirectory() as run:
        loader: Any = Rows(model.codec.spec, rows, length)
        loop = Loop(Job(model=model, loader=loader, run=Path(run)))
        times, losses = [], []
        for _ in range(steps + SKIPPED):
            begun = time.perf_counter()
            losses.append(loop.advance(lambda *_, **__: None)["nats"])
            times.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    learnt = sum(p.numel() for p in net.parameters() if p.requires_grad)
    return {"times": times[SKIPPED:], "peak": peak, "losses": losses, "learnt": learnt}


# --- both -----------------------------------------------------------------------------------------


def measure(shape: str, folder: Path, steps: int) -> None:
    rows, length = SIZES[shape]
    plain, own = folder / shape / "hf", folder / shape / "ours"
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for how in OURS:
        told = json.dumps([str(own), how, rows, length, steps])
        found["genloom", how] = protocol.run_json([sys.executable, __file__, "--one", told])
    peer = protocol.peer("hf")
    if peer is not None:
        with tempfile.NamedTemporaryFile("w", suffix=".py") as script:
            script.write(PEER)
            script.flush()
            for how in PEERS:
                told = json.dumps([str(plain), how, rows, length, steps, NAMES])
                found["transformers+peft", how] = protocol.run_json([peer, script.name, told])
    print(f"### {shape}: {rows} rows of {length} ids\n")
    fastest = min(
        (statistics.median(r["times"]) for (k, _), r in found.items() if k != "genloom"),
        default=None,
    )
    lines = []
    for (kind, how), run in found.items():
        taken = statistics.median(run["times"])
        rates = [rows * length / t for t in run["times"]]
        lines.append(
            {
                "": kind,
                "frozen weights": how,
                "tokens/s": protocol.median(rates),
                "of the fastest peer": "" if fastest is None else f"{fastest / taken:.2f}",
                "peak memory, MiB": round(run["peak"] / 2**20),
                "weights learnt": f"{run['learnt']:,}",
                "loss of the last step": f"{run['losses'][-1]:.3f}",
            }
        )
    protocol.table(lines)


def check(folder: Path) -> None:
    """An adapter of PEFT's in our hands, and the same written by us in PEFT's: logits of both."""
    from genloom import adapted, api
    from genloom.net.attention import CausalAttention
    from genloom.weights import adapters

    peer = protocol.peer("hf")
    if peer is None:
        return
    ids, lines = list(range(1, 40)), []
    at = torch.arange(len(ids))[None, :, None]
    for title, more in (
        ("lora", {}),
        ("lora, rslora", {"use_rslora": True}),
        ("lora, q_proj of rank 2", {"rank_pattern": {"q_proj": 2}}),
        ("dora", {"use_dora": True}),
    ):
        with tempfile.TemporaryDirectory() as temporary:
            script = Path(temporary, "check.py")
            script.write_text(CHECK)
            call = [peer, script, str(folder / "small/hf"), ids]
            made = _theirs(call, f"{temporary}/made", more)
            model = adapted.load(api.Model, folder / "small/ours", dtype=torch.float32)
            adapters.load_into(model, Path(temporary, "made"))
            net: Any = model.nets["net"]
            with torch.no_grad():
                ours = net.logits(net(torch.tensor([ids]), at, CausalAttention()))[0, -1]
            Path(temporary, "ours").mkdir()
            adapters.save(Path(temporary, "ours"), model, None, bool(more.get("use_rslora")))
            back = _theirs(call, f"{temporary}/ours", None)
        lines.append(
            {
                "adapter": title,
                "largest logit": f"{made.abs().max():.3f}",
                "theirs in ours, largest difference": f"{(ours - made).abs().max():.2e}",
                "ours in theirs": f"{(back - made).abs().max():.2e}",
            }
        )
    protocol.table(lines)


def _theirs(call: list[Any], there: str, more: Any) -> torch.Tensor:
    """The peer's logits, of an adapter it makes (more: how) or finds (None) there."""
    peer, script, base, ids = call
    told = json.dumps([base, there, more, NAMES, ids])
    return torch.tensor(protocol.run_json([peer, script, told]))


def prepare(shape: str, folder: Path) -> None:
    """The random weights in both layouts, unless they are there."""
    import bench_llm

    from genloom import api

    if not (folder / shape / "hf").exists():
        (folder / shape).mkdir(parents=True, exist_ok=True)
        bench_llm.write_random(shape, folder / shape / "hf")
    if not (folder / shape / "ours").exists():
        api.import_weights(folder / shape / "hf", name=folder / shape / "ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--check", action="store_true", help="compare logits with PEFT instead")
    parser.add_argument("--one")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(ours(*json.loads(args.one))))
        return
    torch.set_num_threads(2)
    os.environ["OMP_NUM_THREADS"] = "2"
    protocol.head("Fine-tuning with LoRA")
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        if args.check:
            prepare("small", folder)
            check(folder)
            return
        for shape in args.shapes:
            prepare(shape, folder)
            measure(shape, folder, args.steps)


if __name__ == "__main__":
    main()
