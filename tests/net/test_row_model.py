"""The running-sum model: going on from the sum equals training's pass, and order is forgotten."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genloom.net.row_model import RowModel, RowModelConfig
from genloom.spec import Span, TokenSpec

LENGTH = 5
SPEC = TokenSpec(
    vocab=11,
    length=LENGTH,
    bos=0,
    eos=None,
    pad=0,
    spans=tuple(Span(name=str(n), start=n, size=1, kind="choice") for n in range(LENGTH)),
    ranges=tuple((1 + 2 * n, 3 + 2 * n) for n in range(LENGTH)),
)
IDS = torch.tensor([[0, 1, 4, 5, 8], [0, 2, 3, 6, 7], [0, 1, 3, 5, 7]])
ORDER = torch.tensor([0, 1, 2, 3, 4, 5])


def net() -> RowModel:
    rng = torch.Generator().manual_seed(0)
    made = RowModel(RowModelConfig(summed=12, width=16, depth=2), SPEC, None)
    with torch.no_grad():
        for p in made.parameters():
            p += 0.3 * torch.randn(p.shape, generator=rng)
    return made.requires_grad_(False).eval()


def slots(order: Tensor, rows: int) -> tuple[Tensor, Tensor]:
    """Where ids stand and which place comes next, for places 0 (start) and on."""
    return order[:-1].expand(rows, -1), order[1:].expand(rows, -1)


def trained(model: RowModel, ids: Tensor, order: Tensor = ORDER) -> Tensor:
    position = torch.arange(ids.shape[1])[None, :, None]
    return model(ids, position, model.attention(None), None, slots(order, len(ids)))


@pytest.mark.parametrize("cuts", [[1, 1, 1, 1, 1], [3, 2], [2, 1, 2], [5]], ids=str)
def test_going_on_from_the_sum_equals_one_pass(cuts: list[int]) -> None:
    model = net()
    cache, parts, first = model.cache(3, LENGTH + 1), [], 0
    here, to = slots(ORDER, 3)
    for count in cuts:
        run = slice(first, first + count)
        position = torch.arange(first, first + count)[None, :, None]
        attention = cache.attention(None, count)
        parts.append(model(IDS[:, run], position, attention, None, (here[:, run], to[:, run])))
        cache.advance(None, count)
        first += count
    assert cache.length.tolist() == [5, 5, 5]
    assert torch.allclose(torch.cat(parts, 1), trained(model, IDS), atol=1e-5)


def test_rows_of_their_own_length_go_on_beside_each_other() -> None:
    model, (here, to) = net(), slots(ORDER, 3)
    cache = model.cache(3, LENGTH + 1)

    def feed(rows: list[int], first: int, count: int) -> Tensor:
        some, run = torch.tensor(rows), slice(first, first + count)
        attention = cache.attention(some, count)
        position = torch.arange(first, first + count)[None, :, None]
        out = model(
            IDS[some][:, run], position, attention, None, (here[some][:, run], to[some][:, run])
        )
        cache.advance(some, count)
        return out[:, -1]

    feed([0, 2], 0, 3)
    feed([1], 0, 1)
    last = torch.stack((feed([0, 2], 3, 2)[0], feed([1], 1, 4)[0]))
    assert cache.length.tolist() == [5, 5, 5]
    assert torch.allclose(last, trained(model, IDS)[:2, -1], atol=1e-5)


def test_rows_leave_and_join_with_their_sums() -> None:
    model, (here, to) = net(), slots(ORDER, 3)
    cache = model.cache(3, LENGTH + 1)
    position = torch.arange(4)[None, :, None]
    model(IDS[:, :4], position, cache.attention(None, 4), None, (here[:, :4], to[:, :4]))
    cache.advance(None, 4)
    mixed = cache.select(torch.tensor([2])).join(cache.select(torch.tensor([0])))
    some = torch.tensor([2, 0])
    out = model(
        IDS[some, 4:],
        torch.tensor([[[4]]]),
        mixed.attention(None, 1),
        None,
        (here[some, 4:], to[some, 4:]),
    )
    assert torch.allclose(out[:, 0], trained(model, IDS)[some, 4], atol=1e-5)


def test_what_is_known_counts_and_not_the_order_it_came_in() -> None:
    model = net()
    swapped = IDS[:, [0, 3, 1, 2, 4]]
    order = torch.tensor([0, 3, 1, 2, 4, 5])
    a, b = trained(model, IDS), trained(model, swapped, order)
    assert torch.allclose(a[:, 3:], b[:, 3:], atol=1e-5)  # the same places are known again
    assert not torch.allclose(a[:, 1], b[:, 1], atol=1e-3)


def test_only_what_came_before_counts() -> None:
    model, other = net(), IDS.clone()
    other[:, 3] = 11 - other[:, 3]
    a, b = trained(model, IDS), trained(model, other)
    assert torch.equal(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3:], b[:, 3:], atol=1e-3)


def test_logits_of_a_range_are_a_part_of_all() -> None:
    model = net()
    hidden = trained(model, IDS)[:, -1]
    whole = model.logits(hidden)
    assert whole.shape == (3, 11) and whole.dtype == torch.float32
    assert torch.allclose(model.logits(hidden, 3, 7), whole[:, 3:7], atol=1e-6)


def test_a_row_model_needs_named_positions() -> None:
    with pytest.raises(AssertionError, match="named positions"):
        net()(IDS, torch.arange(5)[None, :, None], net().attention(None))
