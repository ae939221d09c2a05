"""Extracts: texts and their sentences, grades, what counts, and choosing by a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import toys

from genloom import api
from genloom.codec.pair.summary import GRADES, HEARD, SummaryCodec, Text, texts_of
from genloom.errors import DataError, RequestError
from genloom.recipe import Part
from genloom.trust import quality
from genloom.trust.quality_summary import chosen, graded, nearest

TEXT = {
    "source": ["Nets are large.", "We propose small nets.", "Results follow."],
    "target": ["We propose small nets.", "Little nets."],
}


def test_a_sentence_is_graded_by_the_nearest_summary() -> None:
    text = Text.of(TEXT)
    grades = [int(one) for one in text.graded()]
    assert grades[1] == len(GRADES) - 1 and max(grades[0], grades[2]) < grades[1]
    assert [one.source for one in text.graded()][1] == "2/3 We propose small nets."
    assert nearest([text]) == ["We propose small nets."]


def test_plain_texts_are_cut_into_sentences() -> None:
    text = Text.of("It works, e.g. well. We show it in Sec. two. (Ours) is 3.5 better!")
    assert text.sentences[0] == "It works, e.g. well." and text.sentences[-1].startswith("(Ours)")
    assert Text.of(["a", " ", "b"]).sentences == ("a", "b")
    for wrong in ("", [], {"source": ["a"]}, {"source": ["a"], "target": " "}, 3):
        with pytest.raises(RequestError):
            Text.of(wrong)


def test_files_give_sentences_and_say_what_was_no_text(tmp_path: Path) -> None:
    rows = [TEXT, {"document": "One. Two.", "summary": "One."}, {"source": ["a"]}, {"x": 1}]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    read = SummaryCodec().read(tmp_path)
    assert len(read.items) == 5 and [len(t.sentences) for t in texts_of(read.items)] == [3, 2]
    assert len(read.skipped) == 2
    (tmp_path / "t.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="no texts with summaries"):
        SummaryCodec().read(tmp_path)


def test_sentences_of_one_text_are_on_one_side_and_grades_count_most() -> None:
    codec = SummaryCodec(vocab="bytes", length=64)
    items = Text.of(TEXT).graded()
    codec.fit(items)
    assert len(set(codec.keys(items))) == 1
    (weight, *_) = codec.weights(items)
    assert weight[0] == pytest.approx(HEARD) and weight[-2:].tolist() == [1.0, 1.0]
    ids = codec.grades()
    assert len(set(ids)) == len(GRADES) and codec.encode(items)[0][-1] in ids


def test_a_model_learns_which_sentence_says_it_all(tmp_path: Path) -> None:
    made = toys.recipe(
        Part("summary", {"vocab": "bytes", "length": 48}),
        Part("autoregressive"),
        {"net": "transformer"},
        steps=40,
        rate=6e-3,
        compile="off",
        precision="fp32",
    ).with_("data.pack=true")
    model = api.train(made, toys.extracts(16), out=tmp_path / "m")
    texts = texts_of(toys.extracts(6))
    grades = graded(model, texts)
    assert [len(g) for g in grades] == [3] * 6
    assert chosen(texts, grades) == [text.sentences[2] for text in texts]
    report = quality.evaluate(model, toys.extracts(6), training=toys.extracts(16))
    row = report["rouge_1"]
    assert row.value is not None and row.floor is not None and row.value > row.floor
    assert report.protocol["texts_seen_in_training"] == 6
    assert np.isfinite(row.ceiling or np.nan)
