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
from genloom.server.references import referred
from genloom.server.routes.images_schema import seed_of
from genloom.server.routes.sampling import LARGEST_SEED, seed_header
from genloom.server.routes.voices import check_recording
from genloom.server.schema import Asked, refused
from genloom.server.service import Here, Service
from genloom.server.sse import EventStream, event
from genloom.server.suited import suited
from genloom.server.voices import options_for
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
    """voice: of the model, or one's own that it has heard (/v1/audio/voices), by name or id.
    reference: a recording in place of a voice (a URL, a data: URL, the id of a file); consent: that
    whoever speaks there agrees."""

    model: str
    input: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    voice: str | VoiceName | None = None
    instructions: Annotated[str, Field(max_length=4096)] | None = None
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: Annotated[float, Field(ge=0.25, le=4)] = 1.0
    stream_format: Sent = "audio"
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    reference: Any = None
    consent: Annotated[str, Field(max_length=4096)] | None = None


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
    given |= await _manner(service, caller.owner, body, about)
    blobs = await _reference(service, caller.owner, body, about)
    call = Call(model=body.model, task="generate", given=given, blobs=blobs, owner=caller.owner)
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


async def _reference(service: Service, owner: str, body: Speech, about: Any) -> dict[str, bytes]:
    """The recording that is to be heard."""
    if body.reference is None:
        if body.consent is not None:
            raise refused("consent", "there is no reference that it is about: leave it out")
        return {}
    if "item" not in about.get("accepts", ()):
        raise refused("reference", "this model hears no voices: leave it out")
    if body.voice is not None:
        raise refused("voice", "a reference is a voice, too: leave one of them out")
    if not (body.consent or "").strip():
        raise refused("consent", "say that whoever speaks in the reference agrees")
    data = (await referred(service, owner, body.reference, "reference")).data
    check_recording(data, "reference")
    return {"item": data}


async def _manner(service: Service, owner: str, body: Speech, about: Any) -> dict[str, Any]:
    """The voice as a condition, speed and instructions as options, where the model has them."""
    takes, voices = about.get("takes", ()), about.get("voices") or ()
    where: dict[str, Any] = {}
    options: dict[str, Any] = {}
    voice = body.voice.id if isinstance(body.voice, VoiceName) else body.voice
    if voice is not None and voice in voices:
        where["voice"] = voice
    elif voice is not None:
        own = await options_for(service, owner, voice, about)
        if own is None:
            known = ", ".join(voices) or "none: leave it out"
            raise refused("voice", f"voices of this model are {known}")
        options |= own
    if body.consent is not None:
        options["consent"] = body.consent
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
