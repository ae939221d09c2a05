"""A training whose every look at the data is counted: its settings, key, counts and account.

Joins the budget with material and loop; knows no medium, net or formula.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from genloom import registry
from genloom.budget import Ledger, Privacy, seed_of
from genloom.codec.base import Codec
from genloom.data.loader import Loader
from genloom.data.poisson import Poisson
from genloom.errors import DataError, ModelError, UsageError
from genloom.recipe import Part, Recipe
from genloom.train.gradients import Spending

KEY = "noise.key"  # in the run's folder, while it trains
BATCHES = 20  # of a pass: noise is added once a step, whatever the batch
LARGEST = 4096
PASSES = 10.0
RATE = 5e-3
EMA = 0.15
PUBLIC = (
    "the names, kinds and types of columns",
    "how numbers and dates are written",
    "the number of rows",
    "which rows were held out",
)


def asked(
    epsilon: float | None, delta: float | None, start: Any, recipe: Recipe | None
) -> Privacy | None:
    """What is to be kept to; recipe: of a training that goes on. UsageError, RecipeError where what
    is asked cannot hold. start: as `tuning.start_of` gives it, or None."""
    if recipe is not None:
        return recipe.privacy
    if start is not None:
        bounded = any(m is not None and m.card.get("privacy") for m in _models(start[1]))
        if epsilon is not None or bounded:
            raise UsageError(
                "a training that goes on from a model is not counted: its epsilon would hold no "
                "more; train anew, without --from and --teacher"
            )
    if epsilon is None:
        if delta is not None:
            raise UsageError("--delta goes with --epsilon: give both, or neither")
        return None
    privacy = Privacy(epsilon=float(epsilon), delta=0.0 if delta is None else float(delta))
    if delta is not None and not delta > 0:
        raise UsageError(f"delta is {delta:g}, but more than 0 is expected, such as 1e-5")
    privacy.check()
    return privacy


def _models(begun: Any) -> tuple[Any, ...]:
    return (begun.model, begun.teacher)


def forget(run: Path) -> None:
    """The key, once nothing is to be made with it any more."""
    (run / KEY).unlink(missing_ok=True)


def settled(recipe: Recipe, privacy: Privacy, items: int) -> Recipe:
    """The recipe as noise wants it: large batches, a mean over the last weights, nothing judged."""
    privacy.check()
    batch = max(64, min(LARGEST, items // BATCHES))
    train = replace(
        recipe.train,
        steps=max(50, round(PASSES * items / batch)),
        epochs=PASSES,
        rate=RATE,
        muon_rate=0.0,
        weight_decay=0.0,
        ema=EMA,
        precision="fp32",
        compile="off",
        judge=0,
        patience=0,
    )
    data = replace(recipe.data, batch=batch, ramp=0.0, short=0.0)
    nets = {role: _countable(part) for role, part in recipe.net.items()}
    return replace(recipe, train=train, data=data, net=nets, privacy=privacy)


def _countable(part: Part) -> Part:
    """A net whose gradients can be told apart by row."""
    options = getattr(registry.find("net", part.kind), "countable", {})
    return Part(part.kind, {**part.options, **options})


def key_in(run: Path, again: bool) -> bytes:
    """The secret that all noise follows from; kept beside the checkpoint, so that a training that
    was stopped goes on with the same noise and nothing is spent twice. ModelError where it is gone.
    """
    file = run / KEY
    if again:
        try:
            return file.read_bytes()
        except OSError:
            raise ModelError(
                f"{file} is gone, and with it the noise of this training: train without --resume"
            ) from None
    key = secrets.token_bytes(32)
    run.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(key)
    return key


def fit(codec: Codec, items: Any, privacy: Privacy, key: bytes) -> Ledger:
    """Let the codec learn from noisy counts; what they cost."""
    least = 100
    if len(items) < least:
        raise DataError(
            f"{len(items)} rows cannot be told of privately: give at least {least}, thousands "
            "better"
        )
    ledger = Ledger(privacy, key, len(items))
    learn: Any = codec
    learn.fit_private(items, ledger)
    return ledger


def drawn(loader: Loader, ledger: Ledger) -> Poisson:
    return Poisson(loader, partial(seed_of, ledger.key, "batch"))


def spending(ledger: Ledger, recipe: Recipe) -> Spending:
    return Spending(
        privacy=ledger.privacy,
        key=ledger.key,
        rows=ledger.rows,
        expected=float(min(recipe.data.batch, ledger.rows)),
        steps=recipe.train.steps,
        delta=ledger.left_delta,
        beside=(ledger.mechanism,),
        counts={
            "queries": ledger.planned,
            "noise": ledger.noise,
            "threshold": ledger.threshold,
            "epsilon_alone": ledger.privacy.counts * ledger.privacy.epsilon,
            "delta_of_known_values": ledger.delta - ledger.left_delta,
            "public": list(PUBLIC),
        },
    )


def nameless(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A data manifest without digests and sizes: by these anybody could test a guess at a row."""
    return {**manifest, "entries": [], "sha256": ""}
