"""Paged attention against the plain one: ragged batches, chunks, shared pages, windows."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import Sight, plain_attention
from genloom.net.pages import PAGE, Layout, PagedAttention, Pages

HEADS, GROUPS, SIZE, LAYERS = 4, 2, 8, 2
LAYOUT = Layout(
    layers=LAYERS, heads=GROUPS, size=SIZE, dtype=torch.float32, device=torch.device("cpu")
)


def made(length: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(length, n, SIZE, generator=rng) for n in (HEADS, GROUPS, GROUPS))


def plainly(q, k, v, window: int = 0, cap: float = 0.0):
    length = len(q)
    mask = torch.ones(length, length, dtype=torch.bool).tril()
    mask = mask.triu(1 - window) if window else mask
    return plain_attention(q[None], k[None], v[None], mask[None, None], cap)[0]


@pytest.mark.parametrize("sight", [Sight(), Sight(window=5), Sight(cap=3.0)])
def test_a_ragged_batch_in_chunks_is_the_plain_attention(sight):
    lengths, chunks = (70, 5, 33), ((40, 1, 32), (29, 3, 0), (1, 1, 1))
    runs = [made(n, seed) for seed, n in enumerate(lengths)]
    pages = Pages.empty(LAYOUT, 12)
    table = torch.tensor([[7, 2, 9], [4, -1, -1], [0, 11, -1]], dtype=torch.int32)
    start = torch.zeros(3, dtype=torch.int32)
    parts: list[list[torch.Tensor]] = [[], [], []]
    for chunk in chunks:
        count = torch.tensor(chunk, dtype=torch.int32)
        laid = [
            torch.cat(
                [r[i][s : s + c] for r, s, c in zip(runs, start.tolist(), chunk, strict=True)]
            )
            for i in range(3)
        ]
        attention = PagedAttention(pages, table, start, count)
        out = attention(1, *laid, sight)
        for row, piece in enumerate(out.split(list(chunk))):
            parts[row].append(piece)
        start = start + count
    for run, made_parts in zip(runs, parts, strict=True):
        wanted = plainly(*run, sight.window, sight.cap)
        torch.testing.assert_close(torch.cat(made_parts), wanted, atol=1e-5, rtol=1e-5)
    assert not pages.keys[0].any()  # the other layer


def test_sequences_may_share_the_pages_of_a_prefix():
    q, k, v = made(PAGE + 6, 5)
    pages = Pages.empty(LAYOUT, 4)
    one = torch.tensor([[1, 2]], dtype=torch.int32)
    int32 = {"dtype": torch.int32}
    first = PagedAttention(pages, one, torch.zeros(1, **int32), torch.tensor([PAGE], **int32))
    first(0, q[:PAGE], k[:PAGE], v[:PAGE])
    two = torch.tensor([[1, 2], [1, 3]], dtype=torch.int32)
    start, count = torch.tensor([PAGE, PAGE], **int32), torch.tensor([6, 6], **int32)
    both = PagedAttention(pages, two, start, count)
    laid = [torch.cat((x[PAGE:], x[PAGE:])) for x in (q, k, v)]
    wanted = plainly(q, k, v)[PAGE:]
    out = both(0, *laid)
    torch.testing.assert_close(out[:6], wanted)
    torch.testing.assert_close(out[6:], wanted)
    assert both.positions()[:, 0].tolist() == [*range(PAGE, PAGE + 6)] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [8, 64, 128])
def test_not_one_bit_depends_on_mates_or_chunks(size, dtype):
    """The same sequence alone at once, and among others in pieces."""
    length, heads, groups = 300, 6, 2
    rng = torch.Generator().manual_seed(size)
    layout = Layout(layers=1, heads=groups, size=size, dtype=dtype, device=torch.device("cpu"))

    def run(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=rng).to(dtype)

    mine = run(length, heads, size), run(length, groups, size), run(length, groups, size)
    mates = [(run(length, heads, size), *(run(length, groups, size) for _ in "kv")) for _ in "abc"]

    def table(rows: int) -> torch.Tensor:
        return torch.arange(rows * 10, dtype=torch.int32).view(rows, 10)

    whole = PagedAttention(
        Pages.empty(layout, 10), table(1), torch.tensor([0]), torch.tensor([length])
    )(0, *mine)
    pages, parts, fed = Pages.empty(layout, 40), [], [0, 0, 0, 0]
    for step in ((1, 7, 0, 30), (40, 1, 9, 1), (1, 1, 1, 1), (216, 64, 5, 200), (42, 1, 1, 1)):
        laid = [
            torch.cat([r[i][f : f + c] for r, f, c in zip([mine, *mates], fed, step, strict=True)])
            for i in range(3)
        ]
        out = PagedAttention(pages, table(4), torch.tensor(fed), torch.tensor(step))(0, *laid)
        parts.append(out[: step[0]])
        fed = [f + c for f, c in zip(fed, step, strict=True)]
    assert torch.equal(torch.cat(parts), whole)
