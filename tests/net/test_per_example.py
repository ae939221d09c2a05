"""Norms and weighted sums of gradients by example are those of one example at a time."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genloom import registry
from genloom.errors import TrainingError
from genloom.family.autoregressive import Autoregressive
from genloom.net.per_example import Recorded
from genloom.spec import Batch, Span, TokenSpec

COLUMNS, VALUES, ROWS = 4, 5, 6
RANGES = tuple((2 + n * VALUES, 2 + (n + 1) * VALUES) for n in range(COLUMNS))
SPEC = TokenSpec(
    vocab=2 + COLUMNS * VALUES,
    length=COLUMNS,
    bos=1,
    eos=None,
    pad=0,
    spans=tuple(Span(name=str(n), start=n, size=1, kind="choice") for n in range(COLUMNS)),
    ranges=RANGES,
)
SIZES = {"row": {"summed": 12, "width": 8, "depth": 2}, "transformer": {"width": 16, "depth": 1}}


def net_of(kind: str) -> nn.Module:
    torch.manual_seed(0)
    cls = registry.find("net", kind)
    net = cls(cls.Config(**SIZES[kind]), SPEC, None)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p)
    return net


def rows() -> Batch:
    torch.manual_seed(1)
    ids = torch.stack([torch.randint(low, high, (ROWS,)) for low, high in RANGES], 1)
    x = torch.cat((torch.ones(ROWS, 1, dtype=torch.long), ids), 1)
    weight = torch.ones(x.shape)
    weight[:, 0] = 0.0
    return Batch(spec=SPEC, x=x, weight=weight)


@pytest.mark.parametrize("kind", SIZES)
def test_every_example_counts_by_its_share_and_its_norm_is_known(kind):
    net, batch, family = net_of(kind), rows(), Autoregressive(order="any")
    share = torch.rand(ROWS)
    order = family._orders(batch, torch.Generator().manual_seed(3))
    recorded = Recorded([net])
    with recorded:
        loss = family.loss("net", {"net": net}, batch, torch.Generator().manual_seed(3))
    squares, grads = recorded.squares(loss.total)
    recorded.gather(grads, share)
    params = list(net.parameters())
    fast = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
    slow, norms = [torch.zeros_like(p) for p in params], []
    for row in range(ROWS):
        one = Batch(spec=SPEC, x=batch.x[row : row + 1], weight=batch.weight[row : row + 1])
        alone = family._surprise({"net": net}, one, order[row : row + 1])[0].sum()
        found = torch.autograd.grad(alone, params, allow_unused=True)
        found = [
            torch.zeros_like(p) if g is None else g for p, g in zip(params, found, strict=True)
        ]
        norms.append(sum(g.square().sum() for g in found))
        for total, g in zip(slow, found, strict=True):
            total += share[row] * g
    torch.testing.assert_close(squares, torch.stack(norms), rtol=1e-4, atol=1e-4)
    for a, b in zip(fast, slow, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert float(torch.stack(norms).std()) > 0.1  # rows that are not all alike


def test_a_look_up_of_one_id_twice_adds_up():
    net = nn.Embedding(3, 2)
    recorded = Recorded([net])
    with recorded:
        loss = (net(torch.tensor([[1, 1], [0, 2]])) * torch.tensor([1.0, 2.0])).sum()
    squares, _ = recorded.squares(loss)
    assert squares.tolist() == [4 + 16, 2 * (1 + 4)]


class Odd(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale


def test_a_weight_that_is_used_otherwise_is_refused():
    net = Odd()
    with pytest.raises(TrainingError, match="cannot be told apart"), Recorded([net]):
        net(torch.ones(2, 3))
