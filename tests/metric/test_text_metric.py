"""Text numbers against slow, obvious versions and against what must be so."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genloom.metric.ngram import NGram, ngram_floor
from genloom.metric.overlap import longest_overlap, verbatim_share
from genloom.metric.text import compression_floor, distinct_n, rates, repetition_rate

WORDS = ["the", "cat", "sat", "on", "a", "mat", "and", "saw", "dog", "run", "to", "red", "barn"]


def prose(count: int, seed: int) -> bytes:
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS) for _ in range(count)).encode()


def noise(count: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(count)


def test_rates_convert_units():
    made = rates(nats=math.log(2) * 80, tokens=4, characters=8, size=10)
    assert made["bits_per_byte"] == pytest.approx(8.0)
    assert made["nats_per_character"] == pytest.approx(10 * math.log(2))
    assert made["nats_per_token"] == pytest.approx(20 * math.log(2))
    assert next(iter(made)) == "bits_per_byte"


def test_variety_and_repetition():
    assert distinct_n(["abcd"], 2) == 1.0
    assert distinct_n([["a", "b"], ["a", "b"]], 2) == 0.5
    assert distinct_n([], 2) == 1.0
    assert repetition_rate(["abcdefgh"], 4) == 0.0
    assert repetition_rate(["abcd" * 50], 4) > 0.9
    assert repetition_rate([""], 4) == 0.0


@settings(max_examples=15)
@given(st.binary(max_size=60), st.binary(max_size=12), st.integers(1, 8))
def test_ngram_probabilities_sum_to_one(training, context, order):
    model = NGram(training, order)
    chances = [2 ** -model.bits(context + bytes([byte]))[-1] for byte in range(256)]
    assert sum(chances) == pytest.approx(1.0, abs=1e-9)
    assert min(chances) > 0


def slow_bits(training: bytes, text: bytes, order: int) -> list[float]:
    """The same model by dictionaries and recursion."""
    runs = [{training[i : i + n] for i in range(len(training) - n + 1)} for n in range(order + 2)]

    def count(run: bytes) -> int:
        if len(run) == order:
            return sum(training[i : i + order] == run for i in range(len(training)))
        return sum(bytes([b]) + run in runs[len(run) + 1] for b in range(256))

    def discount(n: int) -> float:
        counts = [count(run) for run in runs[n]]
        once, twice = counts.count(1), counts.count(2)
        return once / (once + 2 * twice) if once and twice else 0.5

    discounts = [0.0] + [discount(n) for n in range(1, order + 1)]

    def chance(context: bytes, byte: int) -> float:
        lower = chance(context[1:], byte) if context else 1 / 256
        after = [c for c in (count(context + bytes([b])) for b in range(256)) if c]
        if not after:
            return lower
        d = discounts[len(context) + 1]
        own = max(count(context + bytes([byte])) - d, 0)
        return (own + d * len(after) * lower) / sum(after)

    return [-math.log2(chance(text[max(0, i - order + 1) : i], b)) for i, b in enumerate(text)]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_ngram_equals_the_slow_version(order):
    training, text = b"abracadabra abra", b"cab dabra"
    fast = NGram(training, order).bits(text)
    assert fast.tolist() == pytest.approx(slow_bits(training, text, order))


def test_ids_are_counted_like_bytes():
    """Spelt in wider symbols the same text costs the same, but for what is never seen."""
    training, held = prose(2000, 1), prose(200, 2)
    bytes_, ids = NGram(training, 5), NGram(np.frombuffer(training, np.uint8), 5, width=12)
    cost = ids.bits(np.frombuffer(held, np.uint8))
    assert cost.mean() == pytest.approx(bytes_.bits(held).mean(), abs=0.01)
    with pytest.raises(ValueError, match="give 1 to 5"):
        NGram(training, 6, width=12)


@pytest.mark.parametrize(
    ("before", "after"), [(b"ab", b"r"), (b"xab", b"r"), (b"brac", b"a"), (b"", b"a")]
)
def test_the_likeliest_byte_is_what_came_most_often(before, after):
    model = NGram(b"abracadabra abrab", 4)
    assert model.likeliest(list(before)) == after[0]
    with pytest.raises(ValueError, match="nothing was counted"):
        NGram(b"", 4).likeliest([1])


def test_the_floor_learns_prose_and_cannot_learn_noise():
    assert ngram_floor(prose(3000, 1), prose(300, 2)) < 1.3
    assert ngram_floor(noise(5000, 1), noise(500, 2)) > 7.9
    assert ngram_floor(b"", b"abc") == 8.0
    assert math.isnan(ngram_floor(b"abc", b""))
    with pytest.raises(ValueError, match="order"):
        NGram(b"abc", 9)


def test_more_context_helps_prose():
    training, held = prose(3000, 1), prose(300, 2)
    assert ngram_floor(training, held, 4) < ngram_floor(training, held, 2) - 0.5


def test_compressors():
    training, held = prose(3000, 1), prose(300, 2)
    made = compression_floor(training, held)
    assert 0.5 < made["lzma"] < made["bz2"] < 4
    assert compression_floor(b"", noise(2000, 1))["lzma"] > 7.9
    assert math.isnan(compression_floor(b"abc", b"")["bz2"])


def slow_longest(made: bytes, seen: bytes) -> int:
    return max(
        (j - i for i in range(len(made)) for j in range(i, len(made) + 1) if made[i:j] in seen),
        default=0,
    )


@given(st.text("abé", max_size=25), st.text("abé", max_size=60))
def test_longest_overlap_equals_the_slow_version(made, seen):
    found = longest_overlap(made, seen)
    size = slow_longest(made.encode(), seen.encode())
    run = made.encode()[found.start : found.start + size]
    assert seen.encode()[found.source : found.source + size] == run
    assert found.text == run.decode("utf-8", "ignore")


def test_overlap_finds_a_copied_passage_across_blocks(monkeypatch):
    from genloom.metric import overlap

    monkeypatch.setattr(overlap, "_BLOCK", 64)
    training = noise(4000, 1).hex()
    made = "### " + training[1000:1200] + " ###"
    found = longest_overlap(made, training)
    assert (found.characters, found.start, found.source) == (200, 4, 1000)
    assert verbatim_share(made, training, 50) == pytest.approx(200 / 208)
    assert verbatim_share(made, training, 201) == 0.0
    assert verbatim_share("short", training, 50) == 0.0


@given(st.text("ab", min_size=5, max_size=25), st.text("ab", max_size=60))
def test_verbatim_share_equals_the_slow_version(made, seen):
    covered = {i + k for i in range(len(made) - 4) if made[i : i + 5] in seen for k in range(5)}
    assert verbatim_share(made, seen, 5) == pytest.approx(len(covered) / len(made))
