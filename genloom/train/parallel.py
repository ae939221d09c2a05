"""Several processes that train one model: sums of gradients and counts over ranks.

Under torchrun each rank sees its own share of every batch; elsewhere there is one rank and nothing
happens. The only file besides the checkpoint that imports torch.distributed.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor


def join() -> None:
    """Join the group that torchrun prepared, if this process is part of one."""
    if dist.is_available() and dist.is_torchelastic_launched() and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")


def rank() -> int:
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def ranks() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def add_up(tensors: Sequence[Tensor]) -> None:
    """Replace each tensor by its sum over ranks."""
    if ranks() == 1:
        return
    flat = torch.cat([t.detach().flatten().float() for t in tensors])
    dist.all_reduce(flat)
    for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def any_of(flag: bool) -> bool:
    """True on every rank where it is on one: what a signal or a clock says differs by rank, and
    ranks that part ways wait for each other for ever."""
    if ranks() == 1:
        return bool(flag)
    total = torch.tensor([float(flag)], device=_device())
    add_up([total])
    return bool(total)


def first(value: float) -> float:
    """The first rank's number, on every rank."""
    return firsts([value])[0]


def firsts(values: Sequence[float]) -> list[float]:
    """The first rank's numbers, on every rank."""
    if ranks() == 1:
        return list(values)
    told = torch.tensor([float(v) for v in values], dtype=torch.float64, device=_device())
    dist.broadcast(told, 0)
    return told.tolist()


def _device() -> torch.device:
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")


def wait() -> None:
    """Until every rank is here."""
    if ranks() > 1:
        dist.barrier()
