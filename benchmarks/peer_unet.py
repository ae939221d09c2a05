"""A class-conditional U-Net of the diffusers library, taught and sampled for bench_images.py.

Runs in the peer's own environment and imports nothing of ours. 28 x 28 x 1, channels 64, 128 and
128 with attention in the middle, AdamW at 5e-4 with a warm-up and a cosine, an average of the
weights.
Usage: peer_unet.py FOLDER --minutes M [--batch 64]; FOLDER holds given.safetensors (train, labels,
asked) and receives a file of made pictures for each sampler.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, DDPMScheduler, DPMSolverMultistepScheduler, UNet2DModel
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file

RATE, WARM, MADE = 5e-4, 20, 125


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    torch.manual_seed(0)
    given = load_file(args.folder / "given.safetensors")
    net = UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(64, 128, 128),
        num_class_embeds=10,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    ).to(memory_format=torch.channels_last)
    begun = time.perf_counter()
    steps = taught(net, given, args.minutes * 60, args.batch)
    told = {"steps": steps, "seconds": time.perf_counter() - begun, "seconds_each": {}}
    net.eval()
    schedules = {
        "DDIM 50": (DDIMScheduler(1000), 50),
        "DPM-Solver++ 20": (DPMSolverMultistepScheduler(1000), 20),
    }
    for name, (schedule, count) in schedules.items():
        begun = time.perf_counter()
        made = sampled(net, schedule, count, given["asked"])
        told["seconds_each"][name] = (time.perf_counter() - begun) / len(made)
        save_file({"made": made.clamp(-1, 1).contiguous()}, args.folder / f"{name}.safetensors")
    print(json.dumps(told))


def taught(net: UNet2DModel, given: dict, seconds: float, batch: int) -> int:
    """Steps taken; the weights are then those of the average."""
    noise_schedule = DDPMScheduler(1000)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE)
    average = EMAModel(net.parameters(), decay=0.995, use_ema_warmup=True, power=0.75)
    begun, steps = time.perf_counter(), 0
    while (spent := (time.perf_counter() - begun) / seconds) < 1:
        rate = RATE * min(1.0, (steps + 1) / WARM) * 0.5 * (1 + math.cos(math.pi * spent))
        optimizer.param_groups[0]["lr"] = rate
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
    average.copy_to(net.parameters())
    return steps


@torch.no_grad()
def sampled(net: UNet2DModel, schedule: object, steps: int, asked: torch.Tensor) -> torch.Tensor:
    made = []
    for labels in asked.split(MADE):
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
