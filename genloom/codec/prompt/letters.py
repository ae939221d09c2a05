"""Letters to sounds: words as phonemes of the International Phonetic Alphabet.

By espeak-ng, where it is installed: started once for many words, never by a shell, told nothing but
words of letters. Where it is not, English words are read by a small net that was taught by it
(speech/speller.py). Knows words alone; sentences, numbers and marks are the business of others.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache

from genloom.errors import ResourceError
from genloom.speech import speller

PROGRAM = "espeak-ng"
WAIT = 60.0  # seconds for one call
TOGETHER = 2_000  # words of one call
LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)*\Z")
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
SWITCH = re.compile(r"\([^)]*\)")  # "(fr)", where a word is read as another language's


@cache
def installed() -> str | None:
    """Where the program lies, None where it is not installed."""
    return shutil.which(PROGRAM)


def told(language: str) -> bool:
    """Whether the sounds of this language's words can be told on this machine."""
    return installed() is not None or (english(language) and speller.there())


def english(language: str) -> bool:
    return language.split("-")[0] == "en"


def phonemes(words: Sequence[str], language: str) -> dict[str, tuple[str, ...]]:
    """word -> its phonemes; words that have none are left out. ResourceError where it fails."""
    found: dict[str, tuple[str, ...]] = {}
    distinct = [word for word in dict.fromkeys(words) if WORD.fullmatch(word)]
    if installed() is None and english(language):
        return speller.phonemes(distinct)
    for start in range(0, len(distinct), TOGETHER):
        found |= _asked(distinct[start : start + TOGETHER], language)
    return found


def _asked(words: Sequence[str], language: str) -> dict[str, tuple[str, ...]]:
    lines = _lines("".join(f"{word}.\n" for word in words), language)
    if len(lines) != len(words):
        if len(words) == 1:
            return {words[0]: _split(" ".join(lines))} if lines else {}
        half = len(words) // 2  # a word that is read as several clauses is found by halving
        return _asked(words[:half], language) | _asked(words[half:], language)
    made = {word: _split(line) for word, line in zip(words, lines, strict=True)}
    return {word: parts for word, parts in made.items() if parts}


def _lines(text: str, language: str) -> list[str]:
    program = installed()
    if program is None:
        raise ResourceError(f"{PROGRAM} is not installed: install it, or use letters=plain")
    command = [program, "-q", "-v", language, "--ipa", "--sep=_", "--stdin"]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=WAIT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResourceError(
            f"{PROGRAM} did not answer ({type(error).__name__}): try again"
        ) from None
    if done.returncode:
        why = " ".join(done.stderr.decode("utf-8", "replace").split())[:100]
        raise ResourceError(f"{PROGRAM} failed for the language {language!r}: {why}")
    return [line for line in done.stdout.decode("utf-8", "replace").split("\n") if line.strip()]


def _split(line: str) -> tuple[str, ...]:
    parts: Iterable[str] = re.split(r"[_\s]+", SWITCH.sub(" ", line))
    return tuple(part for part in parts if part)


def letters(word: str) -> tuple[str, ...]:
    """The word's own letters, for languages and machines without the program."""
    return tuple(word.lower())
