"""Weights packed for the native kernels, and the structures that describe them.

The structures mirror native/formats.h field by field. Knows matrices and norms, no stacks.
Shape legend: N rows, O outputs, K inputs.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import POINTER, Structure, addressof, c_float, c_int32, c_void_p

import torch
from torch import Tensor

from genloom import native
from genloom.errors import ResourceError
from genloom.net.layers import LayerNorm, RMSNorm
from genloom.net.quantize_formats import FORMATS, SLAB, Format, quantise

WIDE = 16  # outputs a panel


class Matrix(Structure):
    _fields_ = (
        ("format", c_int32),
        ("outputs", c_int32),
        ("inputs", c_int32),
        ("gated", c_int32),
        ("data", c_void_p),
        ("bias", c_void_p),
    )


class NormStruct(Structure):
    _fields_ = (("gain", c_void_p), ("bias", c_void_p), ("layer", c_int32), ("eps", c_float))


class LayerStruct(Structure):
    _fields_ = (
        *((name, Matrix) for name in ("qkv", "out", "up", "down")),
        *((name, NormStruct) for name in ("mix_norm", "mix_behind", "feed_norm", "feed_behind")),
        *((name, NormStruct) for name in ("q_norm", "k_norm")),
        *((name, c_int32) for name in ("turn", "window", "experts")),
        ("router", c_void_p),
        ("expert_up", POINTER(Matrix)),
        ("expert_down", POINTER(Matrix)),
    )


class StackStruct(Structure):
    _fields_ = (
        *((n, c_int32) for n in ("depth", "width", "heads", "groups", "size", "activation")),
        *((n, c_int32) for n in ("whole", "vocab", "pages_format", "learned", "asked")),
        *((n, c_int32) for n in ("normalised", "hidden", "pairs")),
        *((n, c_float) for n in ("score_scale", "cap", "embed_scale")),
        ("turn_gain", c_float * 2),
        ("frequency", c_void_p * 2),
        ("embed", Matrix),
        ("place", c_void_p),
        ("norm", NormStruct),
        ("layers", POINTER(LayerStruct)),
    )


class BatchStruct(Structure):
    _fields_ = (
        *((n, c_void_p) for n in ("ids", "table", "start", "count")),
        *((n, c_int32) for n in ("tokens", "sequences", "table_width", "pages")),
        *((n, c_void_p) for n in ("keys", "values")),
    )


class Room:
    """Memory for packed weights, in large pages where the system has them."""

    def __init__(self, size: int) -> None:
        try:
            block = mmap.mmap(-1, max(size, 1))
        except OSError:
            raise ResourceError(
                f"the weights need {size >> 20} MiB and this machine does not give them: choose a "
                "format of fewer bits"
            ) from None
        if hasattr(mmap, "MADV_HUGEPAGE"):
            block.madvise(mmap.MADV_HUGEPAGE)
        self.memory = torch.frombuffer(block, dtype=torch.uint8)
        self.used = 0

    def take(self, size: int) -> Tensor:
        at, self.used = self.used, self.used + up_to(size, 64)
        return self.memory[at : at + size]


def up_to(size: int, grain: int) -> int:
    return -(-size // grain) * grain


def library() -> ctypes.CDLL:
    found = native.kernels()
    assert found is not None  # `quantize` asks first
    return found


def packed_bytes(shape: tuple[int, ...], form: Format, gated: bool) -> int:
    outputs = 2 * up_to(shape[0] // 2, WIDE) if gated else shape[0]
    return up_to(library().gl_packed_bytes(FORMATS.index(form), outputs, shape[1]), 64)


class PackedWeight:
    """[O, K] as the kernels read it. gated: gate above value, which then alternate by panels."""

    def __init__(
        self, weight: Tensor, form: Format, room: Room, bias: Tensor | None, gated: bool
    ) -> None:
        self.outputs, self.inputs = weight.shape
        self.form: Format = form
        self.data = room.take(packed_bytes((self.outputs, self.inputs), form, gated))
        self.order = _order(self.outputs) if gated else None
        outputs = self.outputs if self.order is None else 2 * up_to(self.outputs // 2, WIDE)
        self._fill(weight.detach(), up_to(outputs, WIDE))
        self.bias = None if bias is None else self._laid_bias(bias.detach(), up_to(outputs, WIDE))
        at = None if self.bias is None else self.bias.data_ptr()
        kind = FORMATS.index(form)
        self.matrix = Matrix(kind, outputs, self.inputs, gated, self.data.data_ptr(), at)
        self.bare = Matrix(kind, outputs, self.inputs, gated, self.data.data_ptr(), None)

    def floats(self) -> Tensor:
        return self.rows(torch.arange(self.outputs))

    def rows(self, which: Tensor) -> Tensor:
        which = which.long() if self.order is None else self.order[which]
        which = which.contiguous()
        out = torch.empty(len(which), self.inputs)
        fault = library().gl_fetch(
            addressof(self.bare), which.data_ptr(), len(which), out.data_ptr(), threads()
        )
        if fault:
            raise IndexError(f"a row beyond the {self.outputs} of this weight")
        return out

    def product(self, x: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        """[..., K] -> [..., high - low], rows independent of one another."""
        high = self.outputs if high is None else high
        flat = x.detach().reshape(-1, self.inputs).float().contiguous()
        matrix, first = self._part(low, high)
        out = torch.empty(len(flat), up_to(matrix.outputs, WIDE))
        library().gl_product(
            addressof(matrix), flat.data_ptr(), len(flat), out.data_ptr(), threads()
        )
        if self.order is None:
            out = out[:, low - first : high - first]
        else:
            out = out[:, self.order[low:high]]
        return out.to(x.dtype).reshape(*x.shape[:-1], high - low)

    def nbytes(self) -> int:
        return self.data.nbytes

    def _part(self, low: int, high: int) -> tuple[Matrix, int]:
        """Whole panels around these outputs, and the first of them."""
        if self.order is not None or (low == 0 and high == self.outputs):
            return self.bare, 0
        first = low // WIDE * WIDE
        at = self.data.data_ptr() + library().gl_packed_bytes(self.bare.format, first, self.inputs)
        return Matrix(self.bare.format, high - first, self.inputs, 0, at, None), first

    def _fill(self, weight: Tensor, outputs: int) -> None:
        """Quantise and pack some rows at a time, so that little memory is needed on the way."""
        rows = up_to(max(SLAB // self.inputs, 1), WIDE)
        step = library().gl_packed_bytes(FORMATS.index(self.form), WIDE, self.inputs) // WIDE
        source = None if self.order is None else _source(self.outputs)
        for first in range(0, outputs, rows):
            end = min(first + rows, outputs)
            part = weight[first:end] if source is None else _picked(weight, source[first:end])
            values, scales = quantise(part, self.form)
            values = values.contiguous()
            scales = values if scales is None else scales.contiguous()
            library().gl_pack(
                FORMATS.index(self.form),
                values.data_ptr(),
                scales.data_ptr(),
                len(values),
                self.inputs,
                self.data.data_ptr() + first * step,
            )

    def _laid_bias(self, bias: Tensor, outputs: int) -> Tensor:
        out = torch.zeros(outputs)
        if self.order is None:
            out[: len(bias)] = bias.float()
        else:
            out[self.order] = bias.float()
        return out


def norm_struct(by: object, kept: list[Tensor]) -> NormStruct:
    """Of a norm or None; what it points to is put into `kept`."""
    if by is None:
        return NormStruct(None, None, 0, 0.0)
    assert isinstance(by, RMSNorm | LayerNorm)
    gain = by.gain.detach().float() + by.offset
    bias = by.bias.detach().float() if isinstance(by, LayerNorm) and by.bias is not None else None
    return norm_of(gain, bias, isinstance(by, LayerNorm), by.eps, kept)


def norm_of(
    gain: Tensor, bias: Tensor | None, layer: bool, eps: float, kept: list[Tensor]
) -> NormStruct:
    return NormStruct(keep(gain, kept), None if bias is None else keep(bias, kept), layer, eps)


def keep(x: Tensor, kept: list[Tensor]) -> int:
    """The address of its floats, which live as long as the list."""
    kept.append(x.detach().float().contiguous().clone())
    return kept[-1].data_ptr()


def _order(outputs: int) -> Tensor:
    """Where each output of a gated weight stands."""
    one = torch.arange(outputs // 2)
    gate = one // WIDE * 2 * WIDE + one % WIDE
    return torch.cat((gate, gate + WIDE))


def _source(outputs: int) -> Tensor:
    """Which output stands at each place; -1 for none."""
    out = torch.full((2 * up_to(outputs // 2, WIDE),), -1)
    out[_order(outputs)] = torch.arange(outputs)
    return out


def _picked(weight: Tensor, source: Tensor) -> Tensor:
    out = weight[source.clamp_min(0)]
    return torch.where((source < 0)[:, None], torch.zeros_like(out), out)


_count: ContextVar[int] = ContextVar("threads", default=0)


def threads() -> int:
    """How many the kernels use."""
    return _count.get() or torch.get_num_threads()


@contextmanager
def cores_to_kernels() -> Iterator[None]:
    """Within this, torch keeps to one thread and the kernels have all. Torch's threads spin for
    milliseconds after each of its parallel loops; eight texts at once came at a quarter of the
    speed while these held the second core."""
    count = threads()
    kept = _count.set(count)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)
        _count.reset(kept)
