"""The items of one request, with an engine for it alone: drawn, kept by conditions, or said in
pieces.

Asks the codecs which of these it is; knows no medium.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genloom import saying
from genloom.engine.choosing import chosen, needs_choosing
from genloom.engine.engine import Engine
from genloom.engine.keeping import kept, needs_keeping
from genloom.engine.sharing import needs_sharing, shared
from genloom.errors import UsageError
from genloom.model import Model
from genloom.spec import Request


def exact(model: Model, request: Request, guide: Model | None = None) -> Any:
    """The request's items. Where conditions say more than ids can (part of a cell, several
    columns at once), candidates are drawn under further numbers and kept so that what is kept
    follows the model's conditional distribution exactly. Of several tries the best is kept. Texts
    are said in pieces."""
    with Engine(model, guide=guide) as engine:
        if needs_sharing(request):
            return shared(engine, request)
        if needs_keeping(model.codec, request):
            return kept(engine, request)
        if needs_choosing(model, request):
            return chosen(engine, request)
        if saying.says(model):
            return saying.said(engine, request)
        return engine.submit(request).result()


def spoken(model: Model, request: Request) -> Iterator[saying.Spoken]:
    """The pieces of a text as they are said. RequestError at once where it cannot be."""
    if not saying.says(model):
        raise UsageError("this model says no texts: use `generate`")
    return _spoken(model, saying.Saying(model, request))


def _spoken(model: Model, way: saying.Saying) -> Iterator[saying.Spoken]:
    with Engine(model) as engine:
        yield from saying.spoken(engine, way)
