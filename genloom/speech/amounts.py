"""Amounts as English words: money, percentages, measures, fractions, telephone numbers, numbers.
Rules: a pattern, and what is said of a match; None where it is none of theirs after all."""

from __future__ import annotations

import re
from re import Match

from genloom.speech.numbers import ONES, cardinal, digits, number, ordinal, plural
from genloom.speech.rule import Rule, rule

NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
SIGN = r"(?:(?<![\w)])[-\u2212+])?"
# sign or code -> one, several, a hundredth of it
MONEY = {
    "$": ("dollar", "dollars", "cent"),
    "us$": ("US dollar", "US dollars", "cent"),
    "\u20ac": ("euro", "euros", "cent"),
    "\u00a3": ("pound", "pounds", "penny"),
    "\u00a5": ("yen", "yen", ""),
    "\u20b9": ("rupee", "rupees", "paisa"),
    "usd": ("dollar", "dollars", "cent"),
    "eur": ("euro", "euros", "cent"),
    "gbp": ("pound", "pounds", "penny"),
    "jpy": ("yen", "yen", ""),
    "chf": ("Swiss franc", "Swiss francs", "rappen"),
}
SEVERAL = {"penny": "pence", "paisa": "paise", "rappen": "rappen"}
LARGE = {
    "k": "thousand",
    "m": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
    **{n: n for n in ("thousand", "million", "billion", "trillion")},
}
UNITS = {
    "km": "kilometer",
    "m": "meter",
    "cm": "centimeter",
    "mm": "millimeter",
    "mi": "mile",
    "ft": "foot",
    "yd": "yard",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "l": "liter",
    "ml": "milliliter",
    "km/h": "kilometer per hour",
    "mph": "mile per hour",
    "m/s": "meter per second",
    "kph": "kilometer per hour",
    "km\u00b2": "square kilometer",
    "m\u00b2": "square meter",
    "m\u00b3": "cubic meter",
    "ha": "hectare",
    "hz": "hertz",
    "khz": "kilohertz",
    "mhz": "megahertz",
    "ghz": "gigahertz",
    "w": "watt",
    "kw": "kilowatt",
    "mw": "megawatt",
    "kwh": "kilowatt hour",
    "v": "volt",
    "kb": "kilobyte",
    "mb": "megabyte",
    "gb": "gigabyte",
    "tb": "terabyte",
    "ms": "millisecond",
    "min": "minute",
    "sec": "second",
    "hr": "hour",
    "hrs": "hour",
    "\u00b0c": "degree Celsius",
    "\u00b0f": "degree Fahrenheit",
    "\u00b0": "degree",
    "db": "decibel",
    "kcal": "kilocalorie",
    "in": "inch",
    "pm\u00b2": "square picometer",
    "s": "second",
    "h": "hour",
}
SAME = {"hertz", "kilohertz", "megahertz", "gigahertz"}
SPACED_ONLY = {"in"}  # "5 in 10" is no measure: taken only where a point or the end follows
HALVES = {2: ("half", "halves"), 4: ("quarter", "quarters")}
VULGAR = {
    "\u00bd": (1, 2),
    "\u00bc": (1, 4),
    "\u00be": (3, 4),
    "\u2153": (1, 3),
    "\u2154": (2, 3),
    "\u215b": (1, 8),
    "\u215c": (3, 8),
    "\u215d": (5, 8),
    "\u215e": (7, 8),
    "\u2155": (1, 5),
}


def _one(told: str) -> bool:
    return told.replace(",", "") == "1"


def _money(m: Match[str]) -> str:
    one, several, cent = MONEY[(m["sign"] or m["code"]).lower()]
    amount, large = m["amount"], m["large"]
    minus = "minus " if m["minus"] else ""
    if large:
        return f"{minus}{number(amount)} {LARGE[large.lower()]} {several}"
    whole, dot, part = amount.partition(".")
    if dot and len(part) == 2 and cent:
        told = (
            [f"{number(whole)} {one if _one(whole) else several}"]
            if int(whole.replace(",", ""))
            else []
        )
        if int(part):
            name = cent if int(part) == 1 else SEVERAL.get(cent, plural(cent))
            told.append(f"{cardinal(int(part))} {name}")
        return minus + (" and ".join(told) or f"zero {several}")
    return f"{minus}{number(amount)} {one if _one(amount) else several}"


def _percent(m: Match[str]) -> str:
    return f"{number(m['amount'])} {'percent' if m['sign'] == '%' else 'per mille'}"


def _measure(m: Match[str]) -> str | None:
    unit, amount = m["unit"], m["amount"]
    name = UNITS.get(unit.lower())
    if name is None or (unit.isupper() and unit in ("M", "S", "H", "G", "L", "MS")):
        return None  # 5M is no meter
    if unit == "mW":
        name = "milliwatt"
    told = f"{number(amount)} {name if _one(amount) else _units(name)}"
    return told


def _units(name: str) -> str:
    if name in SAME:
        return name
    first, of, rest = name.partition(" per ")
    head, gap, last = first.rpartition(" ")
    if head == "degree":
        return f"degrees {last}"
    last = {"foot": "feet", "inch": "inches"}.get(last, plural(last))
    return f"{head}{gap}{last}{of}{rest}"


