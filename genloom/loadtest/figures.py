"""What a trace comes to: percentiles with their number of samples, rates, goodput, errors by kind.

Knows no socket and no screen. Rates count what fell inside the measured window.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from genloom.loadtest.drive import Trace
from genloom.loadtest.load import Load
from genloom.loadtest.stream import Seen

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all reach (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Percentiles, the mean and how many values they are of."""
    ordered = sorted(values)
    if not ordered:
        return {**dict.fromkeys((*SHARES, "mean")), "samples": 0}
    found = {name: percentile(ordered, share) for name, share in SHARES.items()}
    return {**found, "mean": sum(ordered) / len(ordered), "samples": len(ordered)}


def good(one: Seen, load: Load) -> bool:
    """Answered whole, within both targets; a stream of one token has no time between tokens."""
    if one.error is not None or one.ttft is None:
        return False
    return one.ttft <= load.ttft and (one.itl is None or one.itl <= load.itl)


def figures(trace: Trace) -> dict[str, Any]:
    """All of a run as JSON values; times in seconds."""
    load, inside = trace.load, trace.inside
    whole = [one for one in inside if one.error is None]
    reached = sum(good(one, load) for one in inside)
    counted = [one for one in whole if one.counted is not None]
    return {
        "rate": load.rate,
        "concurrency": load.concurrency,
        "seconds": load.seconds,
        "requests": len(inside),
        "answered": len(whole),
        "errors": dict(Counter(one.error for one in inside if one.error is not None)),
        "requests_per_second": _ended_inside(trace) / load.seconds,
        "output_tokens_per_second": _tokens_inside(trace) / load.seconds,
        "goodput_per_second": reached / load.seconds,
        "goodput_share": reached / len(inside) if inside else None,
        "targets": {"ttft": load.ttft, "itl": load.itl},
        "ttft": spread([one.ttft for one in whole if one.ttft is not None]),
        "itl": spread([one.itl for one in whole if one.itl is not None]),
        "gap": spread([gap for one in whole for gap in one.gaps]),
        "end_to_end": spread([one.seconds for one in whole]),
        "output_tokens": sum(one.tokens for one in whole),
        "prompt_tokens": sum(one.prompt_tokens or 0 for one in whole),
        "tokens_counted_by": "server" if whole and len(counted) == len(whole) else "pieces",
        "driver": driver(trace),
    }


def driver(trace: Trace) -> dict[str, Any]:
    """What this end costs: how late it sent, how late its loop was, how busy its core."""
    sent = [one.sent - one.due for one in trace.inside if one.sent]
    return {"sent_late": spread(sent), "loop_late": spread(trace.late), "core_share": trace.busy}


def doubts(told: dict[str, Any]) -> list[str]:
    """Why the figures should not be taken at their word; empty where nothing speaks against."""
    out, of = [], told["driver"]
    late, first = of["loop_late"]["p95"] or 0.0, told["ttft"]["p50"]
    if of["core_share"] > 0.8:
        out.append(f"the driver used {of['core_share']:.0%} of its core: it may be the limit")
    if first is not None and late > max(0.002, 0.1 * first):
        out.append(f"the driver's loop was {1e3 * late:.1f} ms late (p95), and times hold that")
    if 0 < told["ttft"]["samples"] < 100:
        out.append(f"p99 of {told['ttft']['samples']} samples is near their largest")
    if told["tokens_counted_by"] == "pieces" and told["answered"]:
        out.append("the server told no usage: a piece of a stream counts as a token")
    return out


def _ended_inside(trace: Trace) -> int:
    return sum(o.error is None and trace.begin <= o.ended < trace.end for o in trace.seen)


def _tokens_inside(trace: Trace) -> float:
    """Tokens by the moments of their pieces, whichever request they belong to."""
    total = 0.0
    for one in trace.seen:
        came = sum(trace.begin <= moment < trace.end for moment in one.came)
        if came and one.error is None:
            total += one.tokens * came / len(one.came)
    return total
