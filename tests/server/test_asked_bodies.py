"""Bodies: strict types, unknown fields noted with their paths, known ones never dropped."""

from __future__ import annotations

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from genloom.server.handlers import dotted, failure_of_validation
from genloom.server.schema import IGNORED, Asked, note_ignored, refused


class Part(Asked):
    weight: float = 1.0


class Whole(Asked):
    model: str
    count: int = 1
    parts: list[Part | str] = []  # noqa: RUF012


@pytest.fixture
def noted() -> list[str]:
    found: list[str] = []
    IGNORED.set(found)
    return found


def test_unknown_fields_are_noted_once_with_their_paths(noted: list[str]) -> None:
    body = {"model": "m", "x": 1, "parts": ["a", {"weight": 2, "y": 3}]}
    made = Whole.model_validate(body)
    assert noted == ["x", "parts.1.y"]
    assert made.parts[1] == Part.model_validate({"weight": 2, "y": 3})
    note_ignored("x", "z")
    assert noted == ["x", "parts.1.y", "y", "z"]


def test_a_body_that_does_not_fit_notes_nothing(noted: list[str]) -> None:
    with pytest.raises(ValidationError):
        Whole.model_validate({"model": 1, "x": 1})
    assert noted == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": 1}, "model"),
        ({"model": None}, "model"),
        ({}, "model"),
        ({"model": "m", "count": "3"}, "count"),
        ({"model": "m", "count": True}, "count"),
        ({"model": "m", "count": 1.5}, "count"),
        ({"model": "m", "parts": [{"weight": float("nan")}]}, "parts.0.weight"),
        ({"model": "m", "parts": "a"}, "parts"),
        ({"model": "m", "parts": [1]}, "parts.0"),
    ],
)
def test_the_field_that_does_not_fit_is_named(body: dict[str, object], param: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Whole.model_validate(body)
    found = [{**one, "loc": ("body", *one["loc"])} for one in caught.value.errors()]
    error = RequestValidationError(found, body=body)
    failure = failure_of_validation(error.errors(), body)
    assert (failure.status, failure.param) == (400, param)
    assert param in failure.message


def test_paths_are_bounded() -> None:
    assert dotted(("body", "bias", "x" * 900), {"bias": {"x" * 900: 1}})[:6] == "bias.x"
    assert len(dotted(("body", "bias", "x" * 900), {"bias": {"x" * 900: 1}})) == 200
    assert dotted(("query", "limit"), None) == "limit"


def test_a_known_field_that_cannot_be_honoured() -> None:
    failure = refused("tools.0.type", "this model calls none")
    assert (failure.status, failure.param) == (400, "tools.0.type")
