"""Batches: every line of a file is asked of this server's own routes, behind everything else.

given: {"file", "endpoint", "deadline", "expires_after"}; result: {"phase", "counts", "output",
"errors", "usage", "times"}. What was answered is on disk at once: a batch that is begun again goes
on behind it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

from genloom.server.failure import Failure
from genloom.server.jobs.batch_lines import Line, Lines, counted
from genloom.server.jobs.batch_log import Log
from genloom.server.jobs.inside import Answer, ask
from genloom.server.jobs.work import Stop, Tools, Work
from genloom.server.records.jobs import Job
from genloom.server.threads import in_thread

FOLDER = "batches"
OFTEN = 1.0  # seconds between two writes of the counts
LATER = frozenset({429, 503})  # statuses that are worth asking again
HOPELESS = frozenset({"insufficient_quota"})
AGAIN, TRIES = "engine_restarted", 2
LONGEST_WAIT = 10.0
FINISH = 5.0  # seconds for what is asked already when a batch is to stop
MEDIA = "application/jsonl"
EXPIRED = Failure(504, "the completion window ended before its turn", code="batch_expired")


async def run(work: Work) -> None:
    path = await _input(work)
    await _phase(work, "validating")
    count = await in_thread(counted, path, work.tools.limits.lines)
    log = await in_thread(Log, folder_of(work.job.id, work.tools), count)
    with closing(log):
        await _count(work, log, count)
        await _phase(work, "in_progress")
        batch = Batch(work, log, count)
        stopped = await batch.answered(Lines(path, work.given["endpoint"]))
        if stopped not in ("", "cancel"):
            raise Stop(stopped)
        await _phase(work, "finalizing")
        await _finish(work, log)
        log.remove()
    if stopped:
        raise Stop(stopped)


class Batch:
    """One batch's requests under way."""

    def __init__(self, work: Work, log: Log, count: int) -> None:
        self.work, self.log, self.count = work, log, count
        self.deadline = float(work.given["deadline"])
        self.slots = asyncio.Semaphore(work.tools.limits.at_once)
        self._told = 0.0

    async def answered(self, lines: Lines) -> str:
        """Ask them all; "" once each has an answer, or why it stopped."""
        under_way: set[asyncio.Task[None]] = set()
        try:
            async with aclosing(_each(iter(lines))) as each:
                async for line in each:
                    if self.log.has(line.number):
                        continue
                    if not await self._slot():
                        break
                    task = asyncio.create_task(self._line(line))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    task.add_done_callback(lambda _: self.slots.release())
            await self._outstanding(under_way)
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
        self.log.sync()
        await _count(self.work, self.log, self.count)
        return self.work.reason if self.work.stopping.is_set() else ""

    async def _slot(self) -> bool:
        """Wait for one of the places; false where the batch is to stop."""
        try:
            await self.work.unless_stopped(self.slots.acquire())
        except Stop:
            return False
        await self._tell()
        return True

    async def _outstanding(self, under_way: set[asyncio.Task[None]]) -> None:
        """Wait for what is asked already; when it is to stop, for a moment only."""
        while under_way:
            stopping = self.work.stopping.is_set()
            await asyncio.wait(under_way, timeout=FINISH if stopping else OFTEN)
            if stopping:
                return
            await self._tell()

    async def _tell(self) -> None:
        if time.monotonic() - self._told >= OFTEN:
            self._told = time.monotonic()
            await _count(self.work, self.log, self.count)

    # --- one line ---------------------------------------------------------------------------------

    async def _line(self, line: Line) -> None:
        if line.wrong is not None:
            answer = Answer(id="", status=line.wrong.status, body=line.wrong.body())
            self._keep(line, answer)
            return
        try:
            async with asyncio.timeout(max(0.0, self.deadline - time.time())):
                found = await self._asked(line)
        except TimeoutError:
            found = Answer(id="", status=EXPIRED.status, body=EXPIRED.body())
        if found is not None:
            self._keep(line, found)

    async def _asked(self, line: Line) -> Answer | None:
        """The answer; None where the batch stops before there is one."""
        caller, broken = await self.work.caller(), 0
        while True:
            found = await ask(self.work.tools.app, caller, line.url, line.body)
            broken += found.code == AGAIN
            crowded = found.status in LATER and found.code not in HOPELESS
            if not crowded and (found.code != AGAIN or broken == TRIES):
                return found
            if self.work.stopping.is_set():
                return None
            await asyncio.sleep(min(max(found.wait, 0.2), LONGEST_WAIT))

    def _keep(self, line: Line, found: Answer) -> None:
        told: dict[str, Any] = {
            "id": f"batch_req_{secrets.token_hex(12)}",
            "custom_id": line.id or None,
        }
        if line.wrong is not None:
            told["line"] = line.number
        error = found.body["error"] if not found.id else None
        response = {"status_code": found.status, "request_id": found.id, "body": found.body}
        told |= {"response": None if error else response, "error": error}
        self.log.add(line.number, not found.good, json.dumps(told).encode())


