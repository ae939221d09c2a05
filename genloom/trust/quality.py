"""How good a model is, on data that it never saw: rows of numbers with a floor and a ceiling each.

Finds the protocol of the medium and states what it used. What is measured lies in quality_text,
quality_image and quality_table; the mathematics in metric/.
"""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from genloom import api, registry
from genloom.errors import DataError, UsageError
from genloom.train.log import Event, Listener, silent
from genloom.trust.repeats import repeated

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A metric of the model, of something trivial (floor) and of real data or the ideal (ceiling).

    note says what floor and ceiling are. None: not defined here.
    """

    metric: str
    value: float | None
    floor: float | None = None
    ceiling: float | None = None
    better: Literal["higher", "lower"] = "lower"
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """rows in the order to show them, the headline first. protocol: data, sizes, seed, versions."""

    rows: tuple[Row, ...]
    protocol: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> Row:
        return next(row for row in self.rows if row.metric == metric)

    def to_json(self) -> dict[str, Any]:
        return {"rows": [_finite(vars(row)) for row in self.rows], "protocol": dict(self.protocol)}


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is not defined is None: JSON knows neither NaN nor infinity."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }


def evaluate(
    model: api.Model | str | Path,
    data: Any = None,
    *,
    training: Any = None,
    seed: int = 0,
    count: int | None = None,
    listener: Listener = silent,
    **options: Any,
) -> Report:
    """Measure a model on the data held out of its training, or on `data` (a path or items).

    training: where the training data lies now, or its items; by default as the model's card says.
    count: items to make (the medium decides otherwise). options: the medium's own, such as
    `target`, the column of a table that is to be predicted. The listener hears Events "measure"
    with the stage. DataError where data is missing or has changed.
    """
    loaded = model if isinstance(model, api.Model) else api.load(model)
    kind = "reward" if loaded.recipe.explores else loaded.recipe.codec.kind
    measure = registry.find("quality", kind)
    _check(measure, options)
    if count is not None and count < 1:
        raise UsageError(f"count is {count}, but at least 1 is expected")
    begun = time.monotonic()
    tell = _telling(listener)
    tell("reading the data")
    published = training is None and not loaded.card.get("data")  # its data lies elsewhere
    train: Any = [] if published else _training(loaded, training)
    held = loaded.held_out_items() if data is None else _items(loaded, data)
    for items, what in ((train, "training data"), (held, "held-out data; name data to measure on")):
        if not len(items) and not (published and items is train):
            raise DataError(f"the model has no {what}")
    rows, used = measure(loaded, train, held, seed=seed, count=count, tell=tell, **options)
    protocol = {
        "model": loaded.recipe.name,
        "weights": loaded.digest(),
        "data": "held out of the training data" if data is None else _named(data),
        "training_items": len(train),
        "held_out_items": len(held),
        **_repeats(loaded, train, tell),
        "seed": seed,
        **used,
        "seconds": round(time.monotonic() - begun, 2),
        "software": api.software(),
    }
    return Report(rows=tuple(Row(**_finite(vars(row))) for row in rows), protocol=protocol)


def _training(model: api.Model, given: Any) -> Any:
    return model.training_items() if given is None else _items(model, given)


def _repeats(model: api.Model, train: Any, tell: Tell) -> dict[str, Any]:
    """Of training items; nothing where they are not at hand, or are tasks and not what is made."""
    if not len(train) or model.recipe.explores:
        return {}
    tell("counting repeats")
    return {"training_repeats": repeated(model.codec, train)}


def _telling(listener: Listener) -> Tell:
    """Counts the stages."""
    stages: list[str] = []

    def tell(stage: str) -> None:
        stages.append(stage)
        listener(Event(kind="measure", step=len(stages), values={"stage": stage}))

    return tell


def _check(measure: Callable[..., Any], options: Mapping[str, Any]) -> None:
    known = set(inspect.signature(measure).parameters)
    known -= {"model", "train", "held", "seed", "count", "tell"}
    surplus = sorted(set(options) - known)
    if surplus:
        raise UsageError(
            f"this medium is not measured by {', '.join(surplus)}: it knows "
            f"{', '.join(sorted(known)) or 'no options'}"
        )


def _items(model: api.Model, data: Any) -> Any:
    if not isinstance(data, str | Path):
        return data
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist: give a file or a folder to measure on")
    reader = model.recipe.make_reader() if model.recipe.explores else model.codec
    return reader.read(path).items


def _named(data: Any) -> str:
    return str(data) if isinstance(data, str | Path) else "given from memory"
