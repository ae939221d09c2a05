"""BLEU, chrF, ROUGE and stems beside what sacreBLEU, rouge_score and NLTK said, and intervals.

`record_translation_metrics.py` in this folder made the recorded numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genloom.metric import bleu, bootstrap, chrf, rouge
from genloom.metric.stem import stem

RECORDED: dict[str, Any] = json.loads(
    Path(__file__).with_name("sacrebleu_rouge_recorded.json").read_text("utf-8")
)
MADE = RECORDED["made"]


def references(count: int) -> list[list[str]]:
    return [told[:count] for told in RECORDED["references"]]


@pytest.mark.parametrize(("name", "count"), [("one", 1), ("two", 2)])
def test_bleu_is_sacrebleus(name: str, count: int) -> None:
    found, told = bleu.counts(MADE, references(count)), RECORDED[name]
    assert float(bleu.score(found.sum(0))) == pytest.approx(told["bleu"], abs=1e-10)
    assert bleu.score(found) == pytest.approx([row[0] for row in told["items"]], abs=1e-10)
    assert told["signature"].startswith(bleu.signature(references(count)))


@pytest.mark.parametrize(("name", "count"), [("one", 1), ("two", 2)])
@pytest.mark.parametrize(("key", "place", "order"), [("chrf", 1, 0), ("chrf_words", 2, 2)])
def test_chrf_is_sacrebleus(name: str, count: int, key: str, place: int, order: int) -> None:
    found, told = chrf.counts(MADE, references(count), words=order), RECORDED[name]
    assert float(chrf.score(found.sum(0))) == pytest.approx(told[key], abs=1e-10)
    assert chrf.score(found) == pytest.approx([row[place] for row in told["items"]], abs=1e-10)


def test_words_are_those_of_13a() -> None:
    for text, told in RECORDED["words"].items():
        assert " ".join(bleu.words(text)) == told


@pytest.mark.parametrize("stemmed", [False, True])
def test_rouge_is_rouge_scores(stemmed: bool) -> None:
    told = RECORDED["rouge"]
    found = rouge.values(told["made"], told["references"], stemmed=stemmed)
    for row, name in zip(("rouge1", "rouge2", "rougeL"), rouge.NAMES, strict=True):
        theirs = [item[row] for item in told["stemmed" if stemmed else "plain"]]
        assert found[name] == pytest.approx(theirs, abs=1e-10)


def test_stems_are_nltks() -> None:
    wrong = {word: stem(word) for word, told in RECORDED["stems"].items() if stem(word) != told}
    assert not wrong and len(RECORDED["stems"]) > 400


def test_a_perfect_text_has_all_and_an_empty_one_nothing() -> None:
    text = ["The cat sat on the mat today."]
    for module in (bleu, chrf):
        assert float(module.score(module.counts(text, [text]).sum(0))) == pytest.approx(100)
        assert float(module.score(module.counts([""], [text]).sum(0))) == 0.0


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(0), 0
    for seed in range(200):
        values = bootstrap.of_values(rng.normal(3.0, 1.0, 80))
        found = bootstrap.interval(values, bootstrap.mean, draws=300, seed=seed)
        hits += found.low <= 3.0 <= found.high
    assert 176 <= hits <= 199  # 0.95 of 200, less a little: percentiles are a bit narrow


def test_a_difference_on_the_same_items_is_sharper_than_two_intervals() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(0.0, 5.0, 300)
    ours, theirs = (bootstrap.of_values(base + shift) for shift in (0.1, 0.0))
    found = bootstrap.difference(ours, theirs, bootstrap.mean)
    alone = bootstrap.interval(ours, bootstrap.mean)
    assert found.low > 0 and found.high - found.low < 0.1 * (alone.high - alone.low)
    assert bootstrap.difference(ours, ours, bootstrap.mean).value == 0.0
    with pytest.raises(ValueError, match="same items"):
        bootstrap.difference(ours, theirs[:5], bootstrap.mean)
