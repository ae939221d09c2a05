"""Linked tables learnt and drawn: every key in its place, whatever was learnt."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from genloom import linked
from genloom.codec.table.dataframes import as_frame
from genloom.datasets import shop as shops
from genloom.datasets.shop import draw_shop
from genloom.errors import ModelError, UsageError
from genloom.linked import drawing
from genloom.linked.choosing import Places, fit_groups, nearest, to_sum
from genloom.linked.keys import learn_keys, written
from genloom.linked.writing import write_tables

STEPS = ["train.steps=12", "train.judge=0", "net.net.width=32", "net.net.summed=64"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    place = tmp_path_factory.mktemp("linked") / "shop"
    linked.train(small(), out=place, changes=STEPS)
    return linked.load(place)


def small(customers=60):
    """A shop in which nobody orders often."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shops, "ORDERS", shops.ORDERS / 4)
        return draw_shop(customers)


def check(made, schema):
    """Integrity, keys and the order of times."""
    for table in schema.tables:
        frame = made[table.name]
        if table.key is not None:
            assert frame[table.key].is_unique
        for link in table.links:
            assert frame[link.column].isin(made[link.parent][schema[link.parent].key]).all()
        if table.owner is not None and table.time is not None:
            owner, time = frame[table.owner.column], pd.to_datetime(frame[table.time])
            assert (time.groupby(owner).diff().dropna() >= pd.Timedelta(0)).all()


def test_drawn_tables_are_whole_and_like_those_learnt_from(shop):
    real, made = small(), shop.generate(seed=3)
    assert list(made) == ["customers", "products", "orders"]
    check(made, shop.schema)
    for name, frame in made.items():
        assert list(frame.columns) == list(real[name].columns)
        assert frame.dtypes.to_dict() == real[name].dtypes.to_dict()
    assert len(made["customers"]) == 60
    since = made["orders"]["customer_id"].map(made["customers"].set_index("customer_id")["since"])
    assert (made["orders"]["date"] >= since).all()  # the first order comes after one joined


def test_a_seed_holds_and_another_draws_anew(shop):
    one, again, other = (shop.generate(15, seed=seed)["orders"] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one.head(20).equals(other.head(20))


def test_parents_do_not_depend_on_how_many_there_are(shop):
    few, many = shop.generate(10, seed=5), shop.generate(20, seed=5)
    pd.testing.assert_frame_equal(few["customers"], many["customers"].head(10))
    own = ["customer_id", "date"]
    mine = many["orders"][many["orders"]["customer_id"] <= 10]
    assert len(mine) == len(few["orders"])
    assert (mine[own].head(1).to_numpy() == few["orders"][own].head(1).to_numpy()).all()


def test_blocks_come_parents_first_and_no_larger_than_asked(shop, monkeypatch):
    monkeypatch.setattr(drawing, "BLOCK", 60)
    blocks = list(shop.stream(scale=1.5, seed=1))
    names = [name for name, _ in blocks]
    assert names.index("orders") > max(n for n, name in enumerate(names) if name != "orders")
    assert max(len(frame) for _, frame in blocks) <= 120
    made = {n: pd.concat([f for k, f in blocks if k == n], ignore_index=True) for n in set(names)}
    check(made, shop.schema)


def test_a_scale_or_rows_that_make_no_sense_are_refused(shop):
    for given in ({"rows": 0}, {"scale": 0.0}, {"rows": 3, "scale": 1.0}):
        with pytest.raises(UsageError):
            shop.generate(**given)


def test_a_damaged_folder_is_told(shop, tmp_path):
    place = shop.save(tmp_path / "copy")
    linked.load(place)
    text = (place / "linked.json").read_text().replace("customer_id", "customer_ix", 1)
    (place / "linked.json").write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        linked.load(place)
    with pytest.raises(ModelError, match="joined of several models"):
        from genloom import api

        api.load(place)


def test_files_are_written_whole_or_not_at_all(shop, tmp_path):
    for suffix in (".csv", ".parquet"):
        folder = tmp_path / suffix[1:]
        counts = write_tables(shop.stream(8, seed=1), folder, suffix, {"seed": 1})
        names = {path.name for path in folder.iterdir()}
        assert names == {*(f"{n}{suffix}" for n in counts), "record.genloom.json"}
        assert json.loads((folder / "record.genloom.json").read_text())["rows"] == counts
        with pytest.raises(UsageError, match="there already"):
            write_tables(shop.stream(8, seed=1), folder, suffix)

    def broken():
        yield from list(shop.stream(8, seed=1))[:1]
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        write_tables(broken(), tmp_path / "half")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["csv", "parquet"]


@pytest.mark.slow
def test_many_children_of_a_few_parents_stand_alone_and_the_parents_stay(tmp_path):
    rng = np.random.default_rng(0)
    stores = pd.DataFrame({"id": [7, 8, 9], "city": ["Rome", "Oslo", "Bern"]})
    sales = pd.DataFrame(
        {
            "store_id": rng.choice([7, 8, 9], 6000, p=[0.6, 0.3, 0.1]),
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90, 6000), unit="D"),
            "pounds": rng.normal(10, 2, 6000).round(1),
        }
    )
    lines: list[str] = []
    found = {"stores": stores, "sales": sales}
    model = linked.train(found, out=tmp_path / "m", changes=STEPS, heard=lines.append)
    assert any("they stay as they are" in line for line in lines)
    assert any("each by itself" in line for line in lines)
    made = linked.load(tmp_path / "m").generate(scale=0.5, seed=1)
    pd.testing.assert_frame_equal(made["stores"], stores)
    check(made, model.schema)
    real = sales["store_id"].value_counts() / 2
    assert (made["sales"]["store_id"].value_counts() - real).abs().max() <= 1


# --- parts ----------------------------------------------------------------------------------------


def test_new_keys_differ_and_look_like_the_old():
    texts = learn_keys(as_frame({"k": [f"P-{n:05d}" for n in range(50)]})["k"])
    made = written(texts, np.arange(30_000))
    assert made.is_unique and made.str.match(r"^P-\d{5}$").all()
    more = written(texts, np.arange(100_000, 200_001))
    assert more.is_unique  # longer where five digits are too few
    numbers = learn_keys(as_frame({"k": [100, 205, 101]})["k"])
    assert written(numbers, np.arange(3)).tolist() == [100, 101, 102]


def test_counts_are_made_to_add_up_in_proportion():
    counts = np.array([10, 20, 70, 0])
    made = sum(to_sum(counts, 120, np.random.default_rng(n)) for n in range(400)) / 400
    assert np.abs(made - 1.2 * counts).max() < 0.1
    assert to_sum(counts, 100, np.random.default_rng(0)).tolist() == counts.tolist()


def test_places_are_taken_as_often_as_their_counts_say():
    group, counts = np.array([0, 0, 1, 2]), np.array([3, 1, 2, 0])
    places = Places.of(group, counts, 3, 0)
    taken = np.concatenate([places.take(np.array([0, 0, 1])), places.take(np.array([0, 1, 0]))])
    assert np.bincount(taken, minlength=4).tolist() == [3, 1, 2, 0]
    assert places.take(np.array([2, -1])).tolist() == [3, -1]  # of a row without a count, and none


def test_groups_part_what_lies_apart():
    rng = np.random.default_rng(0)
    middle = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 40, 0)
    features = middle + rng.normal(size=middle.shape)
    group = nearest(features, fit_groups(features))
    parts = [set(group[n : n + 40]) for n in (0, 40, 80)]
    assert all(one.isdisjoint(other) for one in parts for other in parts if one is not other)
