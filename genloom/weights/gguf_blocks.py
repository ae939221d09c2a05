"""Numbers packed in blocks, as GGUF files have them, <-> float32.

Each function takes the raw blocks of whole rows, uint8 [N, bytes of a block], and returns float32
[N, numbers of a block]. Layouts are those of ggml. Knows no file.
Shape legend: N blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Raw = npt.NDArray[Any]  # uint8
Floats = npt.NDArray[Any]  # float32


def _half(raw: Raw) -> Floats:
    """Two bytes of each block as a number, [N, 1]."""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _nibbles(raw: Raw) -> npt.NDArray[np.int8]:
    """[N, B] -> [N, 2 B]: the low halves, then the high ones."""
    return np.concatenate((raw & 15, raw >> 4), 1).astype(np.int8)


def _fifth_bits(raw: Raw) -> npt.NDArray[np.int8]:
    """Four bytes -> 32 bits, shifted to where a fifth bit stands."""
    return (np.unpackbits(raw, axis=1, bitorder="little") << 4).astype(np.int8)


def q4_0(raw: Raw) -> Floats:
    return _half(raw[:, :2]) * (_nibbles(raw[:, 2:]) - 8)


def q4_1(raw: Raw) -> Floats:
    return _half(raw[:, :2]) * _nibbles(raw[:, 4:]) + _half(raw[:, 2:4])


def q5_0(raw: Raw) -> Floats:
    return _half(raw[:, :2]) * ((_nibbles(raw[:, 6:]) | _fifth_bits(raw[:, 2:6])) - 16)


def q5_1(raw: Raw) -> Floats:
    numbers = _nibbles(raw[:, 8:]) | _fifth_bits(raw[:, 4:8])
    return _half(raw[:, :2]) * numbers + _half(raw[:, 2:4])


def q8_0(raw: Raw) -> Floats:
    return _half(raw[:, :2]) * raw[:, 2:].view(np.int8)


def _scales(raw: Raw) -> tuple[Floats, Floats]:
    """Twelve bytes -> eight scales and eight minima of six bits each, [N, 8, 1]."""
    low, mid, high = raw[:, :4], raw[:, 4:8], raw[:, 8:]
    scale = np.concatenate((low & 63, (high & 15) | (low >> 6) << 4), 1)
    least = np.concatenate((mid & 63, (high >> 4) | (mid >> 6) << 4), 1)
    return scale[..., None].astype(np.float32), least[..., None].astype(np.float32)


def _eight(raw: Raw) -> Raw:
    """128 bytes of halves -> [N, 8, 32] in order."""
    four = raw.reshape(len(raw), 4, 1, 32)
    return np.concatenate((four & 15, four >> 4), 2).reshape(len(raw), 8, 32)


def q4_k(raw: Raw) -> Floats:
    scale, least = _scales(raw[:, 4:16])
    step, base = _half(raw[:, :2])[..., None], _half(raw[:, 2:4])[..., None]
    return (step * scale * _eight(raw[:, 16:]) - base * least).reshape(len(raw), 256)


def q5_k(raw: Raw) -> Floats:
    scale, least = _scales(raw[:, 4:16])
    step, base = _half(raw[:, :2])[..., None], _half(raw[:, 2:4])[..., None]
    bits = (raw[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    numbers = _eight(raw[:, 48:]) | bits << 4
    return (step * scale * numbers - base * least).reshape(len(raw), 256)


def q6_k(raw: Raw) -> Floats:
    count = len(raw)
    low = raw[:, :128].reshape(count, 2, 1, 64)
    low = np.concatenate((low & 15, low >> 4), 2).reshape(count, 2, 4, 32)
    high = raw[:, 128:192].reshape(count, 2, 1, 32)
    high = (high >> np.array([0, 2, 4, 6], np.uint8)[:, None]) & 3
    numbers = (low | high << 4).astype(np.int8) - 32
    scale = raw[:, 192:208].view(np.int8).astype(np.float32) * _half(raw[:, 208:])
    return (numbers.reshape(count, 16, 16) * scale[..., None]).reshape(count, 256)


UNPACK: dict[str, Callable[[Raw], Floats]] = {
    "Q4_0": q4_0,
    "Q4_1": q4_1,
    "Q5_0": q5_0,
    "Q5_1": q5_1,
    "Q8_0": q8_0,
    "Q4_K": q4_k,
    "Q5_K": q5_k,
    "Q6_K": q6_k,
}


def pack_q8_0(numbers: Floats) -> Raw:
    """float32 [N, 32] -> uint8 [N, 34]: a scale in half precision and 32 signed bytes."""
    largest = np.abs(numbers).max(1, keepdims=True)
    step = largest / 127
    inverse = np.divide(1, step, out=np.zeros_like(step), where=step > 0)
    scaled = numbers * inverse
    rounded = np.trunc(scaled + np.copysign(np.float32(0.5), scaled)).astype(np.int8)
    return np.concatenate((step.astype(np.float16).view(np.uint8), rounded.view(np.uint8)), 1)
