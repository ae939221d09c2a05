"""The floor that translations are held against, and which sentences are measured."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from genloom.trust.quality_pair import Asked

FOLDER = Path(__file__).parents[1] / "benchmarks"


def test_a_dictionary_tells_words_apart_by_what_occurs_with_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    words = importlib.import_module("word_dictionary").Dictionary(
        ["the house", "the book", "a book", "a house!"],
        ["das Haus", "das Buch", "ein Buch", "ein Haus!"],
    )
    assert words.translate("the house") == "Das Haus"
    assert words.translate("a new book!") == "Ein new Buch!"


def test_the_sentences_measured_are_drawn_alike_and_by_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    bench = importlib.import_module("bench_translation")
    sources = [" ".join(["w"] * (1 + n % 12)) + str(n) for n in range(240)]
    asked = Asked(sources=sources, references=[[s, "other"] for s in sources])
    short = bench.chosen(asked, 1, bench.SHORT, 50)
    assert len(short) == 50 and max(len(s.split()) for s in short.sources) <= bench.SHORT
    assert short == bench.chosen(asked, 1, bench.SHORT, 50)
    made, rest = bench.real(short)
    assert made == ["other"] * 50 and rest.references[0] == [short.sources[0]]
