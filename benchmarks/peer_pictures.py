"""A class-conditional net of the diffusers library, taught and sampled for bench_images.py.

Runs in the peer's own environment and imports nothing of ours. 28 x 28 x 1, bf16 by autocast, AdamW
with a warm-up and a cosine, an average of the weights. Minutes and seconds are those of one core.
Usage: peer_pictures.py FOLDER --minutes M [--net unet|dit] [--batch 64]; FOLDER holds
given.safetensors (train, labels, asked) and receives NET.safetensors, which is taken as it is where
it lies there already, and a file of made pictures for each sampler.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DiTTransformer2DModel,
    DPMSolverMultistepScheduler,
    UNet2DModel,
)
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file

WARM, MADE = 20, 125
RATES = {"unet": 5e-4, "dit": 1e-3}
STEPS = {"DPM-Solver++": (4, 6, 10, 20), "DDIM": (50,)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--net", choices=tuple(RATES), default="unet")
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    given = load_file(args.folder / "given.safetensors")
    net, kept = built(args.net), args.folder / f"{args.net}.safetensors"
    if not kept.exists():
        begun = time.process_time()
        steps = taught(net, given, args.minutes * 60, args.batch, RATES[args.net])
        told = {"steps": str(steps), "seconds": str(time.process_time() - begun)}
        state = {name: value.contiguous() for name, value in net.state_dict().items()}
        save_file(state, kept, metadata=told)
    told = laid(net, kept)
    for name, counts in STEPS.items():
        for count in counts:
            begun = time.process_time()
            made = sampled(net, name, count, given["asked"])
            each = (time.process_time() - begun) / len(made)
            place = f"{args.net} {name} {count}"
            told["seconds_each"][place] = each
            save_file(
                {"made": made.clamp(-1, 1).contiguous()}, args.folder / f"{place}.safetensors"
            )
    print(json.dumps(told))


def built(kind: str) -> torch.nn.Module:
    """unet: 4.4 M weights. dit: 2.2 M, of the sizes that our preset has on a core."""
    if kind == "dit":
        return DiTTransformer2DModel(
            num_attention_heads=5,
            attention_head_dim=32,
            in_channels=1,
            out_channels=1,
            num_layers=4,
            sample_size=28,
            patch_size=7,
            num_embeds_ada_norm=10,
        )
    net = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(64, 128, 128),
        num_class_embeds=10,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    )
    return net.to(memory_format=torch.channels_last)


def laid(net: torch.nn.Module, kept: Path) -> dict[str, Any]:
    """The kept weights into the net; what its training told."""
    net.load_state_dict(load_file(kept))
    with kept.open("rb") as file:
        told = json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]
    net.eval()
    weights = sum(p.numel() for p in net.parameters())
    return {
        "steps": int(told["steps"]),
        "seconds": float(told["seconds"]),
        "parameters": weights,
        "seconds_each": {},
    }


def taught(
    net: torch.nn.Module, given: dict[str, torch.Tensor], seconds: float, batch: int, rate: float
) -> int:
    """Steps taken; the weights are then those of the average."""
    noise_schedule = DDPMScheduler(1000)
    optimizer = torch.optim.AdamW(net.parameters(), lr=rate, fused=True)
    average = EMAModel(net.parameters(), decay=0.995, use_ema_warmup=True, power=0.75)
    begun, steps = time.process_time(), 0
    while (spent := (time.process_time() - begun) / seconds) < 1:
        now = rate * min(1.0, (steps + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * spent))
        optimizer.param_groups[0]["lr"] = now
        index = torch.randint(0, len(given["train"]), (batch,))
        x, label = given["train"][index], given["labels"][index]
        noise, at = torch.randn_like(x), torch.randint(0, 1000, (batch,))
        noisy = noise_schedule.add_noise(x, noise, at).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = net(noisy, at, class_labels=label).sample
        loss = F.mse_loss(found.float(), noise)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        average.step(net.parameters())
        steps += 1
        if steps % 100 == 0:
            print(steps, f"{loss.item():.4f}", f"{spent:.3f}", flush=True)
    average.copy_to(net.parameters())
    return steps


@torch.inference_mode()
def sampled(net: torch.nn.Module, name: str, steps: int, asked: torch.Tensor) -> torch.Tensor:
    """float [B, 1, 28, 28], a label each."""
    kinds = {"DDIM": DDIMScheduler, "DPM-Solver++": DPMSolverMultistepScheduler}
    made = []
    for labels in asked.split(MADE):
        schedule = kinds[name](1000)
        schedule.set_timesteps(steps)
        x = torch.randn(len(labels), 1, 28, 28)
        for at in schedule.timesteps:
            with torch.autocast("cpu", torch.bfloat16):
                found = net(x, at.expand(len(x)), class_labels=labels).sample
            x = schedule.step(found.float(), at, x).prev_sample
        made.append(x)
    return torch.cat(made)


if __name__ == "__main__":
    main()
