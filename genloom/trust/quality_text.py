"""The protocol for texts: the held-out stream scored once, and samples beside real passages.

Knows strings and a model that scores tokens. Floors are counts and compressors, ceilings the
training text (what the model can reach at best) and real passages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from genloom import api
from genloom.data.loader import evaluation
from genloom.errors import DataError
from genloom.metric.ngram import ngram_floor
from genloom.metric.overlap import longest_overlap, verbatim_share
from genloom.metric.text import compression_floor, distinct_n, rates, repetition_rate
from genloom.trust.quality import Row, Tell

LONGEST = 1_000_000  # characters of held-out text that are scored
CONTEXT = 2048  # tokens, where a model's own context has more
SAMPLES = 32
TOKENS = 256  # of a sample
ORDER = 6  # bytes of the counting floor
SHARED = 50  # bytes of a run that counts as verbatim
TRAINED = 16_000_000  # characters of training text that overlaps are looked for in
BETWEEN = "\0"


def measure(
    model: api.Model,
    train: Sequence[str],
    held: Sequence[str],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    tell("scoring held-out text")
    held = _first(held, LONGEST)
    own = _score(model, held)
    if train:
        tell("scoring training text")
        seen = _score(model, _last(train, own.characters))
        tell("counting and compressing")
        rows = losses(own, seen, train, held)
    else:
        seen, rows = Scored(nats=0.0, tokens=0, characters=0, size=0), _untrained(own, held)
    tell("writing samples")
    made = model.generate(None, count or SAMPLES, seed=seed, max_tokens=TOKENS)
    tell("looking for copies")
    real = _passages(held, [len(text) for text in made])
    rows += [*variety(made, real), *(copying(made, real, train) if train else [])]
    return rows, {
        "scored_characters": own.characters,
        "scored_bytes": own.size,
        "scored_tokens": own.tokens,
        "context": _context(model),
        "ceiling_characters": seen.characters,
        "samples": len(made),
        "sample_tokens_at_most": TOKENS,
    }


def _windowed(spec: Any) -> Any:
    """With a context that is scored at a time: the longest published ones would not fit."""
    return replace(spec, length=min(spec.length, CONTEXT))


def _context(model: api.Model) -> str:
    codec: Any = model.codec
    length = _windowed(codec.spec).length
    if not model.recipe.data.pack:
        return f"each text by itself, up to {length} tokens"
    return f"one stream in windows of {length} tokens that move by half: at least {length // 2}"


# --- the held-out stream ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A sum of nats, and the text that it is over."""

    nats: float
    tokens: int
    characters: int
    size: int  # UTF-8 bytes

    def rates(self) -> dict[str, float]:
        return rates(self.nats, self.tokens, self.characters, self.size)


@torch.inference_mode()
def _score(model: api.Model, texts: Sequence[str]) -> Scored:
    """Every token once. Ends of texts are tokens, too: they cost nats and add no characters."""
    codec: Any = model.codec
    nets: Any = model.nets  # a ModuleDict is a mapping in all but name
    spec, data = _windowed(codec.spec), model.recipe.data
    ids = codec.encode(texts)
    if not data.pack:  # what lies beyond the context is not scored, so it must not be counted
        ids = [x[: spec.length] for x in ids]
        texts = codec.decode(ids)
    nats = tokens = 0.0
    for batch in evaluation(ids, spec, batch=data.batch, pack=data.pack):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
        tokens += float(batch.count())
    if not tokens or not math.isfinite(nats):
        raise DataError(f"{len(texts)} texts of {tokens:.0f} tokens cannot be scored: give more")
    return Scored(
        nats=nats,
        tokens=int(tokens),
        characters=sum(map(len, texts)),
        size=len(_bytes(texts)),
    )


