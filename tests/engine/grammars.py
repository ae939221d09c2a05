"""What tests of grammars share: a vocabulary of bytes, and what a matcher allows."""

from __future__ import annotations

from typing import Any

from genloom.codec.text.codec import TextCodec
from genloom.engine.grammar import Grammar, Matcher, Vocabulary
from genloom.spec import Options


def bytes_codec() -> TextCodec:
    made = TextCodec(vocab="bytes")
    made.fit(["x"])
    return made


def compiled(vocabulary: Vocabulary, **options: Any) -> Grammar:
    made = Grammar.compile(Options(**options), vocabulary)
    assert made is not None
    return made


def allowed(matcher: Matcher) -> list[int]:
    words = matcher.mask().tolist()
    return [32 * n + bit for n, word in enumerate(words) for bit in range(32) if word >> bit & 1]


def ends(codec: TextCodec) -> set[int]:
    return {codec.spec.eos, *codec.spec.ends} - {None}
