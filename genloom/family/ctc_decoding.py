"""From distributions over symbols and a blank at every place to a run of symbols and back to the
places that say them.

Greedy, by a beam over prefixes, and the likeliest path of a given run. Knows log-probabilities.
Shape legend: V symbols with the blank, T places, S symbols of a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

BLANK = 0
NEVER = -math.inf
LEAST = -9.0  # log of the chance below which a symbol is not tried at a place


def collapsed(path: Sequence[int]) -> list[int]:
    """What a path reads as: repeats once, blanks not at all (Graves et al. 2006, the map B)."""
    return [s for n, s in enumerate(path) if s != BLANK and (n == 0 or path[n - 1] != s)]


def greedy_path(spoken: Tensor) -> Tensor:
    """long [T]: the likeliest symbol of each place of log-probabilities [V, T]."""
    return spoken.argmax(0)


def best_symbols(spoken: Tensor, beams: int) -> list[int]:
    """The likeliest run, by so many prefixes at once (Graves et al. 2006, section 3.2; Hannun et
    al. 2014): each has the chance of all its paths that end in a blank and of those that do not."""
    kept: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, NEVER)}
    for column in spoken.T.tolist():
        likely = [s for s, p in enumerate(column) if p > LEAST and s != BLANK]
        found: dict[tuple[int, ...], tuple[float, float]] = {}
        for prefix, (blank, other) in kept.items():
            both = _either(blank, other)
            _more(found, prefix, both + column[BLANK], NEVER)
            if prefix:
                _more(found, prefix, NEVER, other + column[prefix[-1]])
            for symbol in likely:
                again = bool(prefix) and prefix[-1] == symbol
                _more(found, (*prefix, symbol), NEVER, (blank if again else both) + column[symbol])
        best = sorted(found.items(), key=lambda one: -_either(*one[1]))
        kept = dict(best[:beams])
    return list(next(iter(kept)))


def _more(
    found: dict[tuple[int, ...], tuple[float, float]],
    prefix: tuple[int, ...],
    blank: float,
    other: float,
) -> None:
    a, b = found.get(prefix, (NEVER, NEVER))
    found[prefix] = _either(a, blank), _either(b, other)


def _either(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    high, low = (a, b) if a > b else (b, a)
    return high if low == NEVER else high + math.log1p(math.exp(low - high))


def aligned_path(spoken: Tensor, symbols: Sequence[int]) -> Tensor:
    """long [T]: the likeliest path that reads as these symbols (Viterbi over the run with blanks
    between). ValueError where they do not fit into the places."""
    states = [BLANK, *(one for symbol in symbols for one in (symbol, BLANK))]
    score = spoken[states].T  # [T, 2 S + 1]
    skips = torch.tensor(
        [n >= 2 and s not in (BLANK, states[n - 2]) for n, s in enumerate(states)],
        device=spoken.device,
    )
    best = torch.full_like(score[0], NEVER)
    best[:2] = score[0, :2]
    back = []
    for column in score[1:]:
        one = torch.nn.functional.pad(best, (1, 0), value=NEVER)[:-1]
        two = torch.nn.functional.pad(best, (2, 0), value=NEVER)[: len(best)]
        two = torch.where(skips, two, NEVER)
        best, move = torch.stack((best, one, two)).max(0)
        best = best + column
        back.append(move)
    last = len(states) - 1
    at = last if last == 0 or best[last] >= best[last - 1] else last - 1
    if best[at] == NEVER:
        raise ValueError(f"{len(symbols)} symbols do not fit into {len(score)} places")
    path = [at]
    for move in reversed(back):
        at -= int(move[at])
        path.append(at)
    return torch.tensor([states[n] for n in reversed(path)], device=spoken.device)
