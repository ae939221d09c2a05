"""The bodies of media jobs and of /v1/generate: what every model may be asked, and what some may.

Knows names, types and ranges; which model acts on what is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.routes.images_schema import OPTIONS, Words, seed_of, size_of
from genloom.server.routes.sampling import LARGEST_SEED
from genloom.server.schema import Asked, Hinted, refused

MOST_ITEMS, MOST_ROWS, MOST_TOKENS = 100, 100_000, 1_000_000

Scale = Annotated[float, Field(ge=0, le=100)]
Steps = Annotated[int, Field(ge=1, le=10_000)]
Part = Annotated[float, Field(ge=0, le=1)]
Tries = Annotated[int, Field(ge=1, le=64)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Far = Annotated[float, Field(ge=-20, le=20)]
Where = Annotated[str, Field(max_length=10_000)] | Annotated[dict[str, Any], Field(max_length=500)]
Film = Literal["mp4", "webm", "mkv", "mov", "gif", "webp", "png"]
Notation = Literal["abc", "mid", "musicxml", "mxl", "svg", "png", "wav", "flac", "ogg", "mp3"]
Form = Literal["glb", "obj", "stl", "ply"]
Lines = Literal["smi", "sdf", "csv", "svg", "png"]
# Fields of a body that are options of a request under another name, or the same.
MAKING = {
    **OPTIONS,
    **{name: name for name in ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")},
    **{name: name for name in ("max_tokens", "min_tokens", "stop")},
    **{name: name for name in ("regex", "grammar")},
    # of `Anything` alone
    **{name: name for name in ("frequency_penalty", "presence_penalty", "beams", "directions")},
    **{name: name for name in ("guidance_interval", "frames", "towards", "towards_seed")},
    "speed": "speed",
    "consent": "consent",
    "instrument": "instrument",
    "tempo": "tempo",
    "tries": "tries",
    **{name: name for name in ("balance", "fair", "weights")},  # of tables
    "json_schema": "schema",
    "infill": "suffix",
}


class Making(Asked):
    """count: items to make, each from the seed and its own number."""

    model: str | None = None
    prompt: Words | None = None
    count: Annotated[int, Field(ge=1, le=MOST_ITEMS)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ITEMS)] | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    adapter: str | None = None
    size: str | None = None
    temperature: Scale | None = None
    top_k: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MOST_TOKENS)] | None = None
    min_tokens: Annotated[int, Field(ge=0, le=MOST_TOKENS)] | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)] | None = None
    steps: Steps | None = None
    num_inference_steps: Steps | None = None
    guidance: Scale | None = None
    guidance_scale: Scale | None = None
    negative_prompt: Words | None = None
    strength: Annotated[float, Field(ge=0, le=1)] | None = None
    solver: str | None = None
    seamless: bool | None = None
    truncation: Annotated[float, Field(ge=0, le=2)] | None = None
    outpaint: Annotated[list[int], Field(min_length=4, max_length=4)] | None = None
    user: Hinted[str] = None


class Clip(Making):
    """Videos and music. seconds as a text, as the official library sends it."""

    seconds: str | Annotated[float, Field(gt=0, le=3600)] | None = None
    input_reference: Any = None


class Video(Clip):
    """response_format: of the finished file."""

    response_format: Film | None = None


class Music(Clip):
    """where: conditions, as a text (`key = D mix and type = jig`) or an object; with
    input_reference, a melody (ABC, MIDI or MusicXML), also what of it is made anew (`bars = 5-8`,
    `keep = soprano`). tries: pieces drawn for each that is kept. response_format: of the finished
    file."""

    where: Where | None = None
    instrument: Annotated[str, Field(max_length=500)] | None = None
    tempo: Annotated[float, Field(ge=10, le=1000)] | None = None
    tries: Tries | None = None
    response_format: Notation | None = None


class Shape(Making):
    """where: sizes, as a text (`length = 4.5 and height = 1.4`) or an object; input_reference: a
    mesh to go on from, with `strength`. response_format: of the finished file."""

    where: Where | None = None
    response_format: Form | None = None
    input_reference: Any = None


class Table(Making):
    """rows: how many; where: conditions on columns, as a text (`age > 60 and city = 'Rome'`) or an
    object. balance: columns whose values are to come equally often; fair: `sex:income`, the
    outcome's rates the same in every group; weights: a column to add, how much less often than here
    each row would come by itself. response_format: of the finished file."""

    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    where: Where | None = None
    balance: Annotated[str, Field(max_length=1000)] | None = None
    fair: Annotated[str, Field(max_length=1000)] | None = None
    weights: Annotated[str, Field(max_length=200)] | None = None
    response_format: Literal["csv", "json", "parquet"] = "csv"


class Molecules(Making):
    """where: properties within ranges, as a text (`logP between 1 and 2 and QED > 0.7`) or an
    object, and parts (`scaffold = 'c1ccccc1'`). tries: molecules drawn for each that is kept.
    response_format: of the finished file; drawings as svg or png."""

    where: Where | None = None
    tries: Tries | None = None
    response_format: Lines | None = None


class Sequences(Making):
    """where: words of headers or annotations, as an object or a text. infill: what comes after the
    gap that is filled. input_reference: a FASTA file whose sequence is gone on from or filled."""

    where: Where | None = None
    infill: Words | None = None
    response_format: Literal["fasta"] | None = None
    input_reference: Any = None


class Anything(Making):
    """For whatever the model makes; its form tells what it acts on. count may be that of a table's
    rows, and of frames is as many as there are; first: the number of the first item within the
    seed. image, mask, control: a URL, a data: URL or the id of a file. infill: what comes after the
    gap that is filled. voice: of a model that speaks, or one's own (/v1/audio/voices). instrument,
    tempo, tries: of music. previews: of each item in a stream; suffix: of its file. store: whether
    texts become assets, too, as files always do."""

    count: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = None
    first: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    store: bool | None = None
    where: Where | None = None
    balance: Annotated[str, Field(max_length=1000)] | None = None
    fair: Annotated[str, Field(max_length=1000)] | None = None
    weights: Annotated[str, Field(max_length=200)] | None = None
    image: Any = None
    mask: Any = None
    control: Any = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    beams: Annotated[int, Field(ge=1, le=16)] | None = None
    guidance_interval: Annotated[list[Part], Field(min_length=2, max_length=2)] | None = None
    directions: Annotated[dict[str, Far], Field(max_length=64)] | None = None
    frames: Annotated[int, Field(ge=2, le=MOST_ROWS)] | None = None
    towards: Words | None = None
    towards_seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    speed: Annotated[float, Field(ge=0.25, le=4)] | None = None
    voice: Annotated[str, Field(max_length=200)] | None = None
    consent: Annotated[str, Field(max_length=4096)] | None = None
    instrument: Annotated[str, Field(max_length=500)] | None = None
    tempo: Annotated[float, Field(ge=10, le=1000)] | None = None
    tries: Tries | None = None
    json_schema: Annotated[dict[str, Any], Field(max_length=500)] | None = None
    infill: Words | None = None
    regex: str | None = None
    grammar: str | None = None
    previews: Annotated[int, Field(ge=0, le=8)] | None = None
    suffix: Annotated[str, Field(pattern=r"^\.?[A-Za-z0-9]{1,8}$")] | None = None
    stream: bool = False


def given_of(body: Making, **more: Any) -> dict[str, Any]:
    """The arguments of a task, only what was asked for. more: further ones."""
    if body.n is not None and body.count is not None:
        raise refused("n", "count says the same: leave one out")
    options: dict[str, Any] = {}
    for name, option in MAKING.items():
        if getattr(body, name, None) is not None:
            options[option] = getattr(body, name)
    if (size := size_of(body.size)) is not None:
        options["size"] = size
    told = {
        "prompt": body.prompt or None,
        "seed": seed_of(body.seed),
        "count": body.count or body.n or getattr(body, "frames", None) or 1,
        "adapter": body.adapter,
        "where": getattr(body, "where", None),
        **more,
    }
    return {**{k: v for k, v in told.items() if v is not None}, "options": options}


def most_of(about: Mapping[str, Any]) -> int:
    """Items of one request: rows of a table are made as one file, others one by one."""
    return MOST_ROWS if about["form"]["whole"] else MOST_ITEMS


class Remix(Asked):
    prompt: Words