async def _each(lines: Iterator[Line]) -> Any:
    """Lines as they are read beside the loop, one at a time."""
    while (line := await in_thread(next, lines, None)) is not None:
        yield line


# --- what is known of it --------------------------------------------------------------------------


async def _input(work: Work) -> Path:
    try:
        file = await in_thread(work.tools.records.files.get, work.given["file"], work.job.owner)
    except Failure:
        told = "the batch's file was deleted before the batch had ended"
        raise Failure(400, told, code="file_not_found", param="input_file_id") from None
    return work.tools.records.files.path(file.sha256)


async def _phase(work: Work, phase: str) -> None:
    times = {**work.result.get("times", {})}
    times.setdefault(phase, int(time.time()))
    await work.keep(phase=phase, times=times)


async def _count(work: Work, log: Log, count: int) -> None:
    counts = {"total": count, "completed": log.done - log.failed, "failed": log.failed}
    await work.put(
        result={**work.result, "counts": counts}, progress=min(99.0, 100 * log.done / count)
    )


async def _finish(work: Work, log: Log) -> None:
    """Keep both files, and what they say together."""
    output, errors, usage, expired = await in_thread(_kept, work, log)
    times = {**work.result["times"], "expired" if expired else "completed": int(time.time())}
    await work.keep(output=output, errors=errors, usage=usage, times=times)


def _kept(work: Work, log: Log) -> tuple[str | None, str | None, dict[str, int], bool]:
    """Ids of both files, None where one would be empty, the sum of what was used, and whether some
    came too late."""
    blobs, usage = work.tools.records.blobs, {"input_tokens": 0, "output_tokens": 0}
    late = False
    with blobs.draft() as good, blobs.draft() as bad:
        for failed, line in log.answers():
            (bad if failed else good).write(line)
            if failed:
                late |= (json.loads(line)["error"] or {}).get("code") == EXPIRED.code
            else:
                _add(usage, json.loads(line)["response"]["body"])
        named = (("output", good), ("error", bad))
        output, errors = (_keep(work, name, d) if d.bytes else None for name, d in named)
    return output, errors, {**usage, "total_tokens": sum(usage.values())}, late


def _keep(work: Work, name: str, draft: Any) -> str:
    draft.finish()
    seconds = work.given.get("expires_after")
    file = work.tools.records.files.keep(
        draft,
        owner=work.job.owner,
        filename=f"{work.job.id}_{name}.jsonl",
        purpose="batch_output",
        media=MEDIA,
        expires=None if seconds is None else time.time() + seconds,
    )
    return file.id


def _add(usage: dict[str, int], body: Any) -> None:
    told = body.get("usage") if isinstance(body, dict) else None
    for name, other in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens")):
        value = told.get(name, told.get(other, 0)) if isinstance(told, dict) else 0
        usage[name] += value if isinstance(value, int) else 0


def folder_of(id: str, tools: Tools) -> Path:
    return tools.folder / FOLDER / id


async def dropped(job: Job, tools: Tools) -> None:
    """Its files are the owner's; only what was not whole yet goes."""
    log = await in_thread(Log, folder_of(job.id, tools), 0)
    await in_thread(log.remove)
