"""What a training leaves to be told of a model: its data, parents, figures, time and machine.

Knows what a training was given and what came of it; trains nothing.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import Any

import torch

from genloom import private
from genloom.material import Material
from genloom.recipe import Start
from genloom.requested import software


def card_of(
    material: Material, outcome: Any, seconds: float, device: torch.device
) -> dict[str, Any]:
    """The card, ready for JSON."""
    data = material.manifest.to_json()
    if material.ledger is not None:
        data = private.nameless(data)
    return {
        "data": data,
        **({} if material.validation is None else {"validation": material.validation.to_json()}),
        "recipe": material.recipe.digest(),
        "parents": _parents(material.recipe.start),
        "metrics": {k: round(v, 6) for k, v in outcome.metrics.items()},
        "protocol": {
            "holdout": material.recipe.data.holdout,
            "held_out_items": len(material.held_items),
            "seed": material.recipe.train.seed,
            **({} if material.overlap is None else {"overlap": material.overlap.to_json()}),
        },
        **({"privacy": dict(outcome.privacy)} if outcome.privacy else {}),
        **({} if not (told := getattr(material.codec, "promises", [])) else {"promises": told}),
        "steps": outcome.steps,
        "skipped_steps": outcome.skipped,
        "roll_backs": outcome.rollbacks,
        **({"ended": outcome.ended} if outcome.ended else {}),
        "seconds": round(seconds, 2),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software(),
        "hardware": {
            "device": str(device),
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
        },
    }


def _parents(start: Start | None) -> list[dict[str, str]]:
    """The models that this one comes from."""
    if start is None:
        return []
    told = {
        "start": (start.model, start.weights),
        "teacher": (start.teacher, start.teacher_weights),
    }
    return [{"as": k, "model": place, "weights": w} for k, (place, w) in told.items() if place]
