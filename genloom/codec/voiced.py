"""Who says a text, told within it: SSML's <voice name="...">, as prompts and captions have it.

Knows this one mark; other marks, and what becomes of a text, are the business of the prompt codec.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from genloom.errors import RequestError

VOICE = "voice"
LONGEST = 200_000  # characters of a marked text


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


@dataclass(frozen=True, kw_only=True)
class Said:
    """A text and who says it."""

    text: str
    voice: str | None = None


def said(text: str) -> list[Said]:
    """What is said by whom, in order: a plain text as it is, a marked one by its marks.
    RequestError where it begins as a marked one and is none."""
    if not text.lstrip().startswith("<"):
        return [Said(text=text)] if text.strip() else []
    if len(text) > LONGEST:
        raise RequestError(f"{len(text):,} characters of marked text: {LONGEST:,} at most")
    if "<!" in text or "<?" in text:
        raise RequestError("marked text takes no declarations: leave out what begins with <! or <?")
    try:
        root = ElementTree.fromstring(f"<all>{text}</all>")
    except ElementTree.ParseError as error:
        raise RequestError(f"the text begins as marked text, but is none ({error})") from None
    return [one for one in _within(root, None) if one.text.strip()]


def _within(node: ElementTree.Element, voice: str | None) -> list[Said]:
    voice = node.get("name", voice) if node.tag == VOICE else voice
    found = [Said(text=node.text or "", voice=voice)]
    for child in node:
        found += _within(child, voice)
        found.append(Said(text=child.tail or "", voice=voice))
    return found
