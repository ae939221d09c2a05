"""Prompts without end: the lines of a file, or plain words drawn by a seed. Knows no tokenizer."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from genloom.errors import UsageError

WORDS = tuple(
    re.findall(
        r"\w+",
        """
        time year people way day man thing woman life child world school state family student
        group country problem hand part place case week company system program question work
        number night point home water room mother area money story fact month lot right study
        book eye job word business issue side kind head house service friend father power hour
        game line end member law car city name team minute idea kid body information back parent
        face others level office door health person art war history party result change morning
        reason research girl guy moment air teacher force education
        """,
    )
)


@dataclass(frozen=True, kw_only=True)
class Words:
    """Random words: between `least` and `most` a prompt, the first `shared` the same in all."""

    least: int = 32
    most: int = 32
    shared: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most or not 0 <= self.shared <= self.least:
            raise UsageError(
                f"{self.least} to {self.most} words, {self.shared} of them shared: a prompt has a "
                "word at least, and no more shared words than words"
            )

    def __getitem__(self, number: int) -> str:
        first = random.Random(self.seed).choices(WORDS, k=self.shared)
        rng = random.Random(f"{self.seed} {number}")
        own = rng.randint(self.least, self.most) - self.shared
        return " ".join([*first, *rng.choices(WORDS, k=own)])


@dataclass(frozen=True)
class Lines:
    """Given prompts, over and over."""

    prompts: Sequence[str]

    def __getitem__(self, number: int) -> str:
        return self.prompts[number % len(self.prompts)]


Prompts = Words | Lines


def read(path: str | Path) -> Lines:
    """The lines of a UTF-8 file that are not empty."""
    try:
        found = [line for line in Path(path).expanduser().read_text("utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} does not read as text ({error}): give a UTF-8 file") from None
    if not found:
        raise UsageError(f"{path} holds no prompt: give one a line")
    return Lines(found)
