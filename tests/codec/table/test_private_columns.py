"""Columns from noisy counts: near the data, blind to single rows, no row in two cells."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.budget import Ledger, Privacy
from genloom.codec.table import private_columns
from genloom.codec.table.codec import TableCodec
from genloom.errors import DataError, RecipeError

KEY = b"k" * 32
ROWS = 4000


def people(rows: int = ROWS, secret: bool = True):
    import pandas

    rng = np.random.default_rng(0)
    pay = np.round(rng.lognormal(10, 0.5, rows), 2)
    town = rng.choice(["Ulm", "Bonn", "Kiel"], rows, p=[0.6, 0.3, 0.1]).astype(object)
    if secret:
        town[:30] = [f"Atlantis {n}" for n in range(30)]
        pay[7] = 987_654_321.0
    day = pandas.Timestamp("2024-01-01") + pandas.to_timedelta(rng.integers(0, 300, rows), "D")
    age = rng.integers(20, 30, rows).astype(float)
    age[: rows // 4] = np.nan
    return pandas.DataFrame(
        {"id": np.arange(rows), "town": town, "pay": pay, "day": day, "age": age, "unit": "cm"}
    )


def learnt(frame, epsilon: float = 5.0) -> tuple[TableCodec, Ledger]:
    codec, ledger = TableCodec(), Ledger(Privacy(epsilon=epsilon), KEY, len(frame))
    codec.fit_private(frame, ledger)
    return codec, ledger


def test_rows_come_back_nearly_as_they_were_and_what_was_planned_was_asked():
    frame = people()
    codec, ledger = learnt(frame)
    back = codec.decode(codec.encode(frame))
    assert ledger.asked == ledger.planned
    assert codec.compare(frame, back)["shape_error"] < 4.0
    assert list(back.columns) == list(frame.columns)
    assert back["age"].isna().mean() == pytest.approx(0.25, abs=0.01)
    assert set(back["unit"]) == {"cm"}
    assert back["day"].min() >= frame["day"].min() - np.timedelta64(40, "D")


def test_no_value_of_a_single_row_is_in_what_was_learnt(tmp_path):
    frame = people()
    codec, _ = learnt(frame)
    codec.save(tmp_path)
    told = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"Atlantis" not in told and b"Ulm" in told
    pay = next(c for c in codec.columns if c.name == "pay")
    assert pay.bounds()[1] < 1e6  # the one huge pay moves no bound
    assert TableCodec.load(tmp_path).spec == codec.spec


def test_no_row_is_counted_in_two_leaves(monkeypatch):
    rng = np.random.default_rng(1)
    seen = []

    class Quiet(Ledger):
        def counts(self, exact, *names):
            seen.append(exact)
            return super().counts(exact, *names)

    held = private_columns._held

    def checked(x, low, high):
        assert (low[1:] >= high[:-1]).all() and (low < high).all()
        return held(x, low, high)

    monkeypatch.setattr(private_columns, "_held", checked)
    import pandas

    for turn in range(20):
        scale = 10.0 ** rng.integers(-3, 6)
        values = np.round(rng.normal(rng.normal() * scale, scale, 2000), int(rng.integers(0, 3)))
        frame = pandas.DataFrame({"x": values})
        ledger = Quiet(Privacy(epsilon=20.0), bytes([turn]) * 16, len(frame))
        try:
            TableCodec().fit_private(frame, ledger)
        except DataError:
            continue
    assert len(seen) > 40
    assert all(exact.sum() <= 2000 for exact in seen)


def test_buckets_part_the_line():
    x = np.concatenate(
        [s * np.ldexp(1 + np.arange(64) / 64, e) for s in (-1, 1) for e in range(-20, 20)]
    )
    low, high = private_columns._bounds_of(private_columns._bucket(x))
    assert ((low <= x) & (x < high))[x > 0].all() and ((low < x) & (x <= high))[x < 0].all()
    assert private_columns._bucket(np.zeros(1))[0] == 0


def test_too_few_rows_and_arrays_are_refused():
    with pytest.raises(DataError, match="nothing can be known"):
        learnt(people(120)[["town"]], epsilon=0.5)
    with pytest.raises(RecipeError, match="use the medium table"):
        TableCodec(carrier="array").fit_private(people(), Ledger(Privacy(epsilon=3.0), KEY, ROWS))
