"""/v1/audio/speech and /voices: speech from a model that makes audio.

Which model can is asked of the model; where none can, the answer says so. Knows shapes and formats.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.leaving import while_there
from genloom.server.making import Made, ended, item_of, keep, steps
from genloom.server.routes.images_schema import seed_of
from genloom.server.routes.sampling import LARGEST_SEED, seed_header
from genloom.server.schema import Asked, refused
from genloom.server.service import Here, Service
from genloom.server.sse import EventStream, event
from genloom.server.suited import suited
from genloom.sound.wav_head import wav_head

router = APIRouter(prefix="/v1/audio", tags=["audio"])
SOUND = ("audio/*",)
PIECE = 32 << 10  # bytes of one piece of speech
# response_format -> (suffix of the file that is made, its media type)
FORMATS = {
    "mp3": (".mp3", "audio/mpeg"),
    "opus": (".opus", "audio/ogg"),
    "aac": (".aac", "audio/aac"),
    "flac": (".flac", "audio/flac"),
    "wav": (".wav", "audio/wav"),
    "pcm": (".pcm", "audio/pcm"),
}
STREAMED = ("wav", "pcm")  # go out piece by piece, while the rest of a long text is made
LONGEST = 200_000  # characters with their marks; how many are said at once the model decides
Sent = Literal["sse", "audio"]  # how speech goes out
IN_EVENTS: Sent = "sse"


class VoiceName(Asked):
    id: str


class Speech(Asked):
    model: str
    input: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    voice: str | VoiceName | None = None
    instructions: Annotated[str, Field(max_length=4096)] | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Sent = "audio"
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None


# --- speech ---------------------------------------------------------------------------------------


@router.post("/speech", response_model=None)
async def speak(
    request: Request,
    body: Speech,
    caller: Who,
    service: Here,
) -> Response:
    about = await suited(service, body.model, SOUND, "a model of speech")
    suffix, media = FORMATS[body.response_format]
    seed = seed_of(body.seed)
    streamed = body.response_format in STREAMED
    given = {"prompt": body.input, "seed": seed, "suffix": suffix, "pieces": streamed}
    given |= _manner(body, about)
    call = Call(model=body.model, task="generate", given=given, owner=caller.owner)
    headers = seed_header(seed)
    if body.stream_format == IN_EVENTS:
        return EventStream(_spoken_events(service, call, suffix), headers=headers)
    pieces = _spoken(service, call, suffix, Made())
    first = await while_there(request, _first(pieces))  # what fails before it is no 200
    return StreamingResponse(_whole(first, pieces), media_type=media, headers=headers)


async def _first(pieces: AsyncGenerator[bytes]) -> bytes:
    return await anext(pieces, b"")


async def _whole(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        await rest.aclose()


def _manner(body: Speech, about: Any) -> dict[str, Any]:
    """The voice as a condition, speed and instructions as options, where the model has them."""
    takes, voices = about.get("takes", ()), about.get("voices") or ()
    where: dict[str, Any] = {}
    options: dict[str, Any] = {}
    voice = body.voice.id if isinstance(body.voice, VoiceName) else body.voice
    if voice is not None:
        if voice not in voices:
            known = ", ".join(voices) or "none: leave it out"
            raise refused("voice", f"voices of this model are {known}")
        where["voice"] = voice
    for field, usual in (("speed", 1.0), ("instructions", None)):
        value = getattr(body, field)
        if value != usual and field not in takes:
            raise refused(field, "this model does not act on it: leave it out")
        if value != usual:
            options[field] = value
    return {**({"where": where} if where else {}), **({"options": options} if options else {})}


async def _spoken(service: Service, call: Call, suffix: str, made: Made) -> AsyncGenerator[bytes]:
    """A text of several pieces piece by piece, where its format can; else the finished file, which
    has its record inside. The file is kept in any case."""
    begun = False
    async for one in steps(service, call, made):
        if one.kind == "piece" and one.values["of"] > 1:
            if not begun and suffix == FORMATS["wav"][0]:
                yield wav_head(one.values["rate"])
            begun = True
            yield one.blob or b""
        elif one.kind == "asset":
            item = item_of(one)
            await keep(service, call.owner, item)
            for at in range(0, 0 if begun else len(item.data), PIECE):
                yield item.data[at : at + PIECE]


async def _spoken_events(service: Service, call: Call, suffix: str) -> AsyncGenerator[bytes]:
    made = Made()
    async for piece in _spoken(service, call, suffix, made):
        data = base64.b64encode(piece).decode()
        yield event({"type": "speech.audio.delta", "audio": data}, "speech.audio.delta")
    done = {"type": "speech.audio.done", "usage": ended(made.usage)}
    yield event(done, "speech.audio.done")


# --- voices ---------------------------------------------------------------------------------------


@router.get("/voices")
async def voices(
    model: str,
    service: Here,
) -> dict[str, Any]:
    """The voices that a model of speech has."""
    about = await suited(service, model, SOUND, "a model of speech")
    data = [
        {"id": name, "object": "audio.voice", "name": name, "type": "audio_sample", "created_at": 0}
        for name in about.get("voices") or ()
    ]
    return {"object": "list", "data": data, "has_more": False}
