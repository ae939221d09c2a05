"""A pair as an item: it reads as its completion and keeps what it answers.

Knows no token or file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Self

from genloom.errors import RequestError

# source -> target, by the first pair of names that a record has
NAMES = (
    ("source", "target"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("question", "answer"),
    ("input", "output"),
    ("document", "summary"),
    ("text", "summary"),
)
_SIGNS = re.compile(r"[^\w]+")


class Pair(str):
    """source -> the text itself. tag: what the source is prefixed by, such as a language."""

    source: str
    tag: str

    def __new__(cls, completion: str, source: str = "", tag: str = "") -> Self:
        made = super().__new__(cls, completion)
        made.source, made.tag = source, tag
        return made

    @property
    def asked(self) -> str:
        """The source as it is learnt, with its tag."""
        return f"{self.tag}: {self.source}" if self.tag else self.source

    @property
    def key(self) -> str:
        """The same for sources that differ in case, signs and spacing only."""
        text = unicodedata.normalize("NFKC", self.source).casefold()
        return _SIGNS.sub(" ", text).strip() or self.source


def pair(item: Any) -> Pair:
    """A pair from a pair, a record of two known names, or (source, target). RequestError says
    what is wrong with it."""
    if isinstance(item, Pair):
        return item
    if isinstance(item, str):
        raise RequestError("it is a lone text: give its source, too")
    if isinstance(item, Mapping):
        return pairs_of(item)[0]
    if isinstance(item, Sequence) and len(item) == 2:
        return _made(item[0], [item[1]])[0]
    raise RequestError("it is no pair: give source and target")


def pairs_of(record: Mapping[str, Any]) -> list[Pair]:
    """The pairs of a record: one for each of its targets where these are a list."""
    for asked, answered in NAMES:
        if record.get(asked) is not None and record.get(answered) is not None:
            source, target = record[asked], record[answered]
            context = record.get("input") if asked == "instruction" else None
            if isinstance(context, str) and context.strip() and isinstance(source, str):
                source = f"{source}\n\n{context}"
            return _made(source, target if isinstance(target, list | tuple) else [target])
    known = ", ".join(sorted(map(str, record))[:8])
    raise RequestError(f"it has the fields {known or 'none'}, but no source and target")


def _made(source: Any, targets: Sequence[Any]) -> list[Pair]:
    """A list of sentences is one source; each target is one that it may have."""
    if isinstance(source, list | tuple) and all(isinstance(part, str) for part in source):
        source = " ".join(part.strip() for part in source)
    if not isinstance(source, str) or not all(isinstance(target, str) for target in targets):
        raise RequestError("its sides are no texts")
    told = [target.strip() for target in targets if target.strip()]
    if not source.strip() or not told:
        raise RequestError("a side of it is empty")
    return [Pair(target, source.strip()) for target in told]
