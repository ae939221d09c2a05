"""The one table of what jobs can be: kind -> what runs it, how many at once, what it leaves behind.

A job's kind may carry a label, "generation:video", for routes that list their own: the table is
asked for what stands before the colon.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from genloom.server.jobs import batch, evaluation, generation, training, transfer
from genloom.server.jobs.limits import JobLimits
from genloom.server.jobs.work import Tools, Work
from genloom.server.records.jobs import Job


@dataclass(frozen=True, kw_only=True)
class Kind:
    """run: does it, keeps what came of it, and raises Stop once it is told to stop. at_once: how
    many of them a server runs. pauses: it can stop and go on where it stood. dropped: removes what
    a job that is deleted has left."""

    run: Callable[[Work], Awaitable[None]]
    at_once: Callable[[JobLimits], int]
    pauses: bool = False
    dropped: Callable[[Job, Tools], Awaitable[None]]


KINDS: dict[str, Kind] = {
    "generation": Kind(
        run=generation.run,
        at_once=lambda limits: limits.generations,
        dropped=generation.dropped,
    ),
    "batch": Kind(
        run=batch.run,
        at_once=lambda limits: limits.batches,
        dropped=batch.dropped,
    ),
    "evaluation": Kind(
        run=evaluation.run,
        at_once=lambda limits: limits.evaluations,
        dropped=evaluation.dropped,
    ),
    "fine_tuning": Kind(
        run=training.run,
        at_once=lambda limits: limits.trainings,
        pauses=True,
        dropped=training.dropped,
    ),
    "import": Kind(
        run=transfer.bring,
        at_once=lambda limits: limits.transfers,
        dropped=transfer.dropped,
    ),
    "export": Kind(
        run=transfer.give,
        at_once=lambda limits: limits.transfers,
        dropped=transfer.dropped,
    ),
}


def name_of(kind: str) -> str:
    """Without its label."""
    return kind.partition(":")[0]
