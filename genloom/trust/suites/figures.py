"""Published figures of suites, to stand beside one's own: who, what, where it is written.

Only of the same suite; protocols may differ, and each line says what is known of its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    suite: str
    metric: str  # without what stands behind a comma
    value: float
    of: str
    source: str


_NANOCHAT = "nanochat's README, first release, after fine-tuning; own protocol"


def _of_nanochat(suite: str, metric: str, value: float) -> Figure:
    return Figure(suite=suite, metric=metric, value=value, of="nanochat d20", source=_NANOCHAT)


TABLE: tuple[Figure, ...] = (
    _of_nanochat("arc_easy", "acc", 0.388),
    _of_nanochat("arc_challenge", "acc", 0.281),
    _of_nanochat("mmlu", "acc", 0.315),
    _of_nanochat("gsm8k", "exact_match", 0.0455),
    _of_nanochat("humaneval", "pass@1", 0.0854),
)


def of(suite: str, metric: str) -> list[Figure]:
    plain = metric.partition(",")[0]
    return [f for f in TABLE if f.suite == suite and f.metric == plain]
