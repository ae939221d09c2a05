"""How near an asset is to what its model learnt from, and what "near" means for this data.

Nearest training items by the codec's own features, texts also by the longest run shared word for
word; beside each stands the same figure for real items that were held out. Knows no file format.
Shape legend: N points, M training pieces, F features, K neighbours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom import api
from genloom.codec.base import Codec
from genloom.data.split import even, take
from genloom.errors import DataError
from genloom.metric.overlap import longest_overlap
from genloom.metric.privacy import copied_rows
from genloom.trust import record_places as places

CHUNK = 2048  # training pieces whose features are held at a time
MOST_ROWS = 2000  # of a table that is traced
HELD_OUT = 256  # real items that say how near real ones are
PASSAGES = 20  # held-out passages that say how long real overlaps are
MOST_PIECES = 100_000  # passages that the training texts are cut into
BETWEEN = b"\0"  # training texts, joined; between held-out passages stands another


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A training item near the asset.

    item: number of the asset's own item (the row of a table). index: of the training item, counted
    within the training part. start: of a passage in its text, characters, else None.
    """

    item: int
    index: int
    distance: float
    start: int | None = None
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class Run:
    """Characters that stand word for word in a training text, and where."""

    text: str
    index: int
    start: int


@dataclass(frozen=True, kw_only=True)
class Trace:
    """neighbours, nearest first. share_nearer: of held-out real items, the share that is at least
    as near to training as the asset is: near 0 means nearer than real items are, a copy.
    held_out: quantiles of their distances. overlap: the longest run shared with training (texts);
    held_out_overlap: characters of the longest such run of as long held-out passages.
    """

    neighbours: tuple[Neighbour, ...]
    share_nearer: float
    held_out: dict[str, float]
    held_out_items: int
    overlap: Run | None = None
    held_out_overlap: int | None = None

    def to_json(self) -> dict[str, Any]:
        run = None if self.overlap is None else vars(self.overlap)
        return {**vars(self), "neighbours": [vars(n) for n in self.neighbours], "overlap": run}


@dataclass(frozen=True, kw_only=True)
class Copies:
    """rate: the share of items that equal a training item. held_out: the same of real items (for
    texts passages of the same lengths) that the model never saw. copied: numbers of the items."""

    rate: float
    held_out: float
    items: int
    held_out_items: int
    copied: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """index [N, K] of the training items nearest to each of N items, in a codec's own features, and
    their distance [N, K], ascending. usual: the distance that half of the held-out real items are
    nearer than, near: the distance that all but a fiftieth are farther than."""

    index: Tensor
    distance: Tensor
    usual: float
    near: float


