"""Batches that are made on the way: the model in training tries tasks, a reward judges its tries.

Meets the loop as any loader does. What a step tries is a function of the seed, the step and the
weights at that step, so a training that was stopped goes on bit by bit. Knows engine, tasks and
rewards; no formula (the family makes advantages of rewards) and no loop.
Shape legend: P prompts of a step, G tries of each, L positions of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from genloom.codec.left_out import LeftOut
from genloom.codec.pair.task import Task, question, task
from genloom.data.loader import Loader
from genloom.engine.engine import Engine
from genloom.errors import DataError, RequestError, RewardError
from genloom.model import Model
from genloom.rewards.base import Reward, Try, judged
from genloom.spec import Batch, Options, Request, TokenSpec
from genloom.train.log import Event, Listener, silent

LEAST = 2  # ids of an answer that a prompt must leave room for
JUDGED = 256  # held-out tasks
SILENT = 10  # steps in a row in which no try was better than its siblings: said
USELESS = 100  # and given up


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A task and what it begins with, in ids."""

    task: Task
    ids: tuple[int, ...]


def asked(codec: Any, items: Sequence[Any], reward: Reward) -> tuple[list[Asked], dict[str, int]]:
    """The tasks that this model can try and this reward can judge; why not others, how many."""
    out: list[Asked] = []
    left = LeftOut()
    for one in map(task, items):
        try:
            out.append(Asked(task=one, ids=_fitting(codec, one, reward)))
        except RequestError as error:
            left.add(one.prompt, str(error))
    return out, dict(left.reasons)


def _fitting(codec: Any, one: Task, reward: Reward) -> tuple[int, ...]:
    if reward.needs and not getattr(one, reward.needs):
        raise RequestError(f"has no {reward.needs}, which the reward needs")
    ids = question(codec, one)
    if len(ids) + LEAST > codec.spec.length:
        raise RequestError(f"leaves no room for an answer in {codec.spec.length} ids of context")
    return ids


@dataclass(kw_only=True)
class Tried:
    """A prompt's tries: the ids drawn for each, with the one that ended it, and as texts."""

    ids: list[list[int]]
    texts: list[str]


