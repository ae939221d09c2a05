"""Pages: beginnings computed once, streams that give way and come back, memory that is free again.

Each is compared with the same request alone in an engine with room for all: to the last bit.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.engine import Engine
from genloom.engine.generation import Generation
from genloom.errors import ResourceError
from genloom.model import Model
from genloom.net.pages import PAGE
from genloom.spec import Options, Request

LONG = "the cat sat on the mat. a dog ran in the park. we saw three red ships. no one came"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A text model with a context of 160 bytes."""
    recipe = MADE["text"]().with_("codec.length=160", "net.net.depth=2")
    return shaken(recipe, Path(tmp_path_factory.mktemp("toy")))


def asked(prompt: str = LONG, seed: int = 0, **options: object) -> Request:
    given = {"max_tokens": 20, "ignore_eos": True, **options}
    return Request(prompt=prompt, seed=seed, options=Options(**given))  # type: ignore[arg-type]


def alone(model: Model, request: Request) -> torch.Tensor:
    with Engine(model) as engine:
        generation = engine.submit(request)
        generation.result()
        return generation.tensors()[0]


def room(model: Model, pages: int) -> int:
    """Bytes of so many pages."""
    return pages * model.nets["net"].layout().page_bytes


def fed(generation: Generation) -> tuple[int, int]:
    """(ids of the prompt, how many of them were there already)."""
    ending = generation.endings[0]
    return ending.given, ending.reused


def test_a_known_beginning_is_not_computed_again_and_changes_nothing(model: Model) -> None:
    first, second = asked(seed=1), asked(LONG + " again", seed=2)
    with Engine(model) as engine:
        one = engine.submit(first)
        one.result()
        assert fed(one) == (len(LONG) + 1, 0)
        two, same = engine.submit(second), engine.submit(first)
        two.result(), same.result()
    whole = len(LONG) // PAGE * PAGE
    assert fed(two) == (len(LONG) + 7, whole) and fed(same)[1] == whole
    assert torch.equal(one.tensors()[0], alone(model, first))
    assert torch.equal(same.tensors()[0], one.tensors()[0])
    assert torch.equal(two.tensors()[0], alone(model, second))


