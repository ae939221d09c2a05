"""The one table of media that are made as jobs: what a path makes, what it takes, how it is read.

A medium that lands later is a row here and a schema beside it; `media.py` makes the routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from genloom.server.moving import sheet, thumbnail
from genloom.server.routes.media_schema import (
    Film,
    Form,
    Lines,
    Making,
    Molecules,
    Music,
    Notation,
    Sequences,
    Shape,
    Table,
    Video,
)
from genloom.server.table_files import rows_of

Reading = Callable[[bytes], tuple[bytes, str]]  # a finished file -> another and its media type


@dataclass(frozen=True, kw_only=True)
class Row:
    """One path under /v1.

    path      where it is, and the label of its jobs
    object    what a job is called; also the beginning of its id
    media     types of what a model has to make
    wanted    that in words
    body      the schema of what may be asked
    suffixes  response_format -> the suffix of the file that is made
    given     a file that may come along: field -> the engine's name for it
    variants  further readings of the finished file by name; the path's own name is the file itself
    readings  media type that a client asks for -> a reading
    """

    path: str
    object: str
    media: tuple[str, ...]
    wanted: str
    body: type[Making] = Making
    suffixes: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, Reading] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Of its jobs."""
        return f"generation:{self.path}"


ROWS = (
    Row(
        path="videos",
        object="video",
        media=("video/*", "image/gif", "image/apng"),
        wanted="a model of videos",
        body=Video,
        suffixes={way: f".{way}" for way in get_args(Film)},
        given={"input_reference": "item"},
        variants={"thumbnail": thumbnail, "spritesheet": sheet},
    ),
    Row(
        path="music",
        object="music",
        media=("audio/midi", "audio/x-midi", "audio/*", "text/vnd.abc"),
        wanted="a model of music",
        body=Music,
        suffixes={way: f".{way}" for way in get_args(Notation)},
        given={"input_reference": "item"},
    ),
    Row(
        path="3d",
        object="3d",
        media=("model/*",),
        wanted="a model of shapes",
        body=Shape,
        suffixes={way: f".{way}" for way in get_args(Form)},
        given={"input_reference": "item"},
    ),
    Row(
        path="tables",
        object="table",
        media=("text/csv", "application/vnd.apache.parquet"),
        wanted="a model of tables",
        body=Table,
        suffixes={"csv": ".csv", "json": ".csv", "parquet": ".parquet"},
        readings={"application/json": rows_of},
    ),
    Row(
        path="molecules",
        object="molecule",
        media=("chemical/*",),
        wanted="a model of molecules",
        body=Molecules,
        suffixes={way: f".{way}" for way in get_args(Lines)},
    ),
    Row(
        path="sequences",
        object="sequence",
        media=("text/x-fasta", "application/x-fasta", "chemical/seq-*", "biosequence/*"),
        wanted="a model of sequences",
        body=Sequences,
        suffixes={"fasta": ".fasta"},
        given={"input_reference": "item"},
    ),
)
