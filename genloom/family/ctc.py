"""Connectionist temporal classification: runs of symbols out of arrays in which nobody has marked
where each symbol is.

The net puts a distribution over the symbols and a blank at every place of what it is told; what a
place says may be repeated and blanks fall away. Decoding is in ctc_decoding.py. Knows arrays of one
axis; no sound, no letter.
Shape legend: B items, V symbols with the blank, T places, K told channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RequestError
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.ctc_decoding import BLANK, aligned_path, best_symbols, greedy_path
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

SMOOTH = 5  # places over which the array's quietness is a mean, where it is cut


@dataclass(frozen=True, kw_only=True)
class CTC:
    """Minus the logarithm of the chance of all paths that read as the symbols (Graves et al. 2006,
    eq. 3), per symbol.

    An item is [V, T], a path that reads as its symbols: a 1 at each place for a symbol or the
    blank; a net is `net(control [B, K, T]) -> [B, V, T]`, logits at each place.
    What is made has the chance of each place's symbol instead of the 1.
    longest: places that the net is told at once; more are cut where the array is lowest.
    masks, masked: so many runs of channels and of places are hidden from each item while training,
    and the largest share that one takes (SpecAugment, Park et al. 2019, section 2).
    noise: the largest deviation of what is added to what is told, likewise.
    """

    kind: ClassVar[str] = "ctc"
    carries: ClassVar[type] = ArraySpec
    takes: ClassVar[frozenset[str]] = frozenset({"item", "control", "beams"})
    parts: ClassVar[dict[str, str]] = {"net": "recogniser"}
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    players: ClassVar[tuple[str, ...]] = ("net",)
    frozen: ClassVar[frozenset[str]] = NONE
    falls: ClassVar[bool] = True
    group: ClassVar[int] = 1

    longest: int = 600
    masks: int = 1
    masked: float = 0.1
    noise: float = 0.1

    def begins(self, nets: Nets) -> bool:
        return False

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        control = self._hidden(_told(batch), rng)
        lost, symbols = self._lost(nets, batch, control)
        total = (lost / symbols.clamp(min=1) * batch.weight).sum()
        return Loss(total, {"symbol_loss": total.detach()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """float [B]: the log-likelihood of the symbols, in nats."""
        return -self._lost(nets, batch, _told(batch))[0]

    def _lost(self, nets: Nets, batch: Batch, control: Tensor) -> tuple[Tensor, Tensor]:
        """(nats, symbols), [B] each; 0 nats where the symbols do not fit into the places."""
        symbols, sizes = symbols_of(batch.x)
        spoken = nets["net"](control).float().log_softmax(1).permute(2, 0, 1)
        places = torch.full_like(sizes, spoken.shape[0])
        lost = F.ctc_loss(
            spoken, symbols, places, sizes, BLANK, reduction="none", zero_infinity=True
        )
        return lost, sizes

    def _hidden(self, x: Tensor, rng: Generator) -> Tensor:
        """[B, K, T] with noise, and with runs of channels and places set to 0."""
        if self.noise:
            level = torch.rand(len(x), 1, 1, generator=rng, device=rng.device) * self.noise
            noise = torch.randn(x.shape, generator=rng, device=rng.device)
            x = x + (level * noise).to(x.device)
        for axis in (1, 2):
            for _ in range(self.masks):
                x = x * _seen(x, axis, self.masked, rng)
        return x

    # --- making ---------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        if request.control is None:
            raise RequestError(
                "this model writes down what it is given: give an item", param="item"
            )
        rows, device = len(request.index), request.index.device
        places = request.control.shape[-1]
        state = {
            "given": request.control.expand(rows, *request.control.shape).clone(),
            "at": torch.zeros(rows, dtype=torch.long, device=device),
            "beams": torch.full((rows,), request.options.beams or 0, device=device),
        }
        x = torch.zeros(rows, spec.channels, places, device=device)
        return Samples(x, torch.zeros(rows, dtype=torch.bool, device=device), state)

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """One piece of each; those that begin and end alike go through the net together."""
        given, at = samples.state["given"], samples.state["at"]
        begins = at.tolist()
        ends = [piece_end(one, b, self.longest) for one, b in zip(given, begins, strict=True)]
        for begin, end in dict.fromkeys(zip(begins, ends, strict=True)):
            rows = [
                n for n, both in enumerate(zip(begins, ends, strict=True)) if both == (begin, end)
            ]
            out = nets["net"](given[rows, :, begin:end]).float().log_softmax(1)
            for row, one in zip(rows, out, strict=True):
                samples.x[row, :, begin:end] = _path(one, int(samples.state["beams"][row]))
        samples.state["at"] = torch.tensor(ends, device=at.device)
        samples.done = samples.state["at"] >= given.shape[2]

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        return samples.x


def symbols_of(x: Tensor) -> tuple[Tensor, Tensor]:
    """What paths [B, V, T] say of which no symbol follows itself: long [B, T], blanks behind, and
    how many symbols, long [B]."""
    path = x.argmax(1)
    blank = path == BLANK
    return path.gather(1, blank.int().argsort(dim=1, stable=True)), (~blank).sum(1)


def piece_end(control: Tensor, begin: int, longest: int) -> int:
    """Where the piece of [K, T] that begins there ends: at its lowest place within the second half
    of the longest piece, or at the end of all."""
    places = control.shape[1]
    if places - begin <= longest:
        return places
    first, last = begin + longest // 2, begin + longest
    level = control[:, first:last].mean(0)
    smooth = F.avg_pool1d(level[None, None], SMOOTH, 1, SMOOTH // 2, count_include_pad=False)
    return first + int(smooth[0, 0].argmin()) + 1


def _path(spoken: Tensor, beams: int) -> Tensor:
    """float [V, T]: the chance of the symbol that each place says, 0 for all others."""
    path = aligned_path(spoken, best_symbols(spoken, beams)) if beams else greedy_path(spoken)
    chances = spoken.gather(0, path[None]).exp()
    return torch.zeros_like(spoken).scatter(0, path[None], chances)


def _told(batch: Batch) -> Tensor:
    assert batch.control is not None
    return batch.control


def _seen(x: Tensor, axis: int, share: float, rng: Generator) -> Tensor:
    """[B, K or 1, 1 or T]: 0 over one run along the axis of each item, 1 elsewhere."""
    size = x.shape[axis]
    draws = torch.rand(2, len(x), 1, generator=rng, device=rng.device).to(x.device)
    width = draws[0] * share * size
    begin = draws[1] * (size - width)
    place = torch.arange(size, device=x.device)
    seen = ((place < begin) | (place >= begin + width)).float()
    return seen[:, :, None] if axis == 1 else seen[:, None, :]
