"""Adapters that nobody trained: random numbers beside a model, saved as trained ones are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from genloom import adapted, api
from genloom.net import lora
from genloom.net.lora import Adapter
from genloom.recipe import Start


def learnt(base: str, target: Path) -> str:
    """The adapter's folder. base: the model's."""
    model = adapted.load(api.Model, Path(base))
    adapter, rng = Adapter(rank=2), torch.Generator().manual_seed(0)
    lora.attach(model.nets["net"], adapter)
    with torch.no_grad():
        for p in model.nets.parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=rng) * 0.5)
    weights = model.card.get("weights") or api.fingerprint(base)
    start = Start(model=base, weights=weights, adapter=adapter)
    model.recipe = replace(model.recipe, name=target.name, start=start)
    return str(adapted.save(model, target))
