"""Alignments are the best there are; what is said follows its prompt, at the speed asked for."""

from __future__ import annotations

import pytest
import torch
import toys

from genloom.engine.engine import Engine
from genloom.errors import RecipeError, RequestError
from genloom.family.aligned_flow import ENDS, foretold
from genloom.family.alignment import aligned, aligned_slowly, owners, stretched
from genloom.model import Model
from genloom.spec import Options, Request


@pytest.mark.parametrize("symbols", [1, 2, 3, 5])
@pytest.mark.parametrize("more", [0, 1, 4])
def test_the_search_finds_what_trying_all_finds(symbols: int, more: int) -> None:
    frames = symbols + more
    value = torch.randn(3, 6, frames, generator=torch.Generator().manual_seed(frames))
    present = (torch.arange(6) < symbols).expand(3, -1)
    durations = aligned(value, present)
    owner = owners(durations, frames)
    for row in range(3):
        best, _ = aligned_slowly(value[row], symbols)
        found = float(value[row][owner[row], torch.arange(frames)].sum())
        assert found == pytest.approx(best, abs=1e-4)
    assert durations.sum(1).tolist() == [frames] * 3
    assert bool((durations[:, :symbols] > 0).all()) and not bool(durations[:, symbols:].any())


def test_rows_are_aligned_alone() -> None:
    value = torch.randn(4, 5, 20, generator=torch.Generator().manual_seed(1))
    present = torch.arange(5)[None] < torch.tensor([[5], [3], [1], [4]])
    whole = aligned(value, present)
    for row in range(4):
        assert torch.equal(whole[row], aligned(value[row : row + 1], present[row : row + 1])[0])


def test_more_symbols_than_frames_share_them_out() -> None:
    durations = aligned(torch.randn(1, 8, 3), torch.ones(1, 8, dtype=torch.bool))
    assert durations.sum() == 3 and durations.max() == 1


def test_vectors_are_stretched_over_their_frames() -> None:
    x = torch.arange(3.0)[None, :, None]
    assert stretched(x, torch.tensor([[2, 0, 3]]), 6)[0, :, 0].tolist() == [0, 0, 2, 2, 2, 2]


def test_foretold_frames_keep_their_sum_and_follow_the_speed() -> None:
    log = torch.tensor([[9.0, 2.5, 3.4, 1.6, 9.0, 0.0]]).where(torch.ones(6).bool(), 0).log()
    present = torch.tensor([[True, True, True, True, True, False]])
    usual = foretold(log, present, 1.0)
    assert usual[0, 0] == usual[0, 4] == ENDS and usual[0, 5] == 0
    assert usual[0, 1:4].sum() == round(2.5 + 3.4 + 1.6)
    assert foretold(log, present, 0.5)[0, 1:4].sum() == 15
    assert bool((foretold(log, present, 4.0)[0, :5] >= 1).all())


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return toys.shaken(toys.MADE["speech"](), tmp_path_factory.mktemp("speech"))


def frames(model: Model, **asked: object) -> torch.Tensor:
    with Engine(model) as engine:
        generation = engine.submit(Request(**{"prompt": "low", **asked}))  # type: ignore[arg-type]
        generation.result()
        return generation.tensors()[0]


def test_what_is_said_does_not_depend_on_who_shares_the_batch(speech: Model) -> None:
    alone = frames(speech, seed=3)
    with Engine(speech) as engine:
        others = [engine.submit(Request(prompt=p, seed=n)) for n, p in enumerate(("high", "low"))]
        mine = engine.submit(Request(prompt="low", seed=3))
        for one in (*others, mine):
            one.result()
        assert torch.equal(mine.tensors()[0], alone)


def test_slower_is_longer(speech: Model) -> None:
    usual = frames(speech)
    slow = frames(speech, options=Options(speed=0.25))
    assert slow.shape[-1] > usual.shape[-1]


def test_without_a_prompt_nothing_is_said(speech: Model) -> None:
    with Engine(speech) as engine, pytest.raises(RequestError, match="give a prompt"):
        engine.submit(Request())


def test_a_voice_of_ones_own_needs_consent(speech: Model) -> None:
    item = toys.sounds(1)[0]
    with Engine(speech) as engine:
        with pytest.raises(RequestError, match="consent"):
            engine.submit(Request(prompt="low", item=item))
        agreed = Options(consent="I am the speaker and agree.")
        assert engine.submit(Request(prompt="low", item=item, options=agreed)).result()


def test_a_prompt_without_an_order_is_refused() -> None:
    made = toys.MADE["speech"]()
    with pytest.raises(RecipeError, match="prompt 'spelled'"):
        made.with_('prompt={"kind": "label"}')
