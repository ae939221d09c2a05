"""Chances that are too sure, or not sure enough, are found out by rows held out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor
from toys import MADE, shaken

from genloom import filling
from genloom.engine import tempering


def truths(count: int = 4000) -> tuple[Tensor, Tensor]:
    """Logits [N, 5], and what was drawn by them."""
    rng = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(count, 5, generator=rng)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=rng)[:, 0]


@pytest.mark.parametrize("sureness", [0.6, 1.0, 2.5])
def test_the_temperature_undoes_sureness_and_changes_no_order(sureness: float) -> None:
    logits, truth = truths()
    chances = (sureness * logits).softmax(1)
    found = tempering.likeliest(chances, truth)
    assert abs(found / sureness - 1) < 0.1
    mended = tempering.tempered(chances, found)
    assert torch.allclose(mended.sum(1), torch.ones(len(mended)))
    assert torch.equal(mended.argmax(1), chances.argmax(1))


def test_every_field_of_a_model_of_rows_has_one_and_it_is_heard(tmp_path: Path) -> None:
    model = shaken(MADE["row"](), tmp_path / "run")
    known = torch.tensor([[low for low, _ in model.codec.spec.ranges]]).repeat(60, 1)
    found = tempering.temperatures(model, known)
    assert list(found) == [span.name for span in model.codec.spec.spans]
    assert tempering.temperatures(model, known[: tempering.FEWEST - 1]) == {}
    assert tempering.temperatures(model, None) == {}
    column = next(name for name, kind in model.codec.kinds().items() if kind == "choice")
    rows: pd.DataFrame = model.codec.decode(known)
    before = filling.predict(model, rows, column)
    model.card = {tempering.KEY: {column: 3.0}}
    after = filling.predict(model, rows, column)
    shares = [name for name in before if name.startswith(f"{column}=")]
    spread = before[shares].std(axis=1), after[shares].std(axis=1)
    assert (spread[1] < spread[0]).all()


def test_models_that_know_no_fields_have_none(tmp_path: Path) -> None:
    model = shaken(MADE["text"](), tmp_path / "run")
    assert tempering.temperatures(model, [torch.zeros(4)] * 100) == {}
