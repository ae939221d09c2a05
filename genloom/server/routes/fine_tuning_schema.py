"""The body of a fine-tuning job, and what it means to a training. Knows no job and no file.

Rewards are the house's own, by name: neither a program nor a function comes over HTTP.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.failure import Failure
from genloom.server.schema import Asked, refused

Key = Annotated[str, Field(max_length=64)]
Value = Annotated[str, Field(max_length=512)]
Change = Annotated[str, Field(min_length=3, max_length=400, pattern=r"^[a-z_.]+=")]
Auto = Literal["auto"]
Whole = Annotated[int, Field(ge=1, le=100_000)] | Auto | None
Factor = Annotated[float, Field(gt=0, le=100)] | Auto | None
EPOCHS = 3.0  # of a model that is gone on from, where nothing is said
SUFFIX = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
REWARDS = ("exact", "same", "number", "contains", "regex", "json", "length")
CHECKS = {"eq": "same", "ilike": "contains"}  # operations of a string check -> rewards
_REWARD = re.compile(r"([-+]?\d*\.?\d+\*)?([a-z]+)(:.*)?", re.S)
_SAMPLE = re.compile(r"\{\{\s*sample\.output_text\s*\}\}")
_ITEM = re.compile(r"\{\{\s*item\.(\w{1,64})\s*\}\}")


class Hyperparameters(Asked):
    n_epochs: Whole = None
    batch_size: Whole = None
    learning_rate_multiplier: Factor = None


class DpoHyperparameters(Hyperparameters):
    beta: Factor = None


class ReinforcementHyperparameters(Hyperparameters):
    compute_multiplier: Factor = None
    eval_interval: Whole = None
    eval_samples: Whole = None
    reasoning_effort: Literal["default", "low", "medium", "high"] | None = None


class Supervised(Asked):
    hyperparameters: Hyperparameters | None = None


class Dpo(Asked):
    hyperparameters: DpoHyperparameters | None = None


class Grader(Asked):
    """string_check as OpenAI has it; or reward, one of REWARDS or a sum of them, such as
    "exact+0.1*length:200"."""

    type: str
    name: str | None = None
    operation: Literal["eq", "ne", "like", "ilike"] | None = None
    input: str | None = None
    reference: str | None = None
    reward: Annotated[str, Field(max_length=1000)] | None = None


class Reinforcement(Asked):
    grader: Grader
    hyperparameters: ReinforcementHyperparameters | None = None


class Method(Asked):
    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: Supervised | None = None
    dpo: Dpo | None = None
    reinforcement: Reinforcement | None = None


class TuningAsked(Asked):
    """model: one to go on from, or "new" to learn from nothing, which needs medium. medium: a
    preset (`genloom train --help` names them) in place of what the lines ask for. size, minutes: of
    a training from nothing, as there. adapter: train low-rank parts beside frozen weights. dataset:
    one of /v1/datasets in place of files; it needs medium. changes: of the recipe's settings, such
    as "train.steps=200". teacher: a model to learn from. licence: of the data, where none lies
    beside it."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    training_file: str | None = None
    validation_file: str | None = None
    method: Method | None = None
    hyperparameters: Hyperparameters | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    suffix: Annotated[str, Field(pattern=f"^{SUFFIX}$")] | None = None
    metadata: Annotated[dict[Key, Value], Field(max_length=16)] | None = None
    integrations: list[Any] | None = None
    medium: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] | None = None
    size: Literal["tiny", "small", "base", "large"] | None = None
    minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] | None = None
    adapter: Literal["lora", "dora"] | None = None
    dataset: Annotated[str, Field(max_length=128)] | None = None
    changes: Annotated[list[Change], Field(max_length=100)] | None = None
    teacher: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+ -]{1,100}$")] | None = None


NEW = "new"


