"""Rewards by name: what each gives for what, and what is refused."""

from __future__ import annotations

import pytest

from genloom.codec.pair.task import task
from genloom.errors import RewardError, UsageError
from genloom.rewards.base import Each, Try, judged
from genloom.rewards.named import last_number, plain, reward_of


def tried(completion: str, **fields: object) -> Try:
    return Try(task=task({"prompt": "p", **fields}), completion=completion)


def worth(words: str, completion: str, **fields: object) -> float:
    (found,) = reward_of(words)([tried(completion, **fields)])
    return found


@pytest.mark.parametrize(
    ("words", "completion", "fields", "expected"),
    [
        ("exact", " The  Dog. ", {"answer": "the dog"}, 1),
        ("exact", "the dogs", {"answer": "the dog"}, 0),
        ("exact", "B", {"answer": ["a", "b"]}, 1),
        ("exact", "7", {"answer": 7}, 1),
        ("contains", "it is a Dog, surely", {"answer": "dog"}, 1),
        ("contains", "it is a cat", {"answer": "dog"}, 0),
        ("contains:yes", "Yes!", {}, 1),
        ("number", "3 + 4 = 7", {"answer": "7.0"}, 1),
        ("number", "so 1,234 it is!", {"answer": "1234"}, 1),
        ("number", "minus -3", {"answer": "3"}, 0),
        ("number", "none", {"answer": "3"}, 0),
        ("regex:^a+b$", "aab", {}, 1),
        ("regex:^a+b$", "aabc", {}, 0),
        ("json", '{"a": 1}', {}, 1),
        ("json", "{a: 1}", {}, 0),
        ("json", "[" * 100_000, {}, 0),
        ("json", '{"a": "x"}', {"schema": {"properties": {"a": {"type": "integer"}}}}, 0.5),
        ("length:10", "x" * 10, {}, 1),
        ("length:10", "x" * 15, {}, 0.5),
        ("length:10", "x" * 30, {}, 0),
    ],
)
def test_what_each_gives(
    words: str, completion: str, fields: dict[str, object], expected: float
) -> None:
    assert worth(words, completion, **fields) == expected


def test_rewards_add_up_by_their_weights() -> None:
    assert worth("exact+0.5*length:4", "dog", answer="dog") == 1.5
    assert worth("2*exact + -1*contains:x", "x", answer="x") == 1.0
    assert reward_of("0.1*length:9+number").needs == "answers"
    assert reward_of("length:9").needs == ""


def test_numbers_as_people_write_them() -> None:
    assert last_number("1.5e3 apples") == 1500
    assert last_number(".5") == 0.5
    assert last_number("a.b, -") is None
    assert last_number("in 2024.") == 2024


def test_plain_texts_forget_form_alone() -> None:
    assert plain("\uff21\uff22\uff23\uff0e") == "abc"
    assert plain("a b") != plain("ab")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("exakt", "neither known nor a program"),
        ("", "neither known nor a program"),
        ("length:x", "how many characters"),
        ("length:0", "how many characters"),
        ("regex:(", "no expression"),
        ("regex:", "lacks an expression"),
        ("exact:3", "takes no argument"),
        ("tests:some", "tests:all"),
        ("/no/such/file.py:f", "no file"),
        ("'unclosed", "neither known nor a program"),
    ],
)
def test_what_is_no_reward_is_refused(words: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reward_of(words)


def test_an_expression_may_hold_a_plus() -> None:
    assert worth("regex:a+b", "aab") == 1.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_worth_that_is_no_number_names_step_and_try(bad: float) -> None:
    reward = Each(lambda one: bad if one.completion == "b" else 1.0)
    with pytest.raises(RewardError, match=r"step 7, try 2 of 3 \(prompt 'p'\).*--resume"):
        judged(reward, [tried("a"), tried("b"), tried("c")], 7)
