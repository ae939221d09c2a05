"""Adapters: little matrices learnt beside frozen ones. LoRA (Hu et al. 2021, section 4.1) and DoRA
(Liu et al. 2024, eq. 5).

A matrix of ours that others keep as several (queries, keys and values; gate and up) has a pair of
little ones for each of these, so that an adapter can be told in their names. Knows modules of any
kind of weights; no file, no optimiser.
Shape legend: ... leading dimensions, K inputs, O outputs, r rank of one pair, R of all of a matrix.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.errors import RecipeError
from genloom.net.experts import ExpertFeedForward
from genloom.net.layers import FeedForward, Linear, project
from genloom.net.transformer import Mix

GATED = ("swiglu", "geglu")
USUAL = ("qkv", "out", "up", "down")  # unless the net names others (`adapts`)


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What is learnt beside the frozen weights.

    alpha: the product is scaled by alpha / rank; rslora: by alpha / sqrt(rank) (Kalajdzievski
    2023). dropout: of what goes into the little matrices. targets: names of matrices ("qkv", "out",
    "up", "down"), or of a part of one ("qkv.q", "qkv.k", "qkv.v", "up.gate", "up.value").
    """

    kind: Literal["lora", "dora"] = "lora"
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = USUAL
    rslora: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.rank <= 4096:
            raise RecipeError(f"an adapter's rank is {self.rank}, but 1 to 4096 is expected")
        if not 0 < self.alpha < 1e6 or not 0 <= self.dropout < 1:
            raise RecipeError(
                f"an adapter's alpha is {self.alpha} and its dropout {self.dropout}, but alpha "
                "above 0 and a dropout from 0 to below 1 are expected"
            )
        if not self.targets:
            raise RecipeError("an adapter has no targets: name some, such as qkv")

    @property
    def scale(self) -> float:
        return self.alpha / (self.rank**0.5 if self.rslora else self.rank)


@dataclass(frozen=True)
class Piece:
    """Rows first .. last - 1 of a matrix, which have a pair of little ones. part: their name in the
    matrix, "" for the whole."""

    part: str
    first: int
    last: int
    rank: int
    scale: float


