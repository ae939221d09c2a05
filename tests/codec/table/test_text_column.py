"""Columns of free text inside the row: found, cut, asked for, not put out as they were."""

import numpy as np
import pandas as pd
import pytest
import torch
from test_table import fitted

from genloom.codec.table.codec import TableCodec
from genloom.codec.table.text_column import TextColumn
from genloom.errors import DataError, RequestError

THINGS = {"lamp": ["desk lamp", "wall light"], "bag": ["tote bag", "school backpack"]}


def shop(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Descriptions follow from the kind and the price."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(list(THINGS), rows)
    price = np.round(np.exp(rng.normal(3.5, 0.8, rows)), 2)
    texts = [
        f"{rng.choice(['red', 'blue', 'grey'])} {'designer' if p > 33 else 'plain'} "
        f"{rng.choice(THINGS[k])} made of {rng.choice(['oak', 'wool', 'steel'])}, item {n}"
        for n, (k, p) in enumerate(zip(kind, price, strict=True))
    ]
    return pd.DataFrame({"text": texts, "kind": kind, "price": price})


@pytest.fixture(scope="module")
def table():
    return shop()


@pytest.fixture(scope="module")
def codec(table):
    return fitted(table)


def test_texts_are_found_and_come_last_in_the_row_but_not_in_the_table(table, codec, tmp_path):
    spans = [(span.name, span.kind) for span in codec.spec.spans]
    assert spans == [("kind", "choice"), ("price", "number"), ("text", "words")]
    assert any("free text: learnt" in note for note in codec.notes)
    back = codec.decode(codec.encode(table))
    assert list(back.columns) == list(table.columns)
    assert back.dtypes.to_dict() == table.dtypes.to_dict()
    assert (back["text"] == table["text"]).mean() > 0.9
    codec.save(tmp_path)
    again = TableCodec.load(tmp_path)
    assert torch.equal(again.encode(table), codec.encode(table)) and again.notes == ()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(text[:25].encode() in stored for text in table["text"])


def test_only_what_reads_like_texts_is_one(table):
    others = pd.DataFrame(
        {
            "who": [f"Ann{n} Lee" for n in range(300)],
            "few": ["one of the three", "two of the three", "three of three"] * 100,
            "code": [f"order no {n:05d}" for n in range(300)],
            "kind": table["kind"],
        }
    )
    assert [c.kind for c in fitted(others).columns] == [
        *("identifier", "category", "identifier", "category")
    ]
    said = fitted(others, kinds={"who": "text"}).columns[0]
    assert isinstance(said, TextColumn)
    for options in ({"texts": 0}, {"carrier": "array"}):
        assert fitted(table, **options).columns[0].kind == "identifier"
    with pytest.raises(DataError, match="nothing to learn"):
        fitted(table[["text"]])


def test_long_texts_are_cut_at_a_word(table):
    codec = fitted(table, texts=5)
    made = codec.decode(codec.encode(table))["text"]
    for short, whole in zip(made, table["text"], strict=True):
        assert whole.startswith(f"{short} ") and short
    assert any("longer and cut" in note for note in codec.notes)


def test_missing_texts_and_empty_ones_stay_what_they_are(table):
    frame = table.assign(text=table["text"].where(np.arange(300) % 3 > 0, None))
    frame.loc[1, "text"] = ""
    codec = fitted(frame)
    made = codec.decode(codec.encode(frame))["text"]
    assert (made.isna() == frame["text"].isna()).all() and made[1] == ""
    found = codec.condition("text is null", None)
    (place,) = found.allowed
    assert found.allowed[place].sum() == 1


def test_texts_that_few_rows_have_are_not_put_out(table):
    frame = table.copy()
    frame.loc[:9, "text"] = "a text that ten rows have"
    codec = fitted(frame)
    met = codec.matches(frame, None)
    assert met[:10].all() and not met[10:].any() and codec.exacting
    new = shop(300, seed=9).assign(text=lambda f: f["text"] + " more")
    assert codec.matches(new, None).mean() > 0.85
    text = frame["text"][20].replace("'", "''")
    asked = frame.iloc[20:21]
    assert codec.matches(asked, f"text = '{text}'").all()  # who asks for it knows it
    assert fitted(frame, rare=1).matches(frame, None).all()
    codec.welcome(new)
    as_made = codec.decode(codec.encode(new))
    assert not codec.matches(as_made, None).any() and not codec.matches(frame, None)[10:].any()


def test_pieces_that_few_rows_have_are_none(table):
    frame = table.copy()
    frame.loc[:1, "text"] = ["of Zyxwvut made", "by Zyxwvut sold"]
    codec = fitted(frame)
    column = codec.columns[0]
    pieces = [column._pairs.pieces[piece] for piece in column.pieces]
    assert not any(b"yx" in piece for piece in pieces) and any(len(p) > 4 for p in pieces)


def test_a_text_can_be_asked_for(table, codec):
    found = codec.condition("text = 'blue plain tote bag' and price > 20", None)
    span = codec.spec.spans[2]
    assert (found.known[span.start : span.stop] >= 0).all()
    assert set(found.allowed) <= {1, 2}
    made = codec.decode(
        torch.where(found.known >= 0, found.known, codec.encode(table[:1])[0])[None]
    )
    assert made["text"][0] == "blue plain tote bag"
    strange = "text = 'Что-то'"
    made = codec.settle(made, strange)
    assert made["text"][0] == "Что-то" and codec.matches(made, strange).all()
    for asked in ("text < 'b'", "text = 3", "text in ('a', 'b')", "text is null"):
        with pytest.raises(RequestError, match="'text'"):
            codec.condition(asked, None)
    with pytest.raises(RequestError, match="not foretold"):
        codec.target("text")
