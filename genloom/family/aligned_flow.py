"""Flow matching for frames that follow a prompt in its order, with an alignment that is learnt.

A symbol of the prompt tells of a run of frames; which ones is found while learning, from what the
net expects of each symbol (family/alignment.py), and foretold at use. What a symbol tells is laid
out over its frames and told to the denoiser. Knows arrays of one axis and prompts; no sound.
Shape legend: B items, C channels, T frames, P symbols, K told channels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RequestError
from genloom.family.alignment import aligned, stretched
from genloom.family.base import Nets, Samples
from genloom.family.flow import Flow
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

SPREAD = (
    0.5  # deviation of a frame around what its symbol lets expect, as it is taken while aligning
)
LASTING = "durations"  # of what is told of a sample
ENDS = 2  # frames of the silence that the first and the last symbol are, when something is made


@dataclass(frozen=True, kw_only=True)
class AlignedFlow(Flow):
    """Flow over frames told by symbols (Popov et al. 2021; Mehta et al. 2024), by the alignment of
    Glow-TTS (Kim et al. 2020).

    A net has `expected(prompt, item) -> (means [B, P, C], told [B, P, K], log durations [B, P],
    present [B, P])` and is called as others, with what is told stretched over the frames. The first
    symbol and the last of a prompt are the silence around it.
    expects: weight of the error of the means; durations: of that of the durations; heard: share of
    items of which a voice is heard in the item itself, so that one can be given at use.
    """

    kind: ClassVar[str] = "aligned_flow"
    takes: ClassVar[frozenset[str]] = frozenset(
        {"steps", "solver", "speed", "item", "consent", "heard"}
    )
    parts: ClassVar[Mapping[str, str]] = {"net": "aligned"}
    ordered: ClassVar[bool] = True  # it needs prompts whose symbols are in the items' own order

    unprompted: float = 0.0
    steps: int = 8
    expects: float = 1.0
    durations: float = 1.0
    heard: float = 0.2

    @property
    def usual(self) -> Mapping[str, Any]:
        return {"steps": self.steps, "solver": self.solver, "speed": 1.0}

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """The velocity's error, that of the means and that of the logarithms of durations."""
        net, x = nets["net"], batch.x
        assert batch.prompt is not None
        share = torch.rand(len(x), generator=rng, device=rng.device).to(x.device) < self.heard
        means, told, log_durations, present = net.expected(batch.prompt, x, share)
        durations = aligned(_fitting(means, x), present)
        control = _laid(means, told, durations, x.shape[2])
        missed = (control[:, : x.shape[1]] - x).square().flatten(1).mean(1) / SPREAD**2 / 2
        late = _late(log_durations, durations, present)
        time = self._times(len(x), rng).to(x.device)
        noise = torch.randn(x.shape, generator=rng, device=rng.device).to(x.device)
        error = self._error(nets, x, noise, time, None, control)
        parts = {"velocity_error": error, "symbol_error": missed, "duration_error": late}
        sums = {name: (value * batch.weight).sum() for name, value in parts.items()}
        total = sums["velocity_error"] + self.expects * sums["symbol_error"]
        total = total + self.durations * sums["duration_error"]
        return Loss(total, {name: value.detach() for name, value in sums.items()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """Minus the velocity's error told of the item's own alignment, float [B]."""
        assert batch.prompt is not None
        means, told, _, present = nets["net"].expected(batch.prompt)
        durations = aligned(_fitting(means, batch.x), present)
        control = _laid(means, told, durations, batch.x.shape[2])
        return super().score(nets, replace(batch, prompt=None, control=control))

    # --- making ---------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        """As many frames as the symbols are foretold to take, at the speed asked for."""
        assert isinstance(spec, ArraySpec)
        net = nets["net"]
        if request.prompt is None:  # nothing is told: an item of the usual length, for who measures
            grid = request.grid or spec.grid
            control = torch.zeros(net.controls, *grid, device=request.index.device)
            return super().start(nets, spec, replace(request, item=None, control=control))
        own = request.item is not None or bool(request.options.heard)
        if own and not (request.options.consent or "").strip():
            raise RequestError(
                "a voice of one's own is given: say in `consent` that whoever speaks there agrees",
                param="consent",
            )
        prompt = request.prompt[None]
        item = None if request.item is None else request.item[None]
        voice = _remembered(net, request)
        means, told, log_durations, present = net.expected(prompt, item, voice=voice)
        durations = foretold(log_durations, present, request.options.speed or 1.0)
        frames = -(-int(durations.sum()) // net.patch) * net.patch
        control = _laid(means, told, durations, frames)[0]
        plain = replace(request, prompt=None, item=None, control=control, grid=(frames,))
        samples = super().start(nets, spec, plain)
        lasting = F.pad(durations, (prompt.shape[1] - durations.shape[1], 0))  # none of the voice
        samples.state[LASTING] = lasting.expand(len(samples), -1).clone()
        return samples

    def hear(self, nets: Nets, item: Tensor) -> Tensor:
        """float [D]: the voice in frames [C, T], as `Options.heard` takes it again."""
        return nets["net"].hear(item[None])[0]

    def told(self, samples: Samples) -> dict[str, Tensor]:
        """What is known of finished samples besides themselves: durations, long [B, P], how many
        frames each symbol of the prompt has."""
        return {LASTING: samples.state[LASTING]} if LASTING in samples.state else {}


def _remembered(net: Any, request: Encoded) -> Tensor | None:
    """float [1, D]: a voice that the net heard before."""
    heard = request.options.heard
    if not heard:
        return None
    width = net.symbols.embedding_dim
    if request.item is not None or len(heard) != width or net.listener is None:
        raise RequestError(
            f"a voice of {len(heard)} numbers is given, but this model hears voices of "
            f"{width if net.listener is not None else 'its own alone'}: have it hear the recording "
            "again",
            param="heard",
        )
    return torch.tensor([heard], dtype=torch.float32, device=request.index.device)


def foretold(log_durations: Tensor, present: Tensor, speed: float) -> Tensor:
    """long [B, P]: frames of each symbol, at least one where it is present. Rounded so that their
    sum is right: what one loses the next has."""
    raw = log_durations.float().exp() / speed * present
    last = present.sum(1, keepdim=True) - 1
    place = torch.arange(present.shape[1], device=present.device)
    ends = (place == 0) | (place == last)
    raw = torch.where(ends & present, torch.full_like(raw, ENDS), raw)
    edges = torch.nn.functional.pad(raw.cumsum(1), (1, 0)).round()
    return torch.where(present, edges.diff(dim=1).clamp(min=1), 0.0).long()


def _fitting(means: Tensor, x: Tensor) -> Tensor:
    """float [B, P, T]: the log-likelihood of frame t where symbol p tells of it, up to a constant:
    of |x - m|^2 what depends on both, written out so that it is one product of matrices."""
    m, y = means.float(), x.float()
    square = m.square().sum(2)[:, :, None] - 2 * (m @ y) + y.square().sum(1)[:, None]
    return -square / (2 * SPREAD**2)


def _laid(means: Tensor, told: Tensor, durations: Tensor, frames: int) -> Tensor:
    """float [B, C + K, T]: what each frame's symbol lets expect and tells."""
    return stretched(torch.cat((means, told), 2), durations, frames).transpose(1, 2)


def _late(log_durations: Tensor, durations: Tensor, present: Tensor) -> Tensor:
    """float [B]: the squared error of the logarithms of durations, a mean over symbols."""
    wanted = durations.clamp(min=1).float().log()
    error = (log_durations.float() - wanted).square() * present
    return error.sum(1) / present.sum(1).clamp(min=1)
