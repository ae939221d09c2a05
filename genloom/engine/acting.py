"""What a model acts on of all that a request can say: by its family, its codec and its nets.

What stands here is told to whoever fills in a form; `requests.refuse` and `given` refuse the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genloom.codec.text.infill import can_infill
from genloom.engine.given import made_anywhere, step_of_sides
from genloom.engine.grammar import pairs_of
from genloom.family.base import Family
from genloom.model import Model
from genloom.spec import ArraySpec

GUIDING = frozenset({"guidance", "guidance_interval"})
FORMS = frozenset({"schema", "regex", "grammar"})
ENDLESS = frozenset({"min_tokens", "ignore_eos", "stop"})
HOOKS = {  # what the codec has to know how to do
    "begin": {"item", "mask", "strength", "outpaint"},
    "fresh": {"mask"},
    "surround": {"outpaint"},
    "grid_of": {"size"},
}


def takes_of(model: Model) -> frozenset[str]:
    """What its family acts on in items of this kind, and its codec in finished ones."""
    family: Family = model.family
    acts = getattr(family, "acts", None)
    takes: frozenset[str] = family.takes if acts is None else acts(model.codec.spec)
    codec: Any = model.codec
    if not isinstance(codec.spec, ArraySpec) and not hasattr(codec, "given"):
        takes -= {"item"}
    return takes | getattr(codec, "takes", frozenset())


def acted(model: Model) -> frozenset[str]:
    """Options, and files that may be given, that change what comes out; no weaker model beside."""
    array = isinstance(model.codec.spec, ArraySpec)
    return takes_of(model) - frozenset(_deaf(model) if array else _speechless(model))


def _deaf(model: Model) -> Iterator[str]:
    """Of arrays: what nobody listens to."""
    codec: Any = model.codec
    if model.prompt is None:
        yield from ("negative", "towards", *GUIDING)
    if not codec.spec.control:
        yield "control"
    elif made_anywhere(model):
        yield from ("item", "mask", "strength", "outpaint")
    if not codec.spec.grid:
        yield from ("seamless", "size")
    if not step_of_sides(model):
        yield "size"
    for hook, names in HOOKS.items():
        if not hasattr(codec, hook):
            yield from names


def _speechless(model: Model) -> Iterator[str]:
    """Of ids: what has no meaning where they spell no text, or where their number is fixed."""
    codec: Any = model.codec
    if getattr(codec, "whole", None) is not None:
        yield from ENDLESS
    if pairs_of(codec) is None:
        yield from FORMS
    if not can_infill(codec):
        yield "suffix"