class LowRank(nn.Module):
    """The little matrices of one matrix: `down` [R, K] of all pieces, one under another; `ups`
    [O of the piece, r] each; DoRA: `magnitude`, the length of each row that has a piece."""

    def __init__(
        self, inputs: int, pieces: Sequence[Piece], dora: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.pieces, self.dropout = tuple(pieces), dropout
        self.down = nn.Parameter(torch.zeros(sum(p.rank for p in pieces), inputs))
        self.ups = nn.ParameterList(torch.zeros(p.last - p.first, p.rank) for p in pieces)
        rows = sum(p.last - p.first for p in pieces)
        self.magnitude = nn.Parameter(torch.ones(rows)) if dora else None
        self._gain: Tensor | None = None  # of DoRA, kept while nothing is learnt

    def initialise(self, base: nn.Module, rng: torch.Generator) -> None:
        """The product is zero at first; DoRA's lengths are those of the rows."""
        bound = self.down.shape[1] ** -0.5
        drawn = torch.rand(self.down.shape, generator=rng)
        with torch.no_grad():
            self.down.copy_((2 * drawn - 1) * bound)
            for up in self.ups:
                up.zero_()
            if self.magnitude is not None:
                self.magnitude.copy_(self._of_rows(squares(base)).sqrt())

    def forward(self, x: Tensor, y: Tensor, base: nn.Module) -> Tensor:
        """x [..., K], y = base(x) [..., O] -> what the adapted matrix makes of x."""
        if self.magnitude is not None:
            return self._directed(x, y, base)
        if self.dropout and self.training:
            x = F.dropout(x, self.dropout)
        if torch.is_grad_enabled() and not torch.compiler.is_compiling():
            return self._added(x.to(y.dtype), y)
        return y + self.product(x, y.dtype, y.shape[-1])

    def _added(self, x: Tensor, y: Tensor) -> Tensor:
        """The same, into y itself: for eager training."""
        ups = [(u * p.scale).to(y.dtype) for p, u in zip(self.pieces, self.ups, strict=True)]
        out: Tensor = _Added.apply(y, x, self.down.to(y.dtype), self.pieces, *ups)
        return out

    def product(self, x: Tensor, dtype: torch.dtype, outputs: int) -> Tensor:
        """What is added, scaled: [..., O]."""
        x = x.to(dtype)
        parts = project(x, self.down.to(dtype)).split([p.rank for p in self.pieces], -1)
        made, at = [], 0
        for piece, up, h in zip(self.pieces, self.ups, parts, strict=True):
            if piece.first > at:
                made.append(h.new_zeros(*h.shape[:-1], piece.first - at))
            made.append(project(h, (up * piece.scale).to(dtype)))
            at = piece.last
        if at < outputs:
            made.append(made[0].new_zeros(*made[0].shape[:-1], outputs - at))
        return made[0] if len(made) == 1 else torch.cat(made, -1)

    def _directed(self, x: Tensor, y: Tensor, base: nn.Module) -> Tensor:
        """DoRA: each row of W + BA is brought to its own length; the bias stays."""
        bias = getattr(base, "bias", None)
        plain = y if bias is None else y - bias.to(y.dtype)
        if self.dropout and self.training:
            x = F.dropout(x, self.dropout)
            plain = _product(base, x).to(y.dtype)
        gain = self.gain(base)
        whole = y.new_ones(y.shape[-1], dtype=gain.dtype)
        whole = torch.cat(list(self._between(whole, gain)))
        out = (plain + self.product(x, y.dtype, y.shape[-1])) * whole.to(y.dtype)
        return out if bias is None else out + bias.to(y.dtype)

    def gain(self, base: nn.Module) -> Tensor:
        """magnitude / |row of W + BA|, with no gradient through the length (section 4.3)."""
        assert self.magnitude is not None
        if self.training or torch.is_grad_enabled():
            return self.magnitude / self.lengths(base)
        if self._gain is None:
            self._gain = self.magnitude / self.lengths(base)
        return self._gain

    def lengths(self, base: nn.Module) -> Tensor:
        """|row of W + BA|, without making it and without a gradient: |w|^2 + 2 w.(BA) + |BA|^2."""
        down = self.down.detach().float()
        cross = self._of_rows(_product(base, down).float().T)  # [O, R], only each piece's own count
        total, first, row = self._of_rows(squares(base)), 0, 0
        out = []
        for piece, up in zip(self.pieces, self.ups, strict=True):
            size, b = piece.last - piece.first, up.detach().float() * piece.scale
            a = down[first : first + piece.rank]
            mixed = (b * cross[row : row + size, first : first + piece.rank]).sum(1)
            own = ((b @ (a @ a.T)) * b).sum(1)
            out.append(total[row : row + size] + 2 * mixed + own)
            first, row = first + piece.rank, row + size
        return torch.cat(out).clamp_min(1e-20).sqrt()

    def change(self, weight: Tensor) -> Tensor:
        """float32 [O, K]: W made into the adapted matrix."""
        out, first, row = weight.float().clone(), 0, 0
        for piece, up in zip(self.pieces, self.ups, strict=True):
            part = out[piece.first : piece.last]
            down = self.down[first : first + piece.rank].float()
            part.addmm_(up.float(), down, alpha=piece.scale)
            if self.magnitude is not None:
                length = self.magnitude[row : row + len(part)].float()
                part.mul_((length / part.norm(dim=1))[:, None])
            first, row = first + piece.rank, row + len(part)
        return out

    def train(self, mode: bool = True) -> LowRank:
        self._gain = None
        super().train(mode)
        return self

    def _of_rows(self, x: Tensor) -> Tensor:
        """Of x [O, ...] the rows that have a piece."""
        return torch.cat([x[p.first : p.last] for p in self.pieces])

    def _between(self, ones: Tensor, gain: Tensor) -> Iterator[Tensor]:
        """The gains where there are pieces, ones elsewhere."""
        at = row = 0
        for piece in self.pieces:
            size = piece.last - piece.first
            yield ones[at : piece.first]
            yield gain[row : row + size]
            at, row = piece.last, row + size
        yield ones[at:]


class _Added(torch.autograd.Function):
    """y + x A^T B^T into y, piece by piece; a compiler fuses the plain version as well. y comes
    first: it may be a view, and autograd takes what is changed in place to be the first."""

    @staticmethod
    def forward(
        ctx: Any, y: Tensor, x: Tensor, down: Tensor, pieces: tuple[Piece, ...], *ups: Tensor
    ) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            low = x.flatten(0, -2) @ down.T  # [N, R]
            flat = y.view(-1, y.shape[-1])
            for piece, up, h in zip(pieces, ups, _split(low, pieces), strict=True):
                flat[:, piece.first : piece.last].addmm_(h, up.T)
        ctx.mark_dirty(y)
        ctx.save_for_backward(x, low, down, *ups)
        ctx.pieces = pieces
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, low, down, *ups = ctx.saved_tensors
        pieces, flat = ctx.pieces, grads[0].flatten(0, -2)
        to_low, to_ups = torch.empty_like(low), []
        both = zip(pieces, ups, _split(low, pieces), _split(to_low, pieces), strict=True)
        for piece, up, h, to_h in both:
            part = flat[:, piece.first : piece.last]
            torch.mm(part, up, out=to_h)
            to_ups.append(part.T @ h)
        to_x = (to_low @ down).view(x.shape) if ctx.needs_input_grad[1] else None
        return grads[0], to_x, to_low.T @ x.flatten(0, -2), None, *to_ups


def _split(low: Tensor, pieces: Sequence[Piece]) -> tuple[Tensor, ...]:
    """[N, R] -> [N, r] of each piece."""
    return low.split([p.rank for p in pieces], -1)


class AdaptedLinear(nn.Module):
    """A matrix, frozen in whatever form, and what is learnt beside it."""

    def __init__(self, base: nn.Module, low: LowRank) -> None:
        super().__init__()
        self.base, self.low, self.on = base, low, True

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.base(x)
        return self.low(x, y, self.base) if self.on else y


class AdaptedConvolution(AdaptedLinear):
    """The same of a convolution, whose kernel is a matrix over the places that it sees: into R
    channels by the little kernel, out of them place by place."""

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W]"""
        base: Any = self.base
        low, y = self.low, base(x)
        if not self.on:
            return y
        seen = F.dropout(x, low.dropout) if low.dropout and low.training else x
        kernel = low.down.unflatten(1, base.weight.shape[1:]).to(y.dtype)
        h = F.conv2d(seen.to(y.dtype), kernel, None, base.stride, base.padding, base.dilation)
        up = low.ups[0] * low.pieces[0].scale
        added = F.conv2d(h, up[:, :, None, None].to(y.dtype))
        if low.magnitude is None:
            return y + added
        gain = low.gain(base)[:, None, None].to(y.dtype)
        if base.bias is None:
            return (y + added) * gain
        bias = base.bias[:, None, None].to(y.dtype)
        return (y - bias + added) * gain + bias


# --- on a whole net -------------------------------------------------------------------------------


def attach(net: nn.Module, adapter: Adapter, seed: int = 0) -> None:
    """Freeze the net and put fresh adapters beside its matrices; they alone have gradients.
    RecipeError where a target is none of the net's matrices."""
    plan = plan_of(net, adapter)
    place(net, plan, adapter.kind == "dora", adapter.dropout)
    rng = torch.Generator().manual_seed(seed)
    for _, part in adapted(net):
        part.low.initialise(part.base, rng)


