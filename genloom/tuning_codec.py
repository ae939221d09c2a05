"""Which codec a training takes that goes on from a model: the start's own, told for the medium.

Knows codecs by what they offer; no net, family or file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genloom import registry
from genloom.codec.base import Codec
from genloom.errors import RecipeError
from genloom.recipe import Part


def retold(codec: Codec, part: Part) -> Codec:
    """The codec of a training of `part` that starts from a model with `codec`. RecipeError where
    the two do not fit together."""
    cls = registry.find("codec", part.kind)
    if type(codec) is cls:
        return codec
    upon: Callable[[Any, int], Codec] | None = getattr(cls, "upon", None)
    if upon is None:
        raise RecipeError(
            f"a {codec.kind} model cannot go on as {part.kind}: train on data of its own medium, "
            f"or train {part.kind} from scratch"
        )
    return upon(codec, int(part.options.get("length", 0)))
