"""Paged attention against the plain one: ragged batches, chunks, shared pages, windows."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import Sight, plain_attention
from genloom.net.pages import PAGE, PagedAttention, Pages

HEADS, GROUPS, SIZE, LAYERS = 4, 2, 8, 2


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
    pages = Pages.empty(LAYERS, 12, GROUPS, SIZE, torch.float32, torch.device("cpu"))
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
    pages = Pages.empty(LAYERS, 4, GROUPS, SIZE, torch.float32, torch.device("cpu"))
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
