"""Nets at use in bf16: where that is fast, and for whom. Their weights stay as they are.

Knows devices and what a training was told. Knows no family and no medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def fast_bf16(device: torch.device) -> bool:
    """Whether this CPU has instructions for products in bf16. (A GPU takes bf16 unasked.)"""
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))


class Rounded:
    """A net that computes in bf16 and answers in fp32; whatever else is asked of it, it is."""

    def __init__(self, net: Any) -> None:
        self.net = net

    def __call__(self, x: Tensor, *told: Any) -> Any:
        with torch.autocast(x.device.type, torch.bfloat16):
            made: Any = self.net(x, *told)
        if isinstance(made, tuple):  # with further losses by name
            return made[0].float(), *made[1:]
        return made.float()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.net, name)


def rounded(nets: Mapping[str, Any], precision: str, device: torch.device) -> dict[str, Any]:
    """Nets that learnt in bf16 work in bf16, where the device is fast at it: they know its
    rounding. precision: as in the recipe's `train`."""
    learnt = precision == "bf16" or (precision == "auto" and device.type == "cuda")
    if not learnt or not (device.type == "cuda" or fast_bf16(device)):
        return dict(nets)
    return {role: Rounded(net) for role, net in nets.items()}
