"""Numbers about texts: losses in units that compare, variety, repetition, compressors as floors.

Knows strings, bytes and sums of nats. Knows no model, tokenizer or file.
"""

from __future__ import annotations

import bz2
import lzma
import math
from collections.abc import Hashable, Iterable, Sequence

_COMPRESSED = 8 << 20  # bytes of training text that a compressor is shown; lzma takes 1 s a MB


def rates(nats: float, tokens: int, characters: int, size: int) -> dict[str, float]:
    """A sum of nats over a text, by its tokens, its characters and its `size` UTF-8 bytes.

    Only the last two compare between vocabularies: bits per byte = nats / (bytes * ln 2).
    """
    return {
        "bits_per_byte": nats / max(1, size) / math.log(2),
        "nats_per_character": nats / max(1, characters),
        "nats_per_token": nats / max(1, tokens),
    }


def distinct_n(texts: Iterable[Sequence[Hashable]], n: int) -> float:
    """Share of unlike n-grams among all n-grams of the texts; 1 is all different.

    A text is a sequence of words, ids or characters.
    """
    total, kinds = 0, set()
    for text in texts:
        grams = _grams(text, n)
        total += len(grams)
        kinds.update(grams)
    return len(kinds) / total if total else 1.0


def repetition_rate(texts: Iterable[Sequence[Hashable]], n: int = 4) -> float:
    """Share of n-grams that the same text has said before; 0 is none, a loop nears 1."""
    total = again = 0
    for text in texts:
        grams = _grams(text, n)
        total += len(grams)
        again += len(grams) - len(set(grams))
    return again / total if total else 0.0


def _grams(text: Sequence[Hashable], n: int) -> list[tuple[Hashable, ...]]:
    return list(zip(*(text[i:] for i in range(n)), strict=False))


def compression_floor(training: bytes, held_out: bytes) -> dict[str, float]:
    """Bits per byte of the held-out text by compressors.

    lzma reads the end of the training text first, and only what the held-out text adds is counted;
    bz2 forgets after 900 kB, so it sees the held-out text alone.
    """
    if not held_out:
        return {"lzma": math.nan, "bz2": math.nan}
    training = training[-_COMPRESSED:]
    added = _lzma(training + held_out) - _lzma(training)
    alone = len(bz2.compress(held_out, 9))
    return {"lzma": 8 * added / len(held_out), "bz2": 8 * alone / len(held_out)}


def _lzma(data: bytes) -> int:
    window = {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 2 * _COMPRESSED}
    return len(lzma.compress(data, format=lzma.FORMAT_RAW, filters=[window]))
