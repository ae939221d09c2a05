"""From plain JSON values to frozen dataclasses and back, strictly: an unknown key is an error.

Knows types, not what any key means.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from genloom.errors import RecipeError


def configure(cls: type, values: Mapping[str, Any], where: str) -> Any:
    """An instance of the dataclass from JSON values; RecipeError names the place and the key."""
    hints = _hints(cls)
    check_keys(values, hints, where)
    ready = {k: _fit(v, hints[k], f"{where}.{k}") for k, v in values.items()}
    try:
        return cls(**ready)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {error}") from error


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Of the fields."""
    return {k: v for k, v in get_type_hints(cls).items() if get_origin(v) is not ClassVar}


def call(make: Callable[..., Any], values: Mapping[str, Any], where: str) -> Any:
    """make(**values), with unknown keys refused by name."""
    check_keys(values, _parameters(make), where)
    ready = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    try:
        return make(**ready)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"{where}: {error}") from error


@cache
def _parameters(make: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(p for p in inspect.signature(make).parameters if p != "self")


def check_keys(given: Iterable[str], known: Iterable[str], where: str) -> None:
    known = list(known)
    for key in given:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known) or 'none'}"
        raise RecipeError(f"{where} has no key {key!r}: {hint}")


def plain(value: Any) -> Any:
    """JSON-ready values of a dataclass, with every field written out."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value


def _fit(value: Any, hint: Any, where: str) -> Any:
    """The value as the hinted type, or a RecipeError."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        made = [c for c in args if is_dataclass(c) and isinstance(value, Mapping)]
        for choice in made:
            return _fit(value, choice, where)
        for choice in args:
            try:
                return _fit(value, choice, where)
            except RecipeError:
                continue
    elif origin is Literal:
        if value in args:
            return value
    elif origin is tuple:
        if isinstance(value, tuple | list):
            inner = args[0] if args else Any
            return tuple(_fit(v, inner, where) for v in value)
    elif is_dataclass(hint) and isinstance(hint, type) and isinstance(value, Mapping):
        return configure(hint, value, where)
    elif hint is Any or hint is inspect.Parameter.empty or origin is not None:
        return value
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif hint is int and isinstance(value, float) and value % 1 == 0:
        return int(value)
    elif hint is int and isinstance(value, bool):
        pass
    elif isinstance(value, hint):
        return value
    wanted = " or ".join(map(repr, args)) if origin is Literal else getattr(hint, "__name__", hint)
    raise RecipeError(f"{where} is {value!r}, but {wanted} is expected")
