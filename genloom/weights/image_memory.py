"""How a pipeline is kept in memory: bits of its weights, and what is done where room is scarce.

Decided by how much memory there is, not by how much is free, so that a machine decides alike
whenever it is asked and makes the same picture again. Knows sizes and devices; loads nothing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from genloom.errors import ResourceError, UsageError

BITS = (32, 16)
SHARE = 0.5  # of memory that weights in 32 bits may take on a CPU
MOST = 0.8  # of memory that weights may take at all
DECODING = 4 * 128  # numbers a pixel that an autoencoder of the usual width holds while it decodes
ROOM = 0.25  # of memory that decoding may take before it goes tile by tile


@dataclass(frozen=True, kw_only=True)
class Saving:
    """bits: of a weight. streamed: weights wait in the CPU's memory and come layer by layer.
    sliced: attention goes head by head. room: bytes for decoding, beyond which it is tiled."""

    bits: int = 32
    streamed: bool = False
    sliced: bool = False
    room: float = float("inf")

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32 if self.bits == 32 else _half()

    def tiled(self, grid: tuple[int, ...]) -> bool:
        """Whether a picture of this size is decoded in tiles."""
        return grid[0] * grid[1] * DECODING * self.bits / 8 > self.room


def _half() -> torch.dtype:
    """bfloat16, but on GPUs that only imitate it."""
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def saving_of(
    weights: int, device: torch.device, bits: int | None = None, total: int | None = None
) -> Saving:
    """What suits so many weights on a device. total: bytes of its memory, as it is unless given.
    ResourceError with the numbers where no way suits."""
    if bits not in (None, *BITS):
        raise UsageError(f"bits is {bits}: a pipeline's weights are kept in 32 or 16")
    total = memory(device) if total is None else total
    gpu = device.type != "cpu"
    if bits is None:
        bits = 16 if gpu or 4 * weights > SHARE * total else 32
    needed = weights * bits // 8
    streamed = gpu and needed > MOST * total
    if not gpu and needed > MOST * total:
        least = f" (with --bits 16: {weights * 2 / 1e9:.1f} GB)" if bits == 32 else ""
        raise ResourceError(
            f"the pipeline's weights take {needed / 1e9:.1f} GB in {bits} bits{least}, of "
            f"{total / 1e9:.1f} GB that this machine has: take a smaller one"
        )
    return Saving(bits=bits, streamed=streamed, sliced=streamed, room=ROOM * total)


def memory(device: torch.device) -> int:
    """Bytes that there are, used or not."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
