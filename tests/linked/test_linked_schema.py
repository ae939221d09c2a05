"""Keys and links are found, and what does not fit is named."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from genloom.datasets.shop import draw_shop, write_shop
from genloom.errors import DataError, UsageError
from genloom.linked.describing import describe, several
from genloom.linked.detecting import detect
from genloom.linked.schema import Link, Table, ordered, read_schema
from genloom.linked.training import understand


def test_the_shop_is_understood_from_names_and_values():
    found = understand(draw_shop(60)).schema
    assert found.names == ("customers", "products", "orders")
    orders = found["orders"]
    assert orders.links == (
        Link(column="customer_id", parent="customers"),
        Link(column="sku", parent="products"),
    )
    assert (orders.key, orders.time) == ("order_id", "date")
    assert (found["customers"].key, found["products"].key) == ("customer_id", "sku")


def test_ratings_are_no_links_though_their_values_are_keys():
    frames = {
        "stores": pd.DataFrame({"id": range(1, 11), "city": list("abcdefghij")}),
        "visits": pd.DataFrame(
            {"id": range(1, 21), "store_id": [1, 2] * 10, "rating": [3, 5] * 10}
        ),
    }
    found = {table.name: table for table in detect(frames)}
    assert found["visits"].links == (Link(column="store_id", parent="stores"),)


def test_a_circle_is_named():
    tables = (
        Table(name="a", key="id", links=(Link(column="b_id", parent="b"),)),
        Table(name="b", key="id", links=(Link(column="a_id", parent="a"),)),
    )
    with pytest.raises(DataError, match=r"a\.b_id -> b\.a_id -> a: leave one link out"):
        ordered(tables)


def test_a_table_that_refers_to_itself_is_a_circle_until_the_link_is_left_out():
    staff = pd.DataFrame({"id": range(1, 31), "manager_id": [1] * 30, "pay": range(30)})
    tasks = pd.DataFrame({"staff_id": [1, 2, 3] * 20, "hours": range(60)})
    with pytest.raises(DataError, match=r"staff\.manager_id -> staff"):
        understand({"staff": staff, "tasks": tasks})
    found = understand({"staff": staff, "tasks": tasks}, without=["staff.manager_id"])
    assert "manager_id" not in found.frames["staff"].columns
    with pytest.raises(UsageError, match=r"staff\.boss is no link"):
        understand({"staff": staff, "tasks": tasks}, without=["staff.boss"])


def test_orphans_are_counted_refused_or_dropped():
    frames = draw_shop(60)
    frames["orders"].loc[[3, 4], "customer_id"] = 9999
    with pytest.raises(DataError, match=r"2 of .* rows of orders .*such as 9999"):
        understand(frames)
    found = understand(frames, orphans="drop")
    assert len(found.frames["orders"]) == len(frames["orders"]) - 2
    assert any("dropped" in note for note in found.notes)


def test_keys_that_do_not_match_are_refused_with_both_shown():
    frames = draw_shop(60)
    frames["orders"]["customer_id"] = "c" + frames["orders"]["customer_id"].astype(str)
    with pytest.raises(DataError, match=r"named for the key .* 'c\d+' and numbers, such as"):
        understand(frames)


def test_a_key_that_repeats_is_refused():
    frames = draw_shop(60)
    frames["customers"].loc[1, "customer_id"] = 1
    schema = (
        Table(name="customers", key="customer_id"),
        Table(name="orders", links=(Link(column="customer_id", parent="customers"),)),
    )
    with pytest.raises(DataError, match=r"names several rows \(1 repeats, such as"):
        understand(frames, schema=schema, orphans="drop")


def test_schemas_are_read_as_ours_and_as_sdv_writes_them(tmp_path):
    ours = {"tables": {"a": {"key": "id"}, "b": {"links": {"a_id": "a"}, "time": "at"}}}
    sdv = {
        "tables": {
            "a": {"primary_key": "id", "columns": {"id": {"sdtype": "id"}}},
            "b": {"columns": {"a_id": {"sdtype": "id"}}, "sequence_index": "at"},
        },
        "relationships": [
            {
                "parent_table_name": "a",
                "parent_primary_key": "id",
                "child_table_name": "b",
                "child_foreign_key": "a_id",
            }
        ],
    }
    for told in (ours, sdv):
        (tmp_path / "schema.json").write_text(json.dumps(told))
        assert read_schema(tmp_path / "schema.json") == (
            Table(name="a", key="id"),
            Table(name="b", time="at", links=(Link(column="a_id", parent="a"),)),
        )
    for broken in ("[]", "{", '{"tables": {"a": {"keys": 1}}}'):
        (tmp_path / "schema.json").write_text(broken)
        with pytest.raises(UsageError, match="schema"):
            read_schema(tmp_path / "schema.json")


def test_a_folder_is_shown_with_what_is_wrong_in_it(tmp_path):
    frames = draw_shop(60)
    frames["orders"].loc[0, "customer_id"] = 9999
    write_shop(frames, tmp_path)
    assert several(tmp_path)
    told = describe(tmp_path)
    links = {f"{one['table']}.{one['column']}": one for one in told["links"]}
    assert links["orders.customer_id"]["orphans"] == 1
    assert links["orders.sku"]["orphans"] == 0
    (tmp_path / "customers.csv").unlink()
    (tmp_path / "products.csv").unlink()
    assert not several(tmp_path)
