"""Filling in: what is hidden, what it costs, how it is drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import toys

from genloom.engine.engine import Engine
from genloom.errors import RecipeError, RequestError
from genloom.family.hiding import hidden, strata
from genloom.family.masked import Masked, legal_ids
from genloom.net.lattice import FAR, next_known
from genloom.spec import Encoded, Options, Request, TokenSpec

SPEC = TokenSpec(
    vocab=9,
    length=1 + 6 * 2,
    bos=1,
    eos=None,
    pad=0,
    ranges=((2, 4), *[(4, 9)] * 12),
    lattice=(6, 2),
)


class Even:
    """Every legal id is as likely as another, whatever is known."""

    def __call__(self, ids: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*ids.shape, SPEC.vocab)


def test_something_is_always_hidden_in_every_way():
    away = hidden(SPEC, 4_000, torch.Generator().manual_seed(0))
    assert away.shape == (4_000, 13) and bool(away.any(1).all())
    cells = away[:, 1:].view(-1, 6, 2)
    assert 0.3 < float(away.float().mean()) < 0.7
    one_column = (cells.all(1).sum(1) == 1) & (cells.any(1).sum(1) == 1)
    assert float(one_column.float().mean()) > 0.03  # a voice from the other
    assert 0.4 < float(away[:, 0].float().mean()) < 0.6
    counts = strata(SPEC).sum(1)
    assert bool((counts[1:] >= counts[:-1]).all()) and int(counts[0]) >= 1


def test_the_score_of_even_chances_is_known():
    family, x = Masked(), torch.full((3, 13), 4)
    x[:, 0] = 2
    batch_x = torch.cat((torch.ones(3, 1, dtype=torch.long), x), 1)
    weight = torch.ones(batch_x.shape)
    weight[:, 0] = 0
    each = family.surprise({"net": Even()}, SPEC, x, torch.zeros_like(x, dtype=torch.bool))
    assert torch.allclose(each[:, 0], torch.tensor(2.0).log())
    assert torch.allclose(each[:, 1:], torch.tensor(5.0).log())


def test_ids_that_a_position_cannot_have_are_never_drawn():
    for sampler in ("gibbs", "order"):
        family = Masked(sampler=sampler, steps=5)
        known = torch.full((13,), -1)
        known[3] = 8
        request = Encoded(seed=0, index=torch.arange(40), known=known)
        made = family.start({"net": Even()}, SPEC, request)
        while not bool(made.done.all()):
            family.step({"net": Even()}, made, None)
        x = family.result(made, SPEC)
        legal = legal_ids(SPEC, 13)
        assert bool(legal[torch.arange(13), x].all()) and bool((x[:, 3] == 8).all())
        assert len(x[:, 5].unique()) == 5


def test_what_is_given_may_be_longer_and_may_be_everything():
    family, known = Masked(steps=2), torch.full((1 + 9 * 2,), -1)
    made = family.start({}, SPEC, Encoded(seed=0, index=torch.arange(2), known=known))
    assert made.x.shape == (2, 1, 19) and legal_ids(SPEC, 19).shape == (19, 9)
    whole = torch.full((13,), 5)
    made = family.start({}, SPEC, Encoded(seed=0, index=torch.arange(2), known=whole))
    assert bool(made.done.all())


def test_an_ordered_draw_takes_every_place_once():
    family = Masked(sampler="order")
    made = family.start({}, SPEC, Encoded(seed=3, index=torch.arange(4), options=Options(steps=7)))
    seen = torch.zeros(4, 13)
    for _ in range(7):
        block, known = family._block(made.state, torch.zeros(4, 13))
        assert not bool((block & known).any())
        seen += block
        made.state["step"] += 1
    assert bool((seen == 1).all())


def test_blocks_become_smaller():
    family = Masked()
    made = family.start({}, SPEC, Encoded(seed=3, index=torch.arange(200)))
    sizes = []
    for step in (0, 10, 60, 127):
        made.state["step"][:] = step
        block, _ = family._block(made.state, torch.rand(200, 13))
        sizes.append(float(block.float().mean()))
    assert sizes[0] == 1.0 and sizes[1] > sizes[2] > sizes[3]
    with pytest.raises(RecipeError, match="smallest"):
        Masked(smallest=0.9, largest=0.5)


def test_neighbours_are_the_next_that_are_known():
    rows = torch.tensor([[[5, 9], [9, 9], [9, 6], [9, 9], [7, 9]]])  # 9 is unknown
    ids, far = next_known(rows, 9)
    assert ids[0, 2, :, 0].tolist() == [5, 7] and far[0, 2, :, 0].tolist() == [1, 1]
    assert ids[0, 0, :, 1].tolist() == [9, 6] and far[0, 0, :, 1].tolist() == [FAR, 1]
    assert ids[0, 4, :, 1].tolist() == [6, 9]


def test_a_request_keeps_what_it_is_given(tmp_path):
    model = toys.shaken(toys.MADE["chorale"](), tmp_path)
    piece = toys.chorales()[0]
    with Engine(model) as engine:
        request = Request(item=piece, where="make=alto,bass", count=2, seed=4)
        first, second = engine.submit(request).result()
        alone = engine.submit(replace(request, first=1, count=1)).result()[0]
        assert (first.voices[:, [0, 2]] == piece.voices[:, [0, 2]]).all()
        assert (first.voices != second.voices).any() and (alone.voices == second.voices).all()
        with pytest.raises(RequestError, match="say what is made anew"):
            engine.submit(Request(item=piece))
        in_g = engine.submit(Request(prompt="G major", count=2)).result()
        assert {str(one.key) for one in in_g} == {"G major"}