@dataclass(kw_only=True)
class Rollouts:
    """The loader of a training by rewards.

    model: the one in training; None to know sizes only. prompts: of a step. told: what is to be
    logged of the last step. still: steps in a row without a signal. begun: the mean worth of the
    first step. finished: why no more is to be learnt, where something was.
    """

    tasks: Sequence[Asked]
    held: Sequence[Asked]
    model: Model | None
    codec: Any
    family: Any
    reward: Reward
    prompts: int
    seed: int
    listener: Listener = silent
    told: dict[str, float] = field(default_factory=dict)
    still: int = 0
    begun: float | None = None
    finished: str = ""

    def __post_init__(self) -> None:
        if not self.tasks:
            raise DataError("there are no tasks that this model can try and this reward can judge")
        numbers = torch.arange(len(self.tasks))[:, None]
        self.order = Loader(numbers, _NUMBERS, batch=self.prompts, seed=self.seed)

    @property
    def epoch_size(self) -> int:
        return len(self.tasks)

    @property
    def targets(self) -> int:
        return len(self.tasks) * self.family.tries * self.family.max_tokens

    def batches(self, step: int, accumulate: int = 1) -> list[Batch]:
        """The step's tries in `accumulate` nearly equal parts; those of a prompt stay together."""
        chosen = [self.tasks[n] for n in self.order.batch(step).x[:, 1].tolist()]
        tries = self.tries(chosen, step)
        worth = self._judged(chosen, tries, step)
        advantage = self.family.advantages(worth)
        self._tell(step, worth, tries)
        parts = torch.arange(len(chosen)).tensor_split(min(accumulate, len(chosen)))
        return [
            self._batch([(chosen[n], tries[n]) for n in part.tolist()], advantage[part])
            for part in parts
        ]

    def batch(self, step: int) -> Batch:
        """The whole batch of a step."""
        return self.batches(step)[0]

    # --- trying and judging ---------------------------------------------------------------------

    def tries(self, chosen: Sequence[Asked], step: int) -> list[Tried]:
        """What the model makes of each now."""
        family = self.family
        return self._made(chosen, family.tries, family.temperature, _mix(self.seed, step))

    def _made(
        self, chosen: Sequence[Asked], count: int, temperature: float, seed: int
    ) -> list[Tried]:
        """Answers of the weights as they are; the net comes back in the mode that it was in."""
        assert self.model is not None
        nets, training = self.model.nets, self.model.nets.training
        with Engine(self.model) as engine:
            under_way = [
                engine.submit(self._request(one, count, temperature, seed + place))
                for place, one in enumerate(chosen)
            ]
            for generation in under_way:
                generation.result()
        nets.train(training)
        out = []
        for one, generation in zip(chosen, under_way, strict=True):
            endings = [generation.endings[n] for n in range(count)]
            ids = [[c.drawn for c in ending.logprobs] for ending in endings]
            out.append(Tried(ids=ids, texts=self._texts(one, generation.tensors())))
        return out

    def _request(self, one: Asked, count: int, temperature: float, seed: int) -> Request:
        room = self.codec.spec.length - len(one.ids) - 1
        options = Options(
            max_tokens=max(1, min(self.family.max_tokens, room)),
            temperature=temperature,
            logprobs=0,  # so that each id drawn is told, the last one too
        )
        return Request(ids=one.ids, seed=seed, count=count, options=options)

    def _texts(self, one: Asked, found: Sequence[Tensor]) -> list[str]:
        """What was added, as texts."""
        return [str(item) for item in self.codec.decode([x[len(one.ids) :] for x in found])]

    def _judged(self, chosen: Sequence[Asked], tries: Sequence[Tried], step: int) -> Tensor:
        """float [P, G]"""
        every = [
            Try(task=one.task, completion=text)
            for one, tried in zip(chosen, tries, strict=True)
            for text in tried.texts
        ]
        return torch.tensor(judged(self.reward, every, step)).view(len(chosen), -1)

    # --- batches --------------------------------------------------------------------------------

    def _batch(self, some: Sequence[tuple[Asked, Tried]], advantage: Tensor) -> Batch:
        spec = self.codec.spec
        rows = [(one, ids) for one, tried in some for ids in tried.ids]
        starts = [[spec.bos] if spec.leads or not one.ids else [] for one, _ in rows]
        whole = [[*s, *one.ids, *ids] for s, (one, ids) in zip(starts, rows, strict=True)]
        x = torch.full((len(rows), max(map(len, whole))), spec.pad)
        weight = torch.zeros(x.shape)
        for n, (ids, (_, drawn)) in enumerate(zip(whole, rows, strict=True)):
            x[n, : len(ids)] = torch.tensor(ids)
            weight[n, len(ids) - len(drawn) : len(ids)] = 1.0
        return Batch(spec=spec, x=x, weight=weight, worth=advantage.flatten().float())

    # --- what is told ---------------------------------------------------------------------------

    def _tell(self, step: int, worth: Tensor, tries: Sequence[Tried]) -> None:
        spread = worth.std(1)
        sizes = [len(ids) for tried in tries for ids in tried.ids]
        self.told = {
            "reward": round(float(worth.mean()), 6),
            "reward_deviation": round(float(spread.mean()), 6),
            "length": round(sum(sizes) / len(sizes), 3),
            "no_signal": round(float((spread == 0).float().mean()), 4),
        }
        self.still = 0 if bool((spread > 0).any()) else self.still + 1
        first = float(worth[0, 0])
        if self.still == SILENT:
            self._notice(
                step,
                f"in {SILENT} steps no try was better than its siblings (worth {first:g}): nothing "
                "is learnt from them. Take easier or harder tasks, a reward in degrees, or a "
                "better model to start from",
            )
        self.begun = float(worth.mean()) if self.begun is None else self.begun
        if self.still >= USELESS and float(worth.mean()) > self.begun:
            self.finished = f"in {USELESS} steps every try was worth as much as its siblings"
        elif self.still >= USELESS and not self.family.kl:
            raise RewardError(
                f"in {USELESS} steps no try was better than its siblings (worth {first:g}), so "
                "nothing can be learnt: take other tasks, another reward or a better start"
            )

    def _notice(self, step: int, said: str) -> None:
        self.listener(Event(kind="guard", step=step, values={"verdict": "still", "told": said}))

    def judge(self, model: Model) -> dict[str, float]:
        """Held-out tasks, tried once each at the likeliest ids."""
        found = self.worths(self.held[:JUDGED])
        reward = sum(found) / len(found)
        return {"held_out_loss": -reward, "held_out_reward": reward}

    def worths(self, some: Sequence[Asked]) -> list[float]:
        """Of the likeliest try at each, greedily."""
        tries = self._made(some, 1, 0.0, 0)
        return self._judged(some, tries, 0)[:, 0].tolist()


_NUMBERS = TokenSpec(vocab=1 << 31, length=1, bos=0, eos=None, pad=0)


def _mix(seed: int, step: int) -> int:
    """A seed for each step, far from its neighbours', with room for one more a prompt."""
    z = (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xBF58476D1CE4E5B9) & (1 << 64) - 1
    z = (z ^ (z >> 31)) * 0x94D049BB133111EB & (1 << 64) - 1
    return z >> 24 << 20