def _feet(m: Match[str]) -> str:
    inches = f" {number(m['inches'])}" if m["inches"] else ""
    return f"{number(m['feet'])} {'foot' if _one(m['feet']) and not inches else 'feet'}{inches}"


def parts_of(top: int, bottom: int) -> str:
    """3, 4 -> "three quarters"."""
    if bottom == 1 or bottom > 100 or top > 100:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    one, several = HALVES.get(bottom, (ordinal(bottom), plural(ordinal(bottom))))
    return f"{cardinal(top)} {one if top == 1 else several}"


def _fraction(m: Match[str]) -> str | None:
    top, bottom = int(m["top"]), int(m["bottom"])
    if not bottom or (top, bottom) == (24, 7):
        return "twenty four seven" if bottom else None
    told = parts_of(top, bottom)
    if m["whole"]:
        part = f"a {told[4:]}" if top == 1 and told.startswith("one ") else told
        return f"{number(m['whole'])} and {part}"
    return told


def _vulgar(m: Match[str]) -> str:
    told = parts_of(*VULGAR[m["sign"]])
    return (
        f"{number(m['whole'])} and {'a ' + told[4:] if told.startswith('one ') else told}"
        if m["whole"]
        else told
    )


def _phone(m: Match[str]) -> str:
    text = m.group()
    groups = [digits(part) for part in re.split(r"[^\d]+", text) if part]
    return ("plus " if text.startswith("+") else "") + ", ".join(groups)


def _ordinal(m: Match[str]) -> str:
    return ordinal(int(m["amount"].replace(",", "")))


def _dotted(m: Match[str]) -> str:
    word = "dot" if m.group().count(".") == 3 else "point"
    return f" {word} ".join(cardinal(int(part)) for part in m.group().lstrip("vV").split("."))


def _range(m: Match[str]) -> str:
    return f"{number(m['low'])} to {number(m['high'])}"


def _number(m: Match[str]) -> str:
    return number(m.group())


def _times(m: Match[str]) -> str:
    return f"{number(m['a'])} by {number(m['b'])}"


def _joined(m: Match[str]) -> str:
    """Digits within a word, such as B2B or MP3."""
    digit = m.group()
    told = number(digit) if len(digit) < 3 else digits(digit)
    return f" {told} "


_SIGNS = "|".join(re.escape(s) for s in sorted(MONEY, key=len, reverse=True) if not s.isalpha())
_CODES = "|".join(s for s in MONEY if s.isalpha())
_LARGE = rf"(?:\s?(?P<large>{'|'.join(sorted(LARGE, key=len, reverse=True))})\b)?"
_UNITS = "|".join(
    re.escape(u) for u in sorted(UNITS, key=len, reverse=True) if u not in SPACED_ONLY
)

RULES: tuple[Rule, ...] = (
    rule(
        rf"(?P<minus>[-\u2212])?(?P<sign>{_SIGNS})\s?(?P<code>)(?P<amount>{NUMBER}){_LARGE}", _money
    ),
    rule(
        rf"(?P<minus>[-\u2212])?(?P<code>(?!))?\b(?P<amount>{NUMBER}){_LARGE}\s?"
        rf"(?P<sign>(?:{_SIGNS})|\b(?:{_CODES})\b)",
        _money,
    ),
    rule(r"\b(?:v)?\d{1,3}(?:\.\d{1,3}){2,3}\b", _dotted),
    rule(
        r"(?<!\w)(?:\+\d{1,3}[ -]?)?\(\d{3}\)[ -]?\d{3}[ -]\d{4}\b"
        r"|(?<![\w-])(?:\+?1[ -])?\d{3}-\d{3}-\d{4}\b|(?<![\w-])\d{3}-\d{4}\b(?!-)"
        r"|(?<!\w)\+\d{1,3}(?:[ -]\d{2,5}){2,5}\b",
        _phone,
    ),
    rule(rf"{SIGN}(?P<amount>{NUMBER})\s?(?P<sign>[%\u2030])", _percent),
    rule(r"(?<!\w)(?P<feet>\d+)['\u2032](?:\s?(?P<inches>\d{1,2})[\"\u2033])?(?!\w)", _feet),
    rule(rf"(?<![\w.]){SIGN}(?P<amount>{NUMBER})\s?(?P<unit>{_UNITS})(?![\w/])", _measure),
    rule(rf"(?P<whole>\d+)?\s?(?P<sign>[{''.join(VULGAR)}])", _vulgar),
    rule(
        r"(?<![\w/.])(?:(?P<whole>\d+)\s)?(?P<top>\d{1,3})[/\u2044](?P<bottom>\d{1,3})(?![\w/])",
        _fraction,
    ),
    rule(r"\b(?P<amount>\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th)\b", _ordinal),
    rule(rf"(?<![\w.-])(?P<low>{NUMBER})\s?[\u2013-]\s?(?P<high>{NUMBER})(?![\w-])", _range),
    rule(rf"\b(?P<a>{NUMBER})\s?[x\u00d7]\s?(?P<b>{NUMBER})\b", _times),
    rule(rf"{SIGN}(?<![\w])(?:{NUMBER})(?!\w)", _number),
    rule(r"\d+", _joined),
)

__all__ = ["ONES", "RULES", "parts_of"]
