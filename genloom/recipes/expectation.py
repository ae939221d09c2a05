"""What a preset came to where it was measured, as a value: a metric, its floor, data and machine.

Every figure stands in docs/benchmarks.md, and a test holds them to it. It says nothing of other
data: whoever shows it says so, too. Knows no preset.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

SOURCE = "docs/benchmarks.md"


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """value, floor, ceiling: of the metric; higher: more is better. floor_is, ceiling_is: what came
    to them; None where none was measured. minutes: of what `machine` names, all set-up included;
    section: the heading of the source under which it stands."""

    metric: str
    value: float
    higher: bool
    data: str
    size: str | None
    minutes: float | None
    machine: str
    section: str
    floor: float | None = None
    floor_is: str | None = None
    ceiling: float | None = None
    ceiling_is: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "source": f"{SOURCE}, {self.section}"}


def of_digits(
    value: float, minutes: float, machine: str = "one core beside other work"
) -> Expectation:
    """What a preset of pictures came to on MNIST, in the one table of them all."""
    return Expectation(
        metric="% of real digits recognised by who saw made ones alone",
        value=value,
        higher=True,
        floor=11.0,
        floor_is="pixels drawn one by one",
        ceiling=98.9,
        ceiling_is="taught by real digits",
        data="MNIST by class",
        size=None,
        minutes=minutes,
        machine=machine,
        section="Images: MNIST by class, four ways",
    )


def told(quality: Mapping[str, Any] | None) -> str:
    """One sentence, and that other data are other data."""
    if quality is None:
        return "not known before it has learnt these data: this preset was not measured on others"
    beside = [
        f"{quality[f'{end}_is']} {quality[end]:g}"
        for end in ("floor", "ceiling")
        if quality[end] is not None
    ]
    known = f" ({'; '.join(beside)})" if beside else ""
    took = "" if quality["minutes"] is None else f"{quality['minutes']:g} min of "
    return (
        f"{quality['metric']} {quality['value']:g}{known} on {quality['data']}, "
        f"{took}{quality['machine']}: {quality['source']}. "
        "On other data it is another; nothing is known before it has learnt these."
    )
