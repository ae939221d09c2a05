"""Rows that repeat training rows are made anew, the same again for the same seed; a model that does
nothing else is named."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from genloom import api
from genloom.cli.generate import generate
from genloom.codec.table.codec import TableCodec
from genloom.errors import DataError, RequestError, UsageError
from genloom.metric.privacy import closest, copied_rows
from genloom.spec import Request
from genloom.trust import provenance
from genloom.trust.apart import _near, apart


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Of three columns of few values, so that many made rows equal real ones."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("apart")
    frame = pandas.DataFrame({name: rng.integers(0, 9, 200) for name in "abc"})
    frame.to_csv(folder / "a.csv", index=False)
    changes = ("train.steps=4", "train.judge=0", "data.holdout=0.3")
    return api.train("table", folder / "a.csv", out=folder / "m", size="tiny", changes=changes)


def test_no_row_equals_a_training_row_and_the_same_come_again(model):
    request, train = Request(count=300, seed=3), model.training_items()
    plain = model.generate(None, 300, seed=3)
    made, again = apart(model, request, "exact")
    assert copied_rows(plain, train).any() and again > 0
    assert len(made) == 300 and not copied_rows(made, train).any()
    assert made.equals(apart(model, request, "exact")[0])
    first = plain[~copied_rows(plain, train)].reset_index(drop=True)
    assert made[: len(first)].equals(first)  # what was apart stays as it was


def test_near_rows_go_too():
    """A training row at every tenth, held-out rows in between."""
    train = pandas.DataFrame({"x": np.arange(0, 100, 10.0)})
    held = pandas.DataFrame({"x": np.arange(0, 100, 10.0) + np.linspace(1, 5, 10)})
    made = pandas.DataFrame({"x": [10.0, 10.5, 12.0, 5.0]})
    codec = TableCodec(rare=1)
    codec.fit(train)
    assert _near(codec, train, held)(made).tolist() == [True, True, False, False]


def test_near_is_at_least_as_far_as_real_strangers_are(model):
    train, held = model.training_items(), model.held_out_items()
    made, _ = apart(model, Request(count=50, seed=1), "near")
    known = model.codec.features(train)
    real = closest(model.codec.features(held), known).sort().values
    bar = float(real[int(0.02 * len(real))])
    assert float(closest(model.codec.features(made), known).min()) >= bar


def test_a_file_says_so_and_can_be_made_again(model, tmp_path, capsys):
    out = tmp_path / "rows.csv"
    generate(str(model.folder), count=40, seed=2, apart="exact", out=str(out))
    assert "made anew" in capsys.readouterr().err
    assert provenance.verify(out).record["apart"] == "exact"
    again = provenance.replay(out, tmp_path / "again.csv")
    assert again.read_bytes() == out.read_bytes()


def test_what_cannot_be_apart_is_named(model, text_model):
    train = model.training_items()
    every = pandas.DataFrame(
        {n: x.ravel() for n, x in zip("abc", np.meshgrid(*[np.arange(9)] * 3), strict=True)}
    )
    with pytest.raises(DataError, match="repeats what it learnt"):
        apart(model, Request(count=20), "exact", train=every)
    with pytest.raises(DataError, match="kept no rows back"):
        apart(model, Request(count=20), "near", held=train[:0])
    with pytest.raises(UsageError, match="rows of tables"):
        apart(text_model, Request(count=1), "exact")
    with pytest.raises(RequestError, match="exact, near"):
        apart(model, Request(count=1), "far")
