"""Batches depend on seed and step alone; streams lose and repeat nothing within an epoch."""

from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genloom.data.loader import Loader, evaluation
from genloom.errors import DataError
from genloom.spec import ArraySpec, TokenSpec

TEXT = TokenSpec(vocab=1000, length=8, bos=0, eos=0, pad=1)
ROW = TokenSpec(vocab=50, length=4, bos=49, eos=None, pad=49)
LINE = TokenSpec(vocab=50, length=6, bos=0, eos=2, pad=1)
PICTURE = ArraySpec(grid=(2, 2), channels=3)


def stream(count: int) -> torch.Tensor:
    """Ids that are all different, so that each can be told from the others."""
    return torch.arange(2, 2 + count)


def same(a, b) -> bool:
    return torch.equal(a.x, b.x) and torch.equal(a.weight, b.weight)


def loaders() -> dict[str, Loader]:
    ragged = [torch.randint(3, 50, (n,)) for n in (1, 5, 3, 2, 4)]
    return {
        "packed": Loader([stream(300), stream(40)], TEXT, batch=5, seed=3, pack=True),
        "rows": Loader(torch.randint(0, 49, (11, 4)), ROW, batch=5, seed=3),
        "ragged": Loader(ragged, LINE, batch=3, seed=3),
        "arrays": Loader(torch.randn(7, 3, 2, 2), PICTURE, batch=3, seed=3),
    }


@pytest.mark.parametrize("name", ["packed", "rows", "ragged", "arrays"])
def test_a_batch_is_a_function_of_seed_and_step(name):
    torch.manual_seed(0)
    first = loaders()[name]
    torch.manual_seed(0)
    second = loaders()[name]
    for step in (9, 0, 1000, 9):  # in any order, from any instance
        assert same(first.batch(step), second.batch(step))
    assert not torch.equal(first.batch(0).x, first.batch(1).x)


@pytest.mark.parametrize("name", ["packed", "rows", "ragged", "arrays"])
@pytest.mark.parametrize("accumulate", [1, 2, 3, 50])
def test_micro_batches_are_the_batch_in_parts(name, accumulate):
    loader = loaders()[name]
    whole, parts = loader.batch(4), loader.batches(4, accumulate)
    assert len(parts) == min(accumulate, len(whole.x))
    assert sum(len(p.x) for p in parts) == len(whole.x)
    assert sum(p.count() for p in parts) == whole.count()
    kept = [row[: p.x.shape[1]] for p in parts for row in p.x]
    for row, part in zip(whole.x, kept, strict=True):
        assert torch.equal(row[: len(part)], part)


def test_a_packed_epoch_covers_the_stream_once():
    loader = Loader([stream(399)], TEXT, batch=5, seed=1, pack=True)  # 400 ids with bos: 50 windows
    assert (loader.epoch_size, loader.targets) == (50, 400)
    seen = torch.cat([loader.batch(step).x[:, 1:].flatten() for step in range(10)])
    assert sorted(seen.tolist()) == [0, *range(2, 401)]
    again = torch.cat([loader.batch(step).x[:, 1:].flatten() for step in range(10, 20)])
    assert sorted(again.tolist()) == sorted(seen.tolist())
    phases = [{int(loader.batch(e + s).x[0, 0]) % 8 for s in range(10)} for e in (0, 10, 20, 30)]
    assert all(len(phase) == 1 for phase in phases)
    assert len(set.union(*phases)) > 1  # a new one each epoch


def test_packed_windows_are_runs_of_the_ring():
    loader = Loader([stream(20), stream(9) + 500], TEXT, batch=4, seed=0, pack=True, document=True)
    ring = [0, *range(2, 22), 0, *range(502, 511)] * 2
    for step in range(20):
        batch = loader.batch(step)
        assert batch.x.shape == (4, 9) and batch.x.dtype == torch.int64
        assert batch.weight[:, 0].sum() == 0 and batch.weight[:, 1:].all()
        for row, document in zip(batch.x.tolist(), batch.document, strict=True):
            assert any(row == ring[i : i + 9] for i in range(len(ring) - 9))
            if 0 in row[1:]:
                cut = row.index(0, 1)
                assert document[cut] == document[cut - 1] + 1


