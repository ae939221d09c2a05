"""Connectionist temporal classification: its likelihood and its decoders against every path there
is, cuts of long arrays, and a net that learns where nothing is marked."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from genloom.errors import RequestError
from genloom.family.ctc import CTC, piece_end, symbols_of
from genloom.family.ctc_decoding import aligned_path, best_symbols, collapsed, greedy_path
from genloom.spec import ArraySpec, Batch, Encoded, Options

SYMBOLS, PLACES = 4, 5


def spoken(seed: int) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return (torch.randn(SYMBOLS, PLACES, generator=rng) * 2).log_softmax(0)


def every_path(x: torch.Tensor) -> list[tuple[tuple[int, ...], float]]:
    """All paths with their log-probabilities: the definition, slowly."""
    paths = itertools.product(range(x.shape[0]), repeat=x.shape[1])
    return [(p, sum(float(x[s, t]) for t, s in enumerate(p))) for p in paths]


def every_run(x: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The log-probability of each run: the sum over all paths that read as it."""
    chances: dict[tuple[int, ...], float] = {}
    for path, log in every_path(x):
        run = tuple(collapsed(path))
        chances[run] = chances.get(run, 0.0) + math.exp(log)
    return {run: math.log(chance) for run, chance in chances.items()}


def item(path: list[int]) -> torch.Tensor:
    ids = torch.tensor(path + [0] * (PLACES - len(path)))
    return torch.nn.functional.one_hot(ids, SYMBOLS).T.float()


class Fixed(torch.nn.Module):
    """Says what it is told."""

    def forward(self, control: torch.Tensor) -> torch.Tensor:
        return control


def test_the_score_is_the_sum_over_all_paths():
    runs = [[1, 2], [3, 0, 3], [], [2, 1, 2, 3]]
    control = torch.stack([spoken(n) for n in range(len(runs))])
    spec = ArraySpec(grid=(PLACES,), channels=SYMBOLS, control=SYMBOLS)
    x = torch.stack([item(run) for run in runs])
    batch = Batch(spec=spec, x=x, weight=torch.ones(len(runs)), control=control)
    found = CTC().score({"net": Fixed()}, batch)
    slow = [every_run(one)[tuple(collapsed(run))] for one, run in zip(control, runs, strict=True)]
    assert torch.allclose(found, torch.tensor(slow), atol=1e-4)
    lost = CTC(masks=0, noise=0.0).loss("net", {"net": Fixed()}, batch, torch.Generator()).total
    sizes = torch.tensor([2, 2, 1, 4])
    assert float(lost) == pytest.approx(float((-torch.tensor(slow) / sizes).sum()), rel=1e-4)


def test_symbols_come_out_of_paths_with_blanks_between():
    symbols, sizes = symbols_of(torch.stack([item([3, 0, 3]), item([1, 2])]))
    assert sizes.tolist() == [2, 2]
    assert symbols[0, :2].tolist() == [3, 3] and symbols[1, :2].tolist() == [1, 2]


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_beam_finds_the_likeliest_run(seed):
    chances = every_run(spoken(seed))
    assert tuple(best_symbols(spoken(seed), 200)) == max(chances, key=lambda run: chances[run])


def test_a_beam_hears_what_the_greedy_path_does_not():
    """Two paths of "1" are together likelier than the one of nothing (Graves et al. 2006)."""
    x = torch.tensor([[0.6, 0.6], [0.4, 0.4]]).log()
    assert collapsed(greedy_path(x).tolist()) == [] and best_symbols(x, 4) == [1]


@pytest.mark.parametrize("run", [[1], [2, 2], [1, 3, 2], []])
def test_the_aligned_path_is_the_likeliest_that_reads_so(run):
    x = spoken(7)
    all_paths = {p: log for p, log in every_path(x) if collapsed(p) == run}
    assert tuple(aligned_path(x, run).tolist()) == max(all_paths, key=lambda p: all_paths[p])


def test_more_symbols_than_places_are_refused():
    with pytest.raises(ValueError, match="3 symbols do not fit into 4"):
        aligned_path(spoken(1)[:, :4], [2, 2, 2])


def test_a_long_array_is_cut_where_it_is_lowest_and_nothing_is_lost():
    control = torch.rand(SYMBOLS, 40, generator=torch.Generator().manual_seed(2)) + 1
    control[:, 14:19] = 0.0
    assert 15 <= piece_end(control, 0, 20) <= 19 and piece_end(control, 25, 20) == 40
    family, nets = CTC(longest=20), {"net": Fixed()}
    spec = ArraySpec(grid=(20,), channels=SYMBOLS, control=SYMBOLS)
    asked = Encoded(seed=0, index=torch.arange(2), control=control)
    samples, steps = family.start(nets, spec, asked), 0
    while not bool(samples.done.all()):
        family.step(nets, samples, None)
        steps += 1
    assert steps >= 2
    assert torch.equal(samples.x.argmax(1)[0], control.argmax(0))
    assert torch.allclose(samples.x.max(1)[0][0], control.softmax(0).max(0)[0])


def test_beams_are_taken_and_nothing_given_is_told():
    x = torch.tensor([[0.6, 0.6], [0.4, 0.4]]).log()
    spec = ArraySpec(grid=(2,), channels=2, control=2)
    asked = Encoded(seed=0, index=torch.arange(1), control=x, options=Options(beams=4))
    samples = CTC().start({}, spec, asked)
    CTC().step({"net": Fixed()}, samples, None)
    assert collapsed(samples.x[0].argmax(0).tolist()) == [1]
    with pytest.raises(RequestError, match="give an item"):
        CTC().start({}, spec, Encoded(seed=0, index=torch.arange(1)))


def test_what_is_hidden_is_a_run_of_no_more_than_its_share():
    x = torch.ones(8, 20, 30)
    hidden = CTC(masks=1, masked=0.2, noise=0.0)._hidden(x, torch.Generator().manual_seed(1))
    assert 0.6 < float(hidden.mean()) < 1.0
    channels = (hidden == 0).all(2).sum(1)
    assert int(channels.max()) <= 5
