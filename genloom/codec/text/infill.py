"""Filling a gap: what stands before and after it, arranged as a model was trained to read it.

Knows the markers that published models use and finds a model's own among its special tokens. Knows
no family or engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from genloom.errors import RequestError

_DEEP = tuple(f"<\uff5cfim\u2581{part}\uff5c>" for part in ("begin", "hole", "end"))  # DeepSeek
# in the order they are written; what is no marker stands for the text before or after the gap
BEFORE, AFTER = "before", "after"
LAYOUTS: tuple[tuple[str, ...], ...] = (
    ("<|fim_prefix|>", BEFORE, "<|fim_suffix|>", AFTER, "<|fim_middle|>"),  # Qwen, Gemma, Granite
    ("<fim_prefix>", BEFORE, "<fim_suffix>", AFTER, "<fim_middle>"),  # StarCoder, StableCode
    ("<fim-prefix>", BEFORE, "<fim-suffix>", AFTER, "<fim-middle>"),  # SantaCoder
    ("\u2581<PRE>", BEFORE, "\u2581<SUF>", AFTER, "\u2581<MID>"),  # Code Llama
    ("<PRE>", BEFORE, "<SUF>", AFTER, "<MID>"),
    (*_DEEP[:1], BEFORE, *_DEEP[1:2], AFTER, *_DEEP[2:]),
    ("<[fim-suffix]>", AFTER, "<[fim-prefix]>", BEFORE, "<[fim-middle]>"),  # Seed
    ("[SUFFIX]", AFTER, "[PREFIX]", BEFORE),  # Codestral
)
# what some write when the gap is full, besides the usual end
ENDS = ("<|endoftext|>", "<|fim_pad|>", "<|file_sep|>", "<file_sep>", "<fim_pad>", "\u2581<EOT>")


class Pairs(Protocol):
    """The vocabulary of a codec of texts."""

    pieces: list[bytes]
    tokenizer: Any

    def encode(self, texts: Sequence[str]) -> list[Tensor]: ...


def infill(codec: Any, before: str, after: str) -> Tensor:
    """long [L]: a prompt whose continuation fills the gap. RequestError where the model has no
    markers for one, or the texts do not fit into its context."""
    gap = getattr(codec, "gap", None)  # of a codec with an arrangement of its own
    if gap is not None:
        arranged: Tensor = gap(before, after)
        return arranged
    pairs = _pairs(codec)
    known = _layout(pairs)
    if known is None:
        raise RequestError(
            "this model cannot fill a gap: it has no markers such as <|fim_prefix|>; leave out the "
            "suffix"
        )
    texts = {BEFORE: before, AFTER: after}
    parts = [
        _exact(pairs, texts[part]) if part in texts else torch.tensor([_id(pairs, part)])
        for part in known
    ]
    out = torch.cat(parts)
    if len(out) > codec.spec.length - 1:
        raise RequestError(
            f"what stands around the gap has {len(out)} tokens and the context of this model "
            f"{codec.spec.length}: shorten it to {codec.spec.length - 1} tokens"
        )
    return out


def can_infill(codec: Any) -> bool:
    """Whether the model was trained to fill gaps."""
    pairs = getattr(codec, "pairs", None)
    return hasattr(codec, "gap") or (pairs is not None and _layout(pairs) is not None)


def _layout(pairs: Pairs) -> tuple[str, ...] | None:
    return next((x for x in LAYOUTS if all(_has(pairs, part) for part in x)), None)


def infill_ends(codec: Any) -> tuple[int, ...]:
    """Further ids that end what fills a gap."""
    if hasattr(codec, "gap"):
        return ()
    pairs = _pairs(codec)
    return tuple(_id(pairs, name) for name in ENDS if _id(pairs, name) is not None)


def _pairs(codec: Any) -> Pairs:
    pairs = getattr(codec, "pairs", None)
    if pairs is None:
        raise RequestError("this model makes no texts and fills no gaps: leave out the suffix")
    made: Pairs = pairs
    return made


def _has(pairs: Pairs, part: str) -> bool:
    return part in (BEFORE, AFTER) or _id(pairs, part) is not None


def _id(pairs: Pairs, name: str) -> Any:
    number = pairs.tokenizer.token_to_id(name)
    return number if number is not None and number < len(pairs.pieces) else None


def _exact(pairs: Pairs, text: str) -> Tensor:
    """Ids that spell the text and nothing else: some tokenizers put a blank before every text."""
    ids = pairs.encode([text])[0]
    if _spelt(pairs, ids) == text.encode("utf-8", "replace"):
        return ids
    after = pairs.encode([f"\n{text}"])[0]
    for start in range(1, min(4, len(after) + 1)):
        if _spelt(pairs, after[start:]) == text.encode("utf-8", "replace"):
            return after[start:]
    return ids


def _spelt(pairs: Pairs, ids: Tensor) -> bytes:
    return b"".join(pairs.pieces[n] for n in ids.tolist())
