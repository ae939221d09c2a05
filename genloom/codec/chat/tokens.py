"""Rendered conversations -> ids, such that no text of a message becomes a control token.

What would be read as one is shielded before the template runs: a character that no text has stands
before it, and there the rendered text is cut. Knows tokenizers; no template, role or file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokenizers import Tokenizer

from genloom.codec.text.byte_pairs import valid


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Ids of a rendered text and where in it each begins, in characters."""

    ids: list[int]
    starts: list[int]


class ChatTokens:
    """A tokenizer that knows its control tokens.

    tokenizer  of the tokenizers library, for this object alone
    size       ids that the net knows; others are left out
    spell      ids -> text, control tokens spelt out, an incomplete last character withheld
    """

    def __init__(
        self, tokenizer: Tokenizer, size: int, spell: Callable[[Sequence[int]], str]
    ) -> None:
        tokenizer.encode_special_tokens = False
        self.tokenizer, self.size, self.spell = tokenizer, size, spell
        added = tokenizer.get_added_tokens_decoder()
        self.special = {n: token.content for n, token in added.items() if token.special}
        self.added = {n: token.content for n, token in added.items()}

    def controls(self, template: str) -> tuple[Shield, Shield]:
        """What is shielded in texts that the model's maker trusts, and in those of others: special
        tokens; for others also the markers that the template itself writes."""
        special = set(self.special.values())
        written = {t for t in self.added.values() if len(t) > 2 and t in template}
        return Shield(special), Shield(special | written)

    def encode(self, text: str, shield: str = "") -> Piece:
        """Ids of a text in which `shield` marks what is no control token."""
        ids: list[int] = []
        starts: list[int] = []
        for part, start in _parts(text, shield, sorted(self.added.values(), key=len)[::-1]):
            found = self.tokenizer.encode(valid(part), add_special_tokens=False)
            for one, (begin, _) in zip(found.ids, found.offsets, strict=True):
                if one < self.size:
                    ids.append(one)
                    starts.append(start + begin)
        return Piece(ids=ids, starts=starts)

    def shown(self, ids: Sequence[int], kept: frozenset[str]) -> str:
        """The text of an answer: of its special tokens only those that are kept."""
        special = self.special
        return self.spell([i for i in ids if i not in special or special[i] in kept])


class Shield:
    """Finds in texts what would be read as one of these tokens."""

    def __init__(self, tokens: set[str]) -> None:
        known = sorted((t for t in tokens if len(t) > 1), key=len, reverse=True)
        self._whole = re.compile("|".join(map(re.escape, known))) if known else None
        # Halves of a token, which what stands beside the text could complete.
        self._heads = tuple({t[:n] for t in known for n in range(2, len(t))})
        self._tails = tuple({t[n:] for t in known for n in range(1, len(t) - 1)})

    def __call__(self, text: str, mark: str) -> str:
        """The text with the mark before each such token, and inside a half at either end."""
        if self._whole is None:
            return text
        text = self._whole.sub(lambda found: mark + found[0], text)
        bare = text.strip()
        if bare.startswith(self._tails):
            cut = text.index(bare[0]) + 1
            text = text[:cut] + mark + text[cut:]
        if bare.endswith(self._heads):
            head = max((h for h in self._heads if bare.endswith(h)), key=len)
            cut = len(text.rstrip()) - len(head) + 1
            text = text[:cut] + mark + text[cut:]
        return text


def walked(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed, keys included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(k): walked(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [walked(v, change) for v in value]
    return value


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def _parts(text: str, shield: str, tokens: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Parts to be encoded each by itself, and where they begin. A token after the shield is cut
    after its first character, so that no part spells it."""
    place = 0
    for n, part in enumerate(text.split(shield) if shield else [text]):
        token = next((t for t in tokens if part.startswith(t)), "") if n else ""
        cut = 1 if token else 0
        while any(t in token[cut:] for t in tokens):  # a token within a token
            yield part[cut - 1 : cut], place + cut - 1
            cut += 1
        for piece, start in (
            (part[max(0, cut - 1) : cut], place + cut - 1),
            (part[cut:], place + cut),
        ):
            if piece:
                yield piece, start
        place += len(part) + len(shield)
