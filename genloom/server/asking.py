"""What a model can be asked for, as the model itself has told: for those who fill in its form.

From memory where its weights were served before, else it is loaded once. Knows no medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genloom.server.engines.catalogue import Catalogue
from genloom.server.offered import read_card
from genloom.server.service import Service
from genloom.server.threads import in_thread

TOLD = ("media", "suffix", "texts", "chats", "weights", "context", "adapters", "accepts")


async def form_of(service: Service, model: str, most: int, rows: int) -> dict[str, Any]:
    """Failure 404 where it is not offered. most, rows: things of one request, and rows of one."""
    about = await told(service, model)
    form = about["form"]
    card = await in_thread(_card, service, model)
    return {
        "object": "model.form",
        "model": model,
        "medium": card["medium"],
        **{name: about[name] for name in TOLD if name in about},
        **form,
        "most": rows if form["whole"] else most,
    }


async def told(service: Service, model: str) -> Mapping[str, Any]:
    """What the model says of itself."""
    weights = (await in_thread(_card, service, model))["weights"]
    known = await in_thread(service.records.models.about, weights) if weights else None
    if known is not None and "form" in known:
        return known
    about = await service.engines.about(model)
    await in_thread(service.records.models.served, model, str(about["weights"]), about)
    return about


def _card(service: Service, model: str) -> dict[str, Any]:
    return read_card(Catalogue(service.settings.models).folder(model))
