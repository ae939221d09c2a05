"""A set of linked tables that were learnt: a model of rows for each, and how they hang together.

A folder of model folders with one file that joins them, written whole or not at all. JSON and
safetensors only; every file's digest is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from genloom import api
from genloom.codec.table.codec import TableCodec
from genloom.codec.table.dataframes import pandas
from genloom.errors import GenloomError, ModelError
from genloom.folders import (
    file_digest,
    own_place,
    read_json,
    recover,
    replacing,
    undamaged,
    write_json,
)
from genloom.linked.drawing import Drawing
from genloom.linked.plan import Plan
from genloom.linked.schema import Schema

FORMAT = 1
JOINED, ARRAYS, DIGESTS = "linked.json", "linked.safetensors", "linked.sha256.json"
TABLES, LOOKING = "tables", "looking"


@dataclass(kw_only=True)
class Tables:
    """models: of the tables that are drawn. kept: the small ones that stay as they are. middles:
    of the groups that links choose among, by TABLE.COLUMN; looking: codecs that tell a group."""

    kind: ClassVar[str] = "tables"
    several: ClassVar[bool] = True
    schema: Schema
    plans: Mapping[str, Plan]
    models: Mapping[str, api.Model]
    kept: Mapping[str, Any] = field(default_factory=dict)
    middles: Mapping[str, np.ndarray] = field(default_factory=dict)
    looking: Mapping[str, TableCodec] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    # --- drawing --------------------------------------------------------------------------------

    def generate(
        self, rows: int | None = None, *, scale: float | None = None, seed: int = 0
    ) -> dict[str, Any]:
        """A DataFrame a table, with every key in its place. rows: of the largest table that has no
        parent, the others in proportion; or scale: times as many as were learnt from."""
        pd = pandas()
        parts: dict[str, list[Any]] = {name: [] for name in self.schema.names}
        for name, frame in self.stream(rows, scale=scale, seed=seed):
            parts[name].append(frame)
        return {name: pd.concat(found, ignore_index=True) for name, found in parts.items()}

    def stream(
        self, rows: int | None = None, *, scale: float | None = None, seed: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """The same in blocks, parents first: no more than the parents is in memory at a time."""
        return Drawing(self, seed).blocks(self.scale(rows, scale))

    def scale(self, rows: int | None = None, scale: float | None = None) -> float:
        """How many times as many rows as were learnt from. UsageError where neither makes sense."""
        return Drawing.scale_of(self, rows, scale)

    def next(self, name: str) -> list[str]:
        """Commands to try."""
        return [f"genloom generate {name} -o made", f"genloom generate {name} --scale 10 -o more"]

    # --- disk -----------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> Path:
        """Write the whole folder or nothing."""
        target = Path(folder)
        own_place(target)
        with replacing(target) as new:
            for name, model in self.models.items():
                model.save(new / TABLES / name)
            write_json(new / JOINED, self._told())
            (new / ARRAYS).write_bytes(save_arrays(dict(self.middles)))
            for name, codec in self.looking.items():
                (new / LOOKING / name).mkdir(parents=True)
                codec.save(new / LOOKING / name)
            write_json(new / "recipe.json", self._recipe(target.name))
            write_json(new / "card.json", {"format": FORMAT, **self.card})
            write_json(new / DIGESTS, _digests(new))
        self.folder = target
        return target

    def _recipe(self, name: str) -> dict[str, Any]:
        """What lists of models show; it is no recipe of one model."""
        family = next(iter(self.models.values())).recipe.family if self.models else None
        return {
            "name": name,
            "codec": {"kind": self.kind},
            "family": {"kind": "rows" if family is None else family.kind},
            "net": {n: {"kind": m.recipe.net["net"].kind} for n, m in self.models.items()},
        }

    def _told(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "kind": self.kind,
            "schema": self.schema.to_json(),
            "plans": {name: plan.to_json() for name, plan in self.plans.items()},
            "kept": {name: frame_told(frame) for name, frame in self.kept.items()},
            "looking": sorted(self.looking),
        }

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """ModelError where it is missing or damaged."""
        path = recover(Path(folder))
        if not (path / JOINED).is_file():
            raise ModelError(f"{path} holds no linked tables: train them by  genloom train tables")
        try:
            undamaged(path, DIGESTS)
            told = read_json(path / JOINED)
            schema = Schema.from_json(told["schema"])
            plans = {name: Plan.from_json(one) for name, one in told["plans"].items()}
            kept = {name: frame_from(one) for name, one in told["kept"].items()}
            models = {
                n: api.load((path / TABLES / n).absolute(), device=device)
                for n in schema.names
                if n not in kept
            }
            middles = load_arrays((path / ARRAYS).read_bytes())
            looking = {n: TableCodec.load(path / LOOKING / n) for n in told["looking"]}
            card = read_json(path / "card.json")
        except GenloomError:
            raise
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"{path} does not load ({type(error).__name__}: {str(error).splitlines()[0]}): "
                "restore it from a copy or train it again"
            ) from error
        return cls(
            schema=schema,
            plans=plans,
            models=models,
            kept=kept,
            middles=middles,
            looking=looking,
            card=card,
            folder=path,
        )


def is_one(folder: Path) -> bool:
    """Whether a folder holds linked tables."""
    return (folder / JOINED).is_file()


def frame_told(frame: Any) -> dict[str, Any]:
    """A small frame as JSON values; `frame_from` is the inverse."""

    dtypes = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
    return {"dtypes": dtypes, "rows": json.loads(frame.to_json(orient="values", date_format="iso"))}


def frame_from(told: Mapping[str, Any]) -> Any:
    """See `frame_told`."""
    dtypes = dict(told["dtypes"])
    frame = pandas().DataFrame(told["rows"], columns=list(dtypes), dtype=object)
    return frame.astype(dtypes)


def _digests(folder: Path) -> dict[str, str]:
    """Of what joins the models; each of them has its own."""
    models = folder / TABLES
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and models not in p.parents)
    return {p.relative_to(folder).as_posix(): file_digest(p) for p in files if p.name != DIGESTS}
