"""Chapters and a remark inside FLAC and OGG (Vorbis, Opus) files: the comments CHAPTER001,
CHAPTER001NAME and COMMENT. libsndfile loses remarks of more than a page of Opus without a word.

After "Ogg Vorbis I format specification: comment field and header specification", RFC 3533 (pages
of OGG), RFC 7845 (Opus) and RFC 9639 (FLAC). The comments that are there stay. Knows bytes, no
samples: a player that does not know chapters plays the file as it is.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from genloom.codec.sound.marks import Mark
from genloom.errors import DataError

FLAC, OGG = b"fLaC", b"OggS"
BEGINS = (b"\3vorbis", b"OpusTags")  # of the packet that holds the comments
HEADERS = {b"\1vorbis": 3, b"OpusHead": 2}  # packets before the sound, by how the first begins
COMMENTS = 4  # the kind of a FLAC block
LARGEST_BLOCK = (1 << 24) - 1
REMARK = b"COMMENT="
MOST = 999  # chapters that the names of comments can count
HEAD = struct.Struct("<4sBBqIIIB")  # of a page
SEGMENTS, SEGMENT = 255, 255  # of a page, and bytes of each
CONTINUED, FIRST = 1, 2  # flags of a page
NOWHERE = -1  # the position of a page on which no packet ends
CHAPTER = re.compile(rb"CHAPTER(\d{3})(NAME)?=(.*)", re.I | re.S)
CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def with_comments(content: bytes, marks: Sequence[Mark], remark: str = "") -> bytes:
    """The bytes of a FLAC or OGG file with chapters among its comments, in the place of those that
    it has, and with a remark where one is given. DataError for a file of another kind."""
    if not (marks or remark):
        return content
    if len(marks) > MOST:
        raise DataError(f"{len(marks)} chapters: {MOST} at most go into FLAC and OGG files")
    if content[:4] == FLAC:
        return _into_flac(content, _told(marks, remark))
    if content[:4] == OGG:
        return _into_ogg(content, _told(marks, remark))
    raise DataError("neither FLAC nor OGG: chapters cannot be told in it")


def commented(content: bytes, seconds: float) -> list[Mark]:
    """The chapters among the comments of a FLAC or OGG file of so many seconds; none where it is
    damaged. Each ends where the next begins."""
    return _chapters(_found(content), seconds)


def remarked(content: bytes) -> str | None:
    """The remark among the comments, None where there is none."""
    found = (one for one in _found(content) if one[: len(REMARK)].upper() == REMARK)
    one = next(found, None)
    return None if one is None else one[len(REMARK) :].decode("utf-8", "replace")


def _found(content: bytes) -> list[bytes]:
    """The comments of a FLAC or OGG file, none where it is damaged."""
    try:
        told = _flac_comments(content) if content[:4] == FLAC else _ogg_comments(content)
        return _listed(told)
    except (struct.error, ValueError, IndexError):
        return []


# --- comments -------------------------------------------------------------------------------------


def _listed(block: bytes) -> list[bytes]:
    """The comments of a block that begins with the vendor."""
    (at,) = struct.unpack_from("<I", block)
    (count,) = struct.unpack_from("<I", block, 4 + at)
    at, found = at + 8, []
    while len(found) < count and at + 4 <= len(block):
        (size,) = struct.unpack_from("<I", block, at)
        found.append(block[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _told(marks: Sequence[Mark], remark: str) -> list[bytes]:
    told = [REMARK + remark.encode()] if remark else []
    for number, mark in enumerate(marks, 1):
        told.append(f"CHAPTER{number:03}={_clock(mark.begin)}".encode())
        told.append(f"CHAPTER{number:03}NAME={mark.title}".encode())
    return told


def _with(block: bytes, told: Sequence[bytes]) -> bytes:
    """The block with these comments instead of such as it has; what stands behind them goes."""
    (size,) = struct.unpack_from("<I", block)
    again = any(one.startswith(REMARK) for one in told)
    kept = [one for one in _listed(block) if not CHAPTER.fullmatch(one)]
    kept = [one for one in kept if not (again and one[: len(REMARK)].upper() == REMARK)]
    told = [*kept, *told]
    rows = b"".join(struct.pack("<I", len(one)) + one for one in told)
    return block[: 4 + size] + struct.pack("<I", len(told)) + rows


def _chapters(told: Sequence[bytes], seconds: float) -> list[Mark]:
    begins: dict[int, float] = {}
    titles: dict[int, str] = {}
    for one in told:
        match = CHAPTER.fullmatch(one)
        if match is None:
            continue
        number, text = int(match[1]), match[3].decode("utf-8", "replace")
        if match[2]:
            titles[number] = text
        elif clock := CLOCK.fullmatch(text):
            begins[number] = 3600 * int(clock[1]) + 60 * int(clock[2]) + float(clock[3])
    rows = sorted((begin, titles.get(number, "")) for number, begin in begins.items())
    ends = [*(begin for begin, _ in rows[1:]), seconds][: len(rows)]
    return [
        Mark(title=title, begin=begin, end=end)
        for (begin, title), end in zip(rows, ends, strict=True)
    ]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(1000 * seconds), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


# --- FLAC -----------------------------------------------------------------------------------------


def _blocks(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(kind, first byte, bytes) of each block before the sound."""
    at, last = 4, False
    while not last and at + 4 <= len(content):
        (head,) = struct.unpack_from(">I", content, at)
        last, kind, size = bool(head >> 31), head >> 24 & 0x7F, head & LARGEST_BLOCK
        yield kind, at + 4, size
        at += 4 + size


