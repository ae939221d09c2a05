"""Stems of English words by Porter's rules (Porter 1980), with the later changes that NLTK made.

Knows letters. A word is lower case. "c" is a consonant and "v" a vowel in a word's form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_IRREGULAR = {
    **dict.fromkeys(("sky", "skies"), "sky"),
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "howe": "howe",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    **{word: word for word in ("proceed", "exceed", "succeed")},
}
_TURNS = re.compile(r"v+c+")

# suffix -> what comes in its place, where something measurable stands before it
_SECOND = (
    *(("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize")),
    *(("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous")),
    *(("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive")),
    *(("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive")),
    *(("biliti", "ble"), ("fulli", "ful"), ("logi", "log")),
)
_THIRD = (
    *(("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic")),
    *(("ful", ""), ("ness", "")),
)
_FOURTH = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion"),
    *("ou", "ism", "ate", "iti", "ous", "ive", "ize"),
)


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    for step in (_plural, _past, _final_y, _second, _third, _fourth, _final_e, _double_l):
        word = step(word)
    return word


def _form(word: str) -> str:
    """A letter c or v for each; y is a vowel behind a consonant."""
    out = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and out[-1:] == "c")
        out += "v" if vowel else "c"
    return out


def _measure(word: str) -> int:
    """How often vowels are followed by consonants."""
    return len(_TURNS.findall(_form(word)))


def _short(word: str) -> bool:
    """Ends as a short syllable does: -wil, -hop; or is one as short as -am."""
    form = _form(word)
    return (form[-3:] == "cvc" and word[-1] not in "wxy") or form == "vc"


def _plural(word: str) -> str:
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for suffix in ("ed", "ing"):
        rest = word.removesuffix(suffix)
        if rest != word and "v" in _form(rest):
            return _mended(rest)
    return word


def _mended(word: str) -> str:
    """What lost -ed or -ing, with the letter that went with it."""
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if word[-2:-1] == word[-1] and _form(word)[-1] == "c":
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _short(word) else word


def _final_y(word: str) -> str:
    able = word.endswith("y") and len(word) > 2 and _form(word[:-1])[-1] == "c"
    return word[:-1] + "i" if able else word


def _replaced(word: str, rules: Sequence[tuple[str, str]], able: Callable[[str, str], bool]) -> str:
    """By the first rule whose suffix the word has, if it is able."""
    for suffix, put in rules:
        if word.endswith(suffix):
            rest = word[: len(word) - len(suffix)]
            return rest + put if able(rest, suffix) else word
    return word


def _second(word: str) -> str:
    if word.endswith("alli") and _measure(word[:-4]):
        return _second(word[:-2])

    def able(rest: str, suffix: str) -> bool:
        return _measure(rest + "l" if suffix == "logi" else rest) > 0

    return _replaced(word, _SECOND, able)


def _third(word: str) -> str:
    return _replaced(word, _THIRD, lambda rest, suffix: _measure(rest) > 0)


def _fourth(word: str) -> str:
    def able(rest: str, suffix: str) -> bool:
        return _measure(rest) > 1 and (suffix != "ion" or rest[-1] in "st")

    return _replaced(word, [(suffix, "") for suffix in _FOURTH], able)


def _final_e(word: str) -> str:
    if not word.endswith("e"):
        return word
    rest = word[:-1]
    size = _measure(rest)
    return rest if size > 1 or (size == 1 and not _short(rest)) else word


def _double_l(word: str) -> str:
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
