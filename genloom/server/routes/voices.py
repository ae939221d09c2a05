"""/v1/audio/voices: the voices of a model, and one's own, which it has heard.

Knows shapes; how a voice is heard is the model's, how it is kept `server/voices.py`'s.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from genloom.server import voices
from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.failure import Failure
from genloom.server.forms import described, form_of, read_form
from genloom.server.records.files import File
from genloom.server.schema import Asked, refused
from genloom.server.service import Here, Service
from genloom.server.sniffing import sniffed
from genloom.server.suited import fits, named, suited
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/audio/voices", tags=["audio"])
SOUND = ("audio/*",)
SAMPLE = "audio_sample"
LARGEST = 25 << 20  # bytes of a recording


class Own(Asked):
    """consent: a statement that whoever speaks in the recording agrees to the use of the voice."""

    model: str
    name: Annotated[str, Field(min_length=1, max_length=64)]
    consent: Annotated[str, Field(min_length=1, max_length=4096)]


@router.post("", openapi_extra=described(Own, SAMPLE))
async def create(request: Request, caller: Who, service: Here) -> dict[str, Any]:
    """Hear a voice in a recording; the recording is not kept."""
    form = await form_of(request, {SAMPLE: 1}, LARGEST)
    sent, body = form.file(SAMPLE), read_form(Own, form)
    if not body.consent.strip():
        raise refused("consent", "say that whoever speaks there agrees")
    about = await suited(service, body.model, SOUND, "a model of speech")
    if body.name in (about.get("voices") or ()):
        raise refused("name", "this model has a voice of that name: choose another")
    have = await voices.of_owner(service, caller.owner)
    if any(one.filename == body.name for one in have):
        raise refused("name", "a voice of that name is kept already: delete it first")
    if len(have) >= voices.MOST:
        raise refused("name", f"{voices.MOST} voices are kept at most: delete one first")
    check_recording(sent.data, SAMPLE)
    told = await _heard(service, caller.owner, body, sent.data)
    kept = {"model": body.model, **told, "consent": body.consent}
    return told_of(await voices.keep(service, caller.owner, body.name, kept))


async def _heard(service: Service, owner: str, body: Own, data: bytes) -> dict[str, Any]:
    call = Call(
        model=body.model,
        task="hear",
        given={"consent": body.consent},
        blobs={"item": data},
        owner=owner,
    )
    found: dict[str, Any] = {}
    with named(SAMPLE, "item"):
        async for event in service.engines.run(call):
            if event.kind == "values":
                found = {name: event.values[name] for name in ("heard", "weights")}
    return found


def check_recording(data: bytes, field: str) -> None:
    """Failure 415 where it is none in a known format."""
    if not fits(sniffed(data) or "", SOUND):
        raise Failure(
            415,
            f"{field} is no recording in a known format: wav, mp3, flac and ogg are",
            code="unsupported_media_type",
            param=field,
        )


@router.get("")
async def list_(model: str, caller: Who, service: Here) -> dict[str, Any]:
    """The voices that a model of speech has, and one's own."""
    about = await suited(service, model, SOUND, "a model of speech")
    usual = {"object": "audio.voice", "type": "audio_sample", "created_at": 0}
    data = [{**usual, "id": name, "name": name} for name in about.get("voices") or ()]
    own = [told_of(one) for one in await voices.of_owner(service, caller.owner)]
    return {"object": "list", "data": [*data, *own], "has_more": False}


@router.delete("/{id}")
async def delete(id: str, caller: Who, service: Here) -> dict[str, Any]:
    own = await voices.of_owner(service, caller.owner)
    if all(one.id != id for one in own):
        raise Failure(404, f"no voice {id[:80]!r} is kept", code="not_found", param="id")
    await in_thread(service.records.files.remove, id, caller.owner)
    return {"id": id, "object": "audio.voice.deleted", "deleted": True}


def told_of(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "audio.voice",
        "name": file.filename,
        "type": "own",
        "created_at": int(file.created),
    }
