"""A critic of signals: how real each stretch of one is, heard at several resolutions and periods.

Magnitudes of short spectra, one small stack of convolutions a window (Jang et al. 2021, UnivNet,
section 2.3; the logarithms are what is judged), and the samples folded to rows of a prime period
each (Kong et al. 2020, HiFi-GAN, section 2.3). Knows arrays of one grid axis; hears no prompt.
Shape legend: B items, C channels, N samples, D width, P verdicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.grouped import grouped
from genloom.sound.spectra import Frames
from genloom.spec import ArraySpec, Spec, TokenSpec

SLOPE = 0.1  # of the leaky rectifiers
FLOOR = 1e-3  # of a magnitude: quieter is silence
Steps = Sequence[tuple[int, int]]
SPECTRAL: Steps = ((4, 1), (2, 2), (2, 2))  # of each convolution, in frequencies and frames
FOLDED: Steps = ((3, 1), (3, 1), (3, 1))
VERDICTS = 64  # of each stack, means of neighbouring ones, so that all count alike


@dataclass(frozen=True, kw_only=True)
class WaveCriticConfig:
    """windows: of the spectra, in samples, with hops a quarter as long. periods: in samples, small
    primes share the fewest of their rows. base: channels of the first convolution, doubled up to
    `most`."""

    windows: tuple[int, ...] = (256, 512, 1024)
    periods: tuple[int, ...] = (2, 3, 5, 7)
    base: int = 16
    most: int = 32

    def check(self) -> None:
        """ValueError where the sizes do not fit each other."""
        if not (self.windows or self.periods):
            raise ValueError("windows and periods are empty: a critic needs one of either")
        if any(w < 16 or w % 4 for w in self.windows):
            raise ValueError(f"windows are {[*self.windows]}: multiples of 4 from 16 on")
        if any(p < 2 for p in self.periods):
            raise ValueError(f"periods are {[*self.periods]}: 2 or more samples each")
        if min(self.base, self.most) < 1:
            raise ValueError("base and most must be 1 or more")


class _Stack(nn.Module):
    """Convolutions over a picture of a signal, [B, C, H, W] -> (verdicts [B, P], what was seen)."""

    def __init__(
        self, channels: int, config: WaveCriticConfig, size: tuple[int, int], steps: Steps
    ) -> None:
        super().__init__()
        widths = [min(config.most, config.base * 2**n) for n in range(len(steps))]
        edge = (size[0] // 2, size[1] // 2)
        self.layers = nn.ModuleList(
            nn.Conv2d(a, b, size, stride=step, padding=edge)
            for a, b, step in zip((channels, *widths), widths, steps, strict=False)
        )
        self.out = nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0))
        for part in self.layers:
            layer: Any = part
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.out.weight, std=widths[-1] ** -0.5 / 3)

    def forward(self, h: Tensor) -> tuple[Tensor, list[Tensor]]:
        seen = []
        for layer in self.layers:
            h = F.leaky_relu(layer(h), SLOPE)
            seen.append(h)
        with torch.autocast(h.device.type, enabled=False):  # verdicts differ by little
            verdicts = self.out(h.float()).flatten(1)
        return F.adaptive_avg_pool1d(verdicts[:, None], VERDICTS)[:, 0], seen


class WaveCritic(nn.Module):
    """x [B, C, N] -> how real, float [B, P]; what is told of x besides is not heard."""

    kind: ClassVar[str] = "wave_critic"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"critic"})
    hears: ClassVar[bool] = True
    strides: ClassVar[bool] = True
    Config = WaveCriticConfig

    def __init__(self, config: WaveCriticConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        config.check()
        if len(spec.grid) != 1:
            raise ValueError(f"a critic of signals needs a grid of one axis, not {spec.grid}")
        if prompt is not None:
            raise ValueError("a critic of signals hears no prompt: leave the prompt out")
        self.cuts = [Frames(rate=1, window=w, hop=w // 4) for w in config.windows]
        self.periods = config.periods
        channels = spec.channels
        spectral = [_Stack(channels, config, (9, 3), SPECTRAL) for _ in config.windows]
        folded = [_Stack(channels, config, (5, 1), FOLDED) for _ in config.periods]
        self.stacks = nn.ModuleList([*spectral, *folded])

    def forward(
        self, x: Tensor, prompt: Tensor | None = None, control: Tensor | None = None
    ) -> Tensor:
        if self.training or x.device.type != "cpu":
            return self.whole(x)
        return grouped(self.whole, x)

    def whole(self, x: Tensor) -> Tensor:
        return torch.cat([verdict for verdict, _ in self._heard(x)], 1)

    def seen(self, x: Tensor, control: Tensor | None = None) -> list[Tensor]:
        """float [B, D, H, W] each: what it makes of x in every layer."""
        return [layer for _, layers in self._heard(x) for layer in layers]

    def _heard(self, x: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        return [stack(p) for stack, p in zip(self.stacks, self.pictures(x), strict=True)]

    def pictures(self, x: Tensor) -> list[Tensor]:
        """float [B, C, H, W] each: what the stacks see of x."""
        return [*(_loudness(x, cut) for cut in self.cuts), *(folded(x, p) for p in self.periods)]


def _loudness(x: Tensor, cut: Frames) -> Tensor:
    """float [B, C, F, T]: logarithms of magnitudes, about -2 to 2. White noise of deviation s has
    magnitudes near s."""
    spectrum = torch.view_as_real(cut.spectrum(x.float())) * (3 / 8 * cut.window) ** -0.5
    return 0.5 * ((spectrum.square().sum(-1) + FLOOR**2).log() * 0.5 + 4)


def folded(x: Tensor, period: int) -> Tensor:
    """float [B, C, N / period, period] of [B, C, N], mirrored at the end where N is no multiple."""
    lacks = -x.shape[-1] % period
    rows = F.pad(x, (0, lacks), mode="reflect") if lacks else x
    return 10 * rows.unflatten(-1, (-1, period))  # speech has deviations near 0.1
