"""How a column writes its numbers: dtype, decimals, date format; plain float64 underneath.

Knows pandas series of numbers, datetimes, durations and texts that are dates, and gives them back
as they came. Knows no statistics and no tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genloom.codec.table.dataframes import pandas
from genloom.errors import RequestError

DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y-%m",
    "%H:%M:%S",
    "%H:%M",
)
_STEPS = {  # nanoseconds; the coarsest that all values are multiples of is kept
    "day": 86_400_000_000_000,
    "hour": 3_600_000_000_000,
    "minute": 60_000_000_000,
    "second": 1_000_000_000,
    "millisecond": 1_000_000,
    "microsecond": 1_000,
    "nanosecond": 1,
}
_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_MOST_DECIMALS = 12
_OFFSET = r":\d{2}(?:\.\d+)?([+-]\d{2}:?\d{2})$"  # behind the minutes or seconds


@dataclass(frozen=True, kw_only=True)
class NumberForm:
    """dtype     of the series that comes back
    sort      "number", "date" (datetime64), "span" (timedelta64) or "text date" (format says how)
    decimals  digits kept after the point, negative for round tens; None keeps all
    step      for dates: "day", "hour" ...; a plain number counts them from 1970
    """

    dtype: str
    sort: str = "number"
    decimals: int | None = None
    step: str = "day"
    format: str = ""

    @classmethod
    def of_numbers(cls, series: Any) -> NumberForm:
        pd = pandas()
        plain = _floats(series)
        narrow = "float32" in str(series.dtype).lower() or str(series.dtype) == "float16"
        eps = float(np.finfo(np.float32 if narrow else np.float64).eps)
        digits = _decimals(plain[np.isfinite(plain)], eps)
        if pd.api.types.is_integer_dtype(series.dtype):
            digits = min(digits or 0, 0)
        return cls(dtype=str(series.dtype), decimals=digits)

    @classmethod
    def of_dates(cls, series: Any) -> NumberForm:
        sort = "span" if series.dtype.kind == "m" else "date"
        return cls(dtype=str(series.dtype), sort=sort, decimals=0, step=_step(_counts(series)))

    @classmethod
    def of_texts(
        cls, series: Any, formats: Sequence[str] = DATE_FORMATS, strict: bool = True
    ) -> NumberForm | None:
        """The form of a series of texts that are dates of one format, all of them if strict, or
        None."""
        present = series.dropna().astype(str)
        sample = present.iloc[:: max(1, len(present) // 50)]
        if formats is DATE_FORMATS:
            formats = _with_zones(present, sample)
        for form in formats:
            if strict and _read(sample, form).isna().any():
                continue
            dates = _read(present, form)
            if not dates.isna().any() or (not strict and dates.notna().any()):
                step = _step(_counts(dates.dropna()))
                return cls(
                    dtype=str(series.dtype), sort="text date", decimals=0, step=step, format=form
                )
        return None

    @property
    def whole(self) -> bool:
        return self.decimals is not None and self.decimals <= 0

    @property
    def unit(self) -> float:
        """What one of its plain numbers is: nanoseconds of a date or a duration, else 1."""
        return 1.0 if self.sort == "number" else float(_STEPS[self.step])

    @property
    def measures(self) -> str:
        """What its values can be compared with."""
        return "dates" if self.sort in ("date", "text date") else f"{self.sort}s"

    def plain(self, series: Any) -> np.ndarray:
        """float64 [n], NaN for missing, infinite or unreadable."""
        pd = pandas()
        if self.sort == "number":
            found = _floats(series)
            return np.where(np.isfinite(found), found, np.nan)
        if self.sort == "text date":
            series = _read(series, self.format)
        elif self.sort == "date" and series.dtype.kind != "M":
            series = pd.to_datetime(series, errors="coerce")
        counts, scale = _counts(series)
        missing = series.isna().to_numpy()
        return np.where(missing, np.nan, counts / (_STEPS[self.step] / scale))

    def tidy(self, plain: np.ndarray) -> np.ndarray:
        """Rounded to the decimals of the column."""
        return plain if self.decimals is None else np.round(plain, self.decimals)

    def series(self, plain: np.ndarray) -> Any:
        """An array or series of the original dtype from float64 [n] with NaN for missing."""
        pd = pandas()
        if self.sort != "number":
            return self._dates(plain)
        dtype = pd.api.types.pandas_dtype(self.dtype)
        if dtype.kind == "O" and isinstance(dtype, np.dtype):
            whole = self.whole
            values = [int(v) if v == v and whole else v for v in plain.tolist()]
            return pd.Series(values, dtype=object)
        if pd.api.types.is_integer_dtype(dtype):
            missing = np.isnan(plain)
            whole = np.where(missing, 0, np.rint(plain))
            if isinstance(dtype, np.dtype):
                return whole.astype(dtype)
            exact = whole.astype(np.int64 if dtype.kind != "u" else np.uint64)
            return (
                pd.array(exact).astype("Int64").astype(dtype)
                if not missing.any()
                else (pd.Series(exact).astype("Int64").mask(missing).astype(dtype))
            )
        if isinstance(dtype, np.dtype):
            return plain.astype(dtype)
        return pd.Series(plain).astype(dtype)

    def _dates(self, plain: np.ndarray) -> Any:
        pd = pandas()
        missing = np.isnan(plain)
        exact = np.where(missing, 0, np.rint(plain)).astype(np.int64)
        if self.sort == "text date":
            distinct, place = np.unique(exact, return_inverse=True)
            dates = pd.Series(distinct * (_STEPS[self.step] // 1000)).astype("datetime64[us]")
            form = self.format.replace("%z", "+00:00")  # of mixed zones all in one
            words = pd.array(dates.dt.strftime(form).astype(self.dtype), dtype=self.dtype)
            return words.take(np.where(missing, -1, place), allow_fill=True)
        dtype = pd.api.types.pandas_dtype(self.dtype)
        unit = np.datetime_data(getattr(dtype, "base", dtype))[0]
        counts = exact * (_STEPS[self.step] // _UNITS[unit])
        kind = "datetime64" if self.sort == "date" else "timedelta64"
        raw = np.where(missing, np.iinfo(np.int64).min, counts).view(f"{kind}[{unit}]")
        made = pd.Series(raw)
        zone = getattr(dtype, "tz", None)
        return made if zone is None else made.dt.tz_localize("UTC").dt.tz_convert(zone)

    def literal(self, column: str, value: Any) -> float:
        """A value of a condition as a plain number. RequestError where the type does not fit."""
        pd = pandas()
        if self.sort == "number":
            if isinstance(value, bool | str) or not np.isfinite(value):
                raise RequestError(
                    f"where: column {column!r} holds numbers, but was compared with {value!r}: "
                    "give a number without quotes"
                )
            return float(value)
        try:
            if not isinstance(value, str):
                raise ValueError
            moment = pd.Timedelta(value) if self.sort == "span" else self._moment(value)
        except (ValueError, OverflowError):
            raise RequestError(
                f"where: column {column!r} holds dates, but was compared with {value!r}: "
                "give a date in quotes, such as '2024-05-31'"
            ) from None
        return moment.as_unit("ns").value / _STEPS[self.step]

    def _moment(self, text: str) -> Any:
        pd = pandas()
        moment = pd.to_datetime(text, format=self.format or None, errors="coerce")
        if moment is pd.NaT:
            moment = pd.Timestamp(text)
        if moment is pd.NaT:
            raise ValueError
        return moment if moment.tz is None else moment.tz_convert("UTC").tz_localize(None)

    def show(self, plain: float) -> str:
        """A plain number as the column would write it."""
        if self.sort == "number":
            return f"{int(plain)}" if self.whole else f"{plain:.6g}"
        pd = pandas()
        return str(pd.Series(self.series(np.array([plain]))).iloc[0])

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _read(texts: Any, form: str) -> Any:
    """Texts as dates without a zone; of texts with zones, the time at Greenwich."""
    pd = pandas()
    if "%z" not in form:
        return pd.to_datetime(texts, format=form, errors="coerce")
    dates = pd.to_datetime(texts, format=form, errors="coerce", utc=True)
    return dates.dt.tz_localize(None)


def _with_zones(present: Any, sample: Any) -> Sequence[str]:
    """The usual formats, or where all texts end in an offset, these with it; %z where it varies."""
    if sample.str.extract(_OFFSET, expand=False).isna().any():
        return DATE_FORMATS
    offsets = present.str.extract(_OFFSET, expand=False).dropna().unique()
    end = offsets[0] if len(offsets) == 1 else "%z"
    return [f"{form}{end}" for form in DATE_FORMATS if "%H" in form and not form.endswith("Z")]


def _floats(series: Any) -> np.ndarray:
    pd = pandas()
    if series.dtype == object or pd.api.types.is_string_dtype(series.dtype):
        series = pd.to_numeric(series, errors="coerce")
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _counts(series: Any) -> tuple[np.ndarray, int]:
    """int64 counts since 1970 (or of a duration) and the nanoseconds of one; missing is 0."""
    if getattr(series.dtype, "tz", None) is not None:
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    raw = series.to_numpy()
    unit = np.datetime_data(raw.dtype)[0]
    return np.where(np.isnat(raw), 0, raw.view(np.int64)), _UNITS[unit]


def _step(counted: tuple[np.ndarray, int]) -> str:
    counts, scale = counted
    for name, length in _STEPS.items():
        if length <= scale or not (counts % (length // scale)).any():
            return name
    return "nanosecond"


def _decimals(values: np.ndarray, eps: float) -> int | None:
    """The fewest digits after the point (down to round thousands) that keep every value."""
    if not len(values):
        return None
    slack = 4 * eps * np.abs(values)
    for digits in range(-6, _MOST_DECIMALS + 1):
        if np.all(np.abs(np.round(values, digits) - values) <= slack):
            return digits
    return None
