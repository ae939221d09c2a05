"""What is remembered of each table besides its model: columns, times, keys, choices.

Values that go to JSON and back. Names of derived columns are made here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from genloom.codec.table.number_form import NumberForm

RANK = "before/#"  # the number of the row among those of its owner
GAP, START, AT = "time/gap", "time/start", "time/at"
PARTS = ("time/month", "time/weekday", "time/hour")
FILLER = "filler"  # where a table has nothing to learn but its keys


def count_name(child: str, column: str) -> str:
    return f"#{child}.{column}"


def of_parent(column: str, name: str) -> str:
    """What a column of a parent is called in its child."""
    return f"{column}/{name}"


def before(name: str) -> str:
    """A column of the row before."""
    return f"before/{name}"


def which(column: str) -> str:
    """The group of the row that a link leads to."""
    return f"{column}/which"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a link that is not the owner's is drawn: a group of the parent's rows first, then one of
    them by how many children it is to have. groups: how many there are."""

    column: str
    parent: str
    groups: int


@dataclass(frozen=True, kw_only=True)
class Keys:
    """How new keys are written: counted from `start`, or in the places of a shape. digits: that the
    number has at least."""

    dtype: str
    start: int = 1
    shape: tuple[str, ...] = ()

    @property
    def counted(self) -> bool:
        return not self.shape

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Keys:
        known: dict[str, Any] = dict(values)
        known["shape"] = tuple(values["shape"])
        return cls(**known)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """rows: how many were learnt from. columns: as the table has them. own: those that are learnt,
    but for its time. seen: those of it that its children are told. told: of its model, what is
    given. counts: of children. chain: whether a row follows from the one before it. anchor: a date
    of the owner that no row comes before. last: the latest time. kept: it is so small that it stays
    as it is."""

    rows: int
    columns: tuple[str, ...]
    dtypes: Mapping[str, str]
    own: tuple[str, ...]
    seen: tuple[str, ...]
    told: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    chain: bool = True
    lags: tuple[str, ...] = ()
    form: NumberForm | None = None
    anchor: str | None = None
    last: float = 0.0
    keys: Keys | None = None
    choices: tuple[Choice, ...] = ()
    kept: bool = False
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        values = asdict(self)
        values["form"] = None if self.form is None else self.form.to_json()
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Plan:
        known: dict[str, Any] = dict(values)
        for name in ("columns", "own", "seen", "told", "counts", "lags", "notes"):
            known[name] = tuple(known[name])
        known["form"] = None if known["form"] is None else NumberForm(**known["form"])
        keys = known["keys"]
        known["keys"] = None if keys is None else Keys.from_json(keys)
        known["choices"] = tuple(Choice(**one) for one in known["choices"])
        return cls(**known)
