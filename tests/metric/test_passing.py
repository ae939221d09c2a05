"""pass@k against its definition: the share of choices of k programs in which one passes."""

from __future__ import annotations

from itertools import combinations

import pytest

from genloom.metric.overlap import KEY, contained
from genloom.metric.passing import counts, pass_at_k


@pytest.mark.parametrize(("made", "passed"), [(1, 0), (1, 1), (6, 2), (7, 6), (8, 0), (9, 1)])
def test_it_is_the_share_of_all_choices(made: int, passed: int) -> None:
    programs = [n < passed for n in range(made)]
    for k in range(1, made + 1):
        chosen = list(combinations(programs, k))
        assert pass_at_k(made, passed, k) == pytest.approx(sum(map(any, chosen)) / len(chosen))


def test_large_numbers_do_not_overflow_and_wrong_ones_are_refused() -> None:
    assert 0.63 < pass_at_k(100_000, 1000, 100) < 0.64
    assert counts(200) == [1, 10, 100, 200] and counts(1) == [1] and counts(5) == [1, 5]
    for made, passed, k in ((3, 4, 1), (3, 1, 0), (3, 1, 4)):
        with pytest.raises(ValueError, match="give"):
            pass_at_k(made, passed, k)


def test_passages_are_found_word_for_word_in_one_pass() -> None:
    text = bytes(n * n % 251 for n in range(3000)) + b"a sentence that stands at the end"
    inside = [text[n : n + size] for n, size in ((0, KEY), (700, 400), (2990, 40))]
    outside = [inside[1][:-1] + b"~", b"never written anywhere", inside[1] + b"?"]
    assert contained([*inside, *outside, inside[0]], text) == [True] * 3 + [False] * 3 + [True]
    assert contained([], text) == [] and contained(inside[:1], b"") == [False]
