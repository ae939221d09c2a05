"""Measuring a model on the data that was held out of its training, in a process of its own.

given: {"folder", "seed", "count", "device"}; result: {"stages", "report"}. What was measured is
kept beside the model by that process, so that the command line tells it, too. A job that is begun
again measures from the beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from genloom.server.failure import Failure, failure_of
from genloom.server.jobs.training_process import TrainingProcess
from genloom.server.jobs.work import Stop, Tools, Work
from genloom.server.records.jobs import Job

MODULE = "genloom.hosting.evaluating"
SAID = ("seed", "count", "device")
DIED = Failure(500, "the measuring process died: it may lack memory", code="evaluation_died")


async def run(work: Work) -> None:
    said = {name: work.given.get(name) for name in SAID}
    process = await TrainingProcess.start({"model": work.given["folder"], **said}, module=MODULE)
    stopping = asyncio.create_task(_stop_in_time(work, process))
    end: dict[str, Any] = {}
    try:
        await work.keep(stages=[])
        async for told in process.news():
            if told["say"] == "event":
                await _stage(work, told["values"])
            else:
                end = told
    finally:
        stopping.cancel()
        process.stop()
        await process.close(work.tools.limits.stop_seconds)
    await _ended(work, end)


async def _stop_in_time(work: Work, process: TrainingProcess) -> None:
    await work.stopping.wait()
    process.stop()


async def _stage(work: Work, values: Mapping[str, Any]) -> None:
    stage = str(values.get("stage", ""))[:200]
    await work.keep(stages=[*work.result["stages"], stage])
    await work.note(stage)


async def _ended(work: Work, end: Mapping[str, Any]) -> None:
    if end.get("say") == "done":
        await work.keep(report=end["report"])
    elif end.get("say") == "failed":
        raise failure_of(end["error"])
    elif work.stopping.is_set():
        raise Stop(work.reason or "drain")
    else:
        raise DIED


async def dropped(job: Job, tools: Tools) -> None:
    """What was measured is the model's and stays with it."""