def _flac_comments(content: bytes) -> bytes:
    return next((content[at : at + n] for kind, at, n in _blocks(content) if kind == COMMENTS), b"")


def _into_flac(content: bytes, told: Sequence[bytes]) -> bytes:
    blocks = [(kind, content[at : at + size]) for kind, at, size in _blocks(content)]
    sound = max(at + size for _, at, size in _blocks(content))
    held = next((block for kind, block in blocks if kind == COMMENTS), bytes(8))
    rest = [one for one in blocks if one[0] != COMMENTS]
    blocks = [rest[0], (COMMENTS, _with(held, told)), *rest[1:]]
    if len(blocks[1][1]) > LARGEST_BLOCK:
        raise DataError(f"{len(blocks[1][1]):,} bytes of comments: FLAC holds {LARGEST_BLOCK:,}")
    heads = [kind | (0x80 if n == len(blocks) - 1 else 0) for n, (kind, _) in enumerate(blocks)]
    laid = [
        struct.pack(">I", head << 24 | len(block)) + block
        for head, (_, block) in zip(heads, blocks, strict=True)
    ]
    return FLAC + b"".join(laid) + content[sound:]


# --- OGG ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Page:
    """flags, position, stream and number as in its head; sizes: of its segments."""

    flags: int
    position: int
    stream: int
    number: int
    sizes: bytes
    body: bytes

    def told(self) -> bytes:
        """With its check sum."""
        fields = (OGG, 0, self.flags, self.position, self.stream, self.number)
        bare = HEAD.pack(*fields, 0, len(self.sizes)) + self.sizes + self.body
        return bare[:22] + struct.pack("<I", _sum(bare)) + bare[26:]


def _sum(page: bytes) -> int:
    """The check sum of a page whose own is 0: that of zip archives with all bits turned round."""
    found = zlib.crc32(page.translate(TURNED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)


def _pages(content: bytes) -> Iterator[_Page]:
    at = 0
    while content[at : at + 4] == OGG and at + HEAD.size <= len(content):
        _, _, flags, position, stream, number, _, count = HEAD.unpack_from(content, at)
        sizes = content[at + HEAD.size : at + HEAD.size + count]
        begin = at + HEAD.size + count
        at = begin + sum(sizes)
        yield _Page(
            flags=flags,
            position=position,
            stream=stream,
            number=number,
            sizes=sizes,
            body=content[begin:at],
        )


def _headers(pages: Iterator[_Page]) -> list[bytes]:
    """The packets before the sound; they end with the page on which the last of them ends.
    ValueError where it is no sound, or where they do not."""
    packets: list[bytes] = []
    open_, wanted = b"", 0
    for page in pages:
        at = 0
        for size in page.sizes:
            open_, at = open_ + page.body[at : at + size], at + size
            if size < SEGMENT:
                packets, open_ = [*packets, open_], b""
        if not wanted:
            wanted = next((n for begin, n in HEADERS.items() if packets[0].startswith(begin)), 0)
            if not wanted:
                raise ValueError("neither Vorbis nor Opus")
        if len(packets) >= wanted:
            if len(packets) > wanted or open_:
                raise ValueError("sound on a page of headers")
            return packets
    raise ValueError("it ends within its headers")


def _ogg_comments(content: bytes) -> bytes:
    told = _headers(_pages(content))[1]
    begin = next(one for one in BEGINS if told.startswith(one))
    return told[len(begin) :]


def _into_ogg(content: bytes, told: Sequence[bytes]) -> bytes:
    pages = _pages(content)
    try:
        packets = _headers(pages)
    except (ValueError, IndexError) as error:
        raise DataError(f"an OGG file that cannot hold chapters ({error})") from None
    begin = next(one for one in BEGINS if packets[1].startswith(one))
    ending = b"\1" if begin == BEGINS[0] else b""  # the framing bit of Vorbis
    comments = begin + _with(packets[1][len(begin) :], told) + ending
    first = next(_pages(content))
    made = [first, *_laid([comments, *packets[2:]], first.stream)]
    out = [page.told() for page in made]
    out += [replace(page, number=n).told() for n, page in enumerate(pages, len(made))]
    return b"".join(out)


def _laid(packets: Sequence[bytes], stream: int) -> list[_Page]:
    """Packets on pages of their own, the second of the stream and those behind it."""
    body = b"".join(packets)
    sizes = b"".join(
        bytes([SEGMENT]) * (len(one) // SEGMENT) + bytes([len(one) % SEGMENT]) for one in packets
    )
    made, at = [], 0
    for start in range(0, len(sizes), SEGMENTS):
        own = sizes[start : start + SEGMENTS]
        goes_on = start > 0 and sizes[start - 1] == SEGMENT
        ends = any(size < SEGMENT for size in own)
        made.append(
            _Page(
                flags=CONTINUED if goes_on else 0,
                position=0 if ends else NOWHERE,
                stream=stream,
                number=1 + len(made),
                sizes=own,
                body=body[at : at + sum(own)],
            )
        )
        at += sum(own)
    return made
