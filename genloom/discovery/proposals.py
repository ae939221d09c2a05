"""Batches of a search: the model proposes, the score judges, the archive remembers.

Meets the loop as any loader does. Half of a step's items are drawn freely; the others go on from
beginnings of the best found so far, told otherwise; and some of the best are told again, so that
little that was paid for is forgotten (after Guo and Schwaller 2023, "Augmented Memory"). What a
step does is a function of the seed, the step, the weights and what was known before the step.
Shape legend: G groups, T items of a group, L positions of an item.
"""

from __future__ import annotations

import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from genloom.discovery.archive import Archive, Entry
from genloom.discovery.score import Score
from genloom.engine.engine import Engine
from genloom.model import Model
from genloom.spec import Batch, Options, Request
from genloom.train.log import Event, Listener, silent

GROUP = 8  # items that go on from one beginning
ELITES = 100  # of the best, that are gone on from and told again
CHOSEN = 8  # the elites are one of so many scored at most
EACH = 10  # of these, of one bucket
FULL = 25  # of one bucket in the archive: more of it are worth no more than what is usual
AGAIN = 0.5  # items that are told again, for each one proposed
WORTH = 0.6  # of these: as much as a try that is so many deviations above its siblings
WORST = -1.0  # deviations: of what is none, what is known and what nobody would take
STILL = 10  # steps in a row that brought nothing new: said, and the end at five times as many


@dataclass
class Group:
    """Items with one beginning. ids: those drawn for each, with what ended it."""

    begun: tuple[int, ...]
    ids: list[list[int]] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)