def test_those_who_come_together_compute_their_beginning_once(model: Model) -> None:
    with Engine(model) as engine:
        many = Request(prompt=LONG, count=8, options=Options(max_tokens=6, ignore_eos=True))
        generation = engine.submit(many)
        generation.result()
        reused = [generation.endings[n].reused for n in range(8)]
        assert sorted(reused) == [0] + [len(LONG) // PAGE * PAGE] * 7
    for n in (0, 5):
        one = Request(prompt=LONG, first=n, options=many.options)
        assert torch.equal(generation.tensors()[n], alone(model, one))


def test_streams_give_way_when_pages_run_out_and_end_the_same(model: Model) -> None:
    """Each grows to five pages; seven are there."""
    requests = [asked(LONG[n:], seed=n, max_tokens=70) for n in range(4)]
    with Engine(model, memory=room(model, 7)) as engine:
        assert engine.memory is not None and engine.memory.size == 7
        generations, waited = [engine.submit(r) for r in requests], 0
        while not all(g.complete for g in generations):
            engine.tick()
            for flight in engine.flights:
                waited += sum(h.fed == 0 for h in flight.cache.held)
        assert waited > 10
        assert engine.memory.used == 0
    for request, generation in zip(requests, generations, strict=True):
        assert torch.equal(generation.tensors()[0], alone(model, request))


def test_the_urgent_go_first_and_keep_their_pages(model: Model) -> None:
    with Engine(model, memory=room(model, 5)) as engine:
        calm = [engine.submit(asked(LONG[n:], seed=n, max_tokens=60)) for n in range(3)]
        for _ in range(4):
            engine.tick()
        request = Request(prompt=LONG, priority=5, options=Options(max_tokens=60, ignore_eos=True))
        urgent = engine.submit(request)
        urgent.result()
        assert not any(g.complete for g in calm)
        assert torch.equal(urgent.tensors()[0], alone(model, request))
        for n, generation in enumerate(calm):
            generation.result()
            same = alone(model, asked(LONG[n:], seed=n, max_tokens=60))
            assert torch.equal(generation.tensors()[0], same)


def test_a_text_that_no_memory_could_hold_fails_alone(model: Model) -> None:
    with Engine(model, memory=room(model, 4)) as engine:
        doomed = engine.submit(asked(LONG + LONG[:60], max_tokens=20))
        small = engine.submit(asked("the", seed=3))
        assert len(small.result()) == 1
        with pytest.raises(ResourceError, match="pages of keys and values"):
            doomed.result()
        assert engine.memory is not None and engine.memory.used == 0
    assert torch.equal(small.tensors()[0], alone(model, asked("the", seed=3)))


def test_too_little_for_any_page_is_told(model: Model) -> None:
    with pytest.raises(ResourceError, match="hold no page"):
        Engine(model, memory=100)


@pytest.mark.parametrize("late", range(8))
def test_cancelling_at_any_step_frees_the_memory_at_once(model: Model, late: int) -> None:
    with Engine(model) as engine:
        engine.memory.budget = 40  # the prompt takes three steps
        doomed, other = engine.submit(asked(seed=4)), engine.submit(asked("a dog", seed=5))
        for _ in range(late):
            engine.tick()
        held = engine.memory.used
        doomed.cancel()
        assert engine.memory.used < held or late == 0
        other.result()
        assert engine.memory.used == 0
    assert torch.equal(other.tensors()[0], alone(model, asked("a dog", seed=5)))


def test_prompts_in_pieces_give_what_they_give_at_once(model: Model) -> None:
    requests = [asked(LONG[n:], seed=n) for n in range(3)]
    for budget in (7, 33, 200):
        with Engine(model) as engine:
            engine.memory.budget = budget
            generations = [engine.submit(r) for r in requests]
            for request, generation in zip(requests, generations, strict=True):
                generation.result()
                assert torch.equal(generation.tensors()[0], alone(model, request))


def test_continuations_go_on_while_a_prompt_is_read(model: Model) -> None:
    with Engine(model) as engine:
        engine.memory.budget = 10
        short = engine.submit(asked("a", max_tokens=4))
        long = engine.submit(asked(seed=1, max_tokens=2))
        short.result()
        assert not long.complete
        long.result()


def test_out_of_memory_in_a_step_costs_time_only(model: Model, monkeypatch) -> None:
    """The net refuses calls of more than 40 ids; what was asked for is made all the same."""
    net, calls = model.nets["net"], []
    forward = type(net).forward

    def narrow(self, ids, *rest, **named):
        calls.append(len(ids))
        if len(ids) > 40:
            raise MemoryError("no 40 rows")
        return forward(self, ids, *rest, **named)

    requests = [asked(LONG[n:], seed=n) for n in range(3)]
    wanted = [alone(model, r) for r in requests]
    monkeypatch.setattr(type(net), "forward", narrow)
    with Engine(model) as engine:
        generations = [engine.submit(r) for r in requests]
        for one, generation in zip(wanted, generations, strict=True):
            generation.result()
            assert torch.equal(generation.tensors()[0], one)
    assert max(calls) > 40


def test_where_even_the_smallest_step_fails_the_others_finish(model: Model, monkeypatch) -> None:
    net = model.nets["net"]
    forward = type(net).forward

    def narrow(self, ids, *rest, **named):
        if len(ids) > 2:
            raise MemoryError("no 3 rows")
        return forward(self, ids, *rest, **named)

    monkeypatch.setattr(type(net), "forward", narrow)
    with Engine(model) as engine:
        small, large = engine.submit(Request(options=Options(max_tokens=3))), engine.submit(asked())
        with pytest.raises(ResourceError, match="memory ran out"):
            large.result()
        assert len(small.result()) == 1
