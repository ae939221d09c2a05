"""What a data set is in tokens: lengths, what exceeds the context, what a template really feeds.

Asks the codec for ids and weights, never for the name of a medium. Knows no file and no screen.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from genloom import registry
from genloom.codec.base import Reading
from genloom.recipe import Facts, Part
from genloom.tuning_codec import retold

_EMPTY = ("empty", "no visible text", "holds no text")
_ONE_SIDED = ("nobody answers", "answers are equal", "has no prompt", "no chosen", "no rejected")


def codec_for(medium: str, items: Any, own: Any = None) -> Any:
    """own: a model's codec, whose vocabulary is told for the medium; without one, the small
    preset's, learnt here."""
    if own is not None:
        return retold(own, Part(medium, {}))
    facts = Facts(items=len(items), units=sum(map(len, items)))
    if medium in registry.names("recipe"):
        codec = registry.find("recipe", medium)("small", facts).make_codec()
    else:  # a medium that several presets learn
        codec = registry.find("codec", medium)()
    codec.fit(items)
    return codec


def facts(codec: Any, items: Sequence[str], model: str | None, show: int) -> dict[str, Any]:
    """JSON-ready: lengths of what is fed, and the first `show` items in their very ids."""
    ids = codec.encode(items)
    weights = codec.weights(items) if hasattr(codec, "weights") else [None] * len(ids)
    sizes = [len(row) for row in ids]
    spec = codec.spec
    trained = sum(
        len(row) if weight is None else int((weight[: spec.length] > 0).sum())
        for row, weight in zip(ids, weights, strict=True)
    )
    rows = show * getattr(codec, "group", 1)
    return {
        "tokenizer": model or "learnt from this data, as the small preset has it",
        "vocabulary": spec.vocab,
        "context": spec.length,
        "tokens": sum(sizes),
        "trained": trained,
        "lengths": _lengths(sizes),
        "over_context": sum(size > spec.length for size in sizes),
        "histogram": _histogram(sizes),
        "notes": list(getattr(codec, "notes", ())),
        "shown": [
            _shown(codec, row.tolist(), weight)
            for row, weight in zip(ids[:rows], weights[:rows], strict=True)
        ],
    }


def sides(reading: Reading) -> dict[str, float]:
    """Shares of all that was found: items that hold nothing, and those that lack a side."""
    whole = max(1, len(reading.items) + reading.left_out)

    def share(words: Sequence[str]) -> float:
        told = reading.reasons.items()
        return sum(n for why, n in told if any(word in why for word in words)) / whole

    return {"empty": round(share(_EMPTY), 6), "one_sided": round(share(_ONE_SIDED), 6)}


def _lengths(sizes: Sequence[int]) -> dict[str, int]:
    ordered = sorted(sizes)
    return {
        "min": ordered[0],
        "median": round(statistics.median(ordered)),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "max": ordered[-1],
    }


def _histogram(sizes: Sequence[int]) -> list[dict[str, int]]:
    """Items by length, up to each power of two."""
    bins: dict[int, int] = {}
    for size in sizes:
        top = 1 << max(0, size - 1).bit_length()
        bins[top] = bins.get(top, 0) + 1
    return [{"up_to": top, "items": bins[top]} for top in sorted(bins)]


def _shown(codec: Any, ids: list[int], weight: Any) -> dict[str, Any]:
    """A row as it is fed: its ids, their text, and which runs of them are targets, [start, end)."""
    marks = [True] * len(ids) if weight is None else (weight[: len(ids)] > 0).tolist()
    spans, place = [], 0
    for on, run in groupby(marks):
        size = len(list(run))
        spans += [[place, place + size]] if on else []
        place += size
    return {"ids": ids, "parts": _parts(codec, ids, spans), "trained": spans}


def _parts(codec: Any, ids: list[int], spans: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """The text, cut where it begins or ceases to be a target."""
    spell = getattr(codec, "spelt", None) or (lambda some: str(codec.stable_prefix(some)))
    edges = sorted({0, len(ids), *(edge for span in spans for edge in span)})
    starts = {start for start, _ in spans}
    return [{"text": spell(ids[a:b]), "trained": a in starts} for a, b in pairwise(edges)]
