"""Rows in parts: the same as at once, at constant memory, and whole files or none."""

from __future__ import annotations

import gc
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from constrained import CONSTRAINTS, broken, orders, unlearnt

from genloom import api, streamed
from genloom.codec.table.streaming import TableWriter
from genloom.errors import RequestError, ResourceError
from genloom.spec import Request


@pytest.fixture(scope="module")
def model() -> api.Model:
    return unlearnt(orders(), constraints=CONSTRAINTS)


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("where", [None, "town = 'Rome' and price > 20"])
def test_parts_are_what_is_made_at_once(model: api.Model, where: str | None) -> None:
    request = Request(count=130, seed=2, where=where)
    found = list(streamed.parts(model, request, 50))
    assert len(found) > 1 and max(map(len, found)) <= 50
    whole = pd.concat(found, ignore_index=True)
    pd.testing.assert_frame_equal(whole, model.generate(130, seed=2, where=where))
    assert broken(whole) == []


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    small = pd.DataFrame({"a": rng.integers(0, 5, 200), "b": rng.choice(["x", "y"], 200)})
    model, held = unlearnt(small), []
    with TableWriter(tmp_path / "rows.parquet") as writer:
        for part in streamed.parts(model, Request(count=100_000), 10_000):
            writer.add(part)
            del part
            gc.collect()
            held.append(resident())
    assert writer.rows == 100_000 and len(pd.read_parquet(tmp_path / "rows.parquet")) == 100_000
    assert max(held) - held[2] < 8 << 20  # the rows themselves are some 9 MiB as a frame


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.csv.gz", "rows.parquet"])
def test_files_of_every_kind_hold_all_rows(tmp_path: Path, name: str) -> None:
    frame, file = orders(60), tmp_path / name
    with TableWriter(file) as writer:
        for start in range(0, 60, 25):
            writer.add(frame[start : start + 25].reset_index(drop=True))
    read = pd.read_parquet if name.endswith("parquet") else pd.read_csv
    more = {"sep": "\t"} if name.endswith("tsv") else {}
    back = read(file, **more)
    assert len(back) == 60 and list(back.columns) == list(frame.columns)
    assert np.allclose(back["total"], frame["total"])
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("old")
    with pytest.raises(KeyboardInterrupt), TableWriter(file) as writer:
        writer.add(orders(5))
        raise KeyboardInterrupt
    assert file.read_text() == "old" and list(tmp_path.iterdir()) == [file]
    with pytest.raises(RequestError, match="written as"):
        TableWriter(tmp_path / "rows.xlsx")
    with pytest.raises(ResourceError, match="cannot write"), TableWriter(file / "rows.csv"):
        pass


def test_shares_need_all_rows_at_once(model: api.Model) -> None:
    from dataclasses import replace

    from genloom.options import Options

    request = replace(Request(count=5), options=Options(balance="town"))
    with pytest.raises(RequestError, match="all rows together"):
        list(streamed.parts(model, request))


class Arrow:
    """What speaks the Arrow C stream and nothing else."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


def test_an_arrow_stream_is_learnt_from_and_comes_out(tmp_path: Path) -> None:
    import pyarrow as pa

    changes = ("train.steps=3", "train.judge=0", "train.compile=off")
    small = orders(60)[["town", "age", "price"]]
    first = api.train("table", Arrow(small), out=tmp_path / "a", size="tiny", changes=changes)
    assert pa.table(first.generate(7)).num_rows == 7
    for one in (Arrow(small), pa.Table.from_pandas(small).to_reader(), small.to_dict("list")):
        pd.testing.assert_frame_equal(first.codec.adopt(one), small, check_dtype=False)

    new = pd.concat([small, small.assign(town="Bern").head(9), small.assign(age=99).head(4)])
    said: list[str] = []
    more = api.train(
        "table",
        new.assign(extra=1),
        out=tmp_path / "more",
        start=tmp_path / "a",
        changes=changes[:2],
        listener=lambda event: said.extend(map(str, event.values.get("notes", ()))),
    )
    told = " ".join(said)
    assert "'extra' is new" in told and "'Bern'" in told and "rows are left out" in told
    assert "values beyond" in told
    assert [c.describe() for c in more.codec.columns] == [c.describe() for c in first.codec.columns]
    out = io.StringIO()
    more.generate(3).to_csv(out)
    assert "Bern" not in out.getvalue()
