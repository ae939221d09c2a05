"""Pictures that come along with a request: out of a form or JSON, looked at, named for the engine.

Knows where clients put them; what is done with them is the model's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request

from genloom.server import image_files
from genloom.server.failure import Failure
from genloom.server.forms import Form, form_of, is_form, read_body, read_form
from genloom.server.pictures import seen
from genloom.server.references import referred
from genloom.server.routes.images_schema import Edit, Variation
from genloom.server.schema import refused
from genloom.server.service import Service

MOST, MOST_BYTES = 16, 50 << 20  # pictures of one edit; bytes of one

Pictures = dict[str, bytes]  # "image" and "mask"


async def edit(request: Request, service: Service, owner: str) -> tuple[Edit, Pictures]:
    """The body and its pictures. Failure where there is no picture, or not one that is sound."""
    if is_form(request):
        form = await form_of(request, {"image": MOST, "mask": 1, "markup": 1}, MOST_BYTES)
        body = read_form(Edit, form)
        files = {name: [one.data for one in sent] for name, sent in form.files.items()}
    else:
        body, files = await read_body(Edit, request), {}
    if "markup" in files:
        raise refused("markup", "send a mask")
    images = files.get("image") or await _named(service, owner, body.image or body.images, "image")
    masks = files.get("mask") or await _named(service, owner, body.mask, "mask")
    return body, await _looked_at(images, masks)


async def variation(request: Request) -> tuple[Variation, Pictures]:
    form: Form = await form_of(request, {"image": 1}, MOST_BYTES)
    return read_form(Variation, form), await _looked_at([form.file("image").data], [])


async def _named(service: Service, owner: str, value: Any, param: str) -> list[bytes]:
    """Pictures that a body names."""
    if value is None:
        return []
    some = value if isinstance(value, list) else [value]
    if len(some) > MOST:
        raise refused(param, f"at most {MOST} are taken")
    return [(await referred(service, owner, one, param)).data for one in some]


async def _looked_at(images: list[bytes], masks: list[bytes]) -> Pictures:
    if not images:
        code = "missing_required_parameter"
        raise Failure(400, "image: send the picture to begin from", code=code, param="image")
    if len(images) > 1:
        raise refused("image", "models here begin from one picture: send one")
    found = {"image": (await seen(images[0], "image")).data}
    if masks:
        found["mask"] = await image_files.mask((await seen(masks[0], "mask")).data)
    return found


def blobs(about: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Pictures:
    """The pictures under the names that this model's engine gives them."""
    accepts = about.get("accepts", ())
    made: Pictures = {}
    if "image" in pictures:
        name = next((n for n in ("item", "control") if n in accepts), None)
        if name is None:
            raise Failure(
                400,
                "this model begins from no picture: it makes new ones alone",
                code="model_not_suited",
                param="model",
            )
        made[name] = pictures["image"]
    if "mask" in pictures:
        if "mask" not in accepts:
            raise refused("mask", "this model takes none")
        made["mask"] = pictures["mask"]
    if "control" in pictures:
        if "control" not in accepts:
            raise refused("control", "this model takes none")
        if "control" in made:
            raise refused("control", "image says the same to this model: leave one out")
        made["control"] = pictures["control"]
    return made
