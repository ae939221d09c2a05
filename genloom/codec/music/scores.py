"""Scores as files: read and written by what they are, for every codec of music.

Notations (ABC, MIDI, MusicXML), pictures (SVG, PNG) and sounds, by suffix or first bytes; what they
mean is the business of `genloom.music`. Knows no id and no model.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from genloom.codec.file_walk import Unreadable, content, files_at, suffix_of
from genloom.codec.left_out import LeftOut
from genloom.codec.music.pictures import score_png, score_svg
from genloom.codec.music.played import HEARD, heard, write_played
from genloom.codec.saving import write_atomic
from genloom.codec.text.encodings import text_of
from genloom.errors import DataError, RequestError
from genloom.music.abc_reading import read_each
from genloom.music.abc_writing import write_abc
from genloom.music.midi_reading import read_midi
from genloom.music.midi_writing import write_midi
from genloom.music.musicxml_reading import read_musicxml
from genloom.music.musicxml_writing import write_musicxml
from genloom.music.score import Score

Read = Iterator[tuple[str, Score | DataError]]
XML_HEAD = 4096  # bytes in which a file says that it is MusicXML
CONTAINER = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<container><rootfiles><rootfile '
    b'full-path="score.musicxml" media-type="application/vnd.recordare.musicxml+xml"/>'
    b"</rootfiles></container>\n"
)


def _abc(data: bytes, name: str) -> Read:
    for line, one in read_each(text_of(data)[0]):
        yield f"{name}:{line}", one


def _one(read: Callable[[bytes], Score]) -> Callable[[bytes, str], Read]:
    def each(data: bytes, name: str) -> Read:
        try:
            yield name, read(data)
        except DataError as error:
            yield name, error

    return each


READERS: dict[str, Callable[[bytes, str], Read]] = {
    ".abc": _abc,
    ".mid": _one(read_midi),
    ".midi": _one(read_midi),
    ".musicxml": _one(read_musicxml),
    ".mxl": _one(read_musicxml),
}
MEDIA = {  # what comes along over a wire, by its type
    "audio/midi": ".mid",
    "text/vnd.abc": ".abc",
    "application/vnd.recordare.musicxml+xml": ".musicxml",
    "application/vnd.recordare.musicxml": ".mxl",
}


def kind_of(data: bytes) -> str:
    """The suffix of the notation that these bytes are in; ABC where they are text."""
    if data.startswith(b"MThd"):
        return ".mid"
    if data.startswith(b"PK"):
        return ".mxl"
    head = data[:XML_HEAD].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    return ".musicxml" if head.startswith(b"<") else ".abc"


def scores_in(item: Any) -> list[Score]:
    """Of a path, the bytes of a file, or the text of ABC. DataError where one cannot be read."""
    data, name = _held(item)
    out = []
    for place, one in READERS[kind_of(data)](data, name):
        if isinstance(one, DataError):
            raise DataError(f"{place}: {one}" if place else str(one))
        out.append(one)
    return out


def _held(item: Any) -> tuple[bytes, str]:
    if isinstance(item, bytes | bytearray):
        return bytes(item), ""
    if isinstance(item, str) and ("\n" in item or item.lstrip()[:2] in ("X:", "K:", "M:")):
        return item.encode("utf-8", "replace"), ""
    if not isinstance(item, str | Path):
        raise DataError(f"a score is given as a file or as ABC, not as {type(item).__name__}")
    path = Path(item).expanduser()
    try:
        return content(str(path)), path.name
    except (Unreadable, OSError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def scores_under(path: Path, left: LeftOut) -> Iterator[tuple[Path, str, Score]]:
    """(file, place in it, score) of a file or a folder; what cannot be read goes into `left`."""
    for file, name in files_at(path):
        reader = READERS.get(suffix_of(name))
        if reader is None:
            if not path.is_dir():
                left.add(name, f"no file of music: its name ends in none of {', '.join(READERS)}")
            continue
        try:
            for place, one in reader(content(file), name):
                if isinstance(one, DataError):
                    left.add(place, str(one))
                else:
                    yield Path(file), place, one
        except (Unreadable, DataError) as error:
            left.add(name, str(error))


# --- writing --------------------------------------------------------------------------------------


def _packed(score: Score) -> bytes:
    """An .mxl archive, the same bytes for the same score."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (
            ("META-INF/container.xml", CONTAINER),
            ("score.musicxml", write_musicxml(score)),
        ):
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


NOTATIONS: dict[str, Callable[[Score], bytes]] = {
    ".abc": lambda score: write_abc(score).encode(),
    ".mid": write_midi,
    ".midi": write_midi,
    ".musicxml": write_musicxml,
    ".mxl": _packed,
}
DRAWN: dict[str, Callable[[Score, Mapping[str, Any] | None], bytes]] = {
    ".svg": score_svg,
    ".png": score_png,
}
WRITTEN = (*NOTATIONS, *DRAWN, *sorted(HEARD))


def write_score(score: Score, path: Path, record: Mapping[str, Any] | None = None) -> bool:
    """By the suffix. True where the record went into the file. RequestError for others."""
    path = Path(path)
    suffix = path.suffix.lower()
    if heard(path):
        return write_played(score, path, record)
    if suffix in DRAWN:
        write_atomic(path, DRAWN[suffix](score, record))
        return record is not None
    if suffix not in NOTATIONS:
        raise RequestError(f"{path.name}: music is written as {', '.join(WRITTEN)}")
    write_atomic(path, NOTATIONS[suffix](score))
    return False
