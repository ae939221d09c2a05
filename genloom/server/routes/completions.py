"""/v1/completions: texts that go on from a prompt."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends

from genloom.server.call import Call
from genloom.server.service import Service, service_of

router = APIRouter()


@router.post("/v1/completions")
async def complete(
    body: Annotated[dict[str, Any], Body()],
    service: Service = Depends(service_of),  # noqa: B008
) -> dict[str, Any]:
    options = {k: body[k] for k in ("max_tokens", "temperature") if k in body}
    given = {"prompt": body["prompt"], "seed": body.get("seed", 0), "options": options}
    call = Call(model=body["model"], task="generate", given=given)
    choices, usage = [], {}
    async for event in service.engines.run(call):
        if event.kind == "ended":
            choices.append({"index": event.values["sample"], "text": event.values["text"]})
        elif event.kind == "done":
            usage = event.values["usage"]
    return {"object": "text_completion", "model": call.model, "choices": choices, "usage": usage}
