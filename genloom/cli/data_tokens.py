"""What a data set is in tokens: lengths, what exceeds the context, what a template really feeds.

Asks the codec for ids and weights, never for the name of a medium. Knows no file.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any

from genloom.cli import output, settings

if TYPE_CHECKING:
    from genloom.codec.base import Reading

BAR = 40  # characters of the longest bar
_EMPTY = ("empty", "no visible text", "holds no text")
_ONE_SIDED = ("nobody answers", "answers are equal", "has no prompt", "no chosen", "no rejected")


def codec_for(medium: str, items: Any, model: str | None) -> Any:
    """The model's vocabulary, told for the medium; without one, the small preset's, learnt here."""
    from genloom import registry
    from genloom.recipe import Facts, Part

    if model is not None:
        from genloom.tuning_codec import retold

        return retold(settings.load(model).codec, Part(medium, {}))
    facts = Facts(items=len(items), units=sum(map(len, items)))
    codec = registry.find("recipe", medium)("small", facts).make_codec()
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


# --- for people ---------------------------------------------------------------------------------


def tell(told: Mapping[str, Any]) -> None:
    lengths = ", ".join(f"{name} {value:,}" for name, value in told["lengths"].items())
    rows = sum(line["items"] for line in told["histogram"])
    over = told["over_context"]
    output.text("")
    output.pairs(
        {
            "tokenizer": told["tokenizer"],
            "vocabulary": told["vocabulary"],
            "tokens": f"{told['tokens']:,}, {told['trained']:,} of them targets",
            "lengths": lengths,
            "over the context": f"{over:,} of {rows:,} ({told['context']:,} tokens)",
        }
    )
    most = max(line["items"] for line in told["histogram"])
    for line in told["histogram"]:
        bar = "#" * max(1, round(BAR * line["items"] / most))
        output.text(f"  up to {line['up_to']:>7,}  {line['items']:>9,}  {bar}")
    for number, row in enumerate(told["shown"], 1):
        output.text(f"\n--- {number}: {len(row['ids']):,} tokens, targets marked")
        output.text("".join(map(_marked, row["parts"])))
    for note in told["notes"]:
        print(f"note: {note}", file=sys.stderr)


def _marked(part: Mapping[str, Any]) -> str:
    if not part["trained"]:
        return str(part["text"])
    return f"[[{part['text']}]]"
