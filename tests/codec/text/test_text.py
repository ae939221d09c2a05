"""Texts go in and come back exactly; files of every kind are read or refused by name."""

from __future__ import annotations

import gzip
import json
import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genloom.codec.base import Codec
from genloom.codec.text import byte_pairs
from genloom.codec.text.byte_pairs import BYTES, END, PAD, BytePairs
from genloom.codec.text.codec import TextCodec, units
from genloom.errors import DataError, ModelError, RecipeError, RequestError

PROSE = "The quick brown fox doesn't jump over the lazy dog.\n    if x == 12345:\n" * 40
HARD = [
    "",
    "\r\n\r\n",
    "\0",
    "a\0b",
    "👩\u200d👩\u200d👧\u200d👦 e\u0301\u200b\ufeff",
    "<|endoftext|>",
    "a<|endoftext|><|pad|>b",
    "  two  blanks \t\n\n\n",
    "नमस्ते 漢字かな ß İ ﷺ",
    "\x1c\x1d\x85\u2028 x",
    "it's we'll ''s 1234567 --- !!!",
    "a" * 1000,
]


@pytest.fixture(scope="module")
def merged() -> TextCodec:
    codec = TextCodec(vocab=400, length=16)
    codec.fit([PROSE])
    return codec


@pytest.fixture(scope="module")
def plain() -> TextCodec:
    codec = TextCodec(length=16)
    codec.fit(["tiny"])
    return codec


def test_it_is_a_codec(merged):
    assert isinstance(merged, Codec)
    assert merged.spec.bos == merged.spec.eos == END != merged.spec.pad == PAD
    assert BYTES < merged.spec.vocab <= 400


def test_hard_texts_come_back(merged, plain):
    for codec in (merged, plain):
        assert codec.decode(codec.encode(HARD)) == HARD


@given(st.lists(st.text(), max_size=3))
def test_every_text_comes_back(merged, plain, texts):
    for codec in (merged, plain):
        ids = codec.encode(texts)
        assert codec.decode(ids) == texts
        assert all(x.dtype == torch.int64 and (x >= 2).all() for x in ids)


def test_a_lone_surrogate_becomes_the_replacement_character(merged, plain):
    for codec in (merged, plain):
        assert codec.decode(codec.encode(["a\ud800b"])) == ["a\ufffdb"]


def test_plain_bytes_are_byte_plus_offset(plain):
    assert plain.spec.vocab == BYTES
    assert plain.encode(["aé"])[0].tolist() == [2 + b for b in "aé".encode()]


def test_merges_shorten(merged, plain):
    assert len(merged.encode([PROSE])[0]) < 0.5 * len(plain.encode([PROSE])[0])


def test_spelt_specials_are_never_special(merged):
    (ids,) = merged.encode(["x<|endoftext|>y<|pad|>"])
    assert END not in ids and PAD not in ids


def test_cutting_for_the_encoder_changes_no_id(merged, monkeypatch):
    text = PROSE + "nobreak" * 300 + "漢字 " * 300 + "\r\n \n" + PROSE.replace("\n", " ")
    whole = merged.pairs.tokenizer.encode(text).ids
    monkeypatch.setattr(byte_pairs, "_CHUNK", 37)
    assert merged.encode([text])[0].tolist() == whole
    assert len(list(byte_pairs._chunks(text))) > 100


def test_learning_is_deterministic():
    assert BytePairs.learn([PROSE], 330).merges == BytePairs.learn([PROSE], 330).merges


@given(st.text(min_size=1, max_size=20))
def test_the_stable_prefix_only_grows(merged, text):
    (ids,) = merged.encode([text])
    shown = [merged.stable_prefix(ids[:n]) for n in range(len(ids) + 1)]
    assert shown[-1] == text
    assert all(text.startswith(part) for part in shown)


