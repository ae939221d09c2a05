"""What all bodies share: strict types, finite numbers, and no field dropped in silence.

Fields that a body's model does not know, and those marked as a hint, are accepted and told in
`x-genloom-ignored-fields`; a known field that cannot be honoured is `refused`. Bodies say `list`,
never `tuple` (types are strict). Knows no route.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, model_validator

from genloom.server.failure import Failure

# The names of the request that is being answered; the middleware that sets the header makes it.
IGNORED: ContextVar[list[str] | None] = ContextVar("ignored", default=None)
_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)


class Hint:
    """The mark of a field that clients send and that changes no answer here."""


HINT = Hint()
T = TypeVar("T")
Hinted = Annotated[T | None, HINT]  # a field of this kind is told among the ignored


class Asked(BaseModel):
    """The base of every body and of every object inside one."""

    model_config = ConfigDict(
        extra="allow", strict=True, frozen=True, allow_inf_nan=False, protected_namespaces=()
    )

    @model_validator(mode="wrap")
    @classmethod
    def _note_unknown(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Only the outermost body notes, since it alone knows the paths and what was accepted."""
        if _INSIDE.get():
            return handler(value)
        token = _INSIDE.set(True)
        try:
            made = handler(value)
        finally:
            _INSIDE.reset(token)
        note_ignored(*unknown(made))
        return made


def unknown(body: Asked) -> Iterator[str]:
    """Dotted paths of the fields that the models do not know, or that are hints."""
    yield from body.model_extra or ()
    yield from (name for name in hints(type(body)) if getattr(body, name) is not None)
    for name in type(body).model_fields:
        yield from _inside(name, getattr(body, name))


@cache
def hints(kind: type[Asked]) -> tuple[str, ...]:
    """The fields that change nothing."""
    return tuple(name for name, field in kind.model_fields.items() if HINT in field.metadata)


def _inside(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, Asked):
        yield from (f"{path}.{name}" for name in unknown(value))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _inside(f"{path}.{number}", one)


def note_ignored(*names: str) -> None:
    """These fields were accepted and change nothing: the answer's header names them."""
    noted = IGNORED.get()
    if noted is not None:
        noted += [name for name in names if name not in noted]


def refused(field: str, why: str) -> Failure:
    """The 400 of a known field that cannot be honoured; field: its dotted path."""
    return Failure(400, f"{field}: {why}", code="unsupported_value", param=field)
