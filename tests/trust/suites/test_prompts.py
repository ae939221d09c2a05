"""Prompts and answers, character by character."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from genloom.errors import DataError
from genloom.trust.suites import layouts, published_rows
from genloom.trust.suites.prompts import SEED, Choices, Examples, choices, golds, prompt
from genloom.trust.suites.suite import Suite

QA = Suite(name="qa", kind="answer", prompt="Q: {q}\nA:", target="a")
CHOICE = Suite(name="c", kind="choice", prompt="{q}", target="a")


def rows(count: int) -> list[dict[str, Any]]:
    return [{"q": f"q{n}", "a": f"a{n}"} for n in range(count)]


def test_examples_are_drawn_anew_for_each_item_in_order() -> None:
    pool, rng = rows(9), random.Random(SEED)
    draw = Examples(replace(QA, shots=2, description="Say it.\n\n"), pool, True, 2)
    for row in rows(4):
        one, other = rng.sample(pool, 2)
        told = "".join(f"Q: {r['q']}\nA: {r['a']}\n\n" for r in (one, other))
        assert draw(row) == f"Say it.\n\n{told}"


def test_an_item_is_never_its_own_example() -> None:
    pool = rows(4)
    draw = Examples(QA, pool, False, 2)
    for row in pool * 5:
        assert f"{row['q']}\n" not in draw(row) and draw(row).count("Q: ") == 2
    twice = [pool[0], pool[0], *pool[1:]]
    assert Examples(QA, twice, False, 3)(pool[0]).count("Q: ") == 3
    with pytest.raises(DataError, match="3 other items"):
        Examples(QA, pool, False, 4)(pool[0])


def test_first_examples_keep_their_order_within_a_subject() -> None:
    pool = [{**row, "about": "ab"[n % 2]} for n, row in enumerate(rows(8))]
    draw = Examples(replace(QA, first=True, within="about"), pool, True, 2)
    assert draw({"q": "x", "a": "y", "about": "b"}) == "Q: q1\nA: a1\n\nQ: q3\nA: a3\n\n"


@pytest.mark.parametrize(
    ("told", "labels", "right"),
    [("B", "", 1), (1, "", 1), ("1", "", 1), ("blue", "", 1), ("2", "l", 1), (2, "l", 1)],
)
def test_the_right_choice_is_told_in_any_usual_way(told: object, labels: str, right: int) -> None:
    row = {"q": "?", "choices": ["red", "blue"], "a": told, "l": ["1", "2"]}
    assert choices(replace(CHOICE, labels=labels), row) == Choices(("red", "blue"), right)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"a": 2}, "answer is 2, but one of A, B, 0, 1"),
        ({"a": "C"}, "answer is 'C'"),
        ({"a": -1}, "answer is -1"),
        ({"a": None}, "answer is None"),
        ({"choices": ["red", " "]}, "choice 2 of 2 is empty"),
        ({"choices": []}, "a list of texts"),
        ({"choices": ["red", None]}, "a text is expected"),
    ],
)
def test_a_choice_that_cannot_be_is_told(change: dict[str, Any], word: str) -> None:
    row = {"q": "?", "choices": ["red", "blue"], "a": 0, **change}
    with pytest.raises(DataError, match=word):
        choices(CHOICE, row)


def test_published_prompts() -> None:
    """As the harness writes them."""
    mmlu = layouts.named("mmlu")[0]
    row = mmlu.rewrite(
        {"question": " Why? ", "choices": list("wxyz"), "answer": 2, "subject": "world_history"}
    )
    draw = Examples(mmlu.suite, [], True, 0)
    assert draw(row) == (
        "The following are multiple choice questions (with answers) about world history.\n\n"
    )
    assert prompt(mmlu.suite, row) == "Why?\nA. w\nB. x\nC. y\nD. z\nAnswer:"
    assert choices(mmlu.suite, row) == Choices(tuple("ABCD"), 2)

    gap = layouts.named("winogrande")[0]
    row = gap.rewrite({"sentence": "As _ ran.", "option1": "he", "option2": "she", "answer": "2"})
    told = choices(gap.suite, row)
    assert prompt(gap.suite, row, told.options[told.right]) == "As she"
    assert Examples(gap.suite, [row, row], True, 1)({**row, "x": 1}) == "As she ran.\n\n"

    tale = layouts.named("hellaswag")[0]
    row = tale.rewrite(
        {
            "activity_label": "Baking",
            "ctx_a": "[header] How [title] It is  done.",
            "ctx_b": "then HE",
            "endings": ["eats [step] it.", "b"],
            "label": "0",
        }
    )
    assert prompt(tale.suite, row) == "Baking: How. It is done. Then he"
    assert choices(tale.suite, row).options[0] == "eats it."


def test_several_answers_are_right() -> None:
    assert golds(replace(QA, target="l"), {"l": ["x", "y"]}) == ["x", "y"]
    assert golds(QA, {"a": 7}) == ["7"]


def test_the_signs_of_wikitext_are_put_back() -> None:
    told = published_rows.wikitext(
        {"page": ' = A = \n He said " yes , sir " ( at 1 @,@ 000 @.@ 5 ) .'}
    )
    assert told["text"] == ' = A =\nHe said "yes, sir" (at 1,000.5) .'
