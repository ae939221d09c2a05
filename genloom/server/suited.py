"""Whether a model is one for a route: by what it says of itself. Knows no model's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import Any

from genloom.server.failure import Failure
from genloom.server.service import Service


def fits(media: str, kinds: Iterable[str]) -> bool:
    """kinds: media types, with * for any part."""
    return any(fnmatchcase(media, kind) for kind in kinds)


async def suited(
    service: Service, model: str, kinds: Iterable[str], wanted: str
) -> Mapping[str, Any]:
    """What the model tells of itself. Failure 400 where it makes something else than is wanted."""
    about = await service.engines.about(model)
    if not fits(str(about["media"]), kinds):
        raise unsuited(about, wanted)
    return about


def unsuited(about: Mapping[str, Any], wanted: str) -> Failure:
    return Failure(
        400,
        f"this model makes {about['media']}, and {wanted} is expected here: /v1/models tells what "
        "the others make",
        code="model_not_suited",
        param="model",
    )


def chosen(service: Service, model: str | None) -> str:
    """The model that was asked for; the only one where one is served and none was named."""
    if model:
        return model
    offered = service.settings.models
    if len(offered) == 1:
        return offered[0]
    raise Failure(
        400,
        "model: name one, as /v1/models lists them",
        code="missing_required_parameter",
        param="model",
    )


@contextmanager
def named(field: str, *inner: str) -> Iterator[None]:
    """An error inside that names one of these of the engine's fields names the client's instead."""
    try:
        yield
    except Failure as failure:
        if failure.param in inner:
            failure.param = field
        raise