def test_an_eos_of_its_own_ends_each_packed_document():
    loader = Loader([torch.tensor([5, 6])], LINE, batch=1, seed=0, pack=True)
    assert loader.source.stream[:4].tolist() == [0, 5, 6, 2]


@pytest.mark.parametrize("count", [0, 1, 3, 7, 8, 9])
def test_a_corpus_smaller_than_a_window(count):
    batch = Loader([stream(count)], TEXT, batch=3, seed=0, pack=True).batch(2)
    assert batch.x.shape == (3, 9)
    assert set(batch.x.flatten().tolist()) <= {0, *range(2, 2 + count)}


def test_a_data_set_smaller_than_the_batch():
    loader = Loader(torch.arange(12).reshape(3, 4), ROW, batch=8, seed=0)
    x = loader.batch(0).x
    assert x.shape == (8, 5)
    counts = torch.bincount(x[:, 1] // 4, minlength=3)
    assert counts.min() >= 2 and counts.max() <= 3


def test_rows_begin_with_bos_and_have_no_end():
    x = torch.arange(8).reshape(2, 4)
    batch = Loader(x, ROW, batch=2, seed=0).batch(0)
    assert (batch.x[:, 0] == 49).all()
    assert sorted(batch.x[:, 1:].tolist()) == x.tolist()
    assert batch.count() == 8


def test_ragged_items_are_padded_and_ended():
    items = [torch.tensor([7]), torch.tensor([8, 9, 10]), torch.arange(20, 30)]
    batch = Loader(items, LINE, batch=3, seed=0).batch(0)
    pairs = zip(batch.x.tolist(), batch.weight.tolist(), strict=True)
    rows = {row[1]: (row, weight) for row, weight in pairs}
    assert rows[7] == ([0, 7, 2, 1, 1, 1, 1], [0, 1, 1, 0, 0, 0, 0])
    assert rows[8] == ([0, 8, 9, 10, 2, 1, 1], [0, 1, 1, 1, 1, 0, 0])
    assert rows[20] == ([0, *range(20, 26)], [0, 1, 1, 1, 1, 1, 1])  # cut at the length


def test_prompts_go_with_their_items():
    data = torch.arange(5.0)[:, None, None, None].expand(5, 3, 2, 2)
    prompts = torch.arange(5)[:, None].repeat(1, 2)
    batch = Loader(data, PICTURE, batch=4, seed=0, prompts=prompts).batch(3)
    assert torch.equal(batch.x[:, 0, 0, 0].long(), batch.prompt[:, 0])
    assert batch.count() == 4
    with pytest.raises(ValueError, match="prompts"):
        Loader(data, PICTURE, batch=4, seed=0, prompts=prompts[:3])
    with pytest.raises(ValueError, match="packed"):
        Loader([stream(5)], TEXT, batch=4, seed=0, prompts=prompts[:1], pack=True)


def test_no_items_is_a_data_error():
    with pytest.raises(DataError, match="no items"):
        Loader([], TEXT, batch=1, seed=0, pack=True)


@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 5))
def test_evaluation_counts_every_target_once_with_its_context(count, stride, size):
    parts = list(evaluation([stream(count)], TEXT, batch=size, pack=True, stride=stride))
    counted = []
    for batch in parts:
        for row, weight in zip(batch.x.tolist(), batch.weight.tolist(), strict=True):
            for column, (token, one) in enumerate(zip(row, weight, strict=True)):
                if one:
                    assert row[:column] == [0, *range(2, 2 + count)][token - 1 - column : token - 1]
                    assert column >= min(8 - min(stride, 8), token - 1)
                    counted.append(token)
    assert counted == list(range(2, 2 + count))


