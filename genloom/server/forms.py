"""Multipart bodies: their fields as a schema reads them, their files as bytes within limits.

Knows how clients write lists and objects in a form (`image[]`, `svg[model]`); no schema and no
route. What is written as text is read as the type that the schema's field has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from genloom.server.failure import Failure
from genloom.server.schema import Asked
from genloom.server.service import Service
from genloom.server.strict_json import strict_json

A = TypeVar("A", bound=Asked)
MOST_FIELDS, MOST_FIELD = 200, 1 << 20  # fields; bytes of one that is no file
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


@dataclass(frozen=True, kw_only=True)
class Sent:
    """name: what the client calls the file."""

    data: bytes
    name: str


@dataclass(frozen=True, kw_only=True)
class Form:
    """fields: texts, lists and objects of texts by name; files by name, in order."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[Sent]] = field(default_factory=dict)

    def file(self, name: str) -> Sent:
        """The one file of this name."""
        found = self.files.get(name, [])
        if len(found) != 1:
            told = "is missing" if not found else f"is sent {len(found)} times: one is expected"
            code = "missing_required_parameter" if not found else "invalid_value"
            raise Failure(400, f"{name}: the file {told}", code=code, param=name)
        return found[0]


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def form_of(request: Request, files: Mapping[str, int], most: int) -> Form:
    """The body. files: how many of each name may come; most: bytes of one. Failure where there are
    others, or more, or larger ones."""
    if not is_form(request):
        raise Failure(415, "a multipart/form-data body is expected", code="unsupported_media_type")
    made = Form()
    count = sum(files.values())
    async with request.form(
        max_files=count + 1, max_fields=MOST_FIELDS, max_part_size=MOST_FIELD
    ) as form:
        for key, value in form.multi_items():
            if isinstance(value, UploadFile):
                await _take(made, key, value, files, most)
            else:
                _put(made.fields, key, value)
    return made


async def _take(
    form: Form, key: str, sent: UploadFile, files: Mapping[str, int], most: int
) -> None:
    name = key.partition("[")[0]
    if name not in files:
        known = ", ".join(files)
        raise Failure(400, f"no file is called {name[:80]!r}: {known} is expected", param=name[:80])
    data = await sent.read(most + 1)
    if len(data) > most:
        raise Failure(413, f"{name}: {most:,} bytes at most", code="file_too_large", param=name)
    held = form.files.setdefault(name, [])
    if len(held) >= files[name]:
        raise Failure(400, f"{name}: {files[name]} at most are taken here", param=name)
    held.append(Sent(data=data, name=sent.filename or "file"))


def _put(fields: dict[str, Any], key: str, value: str) -> None:
    """`a`, `a[]` and `a[b]`; a name that comes again makes a list."""
    parts = KEY.fullmatch(key)
    if parts is None:
        raise Failure(400, f"no field can be called {key[:80]!r}")
    name, inner = parts[1], re.findall(r"\[([^\[\]]*)\]", parts[2])
    if len(inner) > 4:
        raise Failure(400, f"{name[:80]}: too deep", param=name[:80])
    path = [name, *(part for part in inner if part)]
    place: Any = fields
    for part in path[:-1]:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise Failure(400, f"{name[:80]}: a value and an object", param=name[:80])
    last = path[-1]
    if inner and not inner[-1]:
        place.setdefault(last, [])
    if last not in place:
        place[last] = value
    elif isinstance(place[last], list):
        place[last].append(value)
    else:
        place[last] = [place[last], value]


def read_form(kind: type[A], form: Form) -> A:
    """A body out of a form's fields: "2" is a number where the schema has one."""
    try:
        return kind.model_validate_strings(form.fields, strict=False)
    except ValidationError as error:
        raise invalid(error, form.fields) from None


async def read_body(kind: type[A], request: Request) -> A:
    """A body out of JSON, for routes that take both."""
    service: Service = request.app.state.service
    depth = service.settings.limits.json_depth
    values = strict_json(await request.body(), depth)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise invalid(error, values) from None


def invalid(error: ValidationError, body: Any) -> RequestValidationError:
    found: Sequence[Any] = error.errors(include_url=False, include_context=False)
    return RequestValidationError(
        [{**one, "loc": ("body", *one["loc"])} for one in found], body=body
    )


def described(kind: type[Asked], *files: str, json: bool = False) -> dict[str, Any]:
    """What a route that reads its own body says of it in the OpenAPI document. files: fields that
    are files and must be there; json: the same body may come as JSON, too."""
    schema = kind.model_json_schema()
    file = {"type": "string", "format": "binary"}
    fields = {**schema.get("properties", {}), **dict.fromkeys(files, file)}
    required = sorted({*schema.get("required", ()), *files})
    form = {"type": "object", "properties": fields, "required": required}
    content: dict[str, Any] = {"multipart/form-data": {"schema": form}}
    if json:
        content["application/json"] = {"schema": schema}
    return {"requestBody": {"required": True, "content": content}}
