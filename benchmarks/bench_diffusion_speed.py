"""Training and sampling speed of our diffusion nets beside diffusers 0.42, same shapes and sizes.

Usage: bench_diffusion_speed.py [--models dit unet] [--ways ...] [--batch 64] [--sample-batch 16]
       [--runs 7] [--sample-runs 3] [--threads 2] [--steps 50 20]
DiT: 8 layers of 192, 3 heads of 64, patches of 2, a class each, a modulation of its own for each
layer, layer norms, sines for places, as the peer has them (ours with squared ReLU, theirs with
GELU); U-Net: 64, 128, 128 channels with attention at 16 x 16. 32 x 32 x 3, random pictures. Peers
are built as ../shared/bench/image_diffusers.py builds them. Every way of each side is a process of
its own: fp32, bf16 (autocast; ours as the package's loop does it), compiled (ours as `train` takes
it where a probe says so), the peer's U-Net channels last, too. Ours is a whole step of the loop
(data, loss, backward, clipping, Muon and AdamW, averaging) against the peer's bare one with AdamW.
Sampling: ours through the engine (random numbers, requests and decoding counted), the peer's a
bare loop; both one net evaluation a step. Medians, and the half spread over medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import protocol
import torch
from torch import Tensor

from genloom.api import Model
from genloom.data.loader import Loader
from genloom.engine.engine import Engine
from genloom.net.precision import fast_bf16
from genloom.recipe import Data, Part, Recipe, Train
from genloom.spec import Options, Request
from genloom.train.loop import Job, Loop

SIDE, CLASSES, LEFT_OUT = 32, 10, 2
NETS: dict[str, Part] = {
    "dit": Part(
        "diffusion_transformer",
        {
            "width": 192,
            "depth": 8,
            "heads": 3,
            "patch": 2,
            "own_modulation": True,
            "norm": "layer",
            "qk_norm": "none",
            "rotary": None,
        },
    ),
    "unet": Part(
        "unet", {"base": 64, "factors": [1, 2, 2], "blocks": 1, "attends": 256, "head": 64}
    ),
}
WAYS = ("fp32", "bf16", "bf16 compiled")
PEER = """
import contextlib, json, statistics, sys, time
import diffusers, torch
import torch.nn.functional as F

kind, way, o, bench = json.loads(sys.argv[1])
sys.path.insert(0, bench)
import image_diffusers

torch.set_num_threads(o["threads"])
model = image_diffusers.build(kind)
last = kind == "unet" and "bf16" in way
if last:
    model = model.to(memory_format=torch.channels_last)
net = torch.compile(model) if "compiled" in way else model
cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if "bf16" in way else contextlib.nullcontext
more = lambda n: {"class_labels": torch.randint(0, 10, (n,))} if kind == "dit" else {}
schedule = diffusers.DDPMScheduler(1000)
optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

def step():
    x = torch.randn(o["batch"], 3, 32, 32)
    noise, t = torch.randn_like(x), torch.randint(0, 1000, (o["batch"],))
    noisy = schedule.add_noise(x, noise, t)
    if last:
        noisy = noisy.contiguous(memory_format=torch.channels_last)
    with cast():
        loss = F.mse_loss(net(noisy, t, **more(o["batch"])).sample.float(), noise)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)

@torch.inference_mode()
def sample(scheduler, steps):
    n = o["sample_batch"]
    scheduler.set_timesteps(steps)
    x, told = torch.randn(n, 3, 32, 32), more(n)
    for t in scheduler.timesteps:
        with cast():
            made = net(x, t.expand(n), **told).sample.float()
        x = scheduler.step(made, t, x).prev_sample

def timed(fn, runs, spare):
    times = []
    for _ in range(runs + spare):
        begun = time.perf_counter()
        fn()
        times.append(time.perf_counter() - begun)
    return times[spare:]

out = {"parameters": sum(p.numel() for p in model.parameters()), "peer": diffusers.__version__}
out["train"] = timed(step, o["runs"], 2)
model.eval()
schedulers = (diffusers.DDIMScheduler(1000), diffusers.DPMSolverMultistepScheduler(1000))
for steps in o["steps"]:
    scheduler = schedulers[steps < 30]
    out[f"sample {steps}"] = timed(lambda: sample(scheduler, steps), o["sample_runs"], 1)