def test_decode_stops_at_eos_and_survives_anything_legal(merged):
    (hello,) = merged.encode(["hello"])
    end, pad = torch.tensor([END]), torch.tensor([PAD, PAD])
    assert merged.decode([torch.cat([end, hello, end, hello, pad])]) == ["hello"]
    assert merged.decode([torch.cat([hello, pad])]) == ["hello"]
    everything = torch.arange(merged.spec.vocab).repeat(2, 1)[:, 1:]
    assert all(isinstance(text, str) for text in merged.decode(everything))
    assert merged.decode([torch.tensor([2 + 0xF0, 2 + 0x9F])]) == [""]


def test_saved_and_loaded_is_the_same(merged, plain, tmp_path):
    for number, codec in enumerate((merged, plain)):
        folder = tmp_path / str(number)
        codec.save(folder)
        again = TextCodec.load(folder)
        assert again.spec == codec.spec and again.vocab == codec.vocab
        assert [x.tolist() for x in again.encode(HARD)] == [x.tolist() for x in codec.encode(HARD)]


def test_tokenizer_json_is_read_by_its_own_library(merged, tmp_path):
    from tokenizers import Tokenizer

    merged.save(tmp_path)
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode(PROSE).ids == merged.encode([PROSE])[0].tolist()
    assert theirs.decode(theirs.encode(PROSE).ids) == PROSE


