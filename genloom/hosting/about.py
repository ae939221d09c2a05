"""What a host says of its model: what it makes and what it can be asked, without its name's help."""

from __future__ import annotations

from typing import Any

from genloom import api
from genloom.engine.requests import streams
from genloom.engine.telling import Words, teller


def about(model: api.Model) -> dict[str, Any]:
    """JSON values that the web process decides by: no branch there asks for a medium's name."""
    codec, spec = model.codec, model.codec.spec
    return {
        "media": codec.media,
        "suffix": codec.suffix,
        "texts": streams(spec) and isinstance(teller(codec), Words),
        "chats": hasattr(codec, "renderer"),
        "conditional": codec.conditional,
        "takes": sorted(model.family.takes),
        "context": getattr(spec, "length", None),
        "vocab": getattr(spec, "vocab", None),
        "parameters": model.parameters,
        "weights": model.card.get("weights") or model.digest(),
        "recipe": model.recipe.name,
    }
