"""Adapters beside the model of a host: asked for by name, each text its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from parent import hosted, text_of

from genloom import adapted, api
from genloom.net import lora
from genloom.net.lora import Adapter
from genloom.recipe import Start

OPTIONS = {"max_tokens": 20, "ignore_eos": True, "temperature": 0.0}


def _learnt(base: str, target: Path) -> str:
    """An adapter of random numbers beside the model, saved."""
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


def test_adapters_are_asked_for_by_name(text_model: str, tmp_path: Path) -> None:
    place = _learnt(text_model, tmp_path / "poet")
    with hosted(text_model, adapters={"poet": place}) as parent:
        assert parent.about["adapters"] == ["poet"]
        plain = text_of(parent.ask("complete", prompt="the cat", options=OPTIONS))
        asked = [
            parent.make("complete", prompt="the cat", options=OPTIONS, adapter=name)
            for name in ("poet", None)
        ]
        found = parent.until_done(*asked)
        assert text_of(found[asked[1]]) == plain != text_of(found[asked[0]])
        (error,) = parent.ask("complete", prompt="x", adapter="bard")
        assert error["type"] == "RequestError" and "bard" in error["message"]
    with hosted(place) as parent:
        whole = text_of(parent.ask("complete", prompt="the cat", options=OPTIONS))
    assert whole == text_of(found[asked[0]])