def told_of(body: TuningAsked) -> dict[str, Any]:
    """What a training is told. Failure 400 that names the field which cannot be acted on."""
    if body.integrations:
        raise refused("integrations", "there are none: read the job's events")
    if (body.training_file is None) == (body.dataset is None):
        raise refused("training_file", "give a file to learn from, or a dataset")
    if body.dataset is not None and (body.medium is None or body.validation_file is not None):
        raise refused("medium", "a dataset is learnt by a preset, and judged by its own part")
    if body.model == NEW and body.medium is None:
        raise refused("medium", "to learn from nothing, say what: text, image, table ...")
    if body.minutes is not None and body.size is not None:
        raise refused("minutes", "they decide the size themselves: give minutes or size")
    if body.adapter is not None and body.model == NEW:
        raise refused("adapter", "it needs a model to stand beside")
    method = "supervised" if body.method is None else body.method.type
    found = None if body.method is None else getattr(body.method, method)
    hyper = body.hyperparameters if found is None else found.hyperparameters
    hyper = hyper or Hyperparameters()
    told: dict[str, Any] = {name: getattr(body, name) for name in ("size", "minutes", "adapter")}
    told |= {"method": method, "hyperparameters": _shown(hyper), **_pace(hyper, body)}
    told["changes"] += body.changes or []
    if method == "reinforcement":
        told |= _reward(found)
    return told


def _pace(hyper: Hyperparameters, body: TuningAsked) -> dict[str, Any]:
    epochs = _number(hyper.n_epochs)
    usual = body.dataset is None and body.size is None
    if epochs is None and body.model != NEW and body.minutes is None and usual:
        epochs = EPOCHS
    if epochs is not None and body.minutes is not None:
        raise refused("minutes", "they decide how long: leave n_epochs out")
    batch, rates = _number(hyper.batch_size), _number(hyper.learning_rate_multiplier)
    changes = [] if batch is None else [f"data.batch={batch:.0f}"]
    if isinstance(hyper, DpoHyperparameters) and (beta := _number(hyper.beta)) is not None:
        changes.append(f"family.beta={beta!r}")
    if isinstance(hyper, ReinforcementHyperparameters):
        changes += _explored(hyper)
    return {"epochs": epochs, "rates": rates, "changes": changes}


def _explored(hyper: ReinforcementHyperparameters) -> list[str]:
    for name in ("compute_multiplier", "eval_samples", "reasoning_effort"):
        if getattr(hyper, name) not in (None, "auto", "default"):
            at = f"method.reinforcement.hyperparameters.{name}"
            raise refused(at, "trainings here have no such dial: leave it out")
    every = _number(hyper.eval_interval)
    return [] if every is None else [f"train.judge={every:.0f}"]


def _number(value: float | str | None) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def _shown(hyper: Hyperparameters) -> dict[str, Any]:
    """As the job tells them: what was not said is "auto"."""
    names = type(hyper).model_fields
    return {name: value if (value := getattr(hyper, name)) else "auto" for name in names}


# --- rewards --------------------------------------------------------------------------------------


def _reward(found: Reinforcement | None) -> dict[str, Any]:
    if found is None:
        raise refused("method.reinforcement", "it needs a grader")
    grader, at = found.grader, "method.reinforcement.grader"
    if grader.type == "string_check":
        return _string_check(grader, at)
    if grader.type != "reward" or grader.reward is None:
        told = "graders are string_check, or reward with one of " + ", ".join(REWARDS)
        raise refused(f"{at}.type", told)
    _check_reward(grader.reward, f"{at}.reward")
    return {"reward": grader.reward}


def _string_check(grader: Grader, at: str) -> dict[str, Any]:
    reward = CHECKS.get(str(grader.operation))
    if reward is None:
        raise refused(f"{at}.operation", f"use one of {', '.join(CHECKS)}")
    if not _SAMPLE.fullmatch((grader.input or "").strip()):
        raise refused(f"{at}.input", "use {{sample.output_text}}")
    item = _ITEM.fullmatch((grader.reference or "").strip())
    if item is None:
        raise refused(f"{at}.reference", "use a field of the line, such as {{item.answer}}")
    return {"reward": reward, "answer": item[1]}


def _check_reward(words: str, at: str) -> None:
    terms = [words] if words.startswith("regex:") else words.split("+")
    for term in terms:
        found = _REWARD.fullmatch(term.strip())
        if found is None or found[2] not in REWARDS:
            told = f"only the house's own rewards are taken: {', '.join(REWARDS)}"
            raise Failure(400, f"{at}: {told}", code="unsupported_value", param=at)
