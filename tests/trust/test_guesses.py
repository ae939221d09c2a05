"""Attacks by made rows alone succeed on copies; on rows that were not copied, as on strangers."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from genloom.trust.guesses import Table, inferring, linking, singling_out

KINDS = {"age": "number", "pay": "number", "town": "choice", "left": "number", "job": "choice"}


def people(seed: int, rows: int = 400):
    rng = np.random.default_rng(seed)
    left = rng.integers(0, 40, rows).astype(float)
    left[rng.random(rows) < 0.2] = np.nan
    return pandas.DataFrame(
        {
            "age": rng.integers(18, 90, rows).astype(float),
            "town": rng.choice(list("abcdefghij"), rows),
            "pay": np.round(rng.lognormal(7, 1, rows), 2),
            "job": rng.choice(["x", "y", "z"], rows),
            "left": left,
        }
    )


LEARNT, CONTROL, FRESH = (Table(people(seed), KINDS) for seed in (1, 2, 3))


@pytest.mark.parametrize("together", [1, 3])
def test_copies_are_singled_out_and_fresh_rows_single_nobody_out(together):
    copied = singling_out(LEARNT, LEARNT, CONTROL, 100, 0, together)
    fresh = singling_out(FRESH, LEARNT, CONTROL, 100, 0, together)
    assert copied.attack == copied.tries == 100
    assert copied.risk.low > 0.8
    assert fresh.risk.low == 0.0 and fresh.attack < 60


def test_a_predicate_is_met_by_the_row_that_it_came_from():
    from genloom.trust.guesses import _of_several

    kept = _of_several(FRESH, 30, 3, np.random.default_rng(0))
    assert len(set(kept)) == 30
    assert all(FRESH.holding(one) == 1 for one in kept)


def test_halves_of_copies_are_linked_and_of_strangers_not():
    assert linking(LEARNT, LEARNT, CONTROL, 0).risk.low > 0.3
    assert linking(FRESH, LEARNT, CONTROL, 0).risk.low == 0.0
    assert linking(FRESH, LEARNT, CONTROL, 0).tries == 400


def test_columns_of_copies_are_inferred_and_what_is_only_correlated_is_no_risk():
    told = inferring(LEARNT, LEARNT, CONTROL, 0)
    assert set(told) == set(KINDS)
    assert all(one.risk.low > 0.5 for one in told.values())
    frames = [
        people(seed).assign(job=lambda f: np.where(f["age"] > 50, "x", "y")) for seed in (1, 2, 3)
    ]
    learnt, control, fresh = (Table(frame, KINDS) for frame in frames)
    job = inferring(fresh, learnt, control, 0)["job"]
    assert job.attack > 250 and job.attack > job.blind  # it is inferred well,
    assert job.risk.low < 0.1  # but of strangers, too


def test_one_column_alone_is_neither_linked_nor_inferred():
    one = Table(people(1)[["age"]], {"age": "number"})
    assert linking(one, one, one, 0) is None and inferring(one, one, one, 0) == {}


def test_what_is_missing_is_a_value_of_its_own():
    empty = Table(people(1).assign(left=np.nan).assign(left=np.nan), KINDS)
    with np.errstate(all="ignore"):
        assert empty.holding((("left", "missing", None),)) == 400
