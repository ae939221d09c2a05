"""Guessing ahead: every text is what it is without, in fewer calls of the net."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom.engine.engine import Engine
from genloom.engine.speculate import Draft, Lookup
from genloom.errors import UsageError
from genloom.family.streams import Stream
from genloom.model import Model
from genloom.spec import Options, Request

PROMPT = "one two three, one two three, one two three, one two"


def made(folder: Path, **more: str) -> Model:
    changes = ("codec.length=128", "net.net.depth=2", *(f"{k}={v}" for k, v in more.items()))
    return shaken(MADE["text"]().with_(*changes), folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return made(Path(tmp_path_factory.mktemp("toy")))


@pytest.fixture(scope="module")
def near(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The same model, a little disturbed: it guesses right often but not always."""
    other = made(Path(tmp_path_factory.mktemp("toy")))
    rng = torch.Generator().manual_seed(7)
    other.nets.load_state_dict(model.nets.state_dict())
    with torch.no_grad():
        for p in other.nets.parameters():
            p += 0.004 * torch.randn(p.shape, generator=rng)
    return other


def requests() -> list[Request]:
    ways = ({"temperature": 0.0}, {"temperature": 0.8}, {"top_p": 0.9}, {"repetition_penalty": 1.2})
    return [
        Request(
            prompt=PROMPT[: 20 + 9 * n],
            seed=n,
            count=2,
            options=Options(max_tokens=30 if n == 3 else 90, ignore_eos=True, logprobs=1, **way),
        )
        for n, way in enumerate(ways)
    ]


def run(model: Model, speculate: object) -> tuple[list[list[torch.Tensor]], list[object], int]:
    with Engine(model, speculate=speculate) as engine:  # type: ignore[arg-type]
        generations, ticks = [engine.submit(r) for r in requests()], 0
        while not all(g.complete for g in generations):
            engine.tick()
            ticks += 1
        assert engine.memory is not None and engine.memory.used == 0
        if speculate not in (None, "lookup"):
            assert engine.guesser.memory.used == 0 and not engine.guesser.shadows
    told = [g.endings[n].logprobs for g in generations for n in range(2)]
    return [g.tensors() for g in generations], told, ticks


def test_no_text_changes_and_fewer_steps_are_taken(model: Model, near: Model) -> None:
    plain, logprobs, steps = run(model, None)
    for how, most in (("lookup", steps), (near, steps - 10), (model, steps)):
        guessed, told, fewer = run(model, how)
        for one, other in zip(plain, guessed, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert told == logprobs
        assert fewer <= most


def test_a_perfect_guesser_is_right_every_time(model: Model) -> None:
    request = Request(prompt="a dog", options=Options(max_tokens=60, ignore_eos=True))
    with Engine(model, speculate=model) as engine:
        generation, ticks = engine.submit(request), 0
        while not generation.complete:
            engine.tick()
            ticks += 1
    assert ticks == 60 // 5


def test_cancelled_streams_leave_no_shadow(model: Model, near: Model) -> None:
    with Engine(model, speculate=near) as engine:
        doomed = engine.submit(requests()[0])
        other = engine.submit(requests()[1])
        for _ in range(3):
            engine.tick()
        doomed.cancel()
        assert len(engine.guesser.shadows) == 2
        other.result()
        assert engine.guesser.memory.used == 0


def test_a_guesser_without_room_guesses_less_and_ends(model: Model, near: Model) -> None:
    page = near.nets["net"].layout().page_bytes
    plain, _, _ = run(model, None)
    for pages in (1, 3, 5):
        with Engine(model) as engine:
            engine.guesser = Draft(near, memory=pages * page)
            generations = [engine.submit(r) for r in requests()]
            for one, generation in zip(plain, generations, strict=True):
                generation.result()
                made = generation.tensors()
                assert all(torch.equal(a, b) for a, b in zip(one, made, strict=True))
            assert engine.guesser.memory.used == 0


def stream(ids: list[int]) -> Stream:
    return Stream(
        ids=ids,
        lead=1,
        prefix=len(ids),
        end=99,
        context=128,
        key=0,
        options=Options(),
        ends=frozenset(),
    )


def test_what_followed_last_time_is_guessed() -> None:
    lookup = Lookup(count=3, longest=3)
    one = stream([0, 5, 6, 7, 8, 9, 5, 6])
    lookup.guess([one])
    assert one.draft == [7, 8, 9]
    one.add(7), one.add(1), one.add(6), one.add(7)
    lookup.guess([one])
    assert one.draft == [1, 6, 7]  # after 6, 7 came 8 first and 1 last
    fresh = stream([0, 1, 2, 3])
    lookup.guess([fresh])
    assert fresh.draft == []
    lookup.forget([one, fresh])
    assert not lookup.places and not lookup.noted


def test_another_vocabulary_is_refused(model: Model, tmp_path: Path) -> None:
    other = made(tmp_path, **{"codec.vocab": "260"})
    with pytest.raises(UsageError, match="one vocabulary"):
        Engine(model, speculate=other)
    with pytest.raises(UsageError, match="lookup"):
        Engine(model, speculate="magic")  # type: ignore[arg-type]
