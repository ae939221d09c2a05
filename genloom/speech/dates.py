"""Dates, years and times of day as English words. Rules: a pattern, and what is said of a match;
None where it is none of theirs after all."""

from __future__ import annotations

from re import Match

from genloom.speech.numbers import cardinal, decade, ordinal, year
from genloom.speech.rule import Rule, rule

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
SHORT = {name[:3]: name for name in MONTHS} | {"sept": "september"}
MONTH = rf"(?P<month>{'|'.join(MONTHS)}|(?:{'|'.join(sorted(SHORT, key=len, reverse=True))})\b\.?)"
DAYS = {
    "mon": "monday",
    "tue": "tuesday",
    "tues": "tuesday",
    "wed": "wednesday",
    "thu": "thursday",
    "thur": "thursday",
    "thurs": "thursday",
    "fri": "friday",
    "sat": "saturday",
    "sun": "sunday",
}
DAY, YEAR = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?", r"(?P<year>\d{4})"
HALF = r"(?P<half>[ap])\.?\s?m\b\.?"


def _month(told: str) -> str:
    plain = told.lower().rstrip(".")
    return SHORT.get(plain, plain)


def _written(month: str, day: int, years: str | None) -> str | None:
    if not 1 <= day <= 31:
        return None
    return f"{month} {ordinal(day)}" + (f", {year(int(years))}" if years else "")


def _month_first(m: Match[str]) -> str | None:
    return _written(_month(m["month"]), int(m["day"]), m["year"])


def _day_first(m: Match[str]) -> str | None:
    day = int(m["day"])
    if not 1 <= day <= 31:
        return None
    tail = f" {year(int(m['year']))}" if m["year"] else ""
    the = "" if m["the"] else "the "
    return f"{the}{m['the'] or ''}{ordinal(day)} of {_month(m['month'])}{tail}"


def _month_year(m: Match[str]) -> str:
    return f"{_month(m['month'])} {year(int(m['year']))}"


def _numbered(m: Match[str]) -> str | None:
    """Year, month, day by their places; where month and day can be told apart only by the writer,
    the month comes first, as Americans write it."""
    month, day = int(m["month"]), int(m["day"])
    if month > 12 >= day:
        month, day = day, month
    if not 1 <= month <= 12:
        return None
    years = m["year"]
    if len(years) == 2:
        years = ("20" if int(years) < 50 else "19") + years
    return _written(MONTHS[month - 1], day, years)


def _clock(m: Match[str]) -> str | None:
    hour, minute = int(m["hour"]), int(m["minute"] or 0)
    if hour > 24 or minute > 59:
        return None
    half = m["half"]
    told = cardinal(hour)
    if minute:
        told += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        told += " o'clock" if 1 <= hour <= 12 else " hundred"
    if m["second"]:
        told += f" and {cardinal(int(m['second']))} seconds"
    return told + (f" {'a' if half.lower() == 'a' else 'pea'} em" if half else "") + _end(m)


def _hour(m: Match[str]) -> str | None:
    hour = int(m["hour"])
    if not 1 <= hour <= 12:
        return None
    return f"{cardinal(hour)} {'a' if m['half'].lower() == 'a' else 'pea'} em" + _end(m)


def _end(m: Match[str]) -> str:
    """The end of the sentence that the point of "p.m." is, too."""
    rest = m.string[m.end() : m.end() + 8].lstrip()
    return "." if m.group().endswith(".") and (not rest or rest[0].isupper()) else ""


def _decade(m: Match[str]) -> str:
    return decade(int(m["decade"]))


def _span(m: Match[str]) -> str:
    last = m["last"]
    end = year(int(last)) if len(last) == 4 else cardinal(int(last))
    return f"{year(int(m['first']))} to {end}"


def _year(m: Match[str]) -> str:
    return year(int(m["year"]))


def _era(m: Match[str]) -> str:
    return f"{year(int(m['year']))} "


def _short_day(m: Match[str]) -> str:
    return DAYS[m["name"].lower()] + m["comma"]


def _short_month(m: Match[str]) -> str:
    return _month(m["month"])


RULES: tuple[Rule, ...] = (
    rule(r"\b(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})\b", _numbered),
    rule(r"\b(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4}|\d{2})\b", _numbered),
    rule(r"\b(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})\b", _numbered),
    rule(rf"\b{MONTH}\s+{DAY}(?:,?\s+{YEAR})?(?![\d:])\b", _month_first),
    rule(rf"\b(?P<the>the\s+)?{DAY}(?:\s+of)?\s+{MONTH}(?:,?\s+{YEAR})?(?!\w)", _day_first),
    rule(rf"\b{MONTH},?\s+{YEAR}\b", _month_year),
    rule(
        rf"\b(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?!\d)(?:\s?{HALF})?", _clock
    ),
    rule(rf"\b(?P<hour>\d{{1,2}})\s?{HALF}", _hour),
    rule(r"(?<!\w)['\u2019]?(?P<decade>\d{2,3}0|\d0)['\u2019]?s\b", _decade),
    rule(r"\b(?P<first>1[1-9]\d\d|20\d\d)\s?[-\u2013]\s?(?P<last>\d{4}|\d{2})\b(?![-\d])", _span),
    rule(r"(?<![\w.,$#-])(?P<year>1[1-9]\d\d|20\d\d)(?![\w%]|[.,]\d|[-/]\d)", _year),
    rule(
        rf"\b(?P<name>{'|'.join(d.title() for d in DAYS)})\.(?P<comma>,?)", _short_day, exact=True
    ),
    rule(
        rf"\b(?P<month>{'|'.join(n.title() for n in SHORT if n != 'may')})\.(?=\s)",
        _short_month,
        exact=True,
    ),
)
