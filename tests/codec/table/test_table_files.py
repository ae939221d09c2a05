"""Tables in files as people have them: other delimiters and encodings, ragged, broken, odd."""

import gzip

import numpy as np
import pandas as pd
import pytest

from genloom.codec.table.codec import TableCodec
from genloom.errors import DataError

PLAIN = "age,job\n38,clerk\n53,cook\n"


def read(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TableCodec().read(path)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        PLAIN.replace(",", ", "),
        PLAIN.replace("\n", "\r\n"),
        "\n\n" + PLAIN,
        PLAIN.replace("\n53", "\n\n53"),
        PLAIN.rstrip("\n"),
        '"age","job"\n"38","clerk"\n"53","cook"\n',
        PLAIN.encode("utf-8-sig"),
        PLAIN.encode("utf-16"),
        b",,\n" * 0 + PLAIN.encode(),
    ],
)
def test_spellings_of_one_table(tmp_path, content):
    found = read(tmp_path / "a.csv", content)
    expected = pd.DataFrame({"age": [38, 53], "job": ["clerk", "cook"]})
    pd.testing.assert_frame_equal(found.items, expected)
    assert found.skipped == {} and found.files == (tmp_path / "a.csv",)


def test_compressed(tmp_path):
    assert len(read(tmp_path / "a.csv.gz", gzip.compress(PLAIN.encode())).items) == 2


def test_missing_markers_and_whole_numbers_with_gaps(tmp_path):
    found = read(tmp_path / "a.csv", "n,f,w,b\n1,0.5,?,TRUE\nNA,,None,\n3,nan,null,FALSE\n").items
    assert found.dtypes.astype(str).tolist() == ["Int64", "float64", "str", "boolean"]
    assert found.isna().sum().tolist() == [1, 2, 1, 1]
    assert found["w"].tolist()[:2] == ["?", "None"]
    codec = TableCodec()
    codec.fit(pd.concat([found] * 20))
    codec.write(codec.decode(codec.encode(found)), tmp_path / "b.csv")
    assert (tmp_path / "b.csv").read_text().splitlines()[2].startswith(",,None")


def test_quotes_delimiters_and_line_breaks_inside_cells(tmp_path):
    found = read(tmp_path / "a.csv", 'a,b\n"x, y","say ""hi"""\n"two\nlines",z\n').items
    assert found["a"].tolist() == ["x, y", "two\nlines"] and found["b"][0] == 'say "hi"'


def test_ragged_rows_are_left_out_and_named(tmp_path):
    found = read(tmp_path / "a.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    assert found.items["a"].tolist() == [1, 7]
    assert len(found.skipped) == 2 and "a.csv, row 3" in found.skipped
    assert "has 3 cells, the header 2" in found.skipped["a.csv, row 4"]
    assert any("2 rows left out" in note for note in found.notes)


def test_a_header_of_another_width_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no row as wide as its header"):
        read(tmp_path / "a.csv", "a,b\n1,2,3\n4,5,6\n")


def test_names_that_are_missing_or_doubled(tmp_path):
    found = read(tmp_path / "a.csv", "a,,a,a_2\n1,2,3,4\n")
    assert list(found.items.columns) == ["a", "column_2", "a_3", "a_2"]
    assert len(found.notes) == 2


def test_a_header_of_numbers_is_noted(tmp_path):
    assert any("looks like data" in n for n in read(tmp_path / "a.csv", "1,2\n3,4\n").notes)


def test_another_encoding_is_read_and_noted(tmp_path):
    found = read(tmp_path / "a.csv", "name\nJosé\nZoë\n".encode("latin-1"))
    assert found.items["name"].tolist() == ["José", "Zoë"]
    assert any("Latin-1" in note for note in found.notes)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"PK\x03\x04\x00\x00rubbish", "not text"),
    ],
)
def test_nothing_to_read_is_a_typed_error(tmp_path, content, said):
    with pytest.raises(DataError, match=said) as caught:
        read(tmp_path / "a.csv", content)
    assert "\n" not in str(caught.value)


def test_broken_parquet_and_gzip(tmp_path):
    for name in ("a.parquet", "a.csv.gz"):
        with pytest.raises(DataError, match="a\\."):
            read(tmp_path / name, b"not what it says it is")


def test_a_folder_joins_tables_of_the_same_columns(tmp_path):
    (tmp_path / "a.csv").write_text(PLAIN)
    (tmp_path / "b.csv").write_text(PLAIN)
    (tmp_path / "c.csv").write_text("x\n1\n")
    (tmp_path / "d.csv").write_text("")
    (tmp_path / "notes.txt").write_text("no table")
    found = TableCodec().read(tmp_path)
    assert len(found.items) == 4 and len(found.files) == 2
    assert sorted(p.rsplit("/", 1)[1] for p in found.skipped) == ["c.csv", "d.csv"]


def test_no_file_and_no_table(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        TableCodec().read(tmp_path / "gone.csv")
    (tmp_path / "notes.txt").write_text("no table")
    with pytest.raises(DataError, match="it holds notes"):
        TableCodec().read(tmp_path)


def test_a_cell_of_a_million_characters(tmp_path):
    rows = "".join(f"{n % 7},word{n % 3}\n" for n in range(60))
    found = read(tmp_path / "a.csv", f"n,w\n{rows}1,{'x' * 1_000_000}\n")
    assert len(found.items) == 61
    codec = TableCodec()
    codec.fit(found.items)
    made = codec.decode(codec.encode(found.items))
    assert made["w"].str.len().max() < 10 and any("too rare" in note for note in codec.notes)


def test_three_rows(tmp_path):
    found = read(tmp_path / "a.csv", "a,b\n1,x\n2,y\n4,x\n")
    codec = TableCodec()
    codec.fit(found.items)
    made = codec.decode(codec.encode(found.items))
    assert made["a"].between(1, 4).all() and made["b"].tolist() == ["x", "y", "x"]


def test_infinite_and_missing_numbers():
    frame = pd.DataFrame({"a": [1.0, 2.0, np.inf, np.nan] * 25, "b": [-np.inf] * 100})
    codec = TableCodec()
    codec.fit(frame)
    made = codec.decode(codec.encode(frame))
    assert np.isfinite(made["a"].dropna()).all() and made["a"].isna().mean() == 0.5
    assert made["b"].isna().all()
    assert sum("infinite" in note for note in codec.notes) == 2


def test_mixed_types_are_noted():
    frame = pd.DataFrame({"a": [*range(95), "low", "n.a.", "low", "-", "-"]}, dtype=object)
    codec = TableCodec()
    codec.fit(frame.astype(str))
    assert any("holds numbers but for 5 values" in note for note in codec.notes)
    made = codec.decode(codec.encode(frame.astype(str)))
    assert made["a"].dtype == np.float64 and made["a"].isna().sum() == 5
    mixed = pd.DataFrame({"a": ["x", 1, True, 2.5] * 10}, dtype=object)
    codec.fit(mixed)
    assert any("mixes" in note for note in codec.notes)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": []}),
        pd.DataFrame(index=range(5)),
        pd.DataFrame({"a": [None] * 9}),
        pd.DataFrame({"id": [f"u{n}" for n in range(50)], "k": [1] * 50}),
    ],
)
def test_nothing_to_learn_is_a_typed_error(frame):
    with pytest.raises(DataError) as caught:
        TableCodec().fit(frame)
    assert "\n" not in str(caught.value)
