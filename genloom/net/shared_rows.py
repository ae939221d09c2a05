"""Tables with a row for each id, in which ids that lie in an order share what is alike.

A row of an ordered id is a sum of hats over the order (linear B-splines at two scales, a coarse and
a fine one: de Boor 1978, chapter IX), which all ids of its position share, and a small part of its
own. What is learnt of one value is learnt of its neighbours, so that rows are not learnt by heart
as fast. All places of a text share one row for each of their ids. Knows specs; no net that uses it.
Shape legend: V ids, P ordered positions, K hats, E width, n ids of a range.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genloom.net.recent import text_ranges
from genloom.spec import TokenSpec

OWN = 0.3  # of an id's own part, which is learnt as much slower than the shared one
COARSER = 4  # how many times fewer hats the coarse scale has
WAVES = 1.0  # over the whole order, the spread of how many


class SharedRows(nn.Module):
    """The shared parts of a table [V, E]; its own part is handed in."""

    def __init__(self, spec: TokenSpec, width: int, knots: int) -> None:
        super().__init__()
        self.ranges = spec.ranges
        self.sizes = [spec.ranges[0][0], *(high - low for low, high in spec.ranges)]
        self.place: dict[tuple[int, int], int] = {}  # range -> number among the ordered ones
        for bounds, levels in zip(spec.ranges, spec.levels, strict=bool(spec.levels)):
            if levels:
                self.register_buffer(f"hats{len(self.place)}", _hats(levels, knots), False)
                ordered = (torch.tensor(levels) >= 0)[:, None]
                share = torch.where(ordered, OWN, 1.0)
                self.register_buffer(f"share{len(self.place)}", share, False)
                self.place[bounds] = len(self.place)
        count = knots + max(2, knots // COARSER)
        parts = [nn.Parameter(torch.empty(count, width)) for _ in self.place]
        self.texts: dict[tuple[int, int], int] = {}  # range -> number of its part
        for ranges in text_ranges(spec):
            self.texts |= dict.fromkeys(ranges, len(parts))
            low, high = ranges[0]
            parts.append(nn.Parameter(torch.empty(high - low, width)))
        self.weight = nn.ParameterList(map(nn.init.zeros_, parts))
        self.kept: tuple[tuple[int, ...], Tensor] | None = None

    def begin(self, own: Tensor, knots: int) -> None:
        """Shared parts as waves, as spread out as `own`, which becomes zero where ordered."""
        if own.is_meta:  # weights are put in later
            return
        std = own.std()
        at = torch.linspace(0.0, 1.0, knots)[:, None]
        with torch.no_grad():
            for (low, high), place in self.place.items():
                self.weight[place][-knots:] = std * waves(at, own.shape[1])
                own[low:high] *= getattr(self, f"share{place}") == 1.0
            for (low, high), place in self.texts.items():
                nn.init.normal_(self.weight[place], std=float(std))
                own[low:high] = 0.0

    def whole(self, own: Tensor) -> Tensor:
        """own [V, E] -> [V, E]; without gradients kept for as long as the weights stay."""
        if torch.is_grad_enabled():
            return self._summed(own)
        state = _state(own, *self.weight)
        if self.kept is None or self.kept[0] != state:
            self.kept = (state, self._summed(own))
        return self.kept[1]

    def part(self, own: Tensor, low: int, high: int | None) -> Tensor:
        """Rows low to high - 1 of the whole, [n, E]."""
        bounds = (low, own.shape[0] if high is None else high)
        if not torch.is_grad_enabled() or bounds not in self.ranges:
            return self.whole(own)[low:high]
        rows = own[low:high]
        return self._with_shared(rows, bounds)

    def _summed(self, own: Tensor) -> Tensor:
        parts = list(own.split([*self.sizes, own.shape[0] - sum(self.sizes)]))
        for number, bounds in enumerate(self.ranges, 1):
            parts[number] = self._with_shared(parts[number], bounds)
        return torch.cat(parts)

    def _with_shared(self, rows: Tensor, bounds: tuple[int, int]) -> Tensor:
        if bounds in self.texts:
            return rows * OWN + self.weight[self.texts[bounds]]
        if bounds not in self.place:
            return rows
        place = self.place[bounds]
        hats, share = getattr(self, f"hats{place}"), getattr(self, f"share{place}")
        out: Tensor = rows * share + hats @ self.weight[place]
        return out


def waves(at: Tensor, width: int) -> Tensor:
    """Places [n, 1] from 0 to 1 -> [n, width] of unit variance: waves of random lengths and phases
    (random Fourier features: Rahimi & Recht 2007)."""
    length, phase = torch.empty(1, width), torch.empty(1, width)
    nn.init.normal_(length, std=WAVES)
    nn.init.uniform_(phase, 0.0, 2 * torch.pi)
    return 2**0.5 * torch.cos(2 * torch.pi * length * at + phase)


def _hats(levels: tuple[float, ...], knots: int) -> Tensor:
    """float [n, K]: each level is in at most two hats of a scale, which sum to one."""
    level = torch.tensor(levels)[:, None]
    parts = []
    for count in (max(2, knots // COARSER), knots):
        hats = (1 - (level - torch.linspace(0.0, 1.0, count)).abs() * (count - 1)).clamp(min=0)
        parts.append(torch.where(level >= 0, hats, 0.0))
    return torch.cat(parts, 1)


def _state(*tensors: Tensor) -> tuple[int, ...]:
    """What changes when any of these is written to, moved or exchanged."""
    return tuple(x for t in tensors for x in (t.data_ptr(), -1 if t.is_inference() else t._version))
