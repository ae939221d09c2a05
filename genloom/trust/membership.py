"""Whether a row was learnt from, told by shadow models (LiRA: Carlini et al. 2022).

Shadows are trained as the model was, each on half of all rows; a row's likelihood under the model
is held against those under shadows that had the row and those that had not. Knows the loop and
families that give exact likelihoods; the codec is the model's own, so that what it learnt by itself
is not attacked here.
Shape legend: S shadows, R rows, P rows of the pool.
"""

from __future__ import annotations

import importlib
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.budget import Ledger
from genloom.data.loader import evaluation
from genloom.data.source import Manifest
from genloom.data.split import take
from genloom.errors import UsageError
from genloom.forecast import fresh, job_of
from genloom.material import Material
from genloom.metric.interval import Interval
from genloom.metric.risk import area, bounded, caught, ratios
from genloom.spec import TokenSpec
from genloom.train.log import silent
from genloom.train.loop import Loop, mix

MOST = 2000  # rows of each side whose membership is told
ALARMS = 0.01
LEAST = 2  # shadows
BATCH = 2048


@dataclass(frozen=True, kw_only=True)
class Told:
    """caught: share of members found at a share of ALARMS wrong alarms; area under the curve."""

    caught: Interval
    area: Interval
    members: int
    others: int
    shadows: int


def why_not(model: api.Model) -> str:
    """Why no shadows can be made of it; "" where they can."""
    spec: Any = model.codec.spec
    if not (isinstance(spec, TokenSpec) and spec.eos is None):
        return "its likelihood of a row is not exact"
    if model.recipe.start is not None:
        return "it went on from another model, which shadows would have to begin from, too"
    return ""


def seconds_of(model: api.Model, shadows: int) -> float | None:
    """About how long the shadows take: each learns from half of the rows."""
    took = model.card.get("seconds")
    return None if not isinstance(took, int | float) else shadows * took / 2


def membership(
    model: api.Model,
    train: Any,
    held: Any,
    *,
    shadows: int,
    seed: int,
    tell: Callable[[str], None] = lambda stage: None,
) -> Told:
    """Attack the model with so many shadows. UsageError where it cannot be."""
    reason = why_not(model)
    if reason or shadows < LEAST:
        raise UsageError(reason or f"{shadows} shadows are too few: give at least {LEAST}")
    rng = np.random.default_rng(seed)
    known, strange = (
        np.sort(rng.permutation(len(side))[: min(MOST, len(train), len(held))])
        for side in (train, held)
    )
    rows = _joined(take(train, known), take(held, strange))
    rest = take(train, np.setdiff1d(np.arange(len(train)), known))
    codec: Any = model.codec
    asked: torch.Tensor = codec.encode(rows)
    pool = torch.cat((asked, codec.encode(rest))) if len(rest) else asked
    inside = _halves(len(pool), shadows, rng)
    found = []
    for number, part in enumerate(inside):
        tell(f"training shadow {number + 1} of {shadows}")
        shadow = _shadow(model, pool[torch.from_numpy(part)], mix(seed, number))
        found.append(_scores(shadow, asked))
    tell("telling members")
    own = _scores(model, asked)
    scores = ratios(own, np.stack(found), inside[:, : len(asked)])
    members, others = scores[: len(known)], scores[len(known) :]
    return Told(
        caught=bounded(lambda m, o: caught(m, o, ALARMS), members, others, seed=seed),
        area=bounded(area, members, others, seed=seed),
        members=len(members),
        others=len(others),
        shadows=shadows,
    )


def _joined(first: Any, second: Any) -> Any:
    return importlib.import_module("pandas").concat((first, second), ignore_index=True)


def _halves(rows: int, shadows: int, rng: np.random.Generator) -> np.ndarray:
    """bool [S, P]: each row in half of the shadows, drawn by row."""
    return (rng.random((shadows, rows)).argsort(0) < shadows // 2).copy()


def _shadow(model: api.Model, encoded: torch.Tensor, seed: int) -> api.Model:
    """A model trained as this one, on fewer rows: as many passes."""
    recipe, card = model.recipe, model.card
    whole = card.get("protocol", {}).get("held_out_items", 0)
    items = max(1, (card.get("data") or {}).get("items", 2 * len(encoded)) - whole)
    steps = max(1, round(int(card.get("steps", recipe.train.steps)) * len(encoded) / items))
    quiet = recipe.training(steps=steps, seed=seed, judge=0, preview=0, patience=0, keep=False)
    material = Material(
        recipe=quiet,
        codec=model.codec,
        prompt=model.prompt,
        train_items=encoded,
        held_items=(),
        encoded=encoded,
        prompts=None,
        held_encoded=None,
        held_prompts=None,
        manifest=Manifest.of_memory((), items=len(encoded)),
        ledger=_ledger(model, len(encoded)),
    )
    with tempfile.TemporaryDirectory() as folder:
        made = fresh(material, api.Model)
        Loop(job_of(material, made, Path(folder), silent, lambda: False, False)).fit()
    return made


def _ledger(model: api.Model, rows: int) -> Ledger | None:
    """As the model's own, with noise of its own, for rows whose counts are not asked again."""
    privacy = model.recipe.privacy
    if privacy is None:
        return None
    ledger = Ledger(replace(privacy, delta=0.0), secrets.token_bytes(32), rows)
    counts = (model.card.get("privacy") or {}).get("counts") or {}
    ledger.open(int(counts.get("queries", 1)), choices=1)
    return ledger


@torch.no_grad()
def _scores(model: api.Model, encoded: torch.Tensor) -> np.ndarray:
    """float64 [R], log-likelihood of each row."""
    nets = dict(model.nets.items())
    found = [
        model.family.score(nets, batch)
        for batch in evaluation(encoded, model.codec.spec, batch=BATCH)
    ]
    return torch.cat(found).double().numpy()