def losses(own: Scored, seen: Scored, train: Sequence[str], held: Sequence[str]) -> list[Row]:
    before, text = _bytes(train), _bytes(held)
    counts = ngram_floor(before, text, ORDER)
    packed = compression_floor(before, text)
    note = (
        f"floor: a model of {ORDER}-byte counts ({ORDER}-gram, Kneser-Ney); lzma needs "
        f"{packed['lzma']:.3f} and bz2 {packed['bz2']:.3f} bits per byte; ceiling: the same on "
        f"{seen.characters:,} characters of training text"
    )
    value, ceiling = own.rates(), seen.rates()
    floor = counts * len(text) * math.log(2)  # nats
    floors = rates(floor, own.tokens, own.characters, own.size)
    names = {
        "bits_per_byte": "bits_per_byte",
        "nats_per_character": "nats_per_character",
        "loss": "nats_per_token",
    }
    return [
        Row(metric=name, value=value[key], floor=floors[key], ceiling=ceiling[key], note=note)
        for name, key in names.items()
    ]


def _untrained(own: Scored, held: Sequence[str]) -> list[Row]:
    """Of published weights, whose training text is not at hand."""
    packed = compression_floor(b"", _bytes(held))
    note = f"floor: lzma; bz2 needs {packed['bz2']:.3f}; what it was trained on is not at hand"
    value = own.rates()
    return [
        Row(metric="bits_per_byte", value=value["bits_per_byte"], floor=packed["lzma"], note=note),
        Row(metric="nats_per_character", value=value["nats_per_character"]),
        Row(metric="loss", value=value["nats_per_token"]),
    ]


def _bytes(texts: Sequence[str]) -> bytes:
    return "".join(texts).encode("utf-8", "replace")


def _first(texts: Sequence[str], size: int) -> list[str]:
    """The first `size` characters."""
    out: list[str] = []
    for text in texts:
        if size <= 0:
            break
        out.append(text[:size])
        size -= len(text)
    return out


def _last(texts: Sequence[str], size: int) -> list[str]:
    """The last `size` characters: of all training text the nearest to what is held out."""
    out: list[str] = []
    for text in reversed(texts):
        if size <= 0:
            break
        out.append(text[-size:])
        size -= len(text)
    return out[::-1]


# --- samples ------------------------------------------------------------------------------------


def _passages(texts: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """A real passage of each size, evenly over the texts."""
    whole = "\n".join(texts)
    room = max(0, len(whole) - max(sizes, default=0))
    starts = [n * room // max(1, len(sizes)) for n in range(len(sizes))]
    return [whole[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def variety(made: Sequence[str], real: Sequence[str]) -> list[Row]:
    own, theirs = ([text.split() for text in texts] for texts in (made, real))
    one_word = [["word"] * len(words) for words in own]
    note = "in words; floor: one word over and over; ceiling: real passages of the same "
    note += "lengths, beyond which is no merit"
    return [
        Row(
            metric="distinct_2",
            value=distinct_n(own, 2),
            floor=distinct_n(one_word, 2),
            ceiling=distinct_n(theirs, 2),
            better="higher",
            note=note,
        ),
        Row(
            metric="repetition_4",
            value=repetition_rate(own, 4),
            floor=repetition_rate(one_word, 4),
            ceiling=repetition_rate(theirs, 4),
            note=note,
        ),
    ]


def copying(made: Sequence[str], real: Sequence[str], train: Sequence[str]) -> list[Row]:
    """All samples at once: no run reaches over a border, which training text does not hold."""
    seen = BETWEEN.join(_last(train, TRAINED))
    own, theirs = ("\1\0\1".join(texts) for texts in (made, real))
    note = "floor: copying word for word; ceiling: real held-out passages of the same lengths"
    return [
        Row(
            metric="longest_overlap",
            value=float(longest_overlap(own, seen).characters),
            floor=float(max(map(len, made), default=0)),
            ceiling=float(longest_overlap(theirs, seen).characters),
            note=f"characters of the longest run that training text holds; {note}",
        ),
        Row(
            metric="verbatim_share",
            value=verbatim_share(own, seen, SHARED),
            floor=1.0,
            ceiling=verbatim_share(theirs, seen, SHARED),
            note=f"share of bytes in runs of {SHARED} that training text holds; {note}",
        ),
    ]
