"""Who says a text, told within it: SSML's <voice name="...">, as prompts and captions have it.

Knows how a voice is put around a text; other marks are the business of speech/ssml.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from genloom.errors import RequestError

VOICE = "voice"


def voiced(text: str, voice: str | None) -> str:
    """The text as this voice says it. Characters that mark up are escaped where a voice is told."""
    if not voice:
        return text
    return f"<{VOICE} name={quoteattr(voice)}>{escape(text)}</{VOICE}>"


def said_by(text: str | None, where: Any, voices: Sequence[str]) -> str | None:
    """A prompt with the voice of its conditions, such as {"voice": "anna"} or "voice = 'anna'".
    RequestError for other conditions, and for a voice that the model has not."""
    if not where:
        return text
    name = _asked(where)
    if name is None:
        raise RequestError(f"where={where!r}: this model knows the condition {VOICE} alone")
    if name not in voices:
        known = ", ".join(voices) or "none: leave it out"
        raise RequestError(f"the voice {name!r} is not known; voices of this model: {known}")
    marked = (text or "").lstrip().startswith("<")
    return (
        f"<{VOICE} name={quoteattr(name)}>{text}</{VOICE}>" if marked else voiced(text or "", name)
    )


def _asked(where: Any) -> str | None:
    if isinstance(where, Mapping):
        return str(where[VOICE]) if set(where) == {VOICE} else None
    name, sign, value = str(where).partition("=")
    return value.strip(" ='\"") if sign and name.strip() == VOICE else None