print(json.dumps(out))
"""


def made(kind: str, way: str, batch: int) -> tuple[Model, Loader]:
    """Our model on random pictures of ten classes."""
    half, compiled = "bf16" in way, "compiled" in way
    train = Train(
        steps=1 << 20,
        rate=1e-4,
        muon_rate=0.01,
        precision="bf16" if half else "fp32",
        compile="on" if compiled else "off",
    )
    recipe = Recipe(
        name="speed",
        codec=Part("image", {"size": SIDE, "mode": "RGB"}),
        prompt=Part("label"),
        family=Part("flow", {"solver": "euler", "steps": 20}),
        net={"net": NETS[kind]},
        data=Data(batch=batch),
        train=train,
    )
    recipe.check()
    codec, prompt = recipe.make_codec(), recipe.make_prompt()
    labels = [str(n % CLASSES) for n in range(8 * batch)]
    prompt.fit(labels)
    torch.manual_seed(0)
    x = torch.rand(len(labels), 3, SIDE, SIDE) * 2 - 1
    nets = recipe.make_nets(codec.spec, prompt.spec)
    model = Model(recipe=recipe, codec=codec, prompt=prompt, nets=nets)
    loader = Loader(x, codec.spec, batch=batch, seed=0, prompts=prompt.encode(labels))
    return model, loader


def ours(kind: str, way: str, o: dict[str, Any]) -> dict[str, Any]:
    """Seconds of training steps and of samplings."""
    torch.set_num_threads(o["threads"])
    model, loader = made(kind, way, o["batch"])
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Job(model=model, loader=loader, run=Path(folder)))
        steps = timed(lambda: loop.advance(lambda *_, **__: None), o["runs"], LEFT_OUT)
    out: dict[str, Any] = {"parameters": model.parameters, "train": steps}
    model.nets.requires_grad_(False).eval()

    def sample(count: int) -> list[Tensor]:
        options = Options(steps=count, guidance=1.0)
        with Engine(model) as engine:
            asked = Request(prompt="3", count=o["sample_batch"], options=options)
            return engine.submit(asked).result()

    for count in o["steps"]:
        out[f"sample {count}"] = timed(lambda n=count: sample(n), o["sample_runs"], 1)
    return out


def timed(run: Callable[[], Any], runs: int, spare: int) -> list[float]:
    times = []
    for _ in range(runs + spare):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return times[spare:]


def told(side: str, kind: str, way: str, found: dict[str, Any], o: dict[str, Any]) -> None:
    """One row: rates with their spread."""
    cells = [f"{side:9} {kind:5} {way:14} {found['parameters'] / 1e6:5.2f} M"]
    for name in ("train", *(f"sample {n}" for n in o["steps"])):
        items = o["batch"] if name == "train" else o["sample_batch"]
        rates = [items / seconds for seconds in found[name]]
        spread = (max(rates) - min(rates)) / 2 / statistics.median(rates)
        cells.append(f"{name} {statistics.median(rates):7.2f}/s +-{100 * spread:.0f} %")
    print("  ".join(cells), flush=True)


def compared(kind: str, rows: Sequence[tuple[str, dict[str, Any]]], steps: Sequence[int]) -> None:
    """Our best beside the peer's best."""
    for name in ("train", *(f"sample {n}" for n in steps)):
        best = {
            side: min((statistics.median(f[name]) for s, f in rows if s == side), default=None)
            for side in ("ours", "diffusers")
        }
        mine, theirs = best["ours"], best["diffusers"]
        if mine and theirs:
            print(f"{kind} {name}: {theirs / mine:.2f} times the peer's best", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=tuple(NETS), default=list(NETS))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--sample-batch", type=int, default=16)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--sample-runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, nargs="+", default=[50, 20])
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    o = {k: v for k, v in vars(args).items() if k not in ("models", "ways", "one")}
    if args.one:
        kind, way = args.one
        print(json.dumps(ours(kind, way, o)))
        return
    protocol.head("diffusion nets: training and sampling speed")
    again = [f for k, v in o.items() for f in (f"--{k.replace('_', '-')}", *_words(v))]
    peer = _peer()
    ways = [way for way in args.ways if "bf16" not in way or fast_bf16(torch.device("cpu"))]
    for kind in args.models:
        rows: list[tuple[str, dict[str, Any]]] = []
        for way in ways:
            command = [sys.executable, __file__, "--one", kind, way, *again]
            rows.append(("ours", protocol.run_json(command)))
            told("ours", kind, way, rows[-1][1], o)
            if peer is not None:
                asked = json.dumps([kind, way, o, str(protocol.SHARED / "bench")])
                rows.append(("diffusers", protocol.run_json([peer, "-c", PEER, asked])))
                told("diffusers", kind, way, rows[-1][1], o)
        compared(kind, rows, o["steps"])


def _words(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _peer() -> str | Path | None:
    """A Python that has diffusers: a peer's environment, or this one."""
    try:
        import diffusers  # noqa: F401
    except ImportError:
        return protocol.peer("diffusers")
    return sys.executable


if __name__ == "__main__":
    main()
