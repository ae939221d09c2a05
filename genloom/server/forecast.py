"""What a call may use at most, as far as can be told before it begins: held against quotas.

Knows what calls are given and what a model says of itself; no quota and no owner. A bound, not a
guess: a token is at least one byte of what was sent, and no text is longer than the context.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genloom.server.call import Call
from genloom.server.records.usage import Amounts

PICTURES = frozenset({"image", "video"})  # media that count as images
READS = frozenset({"embed", "rank", "score", "count", "verify"})  # tasks that make nothing


def pictures(media: object) -> bool:
    return str(media).partition("/")[0] in PICTURES


def forecast(call: Call, about: Mapping[str, Any], seconds: float) -> Amounts:
    """seconds: that a call of this model takes, as was measured."""
    seconds = seconds or 1e-9
    makes = 0 if call.task in READS else _count(call.given)
    if not about.get("texts"):
        images = makes if pictures(about.get("media")) else 0
        return Amounts(requests=1, images=images, seconds=seconds)
    context = about.get("context") or 1 << 20
    sent = len(json.dumps({k: v for k, v in call.given.items() if k != "options"}, default=str))
    read = sent if call.task in READS else min(sent, context)
    longest = (call.given.get("options") or {}).get("max_tokens")
    made = min(longest, context) if isinstance(longest, int) else context
    return Amounts(requests=1, tokens=read + makes * made, seconds=seconds)


def _count(given: Mapping[str, Any]) -> int:
    count = given.get("count", 1)
    return max(1, count) if isinstance(count, int) else 1
