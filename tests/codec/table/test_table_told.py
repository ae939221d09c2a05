"""What a table's codec tells of the real data's columns: how their values lie."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from test_table import fitted, people

from genloom.codec.table.codec import TableCodec


def test_how_columns_lie_is_told_as_the_data_do(tmp_path):
    table = people()
    fitted(table).save(tmp_path)
    told = {column.name: column.told() for column in TableCodec.load(tmp_path).columns}
    for name in ("age", "gain", "score"):
        edges, shares = told[name]["edges"], told[name]["shares"]
        real = table[name].dropna()
        found = np.histogram(np.clip(real, edges[0], edges[-1]), edges)[0] / len(real)
        assert sum(shares) == pytest.approx(1) and len(shares) <= 24
        assert np.abs(np.array(shares) - found).sum() < 0.1, name
    sex = dict(zip(told["sex"]["choices"], told["sex"]["shares"], strict=True))
    assert sex["Male"] == pytest.approx((table["sex"] == "Male").mean())
    assert "shares" not in told["since"]


def test_a_model_of_before_tells_no_shares(tmp_path):
    fitted(people()[["age"]]).save(tmp_path)
    file = tmp_path / "table.safetensors"
    arrays = {k: v for k, v in load_file(file).items() if not k.endswith(".rows")}
    save_file(arrays, file)
    assert "shares" not in TableCodec.load(tmp_path).columns[0].told()
