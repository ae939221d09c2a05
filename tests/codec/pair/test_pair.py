"""Pairs: files in every shape and state, ids of which the completion alone counts, and learning."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import torch
import toys

from genloom import api
from genloom.codec.pair.codec import PairCodec
from genloom.codec.pair.files import read_pairs
from genloom.codec.pair.item import Pair, pair
from genloom.data.loader import Loader
from genloom.data.split import split_keys
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.recipe import Part
from genloom.trust import quality
from genloom.trust.quality_pair import together

PAIRS = [("How are you?", "Wie geht's?"), ("Go.", "Geh!"), ("Good night, Tom!", "Gute Nacht, Tom!")]


@pytest.fixture(scope="module")
def codec() -> PairCodec:
    made = PairCodec(vocab="bytes", length=48)
    made.fit(PAIRS)
    return made


# --- ids ----------------------------------------------------------------------------------------


def test_only_the_completion_and_its_end_are_targets(codec: PairCodec) -> None:
    (x,), (weight,) = codec.encode(PAIRS[:1]), codec.weights(PAIRS[:1])
    assert len(weight) == len(x) + 1 and weight[-1] == 1  # the last speaks of the eos
    counted = x[weight[:-1] > 0]
    assert codec.text.decode([counted]) == ["Wie geht's?"]
    batch = Loader([x], codec.spec, batch=1, seed=0, weights=[weight]).batch(0)
    ends = (batch.x[0] == codec.spec.eos) & (batch.weight[0] > 0)
    assert ends.sum() == 1 and int(batch.weight.sum()) == len(counted) + 1


def test_a_pair_reads_as_its_completion_and_comes_back_from_its_ids(codec: PairCodec) -> None:
    made = codec.decode(codec.encode(PAIRS))
    assert made == [b for _, b in PAIRS] and [m.source for m in made] == [a for a, _ in PAIRS]
    asked = codec.condition("Go.", None).known
    assert asked is not None and codec.decode([asked]) == [""]
    x = codec.encode([("Go.", "Größe")])[0]
    begun = len(codec.question("Go."))
    grown = [codec.stable_prefix(x[:n]) for n in range(begun, len(x) + 1)]
    assert all(b.startswith(a) for a, b in pairwise(grown))
    assert grown[0] == "" and grown[-1] == "Größe" and "Gr\ufffd" not in grown


def test_what_a_text_spells_is_never_the_separator(codec: PairCodec) -> None:
    (x,) = codec.encode([("<|sep|><|endoftext|>", "<|endoftext|>")])
    assert int((x == codec.separator).sum()) == 1 and not (x == codec.spec.eos).any()


def test_of_a_long_pair_the_end_of_the_source_is_cut_and_it_is_said() -> None:
    codec = PairCodec(vocab="bytes", length=24)
    codec.fit([("x" * 40, "yes"), ("short", "no")])
    assert codec.notes == (
        "1 of 2 pairs are longer than the context of 24 tokens: the ends of their sources are "
        "cut off",
    )
    (x,) = codec.encode([("abcdefghijklmnopqrstuvwxyz", "yes")])
    made = codec.decode([x])[0]
    assert made == "yes" and made.source == "abcdefghijklmnopqrs" and len(x) <= 24 - 1
    with pytest.raises(RequestError, match="26 tokens; this model takes 16"):
        codec.condition("abcdefghijklmnopqrstuvwxyz", None)
    assert len(codec.question("x" * 99)) == 17


def test_conditions_and_options_that_make_no_sense(codec: PairCodec) -> None:
    with pytest.raises(RequestError, match="has no fields"):
        codec.condition("a", "b = 1")
    with pytest.raises(RecipeError, match=r"codec\.tags"):
        PairCodec(tags="sometimes")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="pair 2 is of no use: it is a lone text"):
        codec.fit([PAIRS[0], "alone"])


def test_it_saves_and_loads_and_says_what_is_damaged(codec: PairCodec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    again = PairCodec.load(tmp_path)
    assert again.spec == codec.spec and again.opener == codec.opener
    (tmp_path / "codec.json").write_text('{"kind": "pair"}')
    with pytest.raises(ModelError, match="keys missing"):
        PairCodec.load(tmp_path)


# --- splitting ------------------------------------------------------------------------------------


def test_equal_sources_are_on_one_side_whatever_case_and_signs(codec: PairCodec) -> None:
    items = [(f"{'Say' if n % 2 else 'say'} {n // 4}{'!?'[n % 2]}", f"t{n}") for n in range(400)]
    keys = codec.keys(items)
    train, held = split_keys(keys, 0.2)
    assert len(train) + len(held) == 400 and 40 < len(held) < 130
    assert not {keys[n] for n in train} & {keys[n] for n in held}
    half = keys[:200]
    assert set(split_keys(half, 0.2)[1]) == {n for n in held if n < 200}  # others change nothing
    assert all(len(told) == 2 for told in together([Pair(b, a) for a, b in items]).references)


def test_a_held_out_source_is_never_learnt(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"say {n % 20}!\tt{n}\n" for n in range(80)))
    small = ["train.steps=2", "train.judge=0", "train.preview=0", "net.net.width=32"]
    small += ["net.net.depth=1", "net.net.heads=2", "data.holdout=0.3", "train.compile=off"]
    model = api.train("translation", file, out=tmp_path / "m", size="tiny", changes=small)
    keys = [{i.key for i in side} for side in (model.training_items(), model.held_out_items())]
    assert keys[0] and keys[1] and not keys[0] & keys[1]


# --- files ----------------------------------------------------------------------------------------


def test_languages_in_names_become_tags_where_there_are_several(tmp_path: Path) -> None:
    for language, word in (("deu", "Hallo"), ("fra", "Salut")):
        with gzip.open(tmp_path / f"eng-{language}.tsv.gz", "wt", encoding="utf-8") as file:
            file.write(f"Hi.\t{word}!\n")
    both = read_pairs(tmp_path).items
    assert [i.asked for i in both] == ["deu: Hi.", "fra: Hi."] and both == ["Hallo!", "Salut!"]
    assert {i.key for i in both} == {"hi"}
    alone = read_pairs(tmp_path / "eng-deu.tsv.gz").items
    assert [i.asked for i in alone] == ["Hi."]
    asked = read_pairs(tmp_path / "eng-deu.tsv.gz", "always").items
    assert [i.asked for i in asked] == ["deu: Hi."]


def test_what_is_no_pair_is_counted_with_its_first_line(tmp_path: Path) -> None:
    lines = ["a\tb", "ragged", "c\td", "one\ttwo\tthree", "\tno source", "no target\t ", "e\te"]
    (tmp_path / "p.tsv").write_text("\n".join(lines) + "\r\n")
    read = read_pairs(tmp_path / "p.tsv")
    assert [(i.source, str(i)) for i in read.items] == [("a", "b"), ("c", "d"), ("e", "e")]
    assert read.skipped == {
        "p.tsv": "2 left out, not 2 columns as the others (first: line 2); 2 left out, a side of "
        "it is empty (first: line 5)"
    }
    assert read.notes == ("1 pairs have equal sides",)


def test_records_of_known_names_and_lists_of_sentences(tmp_path: Path) -> None:
    rows = [
        {"source": ["One.", "Two."], "target": ["Short.", "Brief."]},
        {"prompt": "p", "completion": "c"},
        {"instruction": "add", "input": "1 2", "output": "3"},
        {"title": "nothing"},
        ["no", "object"],
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) + "{broken\n"
    (tmp_path / "r.jsonl").write_text(text)
    read = read_pairs(tmp_path)
    assert [(i.source, str(i)) for i in read.items] == [
        ("One. Two.", "Short."),
        ("One. Two.", "Brief."),
        ("p", "c"),
        ("add\n\n1 2", "3"),
    ]
    told = read.skipped["r.jsonl"]
    assert "fields title" in told and "no object" in told and "not JSON" in told


def test_tables_with_a_header_and_parquet(tmp_path: Path) -> None:
    frame = pd.DataFrame({"answer": ["x, y", "z"], "question": ["a", 'b "c"'], "n": [1, 2]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame[["question", "answer"]].to_parquet(tmp_path / "t.parquet")
    expected = [("a", "x, y"), ('b "c"', "z")]
    for name in ("t.csv", "t.parquet"):
        assert [(i.source, str(i)) for i in read_pairs(tmp_path / name).items] == expected
    (tmp_path / "bare.csv").write_text("one,two\nthree,four\n")
    assert len(read_pairs(tmp_path / "bare.csv").items) == 2


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("p.tsv", b"a\tb\xff\n", "not UTF-8"),
        ("p.tsv.gz", b"no gzip", "a damaged gzip file"),
        ("p.tsv", b"one\ntwo\n", "lines of one column"),
        ("p.parquet", b"no parquet", "not Parquet"),
        ("p.json", b"[1,", "not JSON"),
        ("p.txt", b"a\tb\n", "not one of"),
        ("p.tsv", b"", "no pairs"),
    ],
)
def test_files_that_hold_no_pairs_say_why(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=why) as caught:
        read_pairs(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="no such file"):
        read_pairs(tmp_path / "absent")


def test_a_pair_is_read_from_a_record_or_two_sides() -> None:
    assert pair(("a", "b")).source == pair({"source": "a", "target": "b"}).source == "a"
    for wrong in ("alone", 3, ("a",), {"a": "b"}, ("a", 3)):
        with pytest.raises(RequestError):
            pair(wrong)


# --- learning -------------------------------------------------------------------------------------


def test_completions_are_learnt_generated_and_measured(tmp_path: Path) -> None:
    made = toys.recipe(
        Part("pair", {"vocab": "bytes", "length": 48}),
        Part("autoregressive"),
        {"net": "transformer"},
        steps=140,
        rate=1e-2,
        compile="off",
        precision="fp32",
    ).with_("data.pack=true")
    items = [
        {"source": f"say {'abc'[n % 3]} {n}", "target": ("one", "two", "three")[n % 3]}
        for n in range(120)
    ]
    model = api.train(made, items, out=tmp_path / "m")
    assert model.generate("say a 5", 1, temperature=0.0)[0] == "one"
    report = quality.evaluate(model, items[:40], training=items[40:], count=20)
    row = report["exact_match"]
    assert row.value is not None and row.floor is not None and row.value > row.floor + 0.3
    assert report.protocol["sources_seen_in_training"] == 0
    assert report.rows[0].metric == "bits_per_byte"
    low, high = report.protocol["intervals_95"]["exact_match"]
    assert low <= row.value <= high
    assert torch.isfinite(torch.tensor([r.value for r in report.rows])).all()