def test_evaluation_of_items_is_in_order():
    items = [torch.tensor([5 + n] * (n + 1)) for n in range(4)]
    parts = list(evaluation(items, LINE, batch=3))
    assert [len(b.x) for b in parts] == [3, 1]
    assert [row[1] for b in parts for row in b.x.tolist()] == [5, 6, 7, 8]
    pictures = torch.randn(5, 3, 2, 2)
    joined = torch.cat([b.x for b in evaluation(pictures, PICTURE, batch=2)])
    assert torch.equal(joined, pictures)


def test_a_small_batch_costs_little():
    spec = TokenSpec(vocab=258, length=64, bos=0, eos=0, pad=1)
    loader = Loader([torch.randint(2, 258, (200_000,))], spec, batch=12, seed=0, pack=True)
    loader.batch(0)
    times = []
    for step in range(200):
        start = time.perf_counter()
        loader.batch(step)
        times.append(time.perf_counter() - start)
    assert sorted(times)[20] < 0.0015  # 0.1 ms on an idle core; the bound allows for a busy one


def test_a_ramp_skips_and_repeats_nothing():
    """Eight small batches of two, then whole ones of eight: an epoch is covered once."""
    loader = Loader([stream(639)], TEXT, batch=8, seed=3, pack=True, ramp=8)
    whole = Loader([stream(639)], TEXT, batch=80, seed=3, pack=True)
    sizes = [len(loader.batch(step).x) for step in range(16)]
    assert sizes == [2] * 8 + [8] * 8
    seen = torch.cat([loader.batch(step).x for step in range(16)])
    assert torch.equal(seen, whole.batch(0).x)
    assert [len(b.x) for b in loader.batches(0, 4)] == [1, 1]


def test_short_windows_hold_the_same_targets():
    long = Loader([stream(639)], TEXT, batch=5, seed=3, pack=True)
    short = Loader([stream(639)], TEXT, batch=5, seed=3, pack=True, short=2)
    one, other = long.batch(1), short.batch(1)
    assert other.x.shape == (20, 1 + TEXT.length // 4)
    targets = [sorted(b.x[:, 1:].flatten().tolist()) for b in (one, other)]
    assert targets[0] == targets[1] and one.count() == other.count()
    assert bool((other.x[:, 1:] == other.x[:, :-1] + 1).float().mean() > 0.9)  # runs of the stream
    assert same(long.batch(2), short.batch(2))


def test_members_of_a_group_stay_together():
    data = [torch.tensor([10 + n]) for n in range(14)]
    worth = torch.tensor([1.0, -1.0]).repeat(7)
    loader = Loader(data, LINE, batch=3, seed=1, group=2, worth=worth)
    assert loader.epoch_size == 7
    for step in range(5):
        for batch in loader.batches(step, 2):
            first = batch.x[::2, 1]
            assert torch.equal(batch.x[1::2, 1], first + 1) and bool((first % 2 == 0).all())
            assert batch.worth is not None and batch.worth.tolist() == [1, -1] * len(first)
            assert batch.count() == len(batch.x)


def test_a_group_goes_as_a_whole_where_one_of_it_has_no_target():
    data = [torch.tensor([10 + n, 20 + n]) for n in range(6)]
    weights = [torch.ones(2) for _ in data]
    weights[3] = torch.zeros(2)
    worth = torch.tensor([1.0, -1.0]).repeat(3)
    loader = Loader(data, LINE, batch=2, seed=1, group=2, worth=worth, weights=weights)
    assert loader.epoch_size == 2
    assert sorted(loader.batch(0).x[:, 1].tolist()) == [10, 11, 14, 15]


def test_items_that_begin_without_bos_are_learnt_without():
    bare = TokenSpec(vocab=50, length=6, bos=0, eos=2, pad=1, leads=False)
    loader = Loader([torch.tensor([7, 8, 9])] * 8, bare, batch=2, seed=1)
    assert loader.batch(0).x.tolist() == [[7, 8, 9, 2]] * 2
    packed = Loader([torch.tensor([7, 8, 9])] * 8, bare, batch=8, seed=1, pack=True, document=True)
    batch = packed.batch(0)
    assert 0 not in batch.x and batch.document is not None
    ends = batch.x[:, :-1] == 2
    assert torch.equal(batch.document[:, 1:] > batch.document[:, :-1], ends)
