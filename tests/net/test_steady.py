"""The mode in which every product has one shape: what a GPU needs for results without batch mates.

Which kernel a GPU's library takes follows from the shapes; here the shapes are looked at.
"""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.layers import STEADY_ROWS, Linear, steady
from genloom.net.pages import PagedAttention, Pages
from genloom.spec import TokenSpec

SPEC = TokenSpec(vocab=96, length=256, bos=0, eos=0, pad=0)
PRODUCTS = ("mm", "addmm", "bmm", "linear", "matmul")


class Shapes(TorchDispatchMode):
    """The shapes of all products."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, ...]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if str(func).split(".")[1] in PRODUCTS:
            self.seen.add((str(func), *(str(tuple(a.shape)) for a in args if hasattr(a, "shape"))))
        return func(*args, **(kwargs or {}))


def made() -> LanguageModel:
    config = LanguageModelConfig(width=32, depth=2, heads=4, kv_heads=2)
    net = LanguageModel(config, SPEC, None).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    for weight in net.parameters():
        weight.copy_(0.3 * torch.randn(weight.shape, generator=rng))
    return net


IDS = torch.randint(0, 96, (4, 90), generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def run(net: LanguageModel, steps: list[list[int]], on: bool) -> tuple[torch.Tensor, set]:
    """Logits of the first sequence, fed in these steps beside the others; the shapes seen."""
    pages = Pages.empty(net.layout(), 40)
    table = torch.arange(40, dtype=torch.int32).view(4, 10)
    fed, out = [0] * 4, []
    with steady(on), Shapes() as shapes:
        for counts in steps:
            parts = zip(IDS, fed, counts, strict=True)
            ids = torch.cat([row[f : f + c] for row, f, c in parts])
            attention = PagedAttention(
                pages, table, torch.tensor(fed, dtype=torch.int32), torch.tensor(counts)
            )
            hidden = net(ids, attention.positions(), attention)
            out.append(net.logits(hidden[: counts[0]]))
            fed = [f + c for f, c in zip(fed, counts, strict=True)]
    return torch.cat(out), shapes.seen


ALONE = [[90, 0, 0, 0]]
AMONG = [[1, 40, 3, 0], [30, 1, 1, 70], [1, 1, 1, 1], [58, 5, 0, 1]]


def test_every_product_has_one_shape_whatever_the_batch() -> None:
    net = made()
    alone, few = run(net, ALONE, True)
    among, more = run(net, AMONG, True)
    assert torch.equal(alone, among)
    assert few == more and len(few) > 4
    flat = {shape[1] for shape in few if shape[1].count(",") == 1}
    assert flat == {f"({STEADY_ROWS}, {width})" for width in (32, 128)}
    plain, many = run(net, AMONG, False)
    assert len(many) > len(more)
    torch.testing.assert_close(plain, among, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 200])
def test_a_product_in_groups_is_the_product(rows: int) -> None:
    layer = Linear(40, 24)
    x = torch.randn(3, rows, 40)
    with torch.inference_mode():
        wanted = layer(x)
        with steady():
            made = layer(x)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)
    assert made.shape == (3, rows, 24)
