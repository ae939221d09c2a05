"""Nets without numbers: shapes and names only, until weights are put in. Knows torch alone."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class Unfilled(TorchFunctionMode):
    """Within this, weights get neither memory nor numbers; the rest of a net is made as usual.
    (Drawing or computing on the meta device itself loads torch's compiler, 1.8 s.)"""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = dict(kwargs or {})
        name, place = getattr(func, "__name__", ""), getattr(func, "__module__", "")
        if name in ("normal_", "uniform_") or (place == "torch.nn.init" and name.endswith("_")):
            return given["tensor"] if "tensor" in given else args[0]
        if func is torch.empty:
            given["device"] = "meta"
        return func(*args, **given)
