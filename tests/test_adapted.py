"""Models that are an adapter beside another: on disk, loaded, merged, given to others and taken
from them."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import genloom
from genloom import adapted
from genloom.api import Model, fingerprint
from genloom.cli import models
from genloom.errors import ModelError
from genloom.net import lora
from genloom.net.lora import Adapter
from genloom.recipe import Start

sys.path.insert(0, str(Path(__file__).parent / "weights"))
from tiny_models import llama

ASKED = {"max_tokens": 16, "temperature": 0.0}


def learnt(base: Path, target: Path, adapter: Adapter, seed: int = 0) -> Path:
    """An adapter of random numbers beside the base, saved."""
    model = adapted.load(Model, base)
    lora.attach(model.nets["net"], adapter)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.nets.parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=rng) * 0.2)
    start = Start(model=str(base), weights=model.card["weights"], adapter=adapter)
    model.recipe = replace(model.recipe, name=target.name, start=start)
    return adapted.save(model, target)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapted")
    genloom.import_weights(llama(folder / "came", dtype=torch.float32), name=folder / "base")
    return folder / "base"


@pytest.fixture(scope="module")
def tuned(base: Path) -> Path:
    return learnt(base, base.parent / "tuned", Adapter(kind="dora", rank=2, rslora=True))


def text(place: Path, bits: int | None = None) -> str:
    made: str = genloom.load(place, bits=bits).generate("the cat", **ASKED)[0]
    return made


def test_the_folder_holds_the_adapter_alone_and_loads_with_its_base(
    base: Path, tuned: Path
) -> None:
    assert not (tuned / "model.safetensors").exists()
    assert (tuned / "adapter" / "adapter_model.safetensors").is_file()
    assert text(tuned) != text(base)
    model = genloom.load(tuned)
    assert adapted.is_adapted(model) and model.recipe.start is not None
    assert model.card["weights"] == fingerprint(tuned) != fingerprint(base)


def test_merged_and_unmerged_say_the_same_and_the_model_stays(tuned: Path) -> None:
    model = adapted.load(Model, tuned)
    whole = adapted.whole(model)
    assert adapted.is_adapted(model) and not adapted.is_adapted(whole)
    assert whole.generate("the cat", **ASKED) == [text(tuned)] == [text(tuned, bits=32)]


def test_out_as_a_whole_and_alone_and_back(base: Path, tuned: Path, tmp_path: Path) -> None:
    genloom.export(tuned, tmp_path / "whole", to="hf")
    genloom.import_weights(tmp_path / "whole", name=tmp_path / "merged")
    assert text(tmp_path / "merged") == text(tuned)
    genloom.export(tuned, tmp_path / "peft", to="peft")
    told = json.loads((tmp_path / "peft" / "adapter_config.json").read_text())
    assert told["use_dora"] and told["use_rslora"] and told["lora_alpha"] == 32
    back = genloom.import_weights(tmp_path / "peft", name=tmp_path / "back", base=base)
    assert back.recipe.start is not None and back.recipe.start.adapter == Adapter(
        kind="dora", rank=2, rslora=True
    )
    assert text(tmp_path / "back") == text(tuned)
    with pytest.raises(ModelError, match="there is nothing to write"):
        genloom.export(base, tmp_path / "none", to="peft")
    with pytest.raises(ModelError, match="is an adapter itself"):
        genloom.import_weights(tmp_path / "peft", name=tmp_path / "third", base=tuned)


def test_a_base_that_is_gone_or_another(base: Path, tmp_path: Path) -> None:
    own = shutil.copytree(base, tmp_path / "base")
    made = learnt(own, tmp_path / "made", Adapter(rank=1))
    shutil.rmtree(own)
    with pytest.raises(ModelError, match=r"is an adapter beside .*base, which is not there"):
        genloom.load(made)
    other = adapted.load(Model, base)
    with torch.no_grad():
        net = other.nets["net"]
        net.head.copy_(net.head * 2)
    other.card.pop("weights")
    other.save(own)
    with pytest.raises(ModelError, match="put the former model back"):
        genloom.load(made)
    with pytest.raises(ModelError, match=r"stands beside .*, not beside base"):
        adapted.read(adapted.load(Model, own), made)


def test_damage_is_found(tuned: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(tuned, tmp_path / "broken")
    file = broken / "adapter" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"abcd")
    with pytest.raises(ModelError, match="does not match its checksum"):
        genloom.load(broken)
    recipe = json.loads((broken / "recipe.json").read_text())
    (broken / "recipe.json").write_text(json.dumps(recipe | {"start": None}))
    with pytest.raises(ModelError, match="does not say what the adapter stands beside"):
        genloom.load(broken)


def test_an_adapter_without_a_start_is_not_saved(base: Path, tmp_path: Path) -> None:
    model = adapted.load(Model, base)
    lora.attach(model.nets["net"], Adapter(rank=1))
    with pytest.raises(ModelError, match="names no model"):
        adapted.save(model, tmp_path / "x")


def test_an_adapter_given_beside_a_model_is_told_in_the_record(base: Path, tuned: Path) -> None:
    model = genloom.load(base, adapter=tuned)
    assert model.generate("the cat", **ASKED) == [text(tuned)]
    told = genloom.api.record(model, genloom.Request(prompt="the cat"))
    assert told["adapter"].endswith("tuned")
    assert told["weights"] == fingerprint(base, tuned) != fingerprint(base)
    with pytest.raises(ModelError, match="is an adapter itself"):
        genloom.load(tuned, adapter=tuned)


def test_what_it_is_and_beside_what_is_shown(tuned: Path, base: Path, capsys) -> None:
    models.show(str(tuned))
    told = capsys.readouterr().out
    assert "damaged" not in told and str(base) in told and "dora of rank 2" in told
