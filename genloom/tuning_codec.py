"""Which codec a training has that starts from a model: the medium's own way to read and to weigh,
in the vocabulary of the model.

Knows the registry; what suits what is said by the codecs' `upon`. Knows no training.
"""

from __future__ import annotations

from typing import Any

from genloom import registry
from genloom.codec.base import Codec
from genloom.errors import RecipeError
from genloom.recipe import Part


def retold(codec: Any, part: Part) -> Codec:
    """The codec of `part` for a model whose codec is `codec`; it learns no vocabulary.

    part.options: of them only the length is heeded, a context shorter than the model's. RecipeError
    where such a model cannot learn such data.
    """
    cls = registry.find("codec", part.kind)
    upon = getattr(cls, "upon", None)
    if upon is None and isinstance(codec, cls):
        again = getattr(codec, "again", None)  # as it is, such as pictures of the same grid
        return codec if again is None else again(part.options)
    if upon is None:
        raise RecipeError(
            f"a training of {part.kind!r} cannot start from another model: leave --from out"
        )
    length = part.options.get("length")
    made: Codec = upon(codec, None if length is None else min(length, codec.spec.length))
    return made


def welcomed(codec: Any, train_items: Any, held_items: Any) -> tuple[Any, Any]:
    """What the start's codec has ids for, where it cannot have one for everything."""
    welcome = getattr(codec, "welcome", None)
    if welcome is None:
        return train_items, held_items
    train_items, notes = welcome(train_items)
    codec.notes = tuple(notes)
    return train_items, welcome(held_items)[0] if len(held_items) else held_items
