"""Preferences: every shape of record, two rows a pair, and the last answers alone as targets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
import toys
from chat_templates import STYLES
from test_chat import imported

from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.preference import PreferenceCodec
from genloom.codec.chat.preference_files import read_preferences
from genloom.codec.chat.preference_item import Preference, preference
from genloom.data.loader import Loader
from genloom.errors import DataError, RecipeError, RequestError

ASKED = [
    {"role": "user", "content": "say a"},
    {"role": "assistant", "content": "which?"},
    {"role": "user", "content": "small"},
]
GOOD, BAD = ({"role": "assistant", "content": text} for text in ("a is good", "no"))
PAIR = {"prompt": ASKED, "chosen": [GOOD], "rejected": [BAD]}
DIALOGUE = "\n\nHuman: say a\n\nAssistant: which?\n\nHuman: small\n\nAssistant: {}"

SHAPES = [
    PAIR,
    {"prompt": ASKED, "chosen": "a is good", "rejected": "no"},
    {"chosen": [*ASKED, GOOD], "rejected": [*ASKED, BAD]},
    {"prompt": "say a", "chosen": [*ASKED, GOOD], "rejected": [*ASKED, BAD], "score": 3},
    {"chosen": DIALOGUE.format("a is good"), "rejected": DIALOGUE.format("no")},
    {"prompt": DIALOGUE.format("").removesuffix("\n\nAssistant: "),
     "chosen": "a is good", "rejected": "no"},
]  # fmt: skip


@pytest.fixture(scope="module")
def codec() -> PreferenceCodec:
    made = PreferenceCodec(vocab="bytes", length=256)
    made.fit([PAIR])
    return made


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "list.json", "x.parquet"])
def test_every_shape_is_read(tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(arrow.Table.from_pylist([SHAPES[0], SHAPES[0]]), tmp_path / name)
        count = 2
    else:
        data = json.dumps(SHAPES) if "list" in name else "\n".join(map(json.dumps, SHAPES))
        raw = data.encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
        count = len(SHAPES)
    reading = read_preferences(tmp_path)
    assert len(reading.items) == count and not reading.skipped
    for item in reading.items:
        assert [m["content"] for m in item.shared] == ["say a", "which?", "small"]
        assert str(item.chosen.messages[-1]["content"]) == "a is good"
        assert str(item) == (
            "user: say a\n\nassistant: which?\n\nuser: small\n\n"
            "+ assistant: a is good\n\n- assistant: no"
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rejected": [GOOD]}, "two answers are equal"),
        ({"rejected": "a is good "}, "two answers are equal"),
        ({"rejected": ""}, "is empty"),
        ({"chosen": " "}, "is empty"),
        ({"chosen": None}, "no chosen"),
        ({"prompt": None}, "has no prompt"),
        ({"chosen": [*ASKED, GOOD], "rejected": [ASKED[0], BAD]}, "differ before the last"),
        ({"chosen": ASKED, "rejected": ASKED}, "does not end with"),
        ({"chosen": 5}, "no text and no list"),
        ({"prompt": [*ASKED, ASKED[2]]}, "both the user's"),
    ],
)
def test_what_teaches_nothing_is_left_out_by_name(tmp_path: Path, change, words: str) -> None:
    lines = [json.dumps({**PAIR, **change}), json.dumps(PAIR), "{"]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    reading = read_preferences(tmp_path)
    assert len(reading.items) == 1 and reading.left_out == 2
    assert words in reading.skipped["x.jsonl:1"] and reading.skipped["x.jsonl:3"] == "not JSON"


def test_nothing_but_equal_pairs_is_an_error(tmp_path: Path, codec: PreferenceCodec) -> None:
    same = {**PAIR, "rejected": [GOOD]}
    (tmp_path / "x.jsonl").write_text("\n".join([json.dumps(same)] * 9))
    with pytest.raises(DataError, match="two answers are equal"):
        read_preferences(tmp_path)
    with pytest.raises(DataError, match="two answers are equal"):
        PreferenceCodec(vocab="bytes").fit([same] * 9)
    with pytest.raises(RequestError):
        preference(same)


def test_only_the_last_answers_are_targets(codec: PreferenceCodec) -> None:
    x, weights = codec.encode([PAIR]), codec.weights([PAIR])
    assert len(x) == len(weights) == codec.group == 2
    learnt = [codec.spelt(row[w > 0].tolist()) for row, w in zip(x, weights, strict=True)]
    assert learnt == ["a is good<|im_end|>", "no<|im_end|>"]
    rest = codec.spelt(x[0][weights[0] == 0].tolist())
    assert all(message["content"] in rest for message in ASKED)  # the assistant's earlier turn, too
    assert codec.worths([PAIR, PAIR]).tolist() == [1, -1, 1, -1]
    shared = min(map(len, x))
    same = (x[0][:shared] == x[1][:shared]).long().cumprod(0).sum()
    assert not weights[0][:same].any() and weights[0][same:].any()


@pytest.mark.parametrize("name", ["chatml", "llama3", "mistral", "gemma"])
def test_over_a_published_template(name: str) -> None:
    codec = PreferenceCodec.upon(imported(STYLES[name]).codec)
    items = [PAIR]
    x, weights = codec.encode(items), codec.weights(items)
    learnt = [codec.spelt(row[w > 0].tolist()) for row, w in zip(x, weights, strict=True)]
    assert [text.strip().split("<")[0] for text in learnt] == ["a is good", "no"]
    codec.renderer.close()


def test_batches_keep_pairs_together(codec: PreferenceCodec) -> None:
    items = [*toys.preferences(5), {**PAIR, "rejected": [GOOD]}]
    x, weights = codec.encode(items), codec.weights(items)
    assert len(x) == 12 and not len(x[10])
    loader = Loader(
        x, codec.spec, batch=2, seed=0, weights=weights, group=2, worth=codec.worths(items)
    )
    assert loader.epoch_size == 5
    batch = loader.batch(0)
    assert batch.worth is not None and batch.worth.tolist() == [1, -1, 1, -1]
    better, worse = batch.x[0], batch.x[1]
    assert int((better == worse).long().cumprod(0).sum()) > 10  # they begin alike


def test_what_is_cut_or_refused_is_told() -> None:
    codec = PreferenceCodec(vocab="bytes", length=64)
    long = {"prompt": "x" * 90, "chosen": "y", "rejected": "n"}
    same = {"prompt": "q", "chosen": "y", "rejected": "y"}
    short = {"prompt": "q", "chosen": "y", "rejected": "n"}
    tail = {"prompt": "q", "chosen": "y", "rejected": "n" * 90}
    codec.fit([long, short, same, tail])
    codec.encode([long, short, same, tail])
    assert codec.notes[0].startswith("2 of 4 preferences are longer than the context of 64")
    assert codec.notes[1].startswith("1 of 4 preferences have no answer within")
    assert codec.notes[2] == "1 of 4 preferences are left out: its two answers are equal"


def test_it_saves_loads_and_speaks_as_a_chat(codec: PreferenceCodec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    loaded = PreferenceCodec.load(tmp_path)
    assert loaded.spec == codec.spec and loaded.opener == codec.opener == "say a"
    for a, b in zip(codec.encode([PAIR]), loaded.encode([PAIR]), strict=True):
        assert torch.equal(a, b)
    known = loaded.condition("hi", None).known
    assert known is not None and loaded.stable_prefix(known) == ""
    plain = loaded.decode(loaded.encode([PAIR]))
    assert [talk.messages[-1]["content"] for talk in plain] == ["a is good", "no"]
    assert torch.equal(loaded.encode(plain[:1])[0], codec.encode([PAIR])[0])
    line = json.loads(codec.line(preference(PAIR)))
    assert preference(line) == preference(PAIR)
    chat = ChatCodec.upon(loaded)
    assert chat.spec == loaded.spec


def test_it_starts_from_models_of_words_only() -> None:
    with pytest.raises(RecipeError, match="start from one of texts or chat"):
        PreferenceCodec.upon(type("Other", (), {"kind": "image"})())


@pytest.mark.shared
def test_the_open_preferences_are_read(shared: Path) -> None:
    reading = read_preferences(shared / "data" / "preferences")
    assert len(reading.items) > 2200 and reading.left_out + len(reading.items) == 2312
    assert all(isinstance(item, Preference) for item in reading.items)
    assert any("turns alternate" in why for why in reading.skipped.values())


def test_pairs_of_one_first_question_have_one_key():
    asked = ({"prompt": p, "chosen": "yes", "rejected": "no"} for p in ("Say  it", "say it", "go"))
    keys = PreferenceCodec(vocab="bytes").keys([*asked, {"prompt": "no answers"}])
    assert keys[0] == keys[1] and len(set(keys)) == 3
