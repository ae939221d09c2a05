"""Levels of ids follow the values that the ids stand for."""

import numpy as np
import pandas as pd

from genloom.codec.table.codec import TableCodec


def test_levels_lie_in_the_order_of_values_common_ones_between_the_cells() -> None:
    rng = np.random.default_rng(0)
    mixed = np.r_[rng.normal(0, 1, 700), np.full(200, 0.5), np.full(99, np.nan), 9.0]
    table = pd.DataFrame(
        {
            "mixed": mixed,
            "few": rng.integers(0, 5, 1000),
            "word": rng.choice(list("xyz"), 1000),
            "same": "one",
        }
    )
    codec = TableCodec()
    codec.fit(table)
    spec = codec.spec
    assert [len(levels) for levels in spec.levels] == [
        *(high - low for low, high in spec.ranges[:3]),
        0,
    ]
    number = codec.columns[0]
    first = np.array(spec.levels[0])
    assert first[0] == -1.0 and first[1:].min() == 0.0 and first[1:].max() == 1.0  # missing
    middle = np.stack((np.arange(len(first)), np.full(len(first), number.fine // 2)), 1)
    values = number.decode_plain(middle, np.zeros(len(first), np.uint64))
    assert (np.diff(values[1:][np.argsort(first[1:])]) >= 0).all()
    assert 0.3 < first[int(number.missing)] < 0.9  # the common 0.5 lies among the cells
    within = np.array(spec.levels[1])
    assert (np.diff(within[:-1]) > 0).all() and within[-1] == -1.0  # "not in a cell"
    assert spec.levels[2] == (0.0, 0.25, 0.5, 0.75, 1.0) and spec.levels[3] == ()
