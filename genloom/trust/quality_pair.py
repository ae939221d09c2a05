"""The protocol for pairs: held-out completions scored, and the model's own beside the real ones.

Knows sources, completions and a model of ids. Greedy; a source's references are all completions
that it has among what is held out. Floors are copies of the source and the commonest completion,
ceilings the training data and one real completion against the others of its source.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.codec.pair.item import pair
from genloom.data.loader import evaluation
from genloom.data.split import take
from genloom.errors import DataError
from genloom.metric import bleu, bootstrap, chrf, rouge
from genloom.metric.ngram import ngram_floor
from genloom.spec import Options, Request
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_text import Scored

LONGEST = 2_000  # pairs that are scored
SAMPLES = 500  # sources that are completed
ORDER = 6  # bytes of the counting floor
COUNTED = 16_000_000  # characters of training completions that are counted


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Sources, each once, and all the completions that each has."""

    sources: list[str]
    references: list[list[str]]

    def __len__(self) -> int:
        return len(self.sources)

    def some(self, count: int) -> Asked:
        """So many, evenly over all."""
        rows = evenly(len(self), count)
        return Asked(
            sources=[self.sources[n] for n in rows], references=[self.references[n] for n in rows]
        )


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    codec: Any = model.codec
    train, held = [pair(item) for item in train], [pair(item) for item in held]
    tell("scoring held-out completions")
    scored = take(held, evenly(len(held), LONGEST))
    own, seen = score(model, scored), score(model, take(train, evenly(len(train), len(scored))))
    tell("counting")
    rows = [_loss(own, seen, codec.answers(train), codec.answers(scored))]
    tell("completing")
    asked = together(held)
    some = asked.some(count or SAMPLES)
    made = complete(model, some.sources, seed)
    tell("comparing")
    floors = {"a copy of the source": some.sources, "the commonest completion": common(train, some)}
    found, intervals = compared(made, some, floors)
    known = set(codec.keys(train))
    return [*rows, *found], {
        "scored_pairs": len(scored),
        "scored_bytes": own.size,
        "scored_tokens": own.tokens,
        "sources": len(asked),
        "sources_seen_in_training": len(known & set(codec.keys(held))),
        "samples": len(made),
        "references": sum(map(len, some.references)),
        "bleu": bleu.signature(some.references),
        "chrf": chrf.SIGNATURE.format(words=0),
        "rouge": "F, no stems, the best of several references",
        "decoding": "greedy",
        "intervals_95": intervals,
    }


def evenly(size: int, count: int) -> list[int]:
    """So many numbers below `size`, or all, evenly apart."""
    count = min(size, count)
    return [n * size // count for n in range(count)]


def together(items: Sequence[Any]) -> Asked:
    """Sources in the order in which they come first."""
    found: dict[str, list[str]] = {}
    for item in items:
        told = found.setdefault(item.asked, [])
        if str(item) not in told:
            told.append(str(item))
    return Asked(sources=list(found), references=list(found.values()))


def common(train: Sequence[Any], asked: Asked) -> list[str]:
    """The completion that training data has most often, for each source."""
    ((most, _),) = Counter(str(item) for item in train).most_common(1) or [("", 0)]
    return [most] * len(asked)


def complete(model: api.Model, sources: Sequence[str], seed: int = 0, **options: Any) -> list[str]:
    """The model's completion of each source, greedy unless told otherwise."""
    codec: Any = model.codec
    if "beams" not in options:
        options = {"temperature": 0.0, **options}
    with model.engine() as engine:
        running = []
        for source in sources:
            ids = tuple(codec.question(source).tolist())
            room = codec.spec.length - 1 - len(ids)
            told: Any = {"max_tokens": max(1, room), **options}
            running.append(engine.submit(Request(ids=ids, seed=seed, options=Options(**told))))
        return [str(generation.result()[0]) for generation in running]


@torch.inference_mode()
def score(model: api.Model, pairs: Sequence[Any]) -> Scored:
    """Every id of the completions once, given their sources; their ends cost nats, too."""
    codec: Any = model.codec
    nets: Any = model.nets  # a ModuleDict is a mapping in all but name
    ids, weights = codec.encode(pairs), codec.weights(pairs)
    nats = tokens = 0.0
    for batch in evaluation(ids, codec.spec, batch=64, weights=weights):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
        tokens += float(batch.count())
    if not tokens or not math.isfinite(nats):
        raise DataError(f"{len(pairs)} pairs of {tokens:.0f} tokens cannot be scored: give more")
    texts = "".join(codec.answers(pairs))
    size = len(texts.encode("utf-8", "replace"))
    return Scored(nats=nats, tokens=int(tokens), characters=len(texts), size=size)


def _loss(own: Scored, seen: Scored, train: Sequence[str], held: Sequence[str]) -> Row:
    before = "\n".join(train)[:COUNTED].encode("utf-8", "replace")
    return Row(
        metric="bits_per_byte",
        value=own.rates()["bits_per_byte"],
        floor=ngram_floor(before, "\n".join(held).encode("utf-8", "replace"), ORDER),
        ceiling=seen.rates()["bits_per_byte"],
        note=f"of completions given sources; floor: a model of {ORDER}-byte counts of completions "
        "alone; ceiling: the same on training pairs",
    )


# --- completions beside the real ones -------------------------------------------------------------

Table = dict[str, tuple[np.ndarray, bootstrap.Score]]


def table(made: Sequence[str], references: Sequence[Sequence[str]]) -> Table:
    """Of each metric its counts of each item, and its score of their sums."""
    rouges = rouge.values(made, references)
    both = zip(made, references, strict=True)
    exact = [any(text.strip() == one.strip() for one in told) for text, told in both]
    means = {"exact_match": np.array(exact, dtype=float), **rouges}
    return {
        "chrf": (chrf.counts(made, references), chrf.score),
        "bleu": (bleu.counts(made, references), bleu.score),
        **{name: (bootstrap.of_values(v), bootstrap.mean) for name, v in means.items()},
    }


def compared(
    made: Sequence[str], asked: Asked, floors: Mapping[str, Sequence[str]]
) -> tuple[list[Row], dict[str, list[float]]]:
    """Rows, and the middle 95% of each metric by resampling sources."""
    own = table(made, asked.references)
    low = {name: table(texts, asked.references) for name, texts in floors.items()}
    high, several = _ceiling(asked)
    rows, intervals = [], {}
    for name, (counts, total) in own.items():
        found = bootstrap.interval(counts, total)
        below = {what: float(t[name][1](t[name][0].sum(0))) for what, t in low.items()}
        best = max(below, key=lambda what: below[what])
        intervals[name] = [found.low, found.high]
        note = f"95%: {found.low:.4g} to {found.high:.4g}; floor: {best}"
        if high:
            note += f"; ceiling: a real one against the others of its source, {several} sources"
        ceiling = float(high[name][1](high[name][0].sum(0))) if high else None
        rows.append(
            Row(
                metric=name,
                value=found.value,
                floor=below[best],
                ceiling=ceiling,
                better="higher",
                note=note,
            )
        )
    return rows, intervals


def _ceiling(asked: Asked) -> tuple[Table, int]:
    """The first real completion against the others, where a source has others."""
    several = [told for told in asked.references if len(told) > 1]
    if not several:
        return {}, 0
    return table([told[0] for told in several], [told[1:] for told in several]), len(several)
