"""/v1/completions as the official library uses it."""

from __future__ import annotations

from typing import Any

import openai
import pytest

GREEDY: dict[str, Any] = {"temperature": 0, "seed": 1}
PLAIN = "plain"


def texts(chat: openai.OpenAI, prompt: Any, **how: Any) -> list[str]:
    answer = chat.completions.create(model=PLAIN, prompt=prompt, **{**GREEDY, **how})
    assert [choice.index for choice in answer.choices] == list(range(len(answer.choices)))
    return [choice.text for choice in answer.choices]


def test_every_form_of_prompt_is_taken(chat: openai.OpenAI) -> None:
    (one,) = texts(chat, "the cat")
    assert one and texts(chat, ["the cat", "the cat"]) == [one, one]  # greedy, whatever the seed
    ids = [5, 6, 7]
    (by_ids,) = texts(chat, ids)
    assert texts(chat, [ids, ids[:2]])[0] == by_ids
    assert len(texts(chat, None)) == 1


def test_samples_of_several_prompts_are_numbered_one_after_another(chat: openai.OpenAI) -> None:
    hot: dict[str, Any] = {"n": 3, "temperature": 2, "seed": 5}
    told = texts(chat, ["the cat", "the cat"], **hot)
    assert len(told) == 6 and told[:3] == texts(chat, "the cat", **hot)
    assert told[3:] == texts(chat, "the cat", **{**hot, "seed": 6})  # prompt 1: the seed and 1


def test_an_echo_and_a_stop(chat: openai.OpenAI) -> None:
    (whole,) = texts(chat, "the cat", echo=True)
    (rest,) = texts(chat, "the cat")
    assert whole == "the cat" + rest
    assert texts(chat, "the cat", stop=rest[3]) == [rest[: rest.index(rest[3])]]


def test_logprobs_name_tokens_and_their_places(chat: openai.OpenAI) -> None:
    answer = chat.completions.create(model=PLAIN, prompt="the cat", logprobs=2, **GREEDY)
    told, text = answer.choices[0].logprobs, answer.choices[0].text
    assert told is not None and told.tokens and told.text_offset and told.top_logprobs
    assert "".join(told.tokens) == text and len(told.token_logprobs or ()) == len(told.tokens)
    assert [text[at:].startswith(t) for at, t in zip(told.text_offset, told.tokens, strict=True)]
    assert all(token in top for token, top in zip(told.tokens, told.top_logprobs, strict=True))


def test_a_prompt_is_read_with_the_log_probabilities_of_its_tokens(chat: openai.OpenAI) -> None:
    """What is read of a text is what was told when it was made."""
    made = chat.completions.create(model=PLAIN, prompt="the cat", logprobs=1, **GREEDY).choices[0]
    whole = "the cat" + made.text
    read = chat.completions.create(
        model=PLAIN, prompt=whole, echo=True, logprobs=1, max_tokens=0, **GREEDY
    )
    (choice,) = read.choices
    told = choice.logprobs
    assert told is not None and told.tokens and told.token_logprobs and made.logprobs
    assert choice.text == whole == "".join(told.tokens) and choice.finish_reason == "length"
    count = len(made.logprobs.tokens or ())
    assert told.token_logprobs[-count:] == pytest.approx(made.logprobs.token_logprobs, abs=1e-3)
    assert read.usage and read.usage.completion_tokens == 0
    further = chat.completions.create(
        model=PLAIN, prompt="the cat", echo=True, logprobs=1, max_tokens=1, **GREEDY
    ).choices[0]
    assert further.text.startswith("the cat") and len(further.text) > 7
    by_ids = chat.completions.create(
        model=PLAIN, prompt=[5, 6, 7], echo=True, logprobs=1, max_tokens=0, **GREEDY
    ).choices[0]
    assert by_ids.logprobs is not None and len(by_ids.logprobs.tokens or ()) == 3


def test_the_best_of_several_has_the_highest_mean(chat: openai.OpenAI) -> None:
    hot: dict[str, Any] = {"temperature": 1.5, "seed": 3, "max_tokens": 6, "logprobs": 0}
    answer = chat.completions.create(model=PLAIN, prompt="the", n=5, **hot)
    means = {
        c.text: sum(c.logprobs.token_logprobs) / len(c.logprobs.token_logprobs)
        for c in answer.choices
    }
    best = chat.completions.create(model=PLAIN, prompt="the", best_of=5, **hot)
    assert [choice.text for choice in best.choices] == [max(means, key=lambda t: means[t])]
    assert best.usage and answer.usage
    assert best.usage.completion_tokens == answer.usage.completion_tokens  # all were made


def test_a_stream_says_what_the_whole_says(chat: openai.OpenAI) -> None:
    prompts = ["the cat", "a dog"]
    stream = chat.completions.create(
        model=PLAIN,
        prompt=prompts,
        stream=True,
        echo=True,
        stream_options={"include_usage": True},
        **GREEDY,
    )
    parts, ends = ["", ""], {}
    for chunk in stream:
        last = chunk
        for choice in chunk.choices:
            parts[choice.index] += choice.text
            if choice.finish_reason:
                ends[choice.index] = choice.finish_reason
    assert parts == texts(chat, prompts, echo=True) and set(ends) == {0, 1}
    assert last.usage is not None and last.choices == [] and last.usage.completion_tokens > 0


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"best_of": 2, "n": 3}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"regex": "("}, "regex"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"prompt": [10**9]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a"] * 100, "n": 100}, "n"),
        ({"logprobs": 10**6}, "logprobs"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    chat: openai.OpenAI, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        chat.post("/completions", cast_to=object, body={"model": PLAIN, "prompt": "a", **body})
    assert error.value.param == param


def test_over_the_context_is_a_400_with_both_numbers(chat: openai.OpenAI) -> None:
    for prompt in ("a" * 500, [5] * 500):
        with pytest.raises(openai.BadRequestError, match="64") as error:
            chat.completions.create(model=PLAIN, prompt=prompt, **GREEDY)
        assert error.value.code == "context_length_exceeded"


def test_a_model_that_is_not_there(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        chat.completions.create(model="../../etc", prompt="a")
    assert error.value.code == "model_not_found"