@dataclass(kw_only=True)
class Proposals:
    """The loader of a search.

    model: the one in training. budget: items that are scored in all. told: what is to be logged of
    the last step. finished: why no more is to be done. learns: whether beginnings are gone on from
    and items told again; a random search does neither. shunned: keys of items that are none of its
    finds, since they were learnt from; they are not scored.
    """

    model: Model
    score: Score
    archive: Archive
    size: int
    budget: int
    seed: int
    goal: float | None = None
    learns: bool = True
    shunned: frozenset[str] = frozenset()
    listener: Listener = silent
    told: dict[str, float] = field(default_factory=dict)
    finished: str = ""
    still: int = 0

    @property
    def _spec(self) -> Any:
        return self.model.codec.spec

    @property
    def epoch_size(self) -> int:
        return self.budget

    @property
    def targets(self) -> int:
        return self.budget * self._spec.length

    def batches(self, step: int, accumulate: int = 1) -> list[Batch]:
        """The step's items as one batch."""
        return [self.batch(step)]

    def batch(self, step: int) -> Batch:
        """The whole batch of a step."""
        before = self.archive.before(step)
        draw = random.Random(_mix(self.seed, step))
        groups, worth = self.propose(step)
        family: Any = self.model.family
        advantage = [family.advantages(torch.tensor([some])).flatten() for some in worth]
        again = self._again(before, draw)
        return self._batch(groups, advantage, again)

    def propose(self, step: int) -> tuple[list[Group], list[list[float]]]:
        """The step's items, scored and kept, and what each is worth."""
        before = self.archive.before(step)
        groups = self._groups(before, random.Random(_mix(self.seed, step) + 1))
        self._draw(groups, _mix(self.seed, step))
        return groups, self._judged(groups, before, step)

    # --- proposing --------------------------------------------------------------------------------

    def _groups(self, before: Archive, draw: random.Random) -> list[Group]:
        elites = _elites(before) if self.learns else []
        if len(elites) < GROUP:
            return [Group(())]
        many = max(1, self.size // 2 // GROUP)
        begun = [Group(self._begun(draw.choice(elites), draw)) for _ in range(many)]
        return [Group(()), *begun]

    def _begun(self, entry: Entry, draw: random.Random) -> tuple[int, ...]:
        """A beginning of an item, told otherwise: as much of it as chance will have."""
        ids = self._otherwise(entry.item, draw.getrandbits(31))
        room = self._spec.length - 8
        kept = draw.randint(1, max(1, len(ids) - 1))
        return tuple(ids[: min(kept, room)])

    def _otherwise(self, item: Any, seed: int) -> list[int]:
        codec: Any = self.model.codec
        other = getattr(codec, "otherwise", None)
        found = codec.encode([item])[0] if other is None else other(item, seed)
        ids: list[int] = found.tolist()
        return ids[: codec.spec.length - 2]

    def _draw(self, groups: Sequence[Group], seed: int) -> None:
        """What the weights as they are make of each beginning; the net's mode stays."""
        codec: Any = self.model.codec
        nets, training = self.model.nets, self.model.nets.training
        with Engine(self.model) as engine:
            under_way = []
            for place, group in enumerate(groups):
                rest = self.size - GROUP * (len(groups) - 1)
                count = GROUP if group.begun else max(GROUP, rest)
                under_way.append(engine.submit(self._request(group, count, seed + place)))
            for generation in under_way:
                generation.result()
        nets.train(training)
        for group, generation in zip(groups, under_way, strict=True):
            endings = [generation.endings[n] for n in sorted(generation.endings)]
            group.ids = [[c.drawn for c in ending.logprobs] for ending in endings]
            whole = [torch.tensor([*group.begun, *ids]) for ids in group.ids]
            group.items = list(codec.decode([x[x != codec.spec.eos] for x in whole]))

    def _request(self, group: Group, count: int, seed: int) -> Request:
        """By ids: so that nothing but the net decides what may come."""
        room = self._spec.length - len(group.begun) - 1
        options = Options(max_tokens=max(1, room), temperature=1.0, logprobs=0)
        return Request(ids=group.begun, seed=seed, count=count, options=options)

    # --- judging ----------------------------------------------------------------------------------

    def _judged(self, groups: Sequence[Group], before: Archive, step: int) -> list[list[float]]:
        """What each item is worth, in deviations of this step's good ones."""
        items = [item for group in groups for item in group.items]
        codec: Any = self.model.codec
        fine = getattr(codec, "proper", lambda some: [bool(str(x)) for x in some])(items)
        keys = iter(_keys(codec, [x for x, ok in zip(items, fine, strict=True) if ok]))
        named = [next(keys) if ok else None for ok in fine]
        self._ask(items, named, step)
        found = [self.archive.entries.get(key) if key else None for key in named]
        good = [e.score for e in found if e is not None and e.score is not None and e.good]
        middle = statistics.fmean(good) if good else 0.0
        spread = statistics.pstdev(good) if len(good) > 1 else 1.0
        held = Counter(e.bucket for e in before if e.good)
        out, seen = [], {*before.entries, *self.shunned}
        for key, entry in zip(named, found, strict=True):
            out.append(_worth(entry, key in seen, held, middle, spread or 1.0))
            if key:
                seen.add(key)
        self._tell(step, items, fine, before, good)
        rows, place = [], 0
        for group in groups:
            rows.append(out[place : place + len(group.items)])
            place += len(group.items)
        return rows

    def _ask(self, items: Sequence[Any], named: Sequence[str | None], step: int) -> None:
        """Score what was never scored, as far as the budget goes; all of it is kept."""
        codec: Any = self.model.codec
        new: dict[str, Any] = {}
        for key, item in zip(named, items, strict=True):
            if (
                key
                and key not in self.archive.entries
                and key not in new
                and key not in self.shunned
            ):
                new[key] = item
        left = self.budget - len(self.archive)
        chosen = dict(list(new.items())[: max(0, left)])
        if not chosen:
            return
        scores = self.score(list(chosen.values()))
        buckets = getattr(codec, "buckets", lambda some: [""] * len(some))(list(chosen.values()))
        reproach = getattr(codec, "reproach", lambda item: "")
        self.archive.add(
            [
                Entry(
                    key=key,
                    item=str(item),
                    score=value,
                    step=step,
                    bucket=bucket,
                    reproach=reproach(item),
                )
                for (key, item), value, bucket in zip(chosen.items(), scores, buckets, strict=True)
            ]
        )

    def _tell(
        self,
        step: int,
        items: Sequence[Any],
        fine: Sequence[bool],
        before: Archive,
        good: Sequence[float],
    ) -> None:
        fresh = len(self.archive) - len(before)
        self.archive.count(step, len(items), len(items) - sum(fine))
        best = self.archive.best(1)
        top = max((e.score or 0.0 for e in best), default=float("nan"))
        self.told = {
            "scored": float(len(self.archive)),
            "score": round(statistics.fmean(good), 6) if good else 0.0,
            "best": round(top, 6),
            "proper": round(sum(fine) / max(1, len(fine)), 4),
            "new": round(fresh / max(1, len(items)), 4),
        }
        self.still = 0 if fresh else self.still + 1
        self._end(top)

    def _end(self, top: float) -> None:
        if len(self.archive) >= self.budget:
            self.finished = f"the budget of {self.budget:,} scores is spent"
        elif self.goal is not None and top >= self.goal:
            self.finished = f"{self.goal:g} is reached after {len(self.archive):,} scores"
        elif self.still >= 5 * STILL:
            self.finished = f"in {self.still} steps nothing new was proposed"
        elif self.still == STILL:
            said = f"in {STILL} steps nothing new was proposed: the model repeats itself"
            self.listener(Event(kind="guard", step=0, values={"verdict": "still", "told": said}))

    # --- batches ----------------------------------------------------------------------------------

    def _again(self, before: Archive, draw: random.Random) -> list[list[int]]:
        """Some of the best, told otherwise."""
        elites = _elites(before)
        if len(elites) < GROUP:
            return []
        some = draw.choices(elites, k=round(AGAIN * self.size))
        eos = self._spec.eos
        return [[*self._otherwise(one.item, draw.getrandbits(31)), eos] for one in some]

    def _batch(
        self, groups: Sequence[Group], advantage: Sequence[Tensor], again: Sequence[list[int]]
    ) -> Batch:
        spec: Any = self.model.codec.spec
        rows = [(g.begun, ids) for g in groups for ids in g.ids] + [((), ids) for ids in again]
        start = [spec.bos] if spec.leads else []
        x = torch.full((len(rows), max(len(b) + len(i) for b, i in rows) + len(start)), spec.pad)
        weight = torch.zeros(x.shape)
        for n, (begun, ids) in enumerate(rows):
            whole = [*start, *begun, *ids]
            x[n, : len(whole)] = torch.tensor(whole)
            weight[n, len(whole) - len(ids) : len(whole)] = 1.0
        worth = torch.cat([*advantage, torch.full((len(again),), WORTH)])
        return Batch(spec=spec, x=x, weight=weight, worth=worth.float())


def _elites(before: Archive) -> list[Entry]:
    """The best so far; of few that were scored fewer, or they would be no choice."""
    return before.best(max(2 * GROUP, min(ELITES, len(before) // CHOSEN)), EACH)


def _keys(codec: Any, items: Sequence[Any]) -> list[str]:
    found = getattr(codec, "keys", None)
    return [str(one) for one in (items if found is None else found(items))]


def _worth(
    entry: Entry | None, known: bool, held: Counter[str], middle: float, spread: float
) -> float:
    """In deviations above the usual of a step."""
    if known and entry is None:  # it was learnt from
        return WORST
    if entry is None or entry.score is None or entry.reproach:
        return 2 * WORST
    value = max(-3.0, min(3.0, (entry.score - middle) / spread))
    if known:
        return min(value, WORST)
    return min(value, 0.0) if held[entry.bucket] >= FULL else value


def _mix(seed: int, step: int) -> int:
    """A seed for each step, far from its neighbours', with room for one more a group."""
    z = (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xBF58476D1CE4E5B9) & (1 << 64) - 1
    z = (z ^ (z >> 31)) * 0x94D049BB133111EB & (1 << 64) - 1
    return z >> 24 << 20
