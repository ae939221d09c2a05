"""The form of a model: what a person can fill in for it, as the model itself acts on it.

Asks codec, family and nets; knows no model's name and nothing of how a form looks. JSON values.
"""

from __future__ import annotations

from typing import Any

from genloom.engine.acting import acted
from genloom.engine.given import made_anywhere, step_of_sides
from genloom.hosting.option_fields import FIELDS, Field
from genloom.hosting.site import Site
from genloom.options import RANGES
from genloom.requested import GIVEN

PICTURES = ["image/png", "image/jpeg", "image/webp", "image/gif"]
MOST_CHOICES, MOST_WORDS, MOST_MARGIN = 1000, 2000, 4096


def form(site: Site) -> dict[str, Any]:
    """prompt, takes, needs, options and columns; see the route /v1/models/{model}/form."""
    codec, names = site.model.codec, acted(site.model)
    travels = getattr(codec, "travels", True)
    files = [name for name in GIVEN if name in names and travels]
    return {
        "prompt": _prompt(site),
        "takes": {name: list(getattr(codec, "brings", PICTURES)) for name in files},
        "needs": _needs(site),
        "options": [
            *_voices(site),
            *(_option(site, name, one) for name, one in FIELDS.items() if name in names),
        ],
        "columns": _columns(site),
        "whole": bool(codec.conditional),
    }


# --- prompts --------------------------------------------------------------------------------------


def _prompt(site: Site) -> dict[str, Any]:
    """kind: "messages", "text", "label", "where" or "none". choices: all labels there are; words:
    those the model knows, where it knows so many words and no others."""
    if site.chats:
        return {"kind": "messages", "needed": False}
    if site.texts:
        return {"kind": "text", "needed": False}
    codec = site.model.prompt or getattr(site.model.codec, "prompts", None)
    if codec is None:
        return {"kind": "where" if _conditional(site) else "none", "needed": False}
    labels, words = getattr(codec, "labels", None), getattr(codec, "words", None)
    if labels is not None:
        return {"kind": "label", "needed": False, "choices": list(labels)[:MOST_CHOICES]}
    closed = isinstance(words, dict) and hasattr(codec, "unknown")  # it reads no other words
    known = {"words": sorted(words)[:MOST_WORDS]} if closed else {}
    return {"kind": "text", "needed": bool(getattr(codec, "needed", False)), **known}


def _needs(site: Site) -> list[list[str]]:
    """Of each list, one file has to be given."""
    model = site.model
    names = acted(model)
    if getattr(model.codec.spec, "control", 0):
        return [[name for name in ("control", "item") if name in names]]
    begins = getattr(model.family, "begins", None)
    return [] if begins is None or begins(model.nets) else [["item"]]


# --- options --------------------------------------------------------------------------------------


def _option(site: Site, name: str, field: Field) -> dict[str, Any]:
    low, high = RANGES[name][1:] if name in RANGES else (None, None)
    family = site.model.family
    usual = getattr(family, "usual", {}).get(name)
    told: dict[str, Any] = {"name": field.name, "kind": field.kind, "about": field.about}
    if low is not None and high is not None:
        told |= {"low": low, "high": high}
    if field.likely is not None:
        told["likely"] = list(field.likely)
    if field.needs:
        told["needs"] = list(field.needs)
    if (choices := getattr(family, "choices", {}).get(name)) is not None:
        told["choices"] = list(choices)
    silent = usual is None or (low is not None and usual < low)
    told["default"] = None if silent else list(usual) if isinstance(usual, tuple) else usual
    return {**told, **_MORE[name](site)} if name in _MORE else told


def _voices(site: Site) -> list[dict[str, Any]]:
    """The voices of the model, the first one where none is asked for."""
    known = list(getattr(site.model.codec, "voices", ()))
    if not known:
        return []
    about = "Who says it."
    return [
        {"name": "voice", "kind": "choice", "about": about, "choices": known, "default": known[0]}
    ]


def _size(site: Site) -> dict[str, Any]:
    """Sizes as clients write them, WIDTHxHEIGHT, the usual one first; any whose sides are so many
    pixels times a whole number can be made."""
    sizes = [f"{grid[-1]}x{grid[-2]}" for grid in grids(site.model.codec)]
    free = made_anywhere(site.model)
    return {
        "choices": [] if free else sizes,
        "default": None if free else sizes[0],
        "multiple": step_of_sides(site.model),
    }


def _length(site: Site) -> dict[str, Any]:
    """All that an item has, or no more than the context holds, most of the time."""
    codec: Any = site.model.codec
    whole = getattr(codec, "whole", None)
    if whole is not None:
        return {"likely": [1, whole], "default": whole}
    return {"likely": [1, max(1, min(1024, int(codec.spec.length)))]}


def _directions(site: Site) -> dict[str, Any]:
    generator: Any = site.model.nets["generator"]
    return {"count": int(generator.latent), "low": -20, "high": 20}


def _margins(site: Site) -> dict[str, Any]:
    """Each side of what is made is a multiple of so many pixels."""
    return {"multiple": step_of_sides(site.model), "low": 0, "high": MOST_MARGIN}


def _other_prompt(site: Site) -> dict[str, Any]:
    """Where prompts are labels, so are others."""
    labels = getattr(site.model.prompt, "labels", None)
    return {} if labels is None else {"kind": "choice", "choices": list(labels)[:MOST_CHOICES]}


_MORE = {
    "size": _size,
    "max_tokens": _length,
    "directions": _directions,
    "outpaint": _margins,
    "negative": _other_prompt,
    "towards": _other_prompt,
}


def grids(codec: Any) -> list[list[int]]:
    """Every size in pixels [height, width] that items usually have, the first one where nothing is
    said; none where they have none."""
    spec = getattr(codec, "pictures", codec).spec
    usual = tuple(getattr(spec, "grid", ()))
    others = [grid for grid in getattr(spec, "grids", ()) if tuple(grid) != usual]
    return [list(grid) for grid in (usual, *others)] if usual else []


# --- columns --------------------------------------------------------------------------------------


def _conditional(site: Site) -> bool:
    model = site.model
    return bool(model.codec.conditional) and getattr(model.family, "conditional", True)


def _columns(site: Site) -> list[dict[str, Any]]:
    """What conditions can be about."""
    codec: Any = site.model.codec
    return [_column(one.told()) for one in codec.columns] if _conditional(site) else []


def _column(told: dict[str, Any]) -> dict[str, Any]:
    """more: there are values beside those that are told."""
    choices = told.get("choices", [])
    if len(choices) <= MOST_CHOICES:
        return told
    return {**told, "choices": choices[:MOST_CHOICES], "more": True}
