"""The codec of tables: rows of a DataFrame <-> runs of column tokens, or vectors.

Knows how columns are laid out in a row. What a column learns is in `columns`, `number_column`,
`identifier_column` and `detect`; files are in `frame`; conditions in `where` and `condition`.
Shape legend: N rows, L positions of a row, C channels of a row, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from genloom.budget import Ledger
from genloom.codec.base import Condition, Reading
from genloom.codec.saving import write_atomic
from genloom.codec.table import cells, learnt, sdv_metadata
from genloom.codec.table import constraint_values as kept
from genloom.codec.table.columns import Column, row_noise
from genloom.codec.table.condition import condition, matches, settle
from genloom.codec.table.constrained import Constrained
from genloom.codec.table.constraint import constraints_of, listed
from genloom.codec.table.constraint_masks import Masks
from genloom.codec.table.dataframes import as_frame
from genloom.codec.table.detect import Policy, kinds_of
from genloom.codec.table.frame import read_tables, write_table
from genloom.codec.table.levels import levels_of
from genloom.codec.table.number_column import NumberColumn
from genloom.codec.table.places import places_of
from genloom.codec.table.private_columns import learn_privately
from genloom.codec.table.row_channels import Channels, learn_channels
from genloom.codec.table.shared import Shared, node_of
from genloom.codec.table.stored import Stored
from genloom.codec.table.streaming import TableWriter, streams
from genloom.codec.table.text_column import TextColumn
from genloom.codec.table.welcome import welcomed
from genloom.errors import DataError, ModelError, RecipeError
from genloom.metric.table import table_quality
from genloom.spec import ArraySpec, Span, Spec, TokenSpec

PAD, BOS = 0, 1
_KINDS: Mapping[str, Literal["number", "words"]] = {
    "number": "number",
    "date": "number",
    "text": "words",
}
_RESERVED = 2
_COMPARED = 10_000  # rows of each side at most
_SHOWN = 20


class TableCodec(Constrained, Shared, Stored):
    """Rows of tables.

    carrier     "tokens" (one or two ids a column) or "array" (ranks and one-hot choices)
    bins        cells of a column of many numbers
    fine        places within such a cell, as a second id; 0 leaves the place to a hash of the row
    distinct    a column with at most so many common numbers gives each an id of its own
    categories  most values of a column of categories; the rest is pooled
    rare        a value in fewer rows than this is never put out as it was
    texts       places of a row for a column of free text at most; 0: placeholders are put out
    told        columns that are always given: others follow from them, they are never learnt
    constraints what every row, or the whole table, is to meet: see `constraint`
    kinds       column -> what it holds, where that is known: see `detect.learn_as`
    metadata    of SDV, which says both: see `sdv_metadata`
    """

    kind: ClassVar[str] = "table"
    media: ClassVar[str] = "text/csv"
    suffix: ClassVar[str] = ".csv"
    preview_suffix: ClassVar[str] = ".txt"
    conditional: ClassVar[bool] = True
    takes: ClassVar[frozenset[str]] = frozenset({"balance", "fair", "weights"})

    def __init__(
        self,
        *,
        carrier: Literal["tokens", "array"] = "tokens",
        bins: int = 100,
        fine: int = 32,
        distinct: int = 256,
        categories: int = 1000,
        rare: int = 5,
        texts: int = 32,
        told: Sequence[str] = (),
        constraints: Sequence[Mapping[str, Any]] = (),
        kinds: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if carrier not in ("tokens", "array"):
            raise RecipeError(f"codec.carrier is {carrier!r}: give 'tokens' or 'array'")
        for name, value, low in (
            ("bins", bins, 1),
            ("fine", fine, 0),
            ("distinct", distinct, 1),
            ("categories", categories, 1),
            ("rare", rare, 1),
            ("texts", texts, 0),
        ):
            if not isinstance(value, int) or not low <= value <= 100_000:
                raise RecipeError(f"codec.{name} is {value!r}: give a whole number from {low}")
        self.carrier, self.bins, self.fine = carrier, bins, fine
        self.distinct, self.categories, self.rare, self.texts = distinct, categories, rare, texts
        if told and carrier == "array":
            raise RecipeError("codec.told is for rows of tokens: use codec.carrier=tokens")
        self.told = tuple(told)
        self._said: list[str] = []
        said, more = (
            ({}, []) if metadata is None else sdv_metadata.read(metadata, self._said.append)
        )
        self.constraints = constraints_of([*more, *listed(constraints)])
        self.kinds_told = {**said, **kinds_of(kinds)}
        self._columns: tuple[Column, ...] = ()
        self._kept: kept.Kept | None = None
        self._masks: Masks | None = None
        self._channels: tuple[Channels | None, ...] = ()
        self.notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was learnt of each column, in the order of the table."""
        if not self._columns:
            raise ModelError("this table codec has learnt no columns yet: call fit or load first")
        return self._columns

    @property
    def compares(self) -> bool:
        """Rows of which a part is told cannot be drawn and compared without it."""
        return not self.told

    @property
    def carries(self) -> type:
        return TokenSpec if self.carrier == "tokens" else ArraySpec

    @property
    def spec(self) -> Spec:
        if self.carrier == "array":
            spans = [span for _, part in self._vector() for span in part]
            return ArraySpec(grid=(), channels=spans[-1].stop, spans=tuple(spans))
        ranges = self._ranges()
        return TokenSpec(
            vocab=ranges[-1][1],
            length=len(ranges),
            bos=BOS,
            eos=None,
            pad=PAD,
            spans=tuple(
                Span(
                    name=column.name,
                    start=start,
                    size=len(column.sizes),
                    kind=_KINDS.get(column.kind, "choice"),
                )
                for column, start in self._learnt()
            ),
            ranges=ranges,
            levels=tuple(level for column, _ in self._learnt() for level in levels_of(column)),
        )

    def _learnt(self) -> list[tuple[Column, int]]:
        """Columns that have ids, each with its first position: texts last, so that they are drawn
        beside all else."""
        out, start = [], 0
        for column in sorted(self.columns, key=lambda one: isinstance(one, TextColumn)):
            if column.sizes:
                out.append((column, start))
            start += len(column.sizes)
        return out

    def _ranges(self) -> tuple[tuple[int, int], ...]:
        sizes = [size for column, _ in self._learnt() for size in column.sizes]
        stops = (_RESERVED + np.cumsum(sizes)).tolist()
        return tuple(zip([_RESERVED, *stops[:-1]], stops, strict=True))

    def _vector(self) -> list[tuple[Channels, list[Span]]]:
        """Channels with their spans, in the order of the table."""
        out, start = [], 0
        for channels in self._channels:
            if channels is not None:
                spans = channels.spans(start)
                out.append((channels, spans))
                start = spans[-1].stop
        return out

    # --- data -----------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        """A DataFrame from a CSV or Parquet file or a folder of them; see `frame`."""
        return read_tables(path)

    def adopt(self, items: Any) -> Any:
        """Data from memory as a DataFrame, whatever holds it: an Arrow stream is read here."""
        return as_frame(items)

    def writer(self, path: Path) -> TableWriter | None:
        """What writes a file of this name in parts, where that can be."""
        return TableWriter(path) if streams(path) else None

    def welcome(self, items: Any) -> tuple[Any, list[str]]:
        """The rows that a training on top of what is known can learn from, and what there is to
        say of the others: statistics stay as they are."""
        frame, said = welcomed(self.columns, as_frame(items))
        self._columns = tuple(
            column.guarding([str(text) for text in frame[column.name].dropna()])
            if isinstance(column, TextColumn)
            else column
            for column in self.columns
        )
        return frame, said

    def fit(self, items: Any) -> None:
        frame = as_frame(items)
        if not len(frame) or not len(frame.columns):
            raise DataError(
                f"the table has {len(frame)} rows and {len(frame.columns)} columns: "
                "give at least one row and one column"
            )
        policy = self._policy()
        notes = list(self._said)
        columns = learnt.learn_columns(frame, policy, self.constraints, self.kinds_told, notes)
        if not any(c.sizes and not isinstance(c, TextColumn) for c in columns):
            raise DataError(
                f"nothing to learn in {len(frame)} rows: all {len(columns)} columns are "
                f"identifiers, free text or constant ({notes[0]}): "
                "give a table with a column of repeated values or of numbers"
            )
        self._columns = tuple(columns)
        if self.constraints:
            least = policy.rare
            self._kept = kept.learn(self.constraints, columns, frame, least, notes.append)
            self._bind()
        self.notes = tuple(notes)
        if self.carrier == "array":
            self._channels = tuple(learn_channels(c, frame[c.name]) for c in columns)

    def _policy(self) -> Policy:
        return Policy(
            cells=self.bins,
            fine=self.fine,
            distinct=self.distinct,
            categories=self.categories,
            rare=self.rare,
            seasons=self.carrier == "tokens",
            texts=self.texts if self.carrier == "tokens" else 0,
        )

    def fit_private(self, items: Any, ledger: Ledger) -> None:
        """`fit` from the ledger's noisy counts alone; see `private_columns` for what is taken as
        known."""
        if self.carrier != "tokens":
            raise RecipeError(
                "rows as arrays are not counted privately: use the medium table, whose rows are "
                "tokens, or leave epsilon out"
            )
        if self.constraints or self.kinds_told:
            raise RecipeError(
                "constraints and kinds of columns are checked against the data, which an epsilon "
                "does not allow: leave them out, or leave epsilon out"
            )
        notes: list[str] = []
        frame = as_frame(items)
        self._columns = learn_privately(frame, self._policy(), ledger, notes.append)
        self.notes = tuple(notes)

    def _bind(self) -> None:
        """Masks for who draws ids, of what is kept."""
        places = {column.name: start for column, start in self._learnt()}
        if self._kept is not None and self.carrier == "tokens":
            self._masks = self._kept.masks(places, self._ranges())

    def encode(self, items: Any) -> Tensor:
        """long [N, L] without bos, or float [N, C]."""
        frame = as_frame(items)
        gone = [c.name for c in self.columns if c.sizes and c.name not in frame.columns]
        if gone:
            raise DataError(f"the table lacks the columns {', '.join(gone)}: add them")
        if self.carrier == "array":
            parts = [c.encode(frame[c.column.name]) for c, _ in self._vector()]
            return torch.from_numpy(np.concatenate(parts, 1)).float()
        ids = np.concatenate([c.encode(frame[c.name]) for c, _ in self._learnt()], 1)
        return torch.from_numpy(ids + [low for low, _ in self._ranges()])

    def weights(self, items: Any) -> Tensor | None:
        """float [L], 1 where a position is learnt, where columns are told; else None."""
        if not self.told:
            return None
        out = torch.ones(self._width())
        for column, start in self._learnt():
            if column.name in self.told:
                out[start : start + len(column.sizes)] = 0.0
        return out

    def decode(self, x: Sequence[Tensor] | Tensor) -> Any:
        """A DataFrame with the columns and dtypes of the training data, from tokens or vectors."""
        if not isinstance(x, Tensor):
            x = torch.stack(list(x)) if len(x) else torch.zeros(0, self._width())
        values = x.detach().cpu().numpy()
        return self._from_vectors(values) if self.carrier == "array" else self._from_ids(values)

    def _width(self) -> int:
        spec = self.spec
        return spec.length if isinstance(spec, TokenSpec) else spec.channels

    def _from_ids(self, ids: np.ndarray) -> Any:
        ranges = self._ranges()
        low, high = np.array(ranges, np.int64).T
        ids = np.clip(ids.astype(np.int64), low, high - 1) - low
        noise = row_noise(ids)
        compared = self._kept.compared if self._kept is not None else frozenset()
        out, values = {}, {}
        places = {column.name: start for column, start in self._learnt()}
        for column in self.columns:
            start = places.get(column.name, 0)
            mine = ids[:, start : start + len(column.sizes)]
            if column.name in compared and isinstance(column, NumberColumn):
                values[column.name] = (column.decode_plain(mine, noise), *column.interval(mine))
                out[column.name] = None
            else:
                out[column.name] = column.decode(mine, noise)
        if self._kept is None:
            return as_frame(out)
        for name, plain in self._kept.ordered(values, noise).items():
            out[name] = self._kept.columns[name].form.series(plain)  # type: ignore[attr-defined]
        return self._kept.computed(as_frame(out))

    def _from_vectors(self, values: np.ndarray) -> Any:
        values = np.nan_to_num(values.reshape(len(values), self._width()).astype(np.float64))
        spans = {c.column.name: (c, part) for c, part in self._vector()}
        noise = row_noise((values * 1e6).astype(np.int64))
        out = {}
        for column in self.columns:
            if column.name in spans:
                channels, part = spans[column.name]
                out[column.name] = channels.decode(values[:, part[0].start : part[-1].stop])
            else:
                out[column.name] = column.decode(np.zeros((len(values), 0), np.int64), noise)
        return as_frame(out) if self._kept is None else self._kept.computed(as_frame(out))

    def captions(self, items: Any) -> None:
        return None

    # --- conditions -----------------------------------------------------------------------------

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """What conditions fix and allow; a prompt is read as conditions, too.

        They allow a little too much where a range ends inside a cell or an `or` spans columns: draw
        again until `matches`. As arrays they fix nothing, and only `matches` decides.
        """
        node = node_of(prompt, where)
        if node is None:
            return Condition(rules=self._masks)
        places = {column.name: start for column, start in self._learnt()}
        found = condition(self.columns, places, self._ranges(), node, self._masks)
        return found if self.carrier == "tokens" else Condition()

    def matches(self, items: Any, where: Any, prompt: str | None = None) -> np.ndarray:
        """bool [N], which rows meet the conditions and the constraints."""
        frame, node = as_frame(items), node_of(prompt, where)
        met = np.ones(len(frame), bool)
        if self._kept is not None:
            frame = self.settle(frame, where, prompt)
            met &= self._kept.holds(frame)
        met &= ~self.whole_texts(frame, node)
        return met if node is None else met & matches(self.columns, frame, node)

    def meets(self, items: Any) -> np.ndarray:
        """bool [N], which rows meet the constraints on rows."""
        frame = as_frame(items)
        return np.ones(len(frame), bool) if self._kept is None else self._kept.holds(frame)

    def settle(self, items: Any, where: Any, prompt: str | None = None) -> Any:
        """The rows with the exact numbers that `column = value` asks for and no id stands for, and
        what is computed from these."""
        frame, node = as_frame(items), node_of(prompt, where)
        frame = frame if node is None else settle(self.columns, frame, node)
        return frame if node is None or self._kept is None else self._kept.computed(frame)

    # --- gaps -----------------------------------------------------------------------------------

    def partly(self, items: Any, columns: Sequence[str] | None = None) -> cells.Partly:
        return cells.partly(self, items, columns)

    def filled(self, items: Any, made: Any, empty: dict[str, np.ndarray]) -> Any:
        whole = cells.filled(items, made, empty)
        return whole if self._kept is None else self._kept.filled(whole, made, empty)

    def target(self, name: str) -> tuple[Column, int]:
        return cells.target(self, name)

    def foretold(self, name: str, chances: np.ndarray, coverage: float) -> Any:
        return cells.told(self, name, chances, coverage)

    # --- quality --------------------------------------------------------------------------------

    def natural_side(self, items: Any) -> None:
        """Rows have no sides."""

    def features(self, items: Any) -> Tensor:
        """float [N, F]: standardised numbers and one-hot categories."""
        frame = as_frame(items)
        parts = [column.features(frame[column.name]) for column, _ in self._learnt()]
        return torch.from_numpy(np.concatenate(parts, 1)).float()

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """shape_error and trend_error, percent (100 - the scores of SDMetrics), at most 10,000
        rows of each side."""
        real, made = (self._measured(_some(as_frame(frame))) for frame in (real, made))
        found = table_quality(real, made, self.kinds())
        errors = {"shape_error": found.shape_error, "trend_error": found.trend_error}
        return {name: value for name, value in errors.items() if np.isfinite(value)}

    def kinds(self) -> dict[str, Literal["number", "choice"]]:
        """Learnt column -> how its values are compared; texts are not, value by value."""
        return {
            column.name: "number" if isinstance(column, NumberColumn) else "choice"
            for column, _ in self._learnt()
            if not isinstance(column, TextColumn)
        }

    @property
    def dates(self) -> list[NumberColumn]:
        """Columns of dates and times."""
        numbers = [column for column in self.columns if isinstance(column, NumberColumn)]
        return [column for column in numbers if column.form.measures == "dates"]

    @property
    def places(self) -> list[tuple[str, str]]:
        """(latitude, longitude) of the columns that are places together."""
        return places_of(self.columns)

    def _measured(self, frame: Any) -> Any:
        """The learnt columns, dates as numbers."""
        out = {name: frame[name] for name in self.kinds()}
        for column, _ in self._learnt():
            if isinstance(column, NumberColumn):
                out[column.name] = column.form.plain(out[column.name])
        return as_frame({name: np.asarray(v) for name, v in out.items()})

    def preview(self, items: Any, path: Path) -> Path:
        """The first rows as text."""
        frame = as_frame(items)
        text = frame.head(_SHOWN).to_string(index=False, max_colwidth=40)
        rest = f"\n... {len(frame) - _SHOWN} more rows" if len(frame) > _SHOWN else ""
        return write_atomic(Path(path).with_suffix(".txt"), f"{text}{rest}\n".encode())

    # --- files ----------------------------------------------------------------------------------

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """CSV, or Parquet (which holds the record) where the path says so."""
        frame = item.to_frame().T if hasattr(item, "to_frame") else as_frame(item)
        return write_table(frame, path, record)


def _some(frame: Any) -> Any:
    """At most so many rows, the same ones every time."""
    if len(frame) <= _COMPARED:
        return frame
    chosen = np.random.default_rng(0).permutation(len(frame))[:_COMPARED]
    return frame.iloc[np.sort(chosen)]
