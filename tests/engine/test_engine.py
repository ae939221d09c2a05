"""Many requests at once give what each gives alone; cancelling, progress, refusals, closing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.engine import Engine, Generation, Progress
from genloom.errors import RequestError, UsageError
from genloom.model import Model
from genloom.spec import Options, Request

KINDS = ["text", "row", "picture by flow", "picture by GAN", "row by flow"]
Made = dict[str, Model]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return {kind: shaken(MADE[kind](), tmp_path_factory.mktemp("toy")) for kind in KINDS}


def requests(kind: str) -> list[Request]:
    options: list[dict[str, Any]] = [{}, {}, {}]
    if kind == "text":
        options = [{"max_tokens": 5}, {"max_tokens": 9, "temperature": 0.5}, {"max_tokens": 3}]
    elif kind.endswith("flow"):
        options = [{"steps": 3}, {"steps": 5, "solver": "heun"}, {"steps": 4, "solver": "euler"}]
    prompts = {"text": ["the c", None, "a"], "picture by flow": ["above", None, "below"]}
    return [
        Request(prompt=prompt, seed=seed, count=count, first=first, options=Options(**given))
        for prompt, seed, count, first, given in zip(
            prompts.get(kind, [None] * 3), (0, 1, 0), (3, 2, 4), (0, 5, 1), options, strict=True
        )
    ]


def alone(model: Model, request: Request) -> Any:
    with Engine(model) as engine:
        generation = engine.submit(request)
        generation.result()
        return generation.tensors()


def same(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("late", [0, 1, 2, 4])
def test_joining_and_leaving_at_any_step_changes_nothing(
    models: Made, kind: str, late: int
) -> None:
    model, (one, two, three) = models[kind], requests(kind)
    with Engine(model) as engine:
        first, doomed = engine.submit(one), engine.submit(three)
        for _ in range(late):
            engine.tick()
        second = engine.submit(two)
        engine.tick()
        doomed.cancel()
        third = engine.submit(three)
        for generation, request in ((second, two), (first, one), (third, three)):
            generation.result()
            assert same(generation.tensors(), alone(model, request))


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_fit_are_made_in_turns(models: Made, kind: str) -> None:
    model, short = models[kind], Options(max_tokens=4 if kind == "text" else None)
    request = Request(seed=3, count=7, options=short)
    with Engine(model, rows=3) as engine:
        generation = engine.submit(request)
        while not generation.complete:
            engine.tick()
            assert sum(map(len, engine.flights)) <= 3
    assert same(generation.tensors(), alone(model, request))
    assert not same(generation.tensors()[:1], generation.tensors()[1:2])


def test_a_sample_is_the_same_whatever_else_is_asked_for(models: Made) -> None:
    model = models["row"]
    many, few = alone(model, Request(count=6)), alone(model, Request(first=2, count=3))
    assert same(many[2:5], few)


def test_cancelling_keeps_what_is_finished_and_ends_the_rest(models: Made) -> None:
    with Engine(models["row"], rows=2) as engine:
        doomed, other = engine.submit(Request(count=6)), engine.submit(Request(seed=1, count=2))
        while doomed.made < 2:
            engine.tick()
        doomed.cancel()
        assert doomed.complete and len(doomed.items()) == doomed.made == 2
        assert len(doomed.result()) == 2
        assert len(doomed.keep_chance()) == 2
        assert not engine.flights
        assert len(other.result()) == 2
    assert same(doomed.tensors(), alone(models["row"], Request(count=6))[:2])


def test_cancelling_at_once_leaves_nothing(models: Made) -> None:
    with Engine(models["text"]) as engine:
        generation = engine.submit(Request())
        generation.cancel()
        assert generation.result() == [] and generation.keep_chance().tolist() == []


def test_closing_cancels_all(models: Made) -> None:
    engine = Engine(models["row"], rows=2)
    generations = [engine.submit(Request(seed=seed, count=5)) for seed in range(3)]
    engine.tick()
    engine.close()
    assert all(g.cancelled for g in generations)
    assert not engine.open and not engine.encoded and not engine.flights
    assert engine.queue.next(10) is None


def told(generation: Generation) -> list[Progress]:
    return list(generation)


def test_a_text_grows_as_it_is_told(models: Made) -> None:
    with Engine(models["text"]) as engine:
        generation = engine.submit(
            Request(prompt="the ", count=2, options=Options(max_tokens=6, temperature=0.5))
        )
        events = told(generation)
    for sample, item in enumerate(generation.items()):
        mine = [e for e in events if e.sample == sample]
        texts = [e.item for e in mine]
        assert texts[-1] == item and texts[0].startswith("the ")
        assert [e.finished for e in mine] == [False] * (len(mine) - 1) + [True]
        assert all(later.startswith(text) for text, later in itertools.pairwise(texts))
    assert events[-1].done == events[-1].count == 2
    assert [e.done for e in events] == sorted(e.done for e in events)


def test_pictures_are_shown_while_they_form_and_rows_are_counted(models: Made) -> None:
    with Engine(models["picture by flow"]) as engine:
        events = told(engine.submit(Request(options=Options(steps=3))))
        assert [e.finished for e in events] == [False, False, True]
        assert all(e.item is not None for e in events)
    with Engine(models["row"]) as engine:
        events = told(engine.submit(Request(count=3)))
        assert all(e.item is None for e in events)
        assert sum(e.finished for e in events) == 3


def test_what_another_s_turn_finished_is_told_still(models: Made) -> None:
    with Engine(models["text"]) as engine:
        first = engine.submit(Request(options=Options(max_tokens=3)))
        second = engine.submit(Request(seed=1, options=Options(max_tokens=9)))
        watching = iter(first)
        next(watching)
        second.result()
        assert first.complete
        assert list(watching)[-1].finished


def test_what_was_wholly_given_has_no_step_to_take(models: Made) -> None:
    model = models["row"]
    row = alone(model, Request())[0]
    with Engine(model) as engine:
        generation = engine.submit(Request(count=2))
        engine.encoded[generation.number] = type(engine.encoded[generation.number])(
            seed=0, index=torch.arange(2), known=row
        )
        generation.result()
        assert same(generation.tensors(), torch.stack((row, row)))


@pytest.mark.parametrize("rows", [0, -1])
def test_room_for_nobody_is_refused(models: Made, rows: int) -> None:
    with pytest.raises(UsageError, match="1 or more"):
        Engine(models["row"], rows=rows)


@pytest.mark.parametrize(
    ("kind", "options", "word"),
    [
        ("text", {"steps": 4}, "steps"),
        ("row", {"guidance": 2.0}, "guidance"),
        ("picture by flow", {"temperature": 0.5}, "temperature"),
        ("picture by GAN", {"top_k": 4}, "top_k"),
        ("row by flow", {"stop": ("x",)}, "stop"),
    ],
)
def test_options_that_the_family_cannot_act_on_are_refused(
    models: Made, kind: str, options: dict[str, Any], word: str
) -> None:
    with Engine(models[kind]) as engine:
        with pytest.raises(RequestError, match=word):
            engine.submit(Request(options=Options(**options)))
        assert not engine.open and engine.queue.next(1) is None


@pytest.mark.parametrize("kind", ["row", "row by flow"])
def test_a_prompt_is_refused_where_none_is_taken(models: Made, kind: str) -> None:
    with Engine(models[kind]) as engine, pytest.raises(RequestError):
        engine.submit(Request(prompt="a red ship"))


def test_conditions_are_refused_where_a_prompt_is_taken(models: Made) -> None:
    with Engine(models["picture by flow"]) as engine, pytest.raises(RequestError, match="where"):
        engine.submit(Request(where={"age": 3}))
