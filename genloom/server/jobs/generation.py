"""Jobs that ask a model and keep what it makes as assets. A seed is given, so one that is begun
again makes the same.

given: {"call": {"task", "given"}, "blobs": {name: asset id}}; result: {"assets": [...], "texts":
[...], "values": [...], "usage": {...}}. Knows no medium and no route.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from genloom.server.call import Call, Event
from genloom.server.failure import Failure
from genloom.server.jobs.work import Tools, Work
from genloom.server.records.jobs import Job
from genloom.server.records.records import Records
from genloom.server.tally import TALLY, Tally
from genloom.server.threads import in_thread

AGAIN = "engine_restarted"  # the code after which the same request is made once more
TRIES = 2
HOPELESS = frozenset({"insufficient_quota"})
PATIENCE = 5.0  # seconds before a crowded engine is asked again, where it does not say
BATCH = "batch"  # given: it may wait behind everything else


def given_for(records: Records, call: Call, expires: float) -> dict[str, Any]:
    """What a job for this call is given; its blobs are stored (so: in a thread)."""
    if "seed" not in call.given:
        raise ValueError("a job needs a seed: it must make the same when it is begun again")
    keep = partial(records.assets.put, owner=call.owner, expires=expires)
    blobs = {name: keep(data, "application/octet-stream").id for name, data in call.blobs.items()}
    told = {"task": call.task, "given": dict(call.given), BATCH: call.batch}
    return {"call": told, "blobs": blobs}


async def run(work: Work) -> None:
    broken = 0
    while True:
        await _forget(work)
        try:
            return await work.unless_stopped(_make(work))
        except Failure as error:
            broken += error.code == AGAIN
            crowded = error.status in (429, 503) and error.code not in HOPELESS
            if broken == TRIES or not (crowded or error.code == AGAIN):
                raise
            if crowded:  # its turn comes
                seconds = float(error.headers.get("retry-after", PATIENCE))
                await work.unless_stopped(asyncio.sleep(seconds))
            else:
                await work.note("the engine stopped: made again", level="warn")


async def _make(work: Work) -> None:
    made, call = Made(work), await _call(work)
    TALLY.set(Tally(caller=await work.caller()))  # its quotas count
    made.count = int(call.given.get("count", 1))
    async for event in work.tools.engines.run(call):
        if take := getattr(made, f"on_{event.kind}", None):
            await take(event)
    await work.keep(**made.told)


async def _call(work: Work) -> Call:
    """The call of this job, with its blobs read again."""
    told, records = work.given["call"], work.tools.records
    blobs = {}
    for name, id in work.given.get("blobs", {}).items():
        asset = await in_thread(records.assets.get, id, None)
        blobs[name] = await in_thread(records.assets.path(asset.sha256).read_bytes)
    return Call(
        model=work.job.model or "",
        task=told["task"],
        given=told["given"],
        blobs=blobs,
        owner=work.job.owner,
        batch=bool(told.get(BATCH)),
    )


class Made:
    """What a job has made so far; a method for each kind of event."""

    def __init__(self, work: Work) -> None:
        self.work, self.count = work, 1
        self.shares: dict[int, float] = {}
        self.assets: list[dict[str, Any]] = []
        self.texts: dict[int, dict[str, Any]] = {}
        self.values: list[dict[str, Any]] = []
        self.usage: dict[str, Any] = {}

    @property
    def told(self) -> dict[str, Any]:
        texts = [self.texts[sample] for sample in sorted(self.texts)]
        return {"assets": self.assets, "texts": texts, "values": self.values, "usage": self.usage}

    async def on_preview(self, event: Event) -> None:
        v = event.values
        self.shares[v["sample"]] = v["step"] / max(1, v["steps"])
        await self.work.progress(100 * sum(self.shares.values()) / self.count)

    async def on_asset(self, event: Event) -> None:
        self.assets.append(await _kept(self.work, event))
        await self.work.keep(**self.told)

    async def on_text(self, event: Event) -> None:
        sample = event.values["sample"]
        text = self.texts.setdefault(sample, {"sample": sample, "text": ""})
        text["text"] += event.values["text"]

    async def on_ended(self, event: Event) -> None:
        v = event.values
        if v["sample"] in self.texts:
            self.texts[v["sample"]] |= {k: v[k] for k in ("finish", "tokens") if k in v}

    async def on_values(self, event: Event) -> None:
        self.values.append(dict(event.values))

    async def on_done(self, event: Event) -> None:
        self.usage = dict(event.values.get("usage", {}))


async def _kept(work: Work, event: Event) -> dict[str, Any]:
    """The asset stored, and what is to be known of it."""
    v, data = event.values, event.blob or b""
    record: Mapping[str, Any] = v.get("record") or {}
    assets, expires = work.tools.records.assets, work.job.expires
    found = await in_thread(
        assets.put, data, v["media"], owner=work.job.owner, record=record, expires=expires
    )
    told = {"id": found.id, "sha256": found.sha256, "media": found.media, "bytes": found.bytes}
    return {**told, "sample": v["sample"], "suffix": v.get("suffix", "")}


async def _forget(work: Work) -> None:
    """Remove what an earlier try has left."""
    left = work.result.get("assets", ())
    await _remove(work.tools.records, [asset["id"] for asset in left])
    if left:
        await work.keep(assets=[])


async def _remove(records: Records, ids: list[str]) -> None:
    for id in ids:
        with contextlib.suppress(Failure):  # it is gone already
            await in_thread(records.assets.remove, id, None)


async def dropped(job: Job, tools: Tools) -> None:
    """Nothing is left of a job that was deleted: neither what was sent along nor what was made."""
    made = [asset["id"] for asset in (job.result or {}).get("assets", ())]
    await _remove(tools.records, [*made, *job.given.get("blobs", {}).values()])
