"""What one request has used so far, and who asked: for its log line, its quotas and the measures.

Made by `layers.answering` for each request; the gate adds the caller, `metering` the amounts.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from genloom.server.caller import Caller
from genloom.server.records.usage import Amounts


@dataclass(kw_only=True)
class Tally:
    """limit: seconds that a call of it may take. batch: it may wait behind everything else.
    used.seconds: how long models worked for it. model, weights: of the last one that did."""

    caller: Caller | None = None
    limit: float | None = None
    batch: bool = False
    model: str = ""
    weights: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    used: Amounts = field(default_factory=Amounts)


TALLY: ContextVar[Tally | None] = ContextVar("tally", default=None)
