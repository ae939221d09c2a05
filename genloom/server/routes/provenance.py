"""/v1/content_provenance_checks: what a file says of where it comes from, and whether that holds.

The signal is Genloom's own record, sealed inside the file; others (C2PA, SynthID) are not looked
for, so nothing is said of them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from typing import Any

from fastapi import APIRouter, Request

from genloom.server.access import Who
from genloom.server.forms import described, form_of
from genloom.server.pictures import FORMATS, seen
from genloom.server.records.ids import label
from genloom.server.schema import Asked
from genloom.server.service import Here
from genloom.server.sniffing import sniffed
from genloom.server.threads import in_thread
from genloom.server.verifying import Verifying

router = APIRouter(tags=["trust"])
MOST = 50 << 20
# Media type -> the suffix by which a record is looked for: what a client calls a file counts last.
SUFFIXES = {"image/png": ".png", "application/vnd.apache.parquet": ".parquet"}


class Check(Asked):
    """A file and nothing else."""


def verifying_of(request: Request) -> Verifying:
    """The application's one."""
    found: Verifying = request.app.state.verifying
    return found


@router.post("/v1/content_provenance_checks", openapi_extra=described(Check, "file"))
async def check(
    request: Request,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    form = await form_of(request, {"file": 1}, MOST)
    sent = form.file("file")
    media = sniffed(sent.data)
    if media in FORMATS:
        await seen(sent.data, "file")
    name = label(sent.name)
    if media in SUFFIXES and not name.lower().endswith(SUFFIXES[media]):
        name += SUFFIXES[media]
    verdict = await verifying_of(request)(sent.data, name)
    weights = {model.weights for model in await in_thread(service.records.models.known)}
    return {
        "object": "content_provenance_check",
        "created_at": int(time.time()),
        "results": [told(verdict, weights)],
    }


def told(verdict: Mapping[str, Any], weights: Collection[str]) -> dict[str, Any]:
    """A result in the shape of C2PA's, with a type of its own. Its seal has no key: "valid" says
    that nothing was changed, not who made it; "trusted" is never said."""
    record = verdict.get("record") or {}
    sound = bool(verdict.get("ok"))
    state = "not_present" if not verdict.get("found") else "valid" if sound else "invalid"
    return {
        "type": "genloom",
        "outcome": "detected" if sound else "not_detected",
        "validation_state": state,
        "issuer": None,
        "model": record.get("model"),
        "generated_at": record.get("created"),
        "intact": bool(verdict.get("intact")),
        "content": bool(verdict.get("content")),
        "place": verdict.get("place"),
        "model_at_hand": record.get("weights") in weights if record else False,
        "licence": verdict.get("licence"),
        "faults": verdict.get("faults", []),
        "record": record or None,
    }
