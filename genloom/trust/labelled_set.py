"""Labelled data sets to order: so many pairs of these counts, so many of those, checked one by one.

A pair is kept where its mask holds just what was asked for, so that a rare case is really there as
often as stated; how many had to be made for that is told. Knows models of labelled pictures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import api
from genloom.codec.image.labelled_item import Labelled
from genloom.codec.saving import write_atomic
from genloom.errors import RequestError
from genloom.spec import Request
from genloom.trust import provenance

TRIES = 8  # pairs made for one kept, at most
ORDER = "order.json"


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """items: those kept, in the order asked for, each under the words that asked for it in `asked`
    and its number within the seed in `numbers`. made: how many were made for each wording.
    """

    items: tuple[Labelled, ...]
    asked: tuple[str, ...]
    numbers: tuple[int, ...]
    made: Mapping[str, int]
    seed: int

    @property
    def kept(self) -> dict[str, int]:
        """How many of each wording; fewer than asked for where the tries were used up."""
        return {words: self.asked.count(words) for words in self.made}

    @property
    def totals(self) -> dict[str, int]:
        """How many things of each class there are in all."""
        out: dict[str, int] = {}
        for item in self.items:
            for name, count in item.counts.items():
                out[name] = out.get(name, 0) + count
        return out


def make_set(
    model: api.Model, wanted: Mapping[str, int], *, seed: int = 0, tries: int = TRIES
) -> LabelledSet:
    """Pairs such as {"2 cars, 1 sign": 200, "1 sign": 50}. RequestError where the model is none of
    labelled pictures or an order cannot be read."""
    codec: Any = model.codec
    if not hasattr(codec, "worded") or model.prompt is None:
        raise RequestError("this model makes no labelled pictures by counts: train one as labelled")
    orders = {codec.worded(words, None): count for words, count in wanted.items()}
    if len(orders) < len(wanted) or min(orders.values(), default=0) < 1 or tries < 1:
        raise RequestError("an order names each kind of picture once, with a count of at least 1")
    items, asked, numbers, made = [], [], [], dict.fromkeys(orders, 0)
    first = 0
    for words, count in orders.items():
        kept = 0
        while kept < count and made[words] < tries * count:
            some = min(count - kept, tries * count - made[words])
            pairs = model.generate(words, some, seed=seed, first=first)
            for number, (pair, shown) in enumerate(zip(pairs, codec.captions(pairs), strict=True)):
                if shown == words:
                    items.append(pair)
                    asked.append(words)
                    numbers.append(first + number)
                    kept += 1
            first, made[words] = first + some, made[words] + some
    return LabelledSet(
        items=tuple(items), asked=tuple(asked), numbers=tuple(numbers), made=made, seed=seed
    )


def write_set(model: api.Model, made: LabelledSet, folder: str | Path) -> list[Path]:
    """Each pair with its record, and order.json: what was asked for, made, kept and is in all."""
    folder = Path(folder).expanduser()
    paths: list[Path] = []
    for words, pair, number in zip(made.asked, made.items, made.numbers, strict=True):
        request = Request(prompt=words, seed=made.seed, first=number)
        target = folder / f"{len(paths):05d}.png"
        paths += provenance.save(model.codec, [pair], target, api.record(model, request))
    told = {"made": dict(made.made), "kept": made.kept, "things": made.totals, "seed": made.seed}
    write_atomic(folder / ORDER, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    return paths


def shares(items: Sequence[Labelled]) -> dict[str, float]:
    """Of all pictures, how many hold each class at all."""
    names = items[0].classes if items else ()
    return {name: sum(item.counts[name] > 0 for item in items) / len(items) for name in names}