def neighbours(codec: Codec, items: Any, train: Any, held: Any, count: int) -> Neighbours:
    """The `count` training items nearest to each item."""
    if not len(held):
        raise DataError("the model kept no data back, so that nothing says what is near")
    points = codec.features(items)
    some = codec.features(take(held, even(len(held), HELD_OUT)))
    chunks = (take(train, range(*part)) for part in _parts(len(train)))
    distance, index = nearest(torch.cat((points, some)), map(codec.features, chunks), count)
    real = distance[len(points) :, 0]
    return Neighbours(
        index=index[: len(points)],
        distance=distance[: len(points)],
        usual=float(real.median()),
        near=float(real.sort().values[len(real) // 50]),
    )


# --- the nearest ----------------------------------------------------------------------------------


def trace(
    asset: Any,
    model: api.Model | str | Path | None = None,
    count: int = 5,
    *,
    train: Any = None,
    held: Any = None,
) -> Trace:
    """The `count` training items nearest to an asset: a path, or an item or table from memory.

    model: by default the one that the asset's record names. Of a table with several rows, the rows
    nearest to training. train, held: where they are at hand already. DataError where the training
    data has moved or changed.
    """
    loaded = _model(asset, model)
    items = _items(asset, loaded.codec)
    train = loaded.training_items() if train is None else train
    held = loaded.held_out_items() if held is None else held
    if not len(held):
        raise DataError("the model kept no data back, so that nothing says what is near")
    if isinstance(items[0] if isinstance(items, list) else None, str):
        return _trace_text("\n".join(items), train, held, loaded.codec, count)
    some = take(held, even(len(held), HELD_OUT))
    points = loaded.codec.features(items)
    both = torch.cat((points, loaded.codec.features(some)))
    chunks = (take(train, range(*part)) for part in _parts(len(train)))
    distance, index = nearest(both, map(loaded.codec.features, chunks), count)
    own = len(points)
    found = [
        Neighbour(item=i, index=int(index[i, k]), distance=float(distance[i, k]))
        for i in range(own)
        for k in range(distance.shape[1] if own == 1 else 1)
    ]
    found.sort(key=lambda neighbour: neighbour.distance)
    return _trace(found[:count], distance[own:, 0])


def _trace(neighbours: Sequence[Neighbour], held: Tensor, **more: Any) -> Trace:
    least, median, most = np.quantile(held.numpy(), (0.0, 0.5, 1.0)).tolist()
    nearest = neighbours[0].distance if neighbours else float("inf")
    return Trace(
        neighbours=tuple(neighbours),
        share_nearer=float((held <= nearest).double().mean()),
        held_out={"least": least, "median": median, "most": most},
        held_out_items=len(held),
        **more,
    )


def _model(asset: Any, model: api.Model | str | Path | None) -> api.Model:
    if isinstance(model, api.Model):
        return model
    if model is None:
        record = places.find_record(asset)[0] if isinstance(asset, Path) else None
        if record is None or "model" not in record:
            raise DataError(
                f"{asset if isinstance(asset, Path) else 'the asset'} has no record that names "
                "its model: name the model"
            )
        model = str(record["model"])
    return api.load(model)


def _items(asset: Any, codec: Codec) -> Any:
    """A list of items or a table, of a file or as given."""
    items = codec.read(asset).items if isinstance(asset, Path) else asset
    if hasattr(items, "iloc"):
        items = take(items, range(min(len(items), MOST_ROWS)))
    elif not isinstance(items, list | tuple):
        items = [items]
    if not len(items):
        raise DataError("the asset has no items: give one that holds something")
    return list(items) if isinstance(items, tuple) else items


def nearest(points: Tensor, pieces: Iterator[Tensor], count: int) -> tuple[Tensor, Tensor]:
    """Distances float64 [N, K], ascending, to features that come in parts, and their numbers."""
    points = points.double()
    best, index = torch.empty(len(points), 0, dtype=torch.float64), torch.empty(len(points), 0)
    seen = 0
    for piece in pieces:
        here = torch.cdist(points, piece.double(), compute_mode="donot_use_mm_for_euclid_dist")
        number = torch.arange(seen, seen + len(piece)).expand(len(points), -1)
        best, index = torch.cat((best, here), 1), torch.cat((index.long(), number), 1)
        best, order = best.topk(min(count, best.shape[1]), dim=1, largest=False)
        index = index.gather(1, order)
        seen += len(piece)
    return best, index


def _parts(size: int) -> list[tuple[int, int]]:
    return [(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)]


# --- texts ----------------------------------------------------------------------------------------


def _trace_text(
    asset: str, train: Sequence[str], held: Sequence[str], codec: Codec, count: int
) -> Trace:
    """Training texts are cut into passages as long as the asset, so that like meets like."""
    if not asset.strip():
        raise DataError("the asset is empty: give a text that holds something")
    joined = BETWEEN.join(text.encode("utf-8", "replace") for text in train)
    run = _run(asset, train, joined)
    passages = _passages(train, len(asset))
    if run is not None:
        passages.append((run.index, max(0, run.start - asset.find(run.text))))
    others = _cut(held, len(asset), HELD_OUT)
    both = codec.features([asset, *others])
    chunks = (passages[slice(*part)] for part in _parts(len(passages)))
    texts = ([train[i][s : s + len(asset)] for i, s in chunk] for chunk in chunks)
    distance, index = nearest(both, map(codec.features, texts), 4 * count)
    found: list[Neighbour] = []
    for far, number in zip(distance[0].tolist(), index[0].tolist(), strict=True):
        i, s = passages[number]
        if not any(n.index == i and abs(n.start - s) < len(asset) for n in found):
            text = train[i][s : s + len(asset)]
            found.append(Neighbour(item=0, index=i, distance=far, start=s, text=text))
    probes = "\1\0\1".join(others[n] for n in even(len(others), PASSAGES))
    longest = longest_overlap(probes, joined).characters
    return _trace(found[:count], distance[1:, 0], overlap=run, held_out_overlap=longest)


def _run(asset: str, train: Sequence[str], joined: bytes) -> Run | None:
    """The longest run of the asset that a training text holds."""
    found = longest_overlap(asset, joined)
    if not found.text:
        return None
    ends = list(accumulate(len(text.encode("utf-8", "replace")) + len(BETWEEN) for text in train))
    index = bisect_right(ends, found.source)
    offset = found.source - (ends[index - 1] if index else 0)
    before = train[index].encode("utf-8", "replace")[:offset]
    return Run(text=found.text, index=index, start=len(before.decode("utf-8", "ignore")))


def _passages(texts: Sequence[str], size: int) -> list[tuple[int, int]]:
    """(index, start) of passages of `size` characters, each half over the one before."""
    step = max(1, size // 2, sum(map(len, texts)) // MOST_PIECES)
    return [
        (index, start)
        for index, text in enumerate(texts)
        for start in range(0, max(1, len(text) - size + step), step)
    ]


def _cut(texts: Sequence[str], size: int, most: int) -> list[str]:
    """At most so many passages of `size` characters, evenly over the texts."""
    places = [
        (index, start)
        for index, text in enumerate(texts)
        for start in range(0, max(1, len(text) - size + 1), size)
    ]
    some = (places[n] for n in even(len(places), most))
    return [texts[index][start : start + size] for index, start in some]


# --- exact copies ---------------------------------------------------------------------------------


def copies(model: api.Model, items: Any, *, train: Any = None, held: Any = None) -> Copies:
    """How many items are exact copies of training items, beside the rate of held-out real ones.

    train, held: where they are at hand already.
    """
    train = model.training_items() if train is None else train
    held = model.held_out_items() if held is None else held
    own = copied(model.codec, items, train)
    real = _like(items, held)
    theirs = copied(model.codec, real, train)
    return Copies(
        rate=float(own.mean()) if len(own) else 0.0,
        held_out=float(theirs.mean()) if len(theirs) else 0.0,
        items=len(own),
        held_out_items=len(theirs),
        copied=tuple(np.flatnonzero(own).tolist()),
    )


def copied(codec: Any, items: Any, train: Any) -> np.ndarray:
    """bool [N]: rows that equal a training row in all columns that were learnt, pictures that equal
    one pixel by pixel, texts that stand as a whole in a training text."""
    if not len(items):
        return np.zeros(0, bool)
    if hasattr(items, "iloc"):
        return copied_rows(items, train, list(codec.kinds()))
    if isinstance(items[0], str):
        joined = "\0".join(train)
        return np.array([bool(text.strip()) and text in joined for text in items])
    known = set(_prints(codec, train))
    return np.array([print_ in known for print_ in _prints(codec, items)])


def _prints(codec: Codec, items: Sequence[Any]) -> Iterator[bytes]:
    """The bytes of each encoded item."""
    for part in _parts(len(items)):
        for x in codec.encode(take(items, range(*part))):
            yield x.numpy().tobytes()


def _like(items: Any, held: Any) -> Any:
    """Held-out items to compare with: all of them, or passages as long as each text."""
    if not (isinstance(items, list | tuple) and items and isinstance(items[0], str)):
        return held
    whole = "\n".join(held)
    starts = even(max(1, len(whole) - max(map(len, items))), len(items))
    pairs = zip(items, (starts * len(items))[: len(items)], strict=True)
    return [whole[start : start + len(text)] for text, start in pairs if text.strip()]
