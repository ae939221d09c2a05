"""Distances of linked tables: nothing between equal ones, much where links are drawn at random."""

from __future__ import annotations

import pandas as pd
import pytest

from genloom.datasets.shop import draw_shop, halves
from genloom.linked.training import understand
from genloom.metric import linked as metric
from genloom.trust.quality_linked import measure, unlinked


def test_a_table_is_no_way_from_itself_and_far_from_one_without_links():
    real, other = halves(draw_shop(1200))
    schema = understand(real).schema
    rows = {row.metric: row for row in measure(schema, real, real, other)}
    for name, row in rows.items():
        if name.startswith("integrity"):
            assert row.value == 1.0
            continue
        assert row.value == 0.0, name
        assert row.ceiling < row.floor, name
    assert rows["counts_distance:orders.customer_id"].floor > 0.1
    assert rows["cross_error:orders.sku"].floor > 0.1


def test_integrity_counts_what_leads_nowhere():
    real = draw_shop(100)
    made = unlinked(understand(real).schema, real, 0)
    made["orders"].loc[:9, "customer_id"] = -1
    share = metric.integrity(made["orders"], "customer_id", made["customers"]["customer_id"])
    assert share == pytest.approx(1 - 10 / len(made["orders"]))


def test_children_and_neighbours_by_hand():
    child = pd.DataFrame({"of": [2, 1, 2, 2], "at": [3, 1, 1, 2], "x": [1.0, 2.0, 3.0, 4.0]})
    assert metric.children(child, "of", pd.Series([1, 2, 3])).tolist() == [1, 3, 0]
    before, after = metric.neighbours(child, "of", "at")
    assert before["x"].tolist() == [3.0, 4.0] and after["x"].tolist() == [4.0, 1.0]