def plan_of(net: nn.Module, adapter: Adapter) -> dict[str, list[Piece]]:
    """Which matrices of the net get which pieces."""
    plan: dict[str, list[Piece]] = {}
    met: set[str] = set()
    targets = getattr(net, "adapts", USUAL) if adapter.targets == USUAL else adapter.targets
    for path, parts in matrices(net).items():
        name = path.rpartition(".")[2]
        for part, (first, last) in parts.items():
            asked = {name, f"{name}.{part}"} & set(targets)
            if asked:
                met |= asked
                piece = Piece(part, first, last, adapter.rank, adapter.scale)
                plan.setdefault(path, []).append(piece)
    lacking = [t for t in targets if t not in met]
    if lacking:
        raise RecipeError(
            f"an adapter's target {lacking[0]!r} is no matrix of this net: it has "
            f"{', '.join(_targets(net)) or 'none'}"
        )
    return plan


def place(
    net: nn.Module, plan: Mapping[str, Sequence[Piece]], dora: bool, dropout: float = 0.0
) -> None:
    """Freeze the net and put adapters, still zero, where the plan says."""
    lows = {p: LowRank(sizes(net.get_submodule(p))[1], s, dora, dropout) for p, s in plan.items()}
    beside(net, lows)


def beside(net: nn.Module, lows: Mapping[str, LowRank]) -> None:
    """Freeze the net and put these little matrices beside the matrices of those paths."""
    if next(adapted(net), None) is not None:
        raise RecipeError("this net has an adapter already: merge or detach it before the next")
    net.requires_grad_(False)
    for path, low in lows.items():
        base = net.get_submodule(path)
        kind = AdaptedConvolution if isinstance(base, nn.Conv2d) else AdaptedLinear
        swap(net, path, kind(base, low.to(device_of(base)).train(net.training)))


def matrices(net: nn.Module) -> dict[str, dict[str, tuple[int, int]]]:
    """The path of each matrix that may have an adapter -> its parts' rows by name."""
    out: dict[str, dict[str, tuple[int, int]]] = {}
    for path, owner in net.named_modules():
        if isinstance(owner, Mix):
            q, k = owner.heads * owner.size, owner.groups * owner.size
            rows = {"q": (0, q), "k": (q, q + k), "v": (q + k, q + 2 * k)}
            out |= {f"{path}.qkv": rows, f"{path}.out": _whole(owner.out)}
        elif isinstance(owner, FeedForward):
            half = sizes(owner.up)[0] // 2
            gated = owner.activation in GATED
            rows = {"gate": (0, half), "value": (half, 2 * half)} if gated else _whole(owner.up)
            out |= {f"{path}.up": rows, f"{path}.down": _whole(owner.down)}
        elif isinstance(owner, ExpertFeedForward):
            continue  # a stack of experts is no single matrix: only attention is adapted there
    named = getattr(net, "adapts", ())  # of nets that are more than a stack
    for path, part in net.named_modules():
        if path.rpartition(".")[2] in named and path not in out and _adaptable(part):
            out[path] = _whole(part)
    return out


