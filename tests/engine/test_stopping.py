"""Where a text ends: at a string, at so many tokens, and not at the end of its context."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import MADE, shaken

from genloom.engine.engine import Engine
from genloom.model import Model
from genloom.spec import Options, Request


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return shaken(MADE["text"](), Path(tmp_path_factory.mktemp("toy")))


def made(model: Model, prompt: str | None = "the ", rows: int = 8, **options: object) -> list[str]:
    given = {"max_tokens": 24, "top_k": 60, **options}
    with Engine(model, rows=rows) as engine:
        request = Request(prompt=prompt, count=6, options=Options(**given))  # type: ignore[arg-type]
        return engine.submit(request).result()


def common(texts: list[str]) -> str:
    """A character that several continuations hold."""
    rest = "".join(text[4:] for text in texts)
    return max((c for c in set(rest) if c.isascii() and c.isprintable()), key=rest.count)


def test_a_text_is_cut_before_the_string_that_ends_it(model: Model) -> None:
    free = made(model)
    stop = common(free)
    cut = made(model, stop=(stop,))
    assert cut == [text[:4] + text[4:].split(stop)[0] for text in free]
    assert cut != free


def test_the_first_of_several_strings_ends_a_text(model: Model) -> None:
    free = made(model)
    one = common(free)
    two = common([text.replace(one, "") for text in free])
    cut = made(model, stop=(one, two))
    assert cut == [text[:4] + text[4:].split(one)[0].split(two)[0] for text in free]


def test_the_prompt_does_not_end_its_own_text(model: Model) -> None:
    assert all(text.startswith("the ") for text in made(model, stop=("the ",)))


def test_stopping_ends_the_work_too(model: Model) -> None:
    stop = common(made(model))
    with Engine(model) as engine:
        request = Request(
            prompt="the ", count=6, options=Options(max_tokens=24, top_k=60, stop=(stop,))
        )
        generation = engine.submit(request)
        ended = []
        while not generation.complete:
            engine.tick()
            ended.append(generation.made)
    assert ended[-2] > 0 or len(ended) < 24  # some landed before the last tick


@pytest.mark.parametrize("most", [1, 2, 7])
def test_no_more_tokens_than_asked_for(model: Model, most: int) -> None:
    with Engine(model) as engine:
        generation = engine.submit(
            Request(prompt="the ", count=6, options=Options(max_tokens=most))
        )
        generation.result()
        sizes = [len(x) - 4 for x in generation.tensors()]
    assert max(sizes) == most


def test_a_text_goes_on_past_its_context_and_is_the_same_again(model: Model) -> None:
    assert model.codec.spec.length == 32
    with Engine(model) as engine:
        request = Request(prompt="the ", count=6, options=Options(max_tokens=100))
        first, second = engine.submit(request), engine.submit(request)
        first.result(), second.result()
        sizes = [len(x) for x in first.tensors()]
        assert max(sizes) > 64  # twice the context
        assert first.items() == second.items()
    assert made(model, max_tokens=100, top_k=None, rows=1) == first.items()
