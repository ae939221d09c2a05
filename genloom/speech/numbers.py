"""Numbers as English words: how many, the how-manieth, years, digits, decimals, Roman numerals.

Knows numbers alone, not what they count.
"""

from __future__ import annotations

import re

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["_", "_", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = ["", "thousand", "million", "billion", "trillion", "quadrillion"]
ODD = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
ROMAN = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})\Z")
VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
MOST = 10**18  # what is not below is said digit by digit


def cardinal(number: int) -> str:
    """123 -> "one hundred twenty three"."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number >= MOST:
        return digits(str(number))
    if number < 1000:
        return _hundreds(number)
    groups, scale = [], 0
    while number:
        number, rest = divmod(number, 1000)
        if rest:
            groups.append(f"{_hundreds(rest)} {SCALES[scale]}".strip())
        scale += 1
    return " ".join(reversed(groups))


def _hundreds(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    told = [f"{ONES[hundreds]} hundred"] if hundreds else []
    if rest or not hundreds:
        told.append(_tens(rest))
    return " ".join(told)


def _tens(number: int) -> str:
    if number < 20:
        return ONES[number]
    tens, one = divmod(number, 10)
    return TENS[tens] + (f" {ONES[one]}" if one else "")


def ordinal(number: int) -> str:
    """21 -> "twenty first"."""
    head, _, last = cardinal(number).rpartition(" ")
    usual = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{head} {ODD.get(last, usual)}".strip()


def year(number: int) -> str:
    """1984 -> "nineteen eighty four", 2005 -> "two thousand five"."""
    century, rest = divmod(number, 100)
    if not 10 < century < 100 or (century == 20 and rest < 10):
        return cardinal(number)
    if rest == 0:
        return f"{_tens(century)} hundred" if century % 10 else cardinal(number)
    return f"{_tens(century)} {'oh ' if rest < 10 else ''}{_tens(rest)}"


def decade(number: int) -> str:
    """1990 -> "nineteen nineties", 80 -> "eighties"."""
    head, _, last = (year(number) if number >= 100 else _tens(number)).rpartition(" ")
    return f"{head} {plural(last)}".strip()


def plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("x", "s", "ch", "sh")) else f"{word}s"


def digits(text: str) -> str:
    """ "007" -> "zero zero seven"; what is no digit is left out."""
    return " ".join(ONES[int(c)] for c in text if c in "0123456789")


def number(text: str) -> str:
    """ "1,234.50" -> words; a number that begins with zeros is read digit by digit."""
    plain = text.replace(",", "").replace("\u2212", "-")
    sign = "minus " if plain.startswith("-") else ""
    whole, dot, part = plain.lstrip("+-").partition(".")
    if len(whole) > 1 and whole.startswith("0") and not dot:
        return sign + digits(whole)
    told = cardinal(int(whole)) if len(whole) < 30 and whole else digits(whole) or "zero"
    return sign + told + (f" point {digits(part)}" if dot and part else "")


def roman(text: str) -> int | None:
    """ "XIV" -> 14; None where it is none."""
    if not text or not ROMAN.match(text):
        return None
    values = [VALUES[c] for c in text]
    following = [*values[1:], 0]
    return sum(-a if a < b else a for a, b in zip(values, following, strict=True))