def adapted(net: nn.Module) -> Iterator[tuple[str, AdaptedLinear]]:
    """Every matrix that has an adapter, by its path."""
    for path, part in list(net.named_modules()):
        if isinstance(part, AdaptedLinear):
            yield path, part


def detach(net: nn.Module) -> None:
    """Take the adapters away; the net is what it was before, still frozen."""
    for path, part in list(adapted(net)):
        swap(net, path, part.base)


@torch.no_grad()
def merge(net: nn.Module) -> None:
    """Work the adapters into the matrices, in the type these have; packed ones become floats."""
    for path, part in list(adapted(net)):
        changed = part.low.change(floats(part.base))
        swap(net, path, _whole_again(part.base, changed))


@contextmanager
def without(net: nn.Module) -> Iterator[None]:
    """Within this the adapters do nothing: the net is what it was at the start."""
    parts = [part for _, part in adapted(net)]
    kept = [part.on for part in parts]
    for part in parts:
        part.on = False
    try:
        yield
    finally:
        for part, on in zip(parts, kept, strict=True):
            part.on = on


class Without:
    """A net as it was before its adapters: the very same one, called without them."""

    def __init__(self, net: nn.Module) -> None:
        self._net = net

    def __call__(self, *given: Any, **more: Any) -> Any:
        with without(self._net):
            return self._net(*given, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._net, name)


# --- matrices in whatever form --------------------------------------------------------------------


def sizes(base: Any) -> tuple[int, int]:
    """(outputs, inputs)."""
    if isinstance(base, AdaptedLinear):
        return sizes(base.base)
    if isinstance(base, nn.Linear | nn.Conv2d):
        return len(base.weight), base.weight[0].numel()
    return base.weight.outputs, base.weight.inputs


def floats(base: Any) -> Tensor:
    """float32 [O, K]; of a convolution K are the numbers that one place is made of."""
    plain = isinstance(base, nn.Linear | nn.Conv2d)
    out: Tensor = base.weight.flatten(1) if plain else base.weight.floats()
    return out.detach().float()


def squares(base: Any) -> Tensor:
    """float32 [O]: the squared length of each row."""
    kept = getattr(base, "_squares", None)
    if kept is None or kept.device != device_of(base):
        kept = floats(base).square().sum(1)
        base._squares = kept
    out: Tensor = kept
    return out


def device_of(base: nn.Module) -> torch.device:
    tensors = [*base.parameters(), *base.buffers()]
    return tensors[0].device if tensors else torch.device("cpu")


def _product(base: Any, x: Tensor) -> Tensor:
    """x W^T without the bias."""
    if isinstance(base, nn.Linear | nn.Conv2d):
        return project(x, base.weight.flatten(1).to(x.dtype))
    out: Tensor = base.weight.product(x)
    return out


def _whole_again(base: Any, weight: Tensor) -> nn.Module:
    """The matrix [O, K] in the place and the form of the base."""
    if not isinstance(base, nn.Conv2d):
        return _as_linear(base, weight)
    out = copy.deepcopy(base)
    out.weight.copy_(weight.view_as(out.weight))
    return out


def _adaptable(part: nn.Module) -> bool:
    """Whether it is one matrix: a convolution in groups is several."""
    whole = isinstance(part, nn.Conv2d) and part.groups == 1
    return whole or isinstance(part, nn.Linear | AdaptedLinear)


def _as_linear(base: Any, weight: Tensor) -> Linear:
    out = Linear(weight.shape[1], weight.shape[0], bias=base.bias is not None, device="meta")
    kind = base.weight.dtype if isinstance(base, nn.Linear) else torch.float32
    out.weight = nn.Parameter(weight.to(kind), requires_grad=False)
    if base.bias is not None:
        out.bias = nn.Parameter(base.bias.detach().clone(), requires_grad=False)
    return out.train(base.training)


def _whole(base: Any) -> dict[str, tuple[int, int]]:
    return {"": (0, sizes(base)[0])}


def _targets(net: nn.Module) -> list[str]:
    names: dict[str, None] = {}
    for path, parts in matrices(net).items():
        name = path.rpartition(".")[2]
        names |= dict.fromkeys([name, *(f"{name}.{part}" for part in parts if part)])
    return list(names)


def swap(net: nn.Module, path: str, part: nn.Module) -> None:
    """Another module in the place of that path."""
    owner, _, name = path.rpartition(".")
    setattr(net.get_submodule(owner), name, part)
