"""Bytes -> text: by a byte-order mark, by what is said, or by what fits.

Knows encodings and how binary files differ from texts. Knows no file or format.
"""

from __future__ import annotations

import codecs

from genloom.codec.file_walk import Unreadable

_MARKS = (  # the longest first: a UTF-32 mark begins with a UTF-16 one
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x08\x1b")) + b"\x7f"
_HEAD = 65536
_WIDE = ("utf-16", "utf-32", "utf-7")  # what no file without a mark that says so is read as


def text_of(data: bytes, said: str = "") -> tuple[str, str | None]:
    """The text and a note when its encoding had to be guessed. said: the encoding that the file
    itself names. Unreadable where it is no text."""
    marked = by_mark(data)
    if marked is not None:
        return marked, None
    head = data[:_HEAD]
    if (wide := _wide_without_mark(head)) is not None:
        try:
            return data.decode(wide), f"has no byte-order mark, read as {wide}"
        except UnicodeDecodeError as error:
            raise Unreadable("a binary file") from error
    if b"\0" in head or _share(head, _CONTROLS) > 0.01:
        raise Unreadable("a binary file")
    told = _as_said(data, said)
    return (told, None) if told is not None else _eight_bit(data)


def by_mark(data: bytes) -> str | None:
    """The text of bytes that begin with a mark; None where they do not."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise Unreadable(f"begins as {encoding} but is damaged") from error
    return None


def strict(data: bytes) -> str:
    """The text of a format that is UTF-8 unless a mark says otherwise, such as JSON."""
    marked = by_mark(data)
    if marked is not None:
        return marked
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None


def _as_said(data: bytes, said: str) -> str | None:
    try:
        name = codecs.lookup(said).name if said else ""
        if not name or name.startswith(_WIDE):
            return None
        name = {"iso8859-1": "cp1252", "ascii": "cp1252"}.get(name, name)  # as browsers read them
        return data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _eight_bit(data: bytes) -> tuple[str, str | None]:
    for encoding in ("utf-8", "cp1252", "latin-1"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text, None if encoding == "utf-8" else f"is not UTF-8, read as {encoding}"
    raise Unreadable("in no known encoding")


def _share(data: bytes, which: bytes) -> float:
    return 1.0 - len(data.translate(None, which)) / len(data) if data else 0.0


def _wide_without_mark(head: bytes) -> str | None:
    """UTF-16 without its mark: nearly every second byte of western text is zero, no other is."""
    low, high = _share(head[0::2], b"\0"), _share(head[1::2], b"\0")
    if high > 0.7 and low < 0.01:
        return "utf-16-le"
    if low > 0.7 and high < 0.01:
        return "utf-16-be"
    return None
