"""Chapters inside sound files: cue points with labels in WAV, CHAP frames of ID3 in MP3.

WAV after Microsoft's "New Multimedia Data Types" (1994), MP3 after "ID3v2 Chapter Frame Addendum"
(2005); other formats: comments.py. Knows bytes, no samples: a player that knows neither plays the
file as it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from genloom.errors import DataError

NOWHERE = 0xFFFFFFFF  # byte offsets that are not told: times count
HEADER = 10  # bytes of a tag and of a frame


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A chapter: its title, and the seconds at which it begins and ends."""

    title: str
    begin: float
    end: float


# --- WAV ------------------------------------------------------------------------------------------


def cue_chunks(marks: Sequence[Mark], rate: int) -> list[tuple[bytes, bytes]]:
    """(name, content) of the two chunks: where the points are, and what they are called."""
    if not marks:
        return []
    points = [
        struct.pack("<II4sIII", n, at, b"data", 0, 0, at)
        for n, at in enumerate((round(mark.begin * rate) for mark in marks), 1)
    ]
    labels = [
        _even(b"labl", struct.pack("<I", n) + mark.title.encode() + b"\0")
        for n, mark in enumerate(marks, 1)
    ]
    return [
        (b"cue ", struct.pack("<I", len(points)) + b"".join(points)),
        (b"LIST", b"adtl" + b"".join(labels)),
    ]


def _even(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def cue_marks(points: bytes, labels: bytes, rate: int, seconds: float) -> list[Mark]:
    """Back from the contents of the two chunks; each mark ends where the next begins."""
    (count,) = struct.unpack_from("<I", points) if len(points) >= 4 else (0,)
    count = min(count, (len(points) - 4) // 24)
    places = dict(struct.unpack_from("<II", points, 4 + 24 * n) for n in range(count))
    titles, at = {}, 4
    while at + 8 <= len(labels):
        name, size = struct.unpack_from("<4sI", labels, at)
        content = labels[at + 8 : at + 8 + size]
        if name == b"labl" and len(content) >= 4:
            text = content[4:].split(b"\0")[0].decode("utf-8", "replace")
            titles[struct.unpack_from("<I", content)[0]] = text
        at += 8 + size + size % 2
    begins = sorted((place / rate, titles.get(n, "")) for n, place in places.items())
    ends = [*(begin for begin, _ in begins[1:]), seconds][: len(begins)]
    return [
        Mark(title=title, begin=begin, end=end)
        for (begin, title), end in zip(begins, ends, strict=True)
    ]


# --- MP3 ------------------------------------------------------------------------------------------


def with_chapters(content: bytes, marks: Sequence[Mark]) -> bytes:
    """The bytes of an MP3 with chapters in its tag (version 2.3), beside what the tag holds."""
    if not marks:
        return content
    frames, rest = _tag(content)
    names = [f"chp{n}".encode() + b"\0" for n in range(len(marks))]
    for name, mark in zip(names, marks, strict=True):
        times = (round(1000 * mark.begin), round(1000 * mark.end), NOWHERE, NOWHERE)
        frames += _frame(b"CHAP", name + struct.pack(">IIII", *times) + _title(mark.title))
    frames += _frame(b"CTOC", b"toc\0" + bytes((3, len(marks))) + b"".join(names))
    return b"ID3\3\0\0" + _seven(len(frames)) + frames + rest


def chapters_in(content: bytes) -> list[Mark]:
    """The chapters in an MP3's tag."""
    found = []
    for name, frame in _frames(_tag(content)[0]):
        _, sign, rest = frame.partition(b"\0")
        if name == b"CHAP" and sign and len(rest) >= 16:
            begin, end = struct.unpack_from(">II", rest)
            titles = [text for kind, text in _frames(rest[16:]) if kind == b"TIT2"]
            title = _text(titles[0]) if titles else ""
            found.append(Mark(title=title, begin=begin / 1000, end=end / 1000))
    return sorted(found, key=lambda mark: mark.begin)


def _tag(content: bytes) -> tuple[bytes, bytes]:
    """(frames of the tag, the rest). DataError for a tag of another version than 2.3."""
    if content[:3] != b"ID3" or len(content) < HEADER:
        return b"", content
    if content[3] != 3 or content[5] & 0xC0:
        raise DataError(f"a tag of ID3 version 2.{content[3]}: 2.3 without extensions is expected")
    size = 0
    for byte in content[6:HEADER]:
        size = size << 7 | byte & 0x7F
    frames = b"".join(_frame(name, one) for name, one in _frames(content[HEADER : HEADER + size]))
    return frames, content[HEADER + size :]


def _frames(tag: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + HEADER <= len(tag) and tag[at : at + 4].strip(b"\0"):
        name, size = struct.unpack_from(">4sI", tag, at)
        yield name, tag[at + HEADER : at + HEADER + size]
        at += HEADER + size


def _frame(name: bytes, content: bytes) -> bytes:
    return name + struct.pack(">IH", len(content), 0) + content


def _title(text: str) -> bytes:
    return _frame(b"TIT2", b"\1" + text.encode("utf-16"))  # 1: UTF-16 with its byte order


def _text(content: bytes) -> str:
    coding = "utf-16" if content[:1] == b"\1" else "latin-1"
    return content[1:].decode(coding, "replace").rstrip("\0")


def _seven(size: int) -> bytes:
    """Four bytes of seven bits."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
