"""Rows that ordered ids share: neighbours learn from one another, and fast equals slow."""

from __future__ import annotations

import torch

from genloom.net.row_model import RowModel, RowModelConfig
from genloom.net.shared_rows import SharedRows
from genloom.spec import Span, TokenSpec, spec_from_json, spec_to_json

STEPS = 9  # ids of the number, the first of which stands for a missing value
SPEC = TokenSpec(
    vocab=2 + STEPS + 3,
    length=2,
    bos=1,
    eos=None,
    pad=0,
    spans=(
        Span(name="n", start=0, size=1, kind="number"),
        Span(name="c", start=1, size=1, kind="choice"),
    ),
    ranges=((2, 2 + STEPS), (2 + STEPS, 2 + STEPS + 3)),
    levels=((-1.0, *(n / 7 for n in range(8))), ()),
)


def shared() -> tuple[SharedRows, torch.Tensor]:
    rows = SharedRows(SPEC, 4, 5)
    with torch.no_grad():
        rows.weight[0].copy_(torch.randn(7, 4, generator=torch.Generator().manual_seed(0)))
    return rows, torch.randn(SPEC.vocab, 4, generator=torch.Generator().manual_seed(1))


def test_a_range_is_a_part_of_the_whole_with_gradients_and_without() -> None:
    rows, own = shared()
    slow = rows.whole(own)  # every row, from the hats
    with torch.no_grad():
        assert torch.equal(rows.whole(own), slow)
        for low, high in (*SPEC.ranges, (0, None), (3, 6)):
            assert torch.equal(rows.part(own, low, high), slow[low:high])
    for low, high in SPEC.ranges:
        assert torch.allclose(rows.part(own, low, high), slow[low:high])


def test_what_is_kept_is_made_anew_where_weights_have_changed() -> None:
    rows, own = shared()
    with torch.no_grad():
        before = rows.whole(own).clone()
        rows.weight[0].add_(1.0)
        after = rows.whole(own)
        assert not torch.equal(before, after)
        own[2] += 1.0
        assert not torch.equal(rows.whole(own), after)


def test_a_step_on_one_value_moves_its_neighbours_and_neither_missing_ones_nor_categories() -> None:
    rows, own = shared()
    before = rows.whole(own)
    before[6].sum().backward()  # the fifth of nine ids
    with torch.no_grad():
        for weight in rows.weight:
            weight -= weight.grad
        moved = (rows.whole(own) - before).abs().sum(1)
    assert moved[6] > moved[7] > 0 and moved[5] > 0
    assert moved[2] == 0 and moved[:2].sum() == 0 and moved[2 + STEPS :].sum() == 0


def test_values_of_a_number_begin_alike_where_they_are_near() -> None:
    torch.manual_seed(0)
    net = RowModel(RowModelConfig(summed=64, width=16, knots=8), SPEC, None)
    assert net.embed_shared is not None
    with torch.no_grad():
        table = net.embed_shared.whole(net.embed.weight)
    near = torch.cosine_similarity(table[5], table[6], dim=0)
    far = torch.cosine_similarity(table[3], table[10], dim=0)
    assert near > far.abs() + 0.2
    assert table.std(1)[2:].min() > 0.2  # nothing begins at zero


def test_an_order_outlives_a_file() -> None:
    again = spec_from_json(spec_to_json(SPEC))
    assert again == SPEC


def test_a_spec_without_an_order_shares_nothing() -> None:
    plain = TokenSpec(**{**vars(SPEC), "levels": ()})
    net = RowModel(RowModelConfig(summed=8, width=8, knots=8), plain, None)
    assert net.embed_shared is None and net.head_shared is None


def test_one_step_at_a_time_is_the_whole_pass() -> None:
    """Sampling's way (`last`, from the sum so far) sees the shared rows that scoring sees."""
    torch.manual_seed(0)
    net = RowModel(RowModelConfig(summed=12, width=8, knots=4), SPEC, None)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.3 * torch.randn_like(p)
    ids, at = torch.tensor([[1, 5, 12], [1, 2, 13]]), torch.tensor([[0, 1, 2], [0, 1, 2]])
    to = torch.tensor([[1, 2, 2], [1, 2, 2]])
    with torch.inference_mode():
        whole = net(ids, at[..., None], net.attention(None), None, (at, to))
        cache = net.cache(2, 3)
        for n in range(3):
            here = slice(n, n + 1)
            attention = cache.attention(None, 1)
            step = net.last(
                ids[:, here], at[:, here, None], attention, None, (at[:, here], to[:, here])
            )
            cache.advance(None, 1)
            assert torch.allclose(step[:, 0], whole[:, n], atol=1e-5)