def test_a_damaged_vocabulary_is_a_model_error(merged, tmp_path):
    merged.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    whole = path.read_bytes()
    values = json.loads(whole)
    swapped = {**values, "model": {**values["model"], "merges": values["model"]["merges"][::-1]}}
    for broken in (whole[: len(whole) // 2], b"[]", b"\xff", json.dumps(swapped).encode()):
        path.write_bytes(broken)
        with pytest.raises(ModelError):
            TextCodec.load(tmp_path)
    path.unlink()
    with pytest.raises(ModelError, match="missing"):
        TextCodec.load(tmp_path)


def test_a_hostile_pattern_in_the_file_is_not_used(merged, tmp_path):
    merged.save(tmp_path)
    path = tmp_path / "tokenizer.json"
    values = json.loads(path.read_text())
    values["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(x+x+)+y"}}
    path.write_text(json.dumps(values))
    assert TextCodec.load(tmp_path).encode(["x" * 60])[0].numel() > 0


def test_automatic_vocabulary_grows_with_the_corpus():
    small, large, plain = TextCodec(), TextCodec(), TextCodec(vocab="bytes")
    small.fit(["word " * 10])
    large.fit(["".join(f"{i} " for i in range(60_000))])
    plain.fit(["".join(f"{i} " for i in range(60_000))])
    assert small.spec.vocab == plain.spec.vocab == BYTES
    assert large.spec.vocab == 512


@pytest.mark.parametrize(
    "options",
    [{"vocab": 100}, {"vocab": "big"}, {"length": 1}, {"length": 1.5}, {"documents": "chapter"}],
)
def test_bad_options_are_recipe_errors(options):
    with pytest.raises(RecipeError):
        TextCodec(**options)


def test_nothing_is_known_before_fit():
    with pytest.raises(ModelError, match="fit"):
        _ = TextCodec().spec


def test_a_prompt_is_a_prefix(merged):
    known = merged.condition("fox", None).known
    assert merged.decode([known]) == ["fox"]
    assert merged.condition(None, None).known is None
    assert merged.condition("", None).known is None


def test_a_prompt_longer_than_the_context(plain):
    assert len(plain.condition("x" * 15, None).known) == 15
    with pytest.raises(RequestError, match=r"16 tokens .* 16"):
        plain.condition("x" * 16, None)


def test_a_text_has_no_fields(plain):
    with pytest.raises(RequestError, match="no fields"):
        plain.condition("x", "age > 60")


def test_features_tell_texts_apart(plain):
    one, same, other, empty = plain.features(["the cat sat", "The cat sat", "import os", ""])
    assert torch.equal(one, same)
    assert one.norm().item() == pytest.approx(1.0)
    assert one @ other < 0.5
    assert empty.norm() == 0
    assert plain.features([]).shape == (0, 512)


def test_units_count_characters_and_bytes():
    assert units("aé😀") == (3, 7)


def test_write_and_preview(plain, tmp_path):
    assert plain.write("a\r\nb", tmp_path / "x.txt") is False
    assert (tmp_path / "x.txt").read_bytes() == b"a\r\nb"
    plain.write('say "é"\n', tmp_path / "x.jsonl")
    assert plain.read(tmp_path / "x.jsonl").items == ['say "é"\n']
    shown = plain.preview(["one", "two"], tmp_path / "p")
    assert shown.suffix == ".txt" and "one" in shown.read_text() and "two" in shown.read_text()


# Reading


def test_a_folder_is_read_in_order_and_the_rest_is_named(plain, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden/x.txt").write_text("hidden")
    (tmp_path / "sub/b.py").write_text("b = 1\n")
    (tmp_path / "a.txt").write_text("first\n")
    (tmp_path / "z.md.gz").write_bytes(gzip.compress(b"zipped"))
    (tmp_path / "LICENSE").write_text("MIT")
    (tmp_path / "t.csv").write_text("a,b\n")
    (tmp_path / "p.bin").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "bad.gz").write_bytes(gzip.compress(b"hello" * 100)[:20])
    (tmp_path / "empty.txt").touch()
    os.mkfifo(tmp_path / "pipe")
    reading = plain.read(tmp_path)
    assert reading.items == ["first\n", "zipped", "b = 1\n"]
    assert [p.name for p in reading.files] == ["a.txt", "z.md.gz", "b.py"]
    assert set(reading.skipped) == {"LICENSE", "t.csv", "p.bin", "bad.gz", "empty.txt", "pipe"}
    assert "binary" in reading.skipped["p.bin"] and "gzip" in reading.skipped["bad.gz"]
    assert "empty" in reading.skipped["empty.txt"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_encodings(plain, tmp_path, encoding):
    path = tmp_path / "x.txt"
    text = "Grüße, a plain western text with an umlaut\r\n"
    path.write_bytes(text.encode(encoding))
    assert plain.read(path).items == [text]


def test_a_western_encoding_is_guessed_and_noted(plain, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes("“Grüße”".encode("cp1252"))
    reading = plain.read(path)
    assert reading.items == ["“Grüße”"]
    assert "cp1252" in reading.notes[0]


def test_documents_are_cut_at_the_separator(plain, tmp_path):
    path = tmp_path / "x.txt"
    path.write_bytes(b"one\r\n\n<|endoftext|>\n\ntwo <|endoftext|> still\n<|endoftext|>\n")
    assert plain.read(path).items == ["one", "two <|endoftext|> still"]
    assert len(TextCodec(documents="file").read(path).items) == 1


@pytest.mark.parametrize(
    ("documents", "items"), [("line", ["a", "b", "c"]), ("paragraph", ["a\nb", "c"])]
)
def test_documents_by_line_and_paragraph(tmp_path, documents, items):
    path = tmp_path / "x.txt"
    path.write_text("a\nb\n\n\nc\n")
    assert TextCodec(documents=documents).read(path).items == items


def test_json_lines(plain, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"text": "a\\u2028b"}\nbroken\n\n{"text": "c", "id": 1}\n')
    reading = plain.read(path)
    assert reading.items == ["a\u2028b", "c"]
    assert list(reading.skipped) == ["x.jsonl:2"]
    path.write_text('{"title": "no text"}\n')
    with pytest.raises(DataError, match='no string "text"'):
        plain.read(path)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("e.txt", b"", "empty"),
        ("w.txt", b" \n\t\n", "empty"),
        ("p.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
        ("u.txt", b"\xff\xfea", "damaged"),
    ],
)
def test_one_unusable_file_is_a_data_error(plain, tmp_path, name, content, why):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=why) as caught:
        plain.read(path)
    assert "\n" not in str(caught.value)


def test_a_folder_without_texts_says_what_was_tried(plain, tmp_path):
    for n in range(8):
        (tmp_path / f"{n}.bin").write_bytes(b"\0\1\2")
    with pytest.raises(DataError, match=r"0\.bin \(a binary file\).* and 3 more"):
        plain.read(tmp_path)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="empty folder"):
        plain.read(tmp_path / "none")
    with pytest.raises(DataError, match="no such file"):
        plain.read(tmp_path / "absent")
