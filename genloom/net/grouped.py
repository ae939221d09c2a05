"""A net over groups of a fixed number of items, so that an item's result does not depend on what
else is in the batch; groups at once, each on one thread.

The CPU's convolutions sum in another order for another batch size or number of threads, so both
are held. Knows no net.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache

import torch
from torch import Tensor

TOGETHER = 4  # fewer waste the processor's wide products, more wait for one item


def grouped(
    whole: Callable[..., Tensor], *given: Tensor | None, together: int = TOGETHER
) -> Tensor:
    """whole(*given), on a CPU, in groups of so many items; the last one is filled up by
    repetition. given: [B, ...] or None each; the first one is there.

    Two threads in one group gain less than they cost: sixteen pictures of 32 x 32 through a U-Net
    in bf16 took 200 ms with two threads in each of four groups, and 139 with one thread in all."""
    first = given[0]
    assert first is not None
    starts = range(0, len(first), together)
    alike = _as_here()

    def part(start: int) -> Tensor:
        rows = torch.arange(start, start + together).clamp(max=len(first) - 1)
        with alike():
            made = whole(*(None if one is None else one[rows] for one in given))
            return made[: len(first) - start]

    threads = torch.get_num_threads()
    if threads == 1:
        return torch.cat([part(start) for start in starts])
    return torch.cat(list(_threads(threads, os.getpid()).map(part, starts)))


def _as_here() -> Callable[[], AbstractContextManager[None]]:
    """What this thread was told of gradients and precision, to tell another one."""
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
    rounds, kind = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    @contextmanager
    def alike() -> Iterator[None]:
        with ExitStack() as told:
            told.enter_context(torch.inference_mode(inference))
            if not inference:
                told.enter_context(torch.set_grad_enabled(gradients))
            told.enter_context(torch.autocast("cpu", kind, enabled=rounds))
            yield

    return alike


@cache
def _threads(count: int, process: int) -> ThreadPoolExecutor:
    """For this process: a fork has its parent's memory and none of its threads."""
    ready = threading.Barrier(count + 1)

    def begin() -> None:
        torch.set_num_threads(1)  # of this thread, and of those that are yet to begin
        ready.wait()

    pool = ThreadPoolExecutor(count, thread_name_prefix="group", initializer=begin)
    for _ in range(count):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(count)
    return pool
