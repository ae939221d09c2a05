"""What a host says of its model: what it makes and what it can be asked, its name left out."""

from __future__ import annotations

import re
from typing import Any

from genloom.engine.acting import takes_of
from genloom.hosting.form import form, grids
from genloom.hosting.site import Site
from genloom.requested import GIVEN

# What published templates can be told about an answer.
VARIABLES = frozenset(
    {"enable_thinking", "thinking", "reasoning_effort", "thinking_budget", "preserve_thinking"}
)


def about(site: Site) -> dict[str, Any]:
    """JSON values that the web process decides by: no branch there asks for a medium's name."""
    model = site.model
    codec: Any = model.codec
    spec: Any = codec.spec
    takes = takes_of(model)
    conditional = bool(codec.conditional and getattr(model.family, "conditional", True))
    return {
        "media": codec.media,
        "suffix": codec.suffix,
        "texts": site.texts,
        "chats": site.chats,
        "speaks": site.chats,
        "tools": site.chats and site.renderer.markup.form is not None,
        "reasons": site.chats and site.renderer.markup.thought is not None,
        "variables": _variables(site),
        "embeds": site.texts,
        "conditional": conditional,
        "where": conditional or getattr(codec, "told_where", False),
        "prompted": model.prompt is not None,
        "takes": sorted(takes - set(GIVEN)),
        "accepts": _accepts(site, takes),
        "context": getattr(spec, "length", None),
        "vocab": getattr(spec, "vocab", None),
        "grids": grids(codec),
        "clear": _clear(codec),
        "control": int(getattr(spec, "control", 0) or 0) > 0,
        "voices": list(getattr(codec, "voices", ())),
        "adapters": sorted(site.adapters),
        "parameters": model.parameters,
        "bytes": sum(
            t.numel() * t.element_size()
            for net in model.nets.values()
            for t in (*net.parameters(), *net.buffers())
        ),
        "bits": model.bits,
        "weights": site.weights,
        "recipe": model.recipe.name,
        "form": form(site),
    }


def _clear(codec: Any) -> bool:
    """Whether items may have transparent places."""
    return bool(getattr(getattr(codec, "pictures", codec), "clear", False))


def _variables(site: Site) -> list[str]:
    """What clients may tell the template, of what it mentions: nothing else is passed to it."""
    words = set(re.findall(r"\w+", site.renderer.template.text)) if site.chats else set()
    return sorted(VARIABLES & words)


def _accepts(site: Site, takes: frozenset[str]) -> list[str]:
    """Names of the files that may come along."""
    codec: Any = site.model.codec
    if not getattr(codec, "travels", True):
        return []
    hooks = {"item": ("begin", "given", "grid_told"), "mask": ("fresh",)}
    told = [n for n, some in hooks.items() if n in takes and any(hasattr(codec, x) for x in some)]
    return [*told, *(["control"] if getattr(codec.spec, "control", 0) else [])]
