"""MusicXML into scores: .musicxml and .xml as text, .mxl as the archive of one.

Read by the standard library with limits: no entities, no endless nesting, no archive that grows
beyond bounds. What is broken is a DataError in one line. Knows bytes and scores.
"""

from __future__ import annotations

import io
import re
import zipfile
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from xml.etree import ElementTree as XML

from genloom.errors import DataError
from genloom.music.musicxml_measures import PartReader
from genloom.music.score import Bar, Part, Score

LARGEST = 32 << 20  # bytes of the text
DEEPEST = 64
MOST_ELEMENTS = 3_000_000
MOST_PARTS = 128
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)


class _Builder(XML.TreeBuilder):
    """Stops what is nested or repeated without end."""

    depth = count = 0

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        self.count += 1
        if self.depth > DEEPEST or self.count > MOST_ELEMENTS:
            raise DataError(
                f"a MusicXML file nested deeper than {DEEPEST} or of over {MOST_ELEMENTS:,} "
                "elements"
            )
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)


def read_musicxml(data: bytes) -> Score:
    """Of a text or an archive. DataError where it holds no score."""
    if data.startswith(b"PK"):
        data = _unpacked(data)
    root = _parsed(data)
    if root.tag == "score-timewise":
        raise DataError("a MusicXML file by time: export it by parts (score-partwise)")
    if root.tag != "score-partwise":
        raise DataError(f"no MusicXML: its first element is {str(root.tag)[:40]}")
    return _score(root)


def _parsed(data: bytes) -> XML.Element:
    if len(data) > LARGEST:
        raise DataError(f"a MusicXML file of {len(data):,} bytes: {LARGEST:,} at most")
    if _ENTITY.search(data) or _ENTITY.search(data.replace(b"\0", b"")):
        raise DataError("a MusicXML file that defines entities: it is not read")
    parser = XML.XMLParser(target=_Builder())
    try:
        parser.feed(data)
        return parser.close()
    except (XML.ParseError, ValueError, LookupError) as error:
        raise DataError(f"a damaged MusicXML file ({error}): export it again") from None


def _unpacked(data: bytes) -> bytes:
    """The score in an archive: named by META-INF/container.xml, else the first .xml in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _named(archive)
            info = archive.getinfo(name)
            if info.file_size > LARGEST:
                raise DataError(f"an archive of {info.file_size:,} bytes: {LARGEST:,} at most")
            with archive.open(info) as file:
                return file.read(LARGEST + 1)
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, OSError) as error:
        told = " ".join(str(error).split())[:80]
        raise DataError(f"a damaged .mxl file ({told}): export it again") from None


def _named(archive: zipfile.ZipFile) -> str:
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        with archive.open("META-INF/container.xml") as file:
            root = _parsed(file.read(1 << 20))
        found = next((one.get("full-path") for one in root.iter() if one.get("full-path")), None)
        if found in names:
            return str(found)
    for name in names:
        path = PurePosixPath(name)
        if path.suffix in (".xml", ".musicxml") and path.parts[0] != "META-INF":
            return name
    raise DataError("an .mxl file without a score in it")


def _score(root: XML.Element) -> Score:
    listed = {one.get("id"): one for one in root.iter("score-part")}
    parts = root.findall("part")
    if not 1 <= len(parts) <= MOST_PARTS:
        raise DataError(f"a MusicXML file of {len(parts)} parts: 1 to {MOST_PARTS} are read")
    readers = [PartReader(_drums(listed.get(one.get("id")))) for one in parts]
    starts, bars = [Fraction(0)], []
    for number in range(max(len(one.findall("measure")) for one in parts)):
        length = Fraction(0)
        for part, reader in zip(parts, readers, strict=True):
            measures = part.findall("measure")
            if number < len(measures):
                length = max(length, reader.measure(measures[number], starts[-1]))
        length = length or readers[0].full
        bars.append(_bar(readers[0], starts[-1], length))
        starts.append(starts[-1] + length)
    first = readers[0]
    made = tuple(_part(r, listed.get(p.get("id"))) for p, r in zip(parts, readers, strict=True))
    if not any(part.notes for part in made):
        raise DataError("a MusicXML file without notes")
    return Score(
        title=_text(root, "work/work-title") or _text(root, "movement-title"),
        kind=_kind(root),
        key=first.key,
        metre=first.metre,
        tempo=first.tempo,
        parts=made,
        bars=tuple(bars),
        chords=tuple(first.chords),
        changes=tuple(first.changes),
    )


def _bar(reader: PartReader, onset: Fraction, length: Fraction) -> Bar:
    signs = reader.signs
    return Bar(onset, length, signs.begins, signs.ends, signs.endings, signs.double)


def _part(reader: PartReader, listed: XML.Element | None) -> Part:
    program = 0
    if listed is not None:
        told = _text(listed, "midi-instrument/midi-program")
        program = min(max(int(told) - 1, 0), 127) if told.isdecimal() and len(told) < 5 else 0
    name = "" if listed is None else _text(listed, "part-name")
    notes = tuple(sorted(reader.notes, key=lambda note: (note.onset, note.pitch)))
    return Part(notes, name, 0 if reader.drums else program, bool(reader.drums))


def _drums(listed: XML.Element | None) -> dict[str, int]:
    """Instrument -> the pitch of General MIDI's drums that it sounds."""
    out: dict[str, int] = {}
    for one in [] if listed is None else listed.iter("midi-instrument"):
        told = _text(one, "midi-unpitched")
        if told.isdecimal() and 1 <= int(told[:4]) <= 128:
            out[one.get("id") or ""] = int(told) - 1
    return out


def _kind(root: XML.Element) -> str:
    fields = root.iter("miscellaneous-field")
    found = next((one.text for one in fields if one.get("name") == "type"), "")
    return " ".join((found or "").lower().split())[:40]


def _text(node: XML.Element, path: str) -> str:
    return " ".join((node.findtext(path) or "").split())[:200]
