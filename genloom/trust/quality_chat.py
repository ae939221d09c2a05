"""The protocol for chats: the assistant's held-out turns scored, and answers beside real ones.

Knows conversations and a model that scores tokens. Measures, floors and ceilings are those of
texts, over what the assistant says and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from genloom import api
from genloom.data.loader import evaluation
from genloom.errors import DataError, RequestError
from genloom.spec import Options, Request
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_text import Scored, copying, losses, variety

LONGEST = 2_000  # conversations that are scored
SAMPLES = 32
TOKENS = 128  # of an answer


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    codec: Any = model.codec
    held = held[:LONGEST]
    tell("scoring held-out answers")
    own, said = score(model, held)
    tell("scoring training answers")
    seen, _ = score(model, train[-len(held) :])
    tell("counting and compressing")
    learnt = codec.answers(train)
    rows = losses(own, seen, learnt, said)
    tell("answering")
    asked = [talk for talk in held if _question(talk)][: count or SAMPLES]
    made = answers(model, asked, seed)
    tell("looking for copies")
    real = [talk.said("assistant")[0] for talk in asked]
    rows += [*variety(made, real), *copying(made, real, learnt)]
    return rows, {
        "scored_conversations": len(held),
        "scored_characters": own.characters,
        "scored_bytes": own.size,
        "scored_tokens": own.tokens,
        "context": f"each conversation by itself, up to {codec.spec.length} tokens",
        "ceiling_characters": seen.characters,
        "samples": len(made),
        "sample_tokens_at_most": TOKENS,
    }


@torch.inference_mode()
def score(model: api.Model, talks: Sequence[Any]) -> tuple[Scored, list[str]]:
    """Every token of the assistant once, with all that went before it as context; and the texts
    that they spell. Ends of turns are tokens, too: they cost nats and add no characters."""
    codec: Any = model.codec
    nets: Any = model.nets  # a ModuleDict is a mapping in all but name
    spec, ids = codec.spec, [x[: codec.spec.length] for x in codec.encode(talks)]
    weights = [w[: spec.length] for w in codec.weights(talks)]
    ends = torch.tensor([spec.eos, *spec.ends])
    spoken = [x[(w > 0) & ~torch.isin(x, ends)] for x, w in zip(ids, weights, strict=True)]
    texts = [str(text) for text in codec.decode(spoken)]
    nats = tokens = 0.0
    for batch in evaluation(ids, spec, batch=model.recipe.data.batch, weights=weights):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
        tokens += float(batch.count())
    if not tokens or not math.isfinite(nats):
        raise DataError(f"{len(talks)} conversations of {tokens:.0f} tokens cannot be scored")
    size = len("".join(texts).encode("utf-8", "replace"))
    characters = sum(map(len, texts))
    return Scored(nats=nats, tokens=int(tokens), characters=characters, size=size), texts


def answers(model: api.Model, talks: Sequence[Any], seed: int) -> list[str]:
    """The model's answers to the first questions of conversations; "" where one does not fit."""
    codec: Any = model.codec
    options = Options(max_tokens=max(1, min(TOKENS, codec.spec.length // 2)))
    with model.engine() as engine:
        running = []
        for talk in talks:
            try:
                prompt = codec.renderer.prompt(_question(talk), tools=talk.tools)
            except RequestError:
                running.append(None)
                continue
            running.append(engine.submit(Request(ids=prompt.ids, seed=seed, options=options)))
        return ["" if g is None else str(g.result()[0]) for g in running]


def _question(talk: Any) -> list[dict[str, Any]]:
    """What comes before the assistant speaks first."""
    roles = [message["role"] for message in talk.messages]
    return list(talk.messages[: roles.index("assistant")])
