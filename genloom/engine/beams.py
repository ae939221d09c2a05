"""Beam search: the likeliest continuations, several at a time.

`step` is a pure function of scores; `Search` keeps the beams and what they ended in. Whoever runs
it feeds each beam's ids to a model. Knows no model, cache or text.
Shape legend: K beams alive, V ids, E ids that end a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.family.likeliest import leading


@dataclass(frozen=True)
class Step:
    """What follows the beams: those that go on, best first, and what ending each would score.

    parents, ids: long [k], which beam each goes on from and with which id; scores: float [k];
    ended: float [K, E].
    """

    parents: Tensor
    ids: Tensor
    scores: Tensor
    ended: Tensor


def step(scores: Tensor, logprobs: Tensor, ends: Tensor, width: int) -> Step:
    """The `width` best continuations of beams of scores [K] by their log-probabilities [K, V].

    Among equals the earlier beam and the lower id come first.
    """
    ended = scores[:, None] + logprobs[:, ends]
    going = logprobs.index_fill(1, ends, float("-inf"))
    values, ids = leading(going, width)  # no beam can give more than all of them
    sums = (scores[:, None] + values).flatten()
    order = sums.sort(descending=True, stable=True).indices[:width]
    order = order[sums[order] > float("-inf")]
    parents = torch.div(order, values.shape[1], rounding_mode="floor")
    return Step(parents, ids.flatten()[order], sums[order], ended)


@dataclass(frozen=True)
class Hypothesis:
    """A continuation with its end; score: log-probability divided by length ** length_penalty."""

    ids: tuple[int, ...]
    score: float


class Search:
    """Beams under way. Starts with one, empty.

    most: ids at most; those alive then count as they are. length_penalty: 0 compares sums of
    log-probabilities, 1 their means.
    """

    def __init__(
        self, width: int, ends: Sequence[int], most: int, length_penalty: float = 1.0
    ) -> None:
        self.width, self.most, self.length_penalty = width, most, length_penalty
        self.ends = torch.tensor(list(ends), dtype=torch.long)
        self.beams: list[tuple[int, ...]] = [()]
        self.scores = torch.zeros(1)
        self._done: list[Hypothesis] = []

    def advance(self, logprobs: Tensor) -> list[int]:
        """One more id a beam, by log-probabilities [K, V] in the order of `beams`. Returns which of
        the beams before each of those now goes on from: their caches are to be told apart so."""
        made = step(self.scores, logprobs.float().cpu(), self.ends, self.width)
        for row, beam in enumerate(self.beams):
            for place, end in enumerate(self.ends.tolist()):
                self._end((*beam, end), float(made.ended[row, place]))
        parents: list[int] = made.parents.tolist()
        ids: list[int] = made.ids.tolist()
        self.beams = [(*self.beams[p], one) for p, one in zip(parents, ids, strict=True)]
        self.scores = made.scores
        if self.beams and len(self.beams[0]) >= self.most:
            for beam, score in zip(self.beams, self.scores.tolist(), strict=True):
                self._end(beam, score)
            self.beams, self.scores = [], torch.zeros(0)
            return []
        return parents

    @property
    def finished(self) -> bool:
        """Whether nothing alive can still enter the best."""
        if not self.beams or len(self._done) < self.width:
            return not self.beams
        longest = self.most if self.length_penalty > 0 else len(self.beams[0]) + 1
        hope = float(self.scores[0]) / longest**self.length_penalty
        return hope <= self._done[-1].score

    def best(self) -> list[Hypothesis]:
        """At most `width`, best first."""
        return list(self._done)

    def _end(self, ids: tuple[int, ...], score: float) -> None:
        if score == float("-inf"):
            return
        self._done.append(Hypothesis(ids, score / len(ids) ** self.length_penalty))
        self._done.sort(key=lambda one: -one.score)
        del self._done[self.width :]
