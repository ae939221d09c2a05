"""Weights that wait in the CPU's memory and come to the device only while they are used.

Every module that has weights of its own fetches them before its call and lets them go after it, so
that a device holds one layer at a time (the library's own way needs one more library for the same).
Knows modules; no pipeline.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def stream(net: nn.Module, device: torch.device) -> None:
    """From now on the net's weights stay where they are, and its calls run on the device."""
    for module in net.modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        if own:
            _Fetched(module, device)


class _Fetched:
    """The weights of one module, on the device during its call. Calls may be nested."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self.device, self.depth = device, 0
        self.waiting: list[tuple[Tensor, Tensor]] = []
        module.register_forward_pre_hook(self.come, with_kwargs=True)
        module.register_forward_hook(self.go, always_call=True)

    def come(self, module: nn.Module, args: Any, more: Any) -> Any:
        self.depth += 1
        if self.depth == 1:
            own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
            self.waiting = [(one, one.data) for one in own]
            for one in own:
                one.data = one.data.to(self.device, copy=True)
        return _sent(args, self.device), _sent(more, self.device)

    def go(self, module: nn.Module, args: Any, out: Any) -> None:
        self.depth -= 1
        if self.depth == 0:
            for one, stayed in self.waiting:
                one.data = stayed
            self.waiting = []


def _sent(value: Any, device: torch.device) -> Any:
    """Tensors among a call's arguments, on the device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        return type(value)(_sent(one, device) for one in value)
    if type(value) is dict:
        return {key: _sent(one, device) for key, one in value.items()}
    return value
