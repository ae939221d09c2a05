"""The protocol for models that learnt from rewards: held-out tasks tried greedily and judged.

The floor is one answer to all, the commonest of the training tasks; the ceiling each task's own
answer. Knows tasks and rewards by name; a reward that was a function of a program is not to be had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from genloom import api
from genloom.codec.pair.task import Task, task
from genloom.errors import DataError, UsageError
from genloom.metric.interval import Interval, bootstrap
from genloom.rewards.base import Reward, Try, judged
from genloom.rewards.named import reward_of
from genloom.rollouts import Rollouts, asked
from genloom.trust.quality import Row, Tell

TRIED = 500  # held-out tasks


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    words = str(model.recipe.family.options.get("reward", ""))
    if not words:
        raise UsageError(
            "this model learnt from a function of a program: judge its answers there, or name a "
            "reward with --set family.reward=... when it is trained"
        )
    with closing(reward_of(words)) as reward:
        found, _ = asked(model.codec, held, reward)
        some = found[: count or TRIED]
        if not some:
            raise DataError("there are no held-out tasks that this reward can judge")
        tell("trying")
        loader = Rollouts(
            tasks=some,
            held=some,
            model=model,
            codec=model.codec,
            family=model.family,
            reward=reward,
            prompts=1,
            seed=seed,
        )
        tell("judging")
        tasks, own = [one.task for one in some], loader.worths(some)
        floor, ceiling = _floor(reward, list(map(task, train)), tasks), _ceiling(reward, tasks)
    mean = bootstrap(own)
    note = f"95%: {mean.low:.3f} to {mean.high:.3f}; floor: one answer to all; ceiling: the answers"
    row = Row(
        metric="reward",
        value=mean.value,
        floor=floor,
        ceiling=ceiling,
        better="higher",
        note=note,
    )
    used = {"reward": words, "tasks": len(some), "decoding": "greedy"}
    return [row], {**used, "intervals_95": _told(mean)}


def _told(mean: Interval) -> dict[str, list[float]]:
    return {"reward": [round(mean.low, 6), round(mean.high, 6)]}


def _floor(reward: Reward, train: Sequence[Task], tasks: Sequence[Task]) -> float:
    """The commonest first answer of training, or nothing at all, to every task."""
    common = Counter(one.answers[0] for one in train if one.answers).most_common(1)
    guess = common[0][0] if common else ""
    return _mean(reward, [Try(task=one, completion=guess) for one in tasks])


def _ceiling(reward: Reward, tasks: Sequence[Task]) -> float | None:
    """None where tasks come without an answer."""
    if not all(one.answers for one in tasks):
        return None
    return _mean(reward, [Try(task=one, completion=one.answers[0]) for one in tasks])


def _mean(reward: Reward, tries: Sequence[Try]) -> float:
    return sum(judged(reward, tries, 0)) / len(tries)
