"""Continuations written by the model: for answers that must match and code that must pass.

Greedy unless several are drawn of each prompt. A prompt that leaves no room is cut from the left;
bos, where the model has it before texts, stays. Knows prompts and stops, not how they are judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genloom.api import Model
from genloom.spec import Options, Request
from genloom.trust.suites.encoding import Encoding
from genloom.trust.suites.outcome import Asked

TEMPERATURE, TOP_P = 0.2, 0.95  # of several draws, as the harness draws 64 of HumanEval
TOGETHER = 64  # prompts that are under way at once


@dataclass(frozen=True)
class Written:
    """texts: of each prompt, `samples` of them; cut: ids that each prompt lost."""

    texts: list[list[str]]
    cut: list[int]
    settings: dict[str, Any]
    notes: tuple[str, ...]


def write(model: Model, prompts: Sequence[str], asked: Asked) -> Written:
    suite, encoding = asked.suite, Encoding(model)
    length = encoding.spec.length
    tokens = suite.tokens if suite.tokens < length else max(1, length // 2)
    room = max(1, length - tokens - (1 if encoding.lead else 0))
    runs = encoding.plain(prompts)
    drawn = asked.samples > 1
    options = Options(
        max_tokens=tokens,
        temperature=TEMPERATURE if drawn else 0.0,
        top_p=TOP_P if drawn else None,
        stop=suite.stops,
    )
    texts: list[list[str]] = []
    with model.engine() as engine:
        for first in range(0, len(runs), TOGETHER):
            some = [tuple(ids[-room:]) for ids in runs[first : first + TOGETHER]]
            running = [
                engine.submit(
                    Request(ids=ids, seed=asked.seed, count=asked.samples, options=options)
                )
                for ids in some
            ]
            for ids, generation in zip(some, running, strict=True):
                generation.result()
                made = [x.tolist()[len(ids) :] for x in generation.tensors()]
                texts.append([_until(encoding.said(x), suite.stops) for x in made])
            asked.tell(f"{suite.name}: {len(texts):,} of {len(runs):,} prompts answered")
    settings = {
        "tokens_at_most": tokens,
        "until": list(suite.stops),
        "decoding": f"{asked.samples} drawn at temperature {TEMPERATURE}, top_p {TOP_P}"
        if drawn
        else "greedy",
    }
    notes = (
        f"the context of {length} tokens leaves no room for answers of {suite.tokens}: {tokens} "
        "are the most",
    )
    cut = [max(0, len(ids) - room) for ids in runs]
    return Written(texts, cut, settings, notes if tokens < suite.tokens else ())


def _until(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops."""
    for stop in stops:
        text = text.partition(stop)[0]
    return text
