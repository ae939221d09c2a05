"""The room of texts: what a model writes after a few beginnings, and what that is worth.

Knows the demo's model of code; no training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from genloom.demo import gallery, plots
from genloom.demo.assets import Made, make
from genloom.demo.gallery import Room
from genloom.demo.lessons import Learnt
from genloom.spec import Options, Request
from genloom.train.log import Listener
from genloom.trust.quality import evaluate

BEGINNINGS = (
    "import ",
    "def __init__(self, ",
    "class Test",
    "    for name in ",
    "    if not isinstance(",
    '    """Return ',
)
TOKENS = 90
TEMPERATURE = 0.7
SAMPLES = 8  # that quality looks at, as much as the demo's time allows


def show(learnt: Learnt, folder: Path, seed: int, listener: Listener) -> tuple[Room, list[Made]]:
    """The room, and what was made for it."""
    options = Options(max_tokens=TOKENS, temperature=TEMPERATURE)
    requests = [Request(prompt=text, seed=seed, options=options) for text in BEGINNINGS]
    made = list(make(learnt.model, requests, folder / "made" / "code"))
    pieces = [gallery.completion(str(m.request.prompt), m.items[0]) for m in made]
    report = evaluate(learnt.model, seed=seed, count=SAMPLES, listener=listener)
    body = gallery.side_by_side(pieces) + _learning(learnt)
    room = Room(
        key="code",
        title="Code",
        lead=_lead(learnt),
        body=body,
        quality={learnt.lesson.name: report.rows},
        records={"code: the first completion": made[0].record},
    )
    return room, made


def _lead(learnt: Learnt) -> str:
    diary = learnt.diary
    return (
        f"Learnt from {diary.items:,} files of Python's own standard library on this machine "
        f"({diary.licence or 'licence not stated'}): {diary.steps:,} steps, "
        f"{learnt.model.parameters:,} weights, {learnt.seconds:.0f} seconds. Grey is the "
        "beginning it was given; what follows is new. After so short a time it has the manner of "
        "code, not its meaning."
    )


def _learning(learnt: Learnt) -> str:
    drawn = plots.curve("loss while learning", learnt.diary.losses)
    if not drawn:
        return ""
    told = f"{learnt.diary.loss_name.replace('_', ' ')} while it learnt, nats per token"
    return gallery.heading("Learning") + gallery.side_by_side(
        [gallery.figure(told, drawn), _settings(learnt)]
    )


def _settings(learnt: Learnt) -> str:
    spec: Any = learnt.model.codec.spec
    rows: list[tuple[str, Any]] = [
        ("context, tokens", spec.length),
        ("vocabulary", spec.vocab),
        ("temperature of the samples", TEMPERATURE),
        ("tokens of a sample", TOKENS),
    ]
    return gallery.rows("settings", ("", "value"), rows)
