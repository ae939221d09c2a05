"""A kind of series that was learnt: a model of steps, one of whose they are, and a plan.

A folder of model folders like linked tables, written whole or not at all. JSON and safetensors
only; every file's digest is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from genloom import api
from genloom.codec.table.dataframes import pandas
from genloom.errors import GenloomError, ModelError, UsageError
from genloom.folders import (
    file_digest,
    own_place,
    read_json,
    recover,
    replacing,
    undamaged,
    write_json,
)
from genloom.linked.keys import written
from genloom.linked.plan import Keys
from genloom.linked.tables import frame_from, frame_told
from genloom.series.panel import stamps
from genloom.series.plan import SeriesPlan
from genloom.series.walking import Walker

FORMAT = 1
JOINED, ARRAYS, DIGESTS = "linked.json", "linked.safetensors", "linked.sha256.json"
STEPS, OWNERS = "steps", "owners"
LENGTH, START = "series/steps", "series/start"
LONGEST = 1000  # steps that are drawn unless more are asked for
WARM = 200  # steps that are walked before a series of one thing begins


@dataclass(kw_only=True)
class Series:
    """steps: the model. owners: of attributes, lengths and beginnings, None where they are so few
    that they are kept (`kept`: a row each)."""

    kind: ClassVar[str] = "series"
    several: ClassVar[bool] = False
    plan: SeriesPlan
    weights: np.ndarray
    steps: api.Model
    owners: api.Model | None
    kept: Any
    keys: Keys | None
    card: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def walker(self, seed: int) -> Walker:
        return Walker(self.plan, self.weights, self.steps, seed)

    # --- drawing --------------------------------------------------------------------------------

    def generate(self, count: int | None = None, *, steps: int | None = None, seed: int = 0) -> Any:
        """New series as one DataFrame with the columns that were learnt from. count: how many, as
        many as were learnt from by default. steps: of each, else as long as those are, 1,000 at
        most. UsageError where neither makes sense."""
        count = self.plan.owners if count is None else count
        if count < 1 or (steps is not None and steps < 1):
            raise UsageError(f"count {count}, steps {steps}: 1 or more are expected")
        plan, pd = self.plan, pandas()
        facts = self._facts(count, seed)
        length = np.clip(facts[LENGTH].to_numpy(np.float64), 1, LONGEST).astype(np.int64)
        if steps is not None:
            length[:] = steps
        walker = self.walker(seed)
        begin = facts[START].to_numpy(np.float64)
        warm = min(WARM, 2 * plan.depth) if self.owners is None and plan.roles.step else 0
        step = plan.roles.step or 0.0
        statics = facts[list(plan.roles.statics)]
        walks = walker.fresh(statics, begin - step * (warm + 1), np.arange(count))
        parts = []
        for at in range(warm + int(length.max())):
            values, words = walker.step(walks)
            live = np.flatnonzero(at - warm < length)
            if at >= warm:
                parts.append((live, walks.seconds[live], values[live], words[live]))
        owner = np.concatenate([p[0] for p in parts])
        order = np.argsort(owner, kind="stable")
        seconds = np.concatenate([p[1] for p in parts])[order]
        values = np.concatenate([p[2] for p in parts])[order]
        words = np.concatenate([p[3] for p in parts])[order]
        names = pd.Series(["0"] * count) if self.keys is None else self._names(count)
        return self.frame(owner[order], seconds, values, words, names, facts)

    def _names(self, count: int) -> Any:
        assert self.keys is not None
        return written(self.keys, np.arange(count))

    def _facts(self, count: int, seed: int) -> Any:
        """A row a series: attributes, length and beginning."""
        if self.owners is not None:
            return self.owners.generate(count, seed=seed)
        rows = np.arange(count) % len(self.kept)
        out = self.kept.iloc[rows].reset_index(drop=True)
        if count > len(self.kept) and self.plan.roles.step:  # further ones begin at other times
            rng = np.random.default_rng(seed)
            span = np.maximum(out[LENGTH].to_numpy(np.float64) - LONGEST, 1)
            moved = np.floor(rng.random(count) * span) * self.plan.roles.step
            out[START] = out[START] + np.where(np.arange(count) < len(self.kept), 0.0, moved)
        return out

    def frame(
        self,
        owner: np.ndarray,
        seconds: np.ndarray,
        values: np.ndarray,
        words: np.ndarray,
        names: Any,
        facts: Any,
    ) -> Any:
        """Steps as a table with the columns that were learnt from."""
        pd = pandas()
        roles = self.plan.roles
        when = stamps(seconds, roles.zone)
        columns: dict[str, Any] = {}
        for n, channel in enumerate(self.plan.channels):
            column = pd.Series(values[:, n])
            whole = channel.whole and not column.isna().any()
            columns[channel.name] = column.astype("int64") if whole else column
        for n, name in enumerate(roles.categories):
            columns[name] = pd.Series(words[:, n], dtype="str")
        for name in roles.statics:
            columns[name] = facts[name].iloc[owner].reset_index(drop=True)
        if roles.entity is not None:
            columns[roles.entity] = names.iloc[owner].reset_index(drop=True)
        if roles.time is not None:
            columns[roles.time] = when
        for name in roles.parts:
            columns[name] = getattr(when.dt, name.lower())
        kept = [name for name in self.plan.columns if name in columns]
        return pd.DataFrame({name: columns[name] for name in kept})

    def next(self, name: str) -> list[str]:
        """Commands to try."""
        return [
            f"genloom generate {name} -o made",
            f"genloom forecast {name} HISTORY.csv --horizon 24",
            f"genloom fill {name} HOLES.csv -o whole.csv",
        ]

    # --- disk -----------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> Path:
        """Write the whole folder or nothing."""
        target = Path(folder)
        own_place(target)
        with replacing(target) as new:
            self.steps.save(new / "tables" / STEPS)
            if self.owners is not None:
                self.owners.save(new / "tables" / OWNERS)
            told: dict[str, Any] = {
                "format": FORMAT,
                "kind": self.kind,
                "plan": self.plan.to_json(),
            }
            told["kept"] = None if self.kept is None else frame_told(self.kept)
            told["keys"] = None if self.keys is None else vars(self.keys)
            write_json(new / JOINED, told)
            (new / ARRAYS).write_bytes(save_arrays({"weights": self.weights}))
            recipe = {
                "name": target.name,
                "codec": {"kind": self.kind},
                "family": {"kind": self.steps.recipe.family.kind},
                "net": {STEPS: {"kind": self.steps.recipe.net["net"].kind}},
            }
            write_json(new / "recipe.json", recipe)
            write_json(new / "card.json", {"format": FORMAT, **self.card})
            names = (JOINED, ARRAYS, "recipe.json", "card.json")
            write_json(new / DIGESTS, {name: file_digest(new / name) for name in names})
        self.folder = target
        return target

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """ModelError where it is missing or damaged."""
        path = recover(Path(folder))
        if not (path / JOINED).is_file():
            raise ModelError(f"{path} holds no series: train them by  genloom train series")
        try:
            undamaged(path, DIGESTS)
            told = read_json(path / JOINED)
            owners = path / "tables" / OWNERS
            return cls(
                plan=SeriesPlan.from_json(told["plan"]),
                weights=load_arrays((path / ARRAYS).read_bytes())["weights"],
                steps=api.load((path / "tables" / STEPS).absolute(), device=device),
                owners=api.load(owners.absolute(), device=device) if owners.is_dir() else None,
                kept=None if told["kept"] is None else frame_from(told["kept"]),
                keys=None if told["keys"] is None else Keys.from_json(told["keys"]),
                card=read_json(path / "card.json"),
                folder=path,
            )
        except GenloomError:
            raise
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"{path} does not load ({type(error).__name__}: {str(error).splitlines()[0]}): "
                "restore it from a copy or train it again"
            ) from error
