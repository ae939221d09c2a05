"""What data may be like: zones, daylight saving, leaks, files that change, identifiers alone."""

import numpy as np
import pandas as pd
import pytest

from genloom.codec.table import frame as frames
from genloom.codec.table.codec import TableCodec
from genloom.errors import DataError

ROWS = 120


def learnt(**columns):
    codec = TableCodec()
    codec.fit(pd.DataFrame(columns))
    return codec, " ".join(codec.notes)


def stamps(*offsets):
    return [f"2024-01-{n % 28 + 1:02d}T10:00:00{offsets[n % len(offsets)]}" for n in range(ROWS)]


def test_texts_of_mixed_zones_come_out_in_one():
    given = stamps("+01:00", "-05:00")
    codec, said = learnt(t=given, x=np.arange(ROWS) % 3)
    assert "zones are mixed" in said
    made = codec.decode(codec.encode(pd.DataFrame({"t": given, "x": np.arange(ROWS) % 3})))
    far = (pd.to_datetime(made["t"]) - pd.Series(pd.to_datetime(given, utc=True))).abs()
    assert far.median() < pd.Timedelta(days=1) and far.max() < pd.Timedelta(days=4)
    assert made["t"].str.endswith("+00:00").all()
    assert codec.matches(made, "t >= '2024-01-15T00:00:00+00:00'").sum() > 0


def test_texts_of_one_zone_keep_it():
    codec, said = learnt(t=stamps("-03:30"), x=np.arange(ROWS) % 3)
    assert "written %Y-%m-%dT%H:%M:%S-03:30" in said
    assert (
        codec.decode(codec.encode(pd.DataFrame({"t": stamps("-03:30"), "x": 1})))["t"][0]
        == (stamps("-03:30")[0])
    )


def test_hours_that_daylight_saving_skips_or_repeats_are_no_fault():
    hours = pd.Series(pd.date_range("2024-03-30", periods=ROWS, freq="30min", tz="Europe/Berlin"))
    hours = pd.concat([hours, hours + pd.Timedelta(days=210)]).sample(frac=1, random_state=0)
    given = pd.DataFrame({"t": hours.reset_index(drop=True), "x": np.arange(2 * ROWS) % 3})
    codec = TableCodec()
    codec.fit(given)
    made = codec.decode(codec.encode(given))
    assert made["t"].dtype == given["t"].dtype
    assert (made["t"] - given["t"]).abs().max() < pd.Timedelta(days=40)


def test_columns_that_tell_each_other_are_named():
    rng = np.random.default_rng(0)
    a, size = rng.integers(0, 9, ROWS), rng.normal(0, 1, ROWS)
    _, said = learnt(
        a=a, code=np.array(list("abcdefghi"))[a], size=size, inches=size / 2.54, x=a % 3
    )
    assert "'a' and 'code' tell each other" in said and "'size' and 'inches'" in said
    assert "'x'" not in said
    _, said = learnt(a=a, b=rng.integers(0, 9, ROWS), c=rng.normal(0, 1, ROWS))
    assert "tell each other" not in said


def test_what_columns_are_said_to_be_holds_where_it_can():
    rows = 600
    given = pd.DataFrame(
        {
            "slot": np.arange(rows) * 7,
            "id": np.r_[np.nan, np.arange(rows - 1.0)],
            "share": np.linspace(0, 1, rows),
            "zip": np.tile([8001, 8002, 8003], rows // 3),
            "born": np.tile(["03/04/2020", "05/04/2020"], rows // 2),
        }
    )
    kinds = {"slot": "category", "id": "identifier", "share": "identifier", "zip": "category"}
    codec = TableCodec(kinds={**kinds, "born": "date:%d/%m/%Y"})
    codec.fit(given)
    found = {column.name: column.kind for column in codec.columns}
    assert found == {
        "slot": "number",
        "id": "identifier",
        "share": "number",
        "zip": "category",
        "born": "number",
    }
    made = codec.decode(codec.encode(given))
    assert made["born"].tolist() == given["born"].tolist()
    assert made["zip"].dtype == given["zip"].dtype and made["id"].min() > rows - 2
    assert "none is common enough" in " ".join(codec.notes)


def test_a_table_of_identifiers_alone_is_refused():
    with pytest.raises(DataError, match="all 2 columns are identifiers"):
        learnt(id=range(ROWS), user=[f"u{n:05d}" for n in range(ROWS)])


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "a.csv"
    file.write_text("a,b\n1,2\n")
    read = frames._read

    def slow(path):
        found = read(path)
        file.write_text("a,b\n1,2\n3,4\n")
        return found

    monkeypatch.setattr(frames, "_read", slow)
    with pytest.raises(DataError, match="changed while it was read"):
        frames.read_tables(file)
