"""The last two pieces of a text within a row."""

import torch

from genloom.net.recent import Recent
from genloom.net.row_model import RowModel, RowModelConfig
from genloom.spec import Span, TokenSpec

SPEC = TokenSpec(
    vocab=2 + 3 + 3 * 4,
    length=4,
    bos=1,
    eos=None,
    pad=0,
    spans=(
        Span(name="a", start=0, size=1, kind="choice"),
        Span(name="t", start=1, size=3, kind="words"),
    ),
    ranges=((2, 5), (5, 9), (9, 13), (13, 17)),
    levels=((), (), (), ()),
)


def test_the_same_pieces_are_the_same_at_every_place():
    torch.manual_seed(0)
    recent = Recent(SPEC, 8)
    # slots 2, 3 and 4 are the text's places; ids 6 and 10 are the same piece
    out = recent(
        torch.tensor([[6, 10, 6, 3]]), torch.tensor([[3, 7, 3, 1]]), torch.tensor([[3, 4, 2, 3]])
    )[0]
    only = recent(torch.tensor([[10]]), torch.tensor([[2]]), torch.tensor([[4]]))[0, 0]
    assert torch.equal(out[0], only)  # what came before the text does not tell
    assert not torch.allclose(out[1], only)  # the piece before the last does
    assert not out[2].any() and not out[3].any()  # its first place, and ids of another column


def test_a_row_model_learns_of_a_piece_at_one_place_for_all():
    torch.manual_seed(0)
    net = RowModel(RowModelConfig(summed=16, width=8, depth=1, knots=4), SPEC, None)
    assert net.embed_shared is not None and net.head_shared is not None
    values = net._values(torch.tensor([[6, 10, 14]]))[0, :, 0]
    assert torch.equal(values[0], values[1]) and torch.equal(values[0], values[2])
    hidden = torch.randn(1, 8)
    net.logits(hidden, 5, 9)[0, 1].backward()
    assert net.head_shared.weight[0].grad is not None and net.head_shared.weight[0].grad[1].any()


def test_the_last_place_alone_is_what_all_places_say_of_it():
    torch.manual_seed(0)
    net = RowModel(RowModelConfig(summed=16, width=8, depth=1, knots=4), SPEC, None).eval()
    ids, before = torch.tensor([[1, 3, 6, 11]]), torch.tensor([[1, 1, 3, 6]])
    slots = (torch.tensor([[0, 1, 2, 3]]), torch.tensor([[1, 2, 3, 4]]))
    position = torch.arange(4)[None, :, None]
    every = net(ids, position, net.attention(None), before, slots)
    last = net.last(ids, position, net.attention(None), before, slots)
    assert torch.allclose(every[:, -1:], last)
    net.embed_recent.vectors[1].weight.data += torch.randn(net.embed_recent.vectors[1].weight.shape)
    other = net.last(ids, position, net.attention(None), before, slots)
    assert not torch.allclose(last, other)  # the piece before the last tells
