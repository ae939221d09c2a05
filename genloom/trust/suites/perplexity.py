"""How well texts are predicted, as lm-evaluation-harness measures it: in windows side by side.

Each text alone: bos, then windows of the whole context that begin where the last one ended, each
behind one id of it (the last window goes as far back as it can). Nats are summed and divided by
words and bytes of the texts. Knows windows and sums; the net's work is in engine/likelihood.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from genloom.engine.likelihood import likelihoods
from genloom.engine.reading import Reader
from genloom.errors import DataError
from genloom.metric.ngram import ngram_floor
from genloom.model import Model
from genloom.trust.suites.encoding import Encoding, Ids
from genloom.trust.suites.fields import fill
from genloom.trust.suites.outcome import Asked, Number, Outcome, ratio
from genloom.trust.suites.prompts import prompt

ORDER = 6  # bytes of the counting floor


def measure(model: Model, asked: Asked) -> Outcome:
    suite = asked.suite
    texts = [prompt(suite, row) for row in asked.rows]
    counted = [fill(suite.counted, row) for row in asked.rows] if suite.counted else texts
    if any(not text.strip() for text in texts):
        empty = next(n for n, text in enumerate(texts, 1) if not text.strip())
        raise DataError(f"item {empty} has no text to predict")
    asked.tell(f"{suite.name}: encoding {len(texts):,} texts")
    encoding = Encoding(model)
    windows = [list(rolling(ids, encoding)) for ids in encoding.whole(texts)]
    flat = [window for some in windows for window in some]
    with Reader(model) as reader:
        found = iter(likelihoods(reader, flat, _pace(asked, len(flat))))
    told = [[-next(found).logprob for _ in some] for some in windows]
    nats = [math.fsum(some) for some in told]
    words = [len(re.split(r"\s+", text)) for text in counted]
    sizes = [len(text.encode("utf-8", "replace")) for text in counted]
    items = [
        {"nats": n, "words": w, "bytes": b, "windows": len(some), "cut": 0}
        for n, w, b, some in zip(nats, words, sizes, windows, strict=True)
    ]
    totals = Totals(nats=nats, words=words, bytes=sizes)
    if len(texts) == 1:
        totals = totals.apart(told[0], [len(ids) for _, ids in windows[0]])
    return Outcome(
        numbers=tuple(_numbers(suite.measured, totals, *_floor(texts, asked.training))),
        items=items,
        cut=0,
        settings={"windows": len(flat), "window": encoding.spec.length},
    )


def _pace(asked: Asked, count: int) -> Callable[[int], None]:
    def heard(done: int) -> None:
        asked.tell(f"{asked.suite.name}: {done:,} of {count:,} windows read")

    return heard


def rolling(ids: Ids, encoding: Encoding) -> Iterator[tuple[Ids, Ids]]:
    """(context, what is predicted) of each window of a text."""
    size = encoding.spec.length
    yield [encoding.spec.bos], ids[:size]
    done = size
    while done < len(ids):
        end = min(len(ids), done + size)
        yield ids[max(0, end - size - 1) : done], ids[done:end]
        done = end


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of each text, or of each window of a single one."""

    nats: Sequence[float]
    words: Sequence[float]
    bytes: Sequence[float]

    def apart(self, nats: Sequence[float], ids: Sequence[int]) -> Totals:
        """One text by its windows: words and bytes go by their ids."""
        shares = [n / sum(ids) for n in ids]
        words, sizes = ([sum(some) * s for s in shares] for some in (self.words, self.bytes))
        return Totals(nats=nats, words=words, bytes=sizes)


def _floor(texts: Sequence[str], training: bytes) -> tuple[float, str]:
    """Nats of the texts by counting, and what was counted."""
    held = "".join(texts).encode("utf-8", "replace")
    if training:
        told = ngram_floor(training, held, ORDER) * len(held) * math.log(2)
        return told, f"floor: runs of {ORDER} bytes counted in the training text"
    counts = Counter(held)
    told = -math.fsum(n * math.log(n / len(held)) for n in counts.values())
    return told, "floor: how often each byte occurs in these very texts"


def _numbers(metrics: Sequence[str], totals: Totals, floor: float, note: str) -> Iterator[Number]:
    units = {
        "word_perplexity": totals.words,
        "byte_perplexity": totals.bytes,
        "bits_per_byte": totals.bytes,
    }
    for name in metrics:
        said, some = SAID[name], units[name]
        yield ratio(name, totals.nats, some, said, floor=said(floor / sum(some)), note=note)


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


SAID: dict[str, Callable[[float], float]] = {
    "word_perplexity": _exp,
    "byte_perplexity": _exp,
    "bits_per_byte": lambda x: x / math.log(2),
}
