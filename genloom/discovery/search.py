"""A search from its settings to its end: the model learns from what it proposes, beside a random
search from the model as it was and the best that it learnt from.

Knows models, the loop and the archive; how it is shown lies in `report`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from genloom import api
from genloom.codec.saving import write_atomic
from genloom.discovery.archive import Archive, Entry
from genloom.discovery.proposals import Proposals
from genloom.discovery.score import Score
from genloom.engine.requests import streams
from genloom.errors import DataError, GenloomError, RewardError, Stopped, UsageError
from genloom.model import Model
from genloom.recipe import Part, Train
from genloom.train.log import Event, Listener, silent
from genloom.train.loop import Job, Loop

SETTINGS = "search.json"
SCORED, RANDOM, TRAINING = "scored.jsonl", "random.jsonl", "training.json"
MODEL, RUN = "model", "run"
MOST_TRAINING = 50_000  # training items that are scored to compare with
ALWAYS = 1_000_000  # steps: the budget ends a search
ASKED_AGAIN = 5  # of the best, whose scores are asked once more


@dataclass(frozen=True, kw_only=True)
class Settings:
    """size: items of a step. random: scores of the random search beside it; None: as many as the
    budget where the score is built in, else a fifth. goal: a score at which it ends. kl: how
    strongly the model is held to what it was; rate: of learning."""

    score: str
    budget: int = 5000
    size: int = 64
    seed: int = 0
    goal: float | None = None
    random: int | None = None
    kl: float = 0.02
    rate: float = 5e-4

    def __post_init__(self) -> None:
        for name, low, high in (("budget", 16, 10**7), ("size", 16, 4096), ("seed", 0, 1 << 62)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"{name} is {value}, but {low} to {high} is expected")
        if self.random is not None and not 0 <= self.random <= 10**7:
            raise UsageError(f"random is {self.random}, but 0 or more is expected")

    def told(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(kw_only=True)
class Found:
    """archive, random: what was scored. training: scores of what was learnt from, [] where it was
    not scored. ended: why; fault: what went wrong, or "". unsteady: best items whose score was
    another when asked again. failed: why items could not be scored, and how often."""

    settings: Settings
    folder: Path
    codec: Any
    archive: Archive
    random: Archive
    training: list[float]
    failed: Mapping[str, int]
    ended: str = ""
    fault: str = ""
    unsteady: int = 0


def discover(
    model: api.Model | str | Path,
    score: str | Callable[..., Any],
    out: str | Path,
    *,
    resume: bool = False,
    training: Any = None,
    listener: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Found:
    """Search among what a model makes for what scores well; everything is kept in the folder `out`.

    score: words as in `--score`, or a function of a mapping with "item" that gives a number.
    training: where the model's data lies now, or its items; by default as its card says, None where
    that is not at hand. resume goes on where a search in `out` was stopped or killed. settings: see
    `Settings`. UsageError for a model that makes no runs of ids; Stopped where `stop` said so.
    """
    own = model if isinstance(model, api.Model) else api.load(model)
    refuse(own)
    words = score if isinstance(score, str) else getattr(score, "__name__", "a function")
    asked = Settings(score=words, **settings)
    folder = Path(out).expanduser()
    _settle(folder, asked, own, resume)
    judge = Score.read(score, own.codec)
    try:
        return _search(own, judge, asked, folder, resume, training, listener, stop)
    finally:
        judge.close()


def refuse(model: Model) -> None:
    """UsageError for a model that cannot learn from what it proposes."""
    if not streams(model.codec.spec) or model.prompt is not None or "net" not in model.nets:
        raise UsageError(
            f"a model of {model.recipe.codec.kind!r} makes no runs of ids one after another, which "
            "is what a search learns from: use one of molecules, sequences, tunes or texts"
        )


def _settle(folder: Path, asked: Settings, model: Model, resume: bool) -> None:
    """Write down what is searched for, or see that it is the same as before."""
    file = folder / SETTINGS
    told = {**asked.told(), "weights": model.digest()}
    if not resume:
        if file.exists():
            raise UsageError(f"{folder} holds a search: go on with --resume, or name another --out")
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(told, indent=1).encode())
        return
    if not file.exists():
        raise UsageError(f"{folder} holds no search: leave out --resume")
    try:
        before = json.loads(file.read_text("utf-8"))
    except ValueError:
        raise DataError(f"{file} is damaged: begin anew in another folder") from None
    free = {"budget", "goal", "random"}
    other = [name for name in told if name not in free and before.get(name) != told[name]]
    if other:
        raise UsageError(
            f"the search in {folder} was begun with another {other[0]} "
            f"({str(before.get(other[0]))[:60]}): give the same, or name another --out"
        )
    write_atomic(file, json.dumps(told, indent=1).encode())


def _search(
    own: api.Model,
    judge: Score,
    asked: Settings,
    folder: Path,
    resume: bool,
    training: Any,
    listener: Listener,
    stop: Callable[[], bool],
) -> Found:
    items = _training(own, training, listener)
    shunned = frozenset(_keys(own.codec, items))
    archive = Archive.open(folder / SCORED, resume)
    beside = Archive.open(folder / RANDOM, resume)
    found = Found(
        settings=asked,
        folder=folder,
        codec=own.codec,
        archive=archive,
        random=beside,
        training=[],
        failed=judge.failed,
    )
    try:
        found.training = _of_training(judge, items, folder, listener)
        listener(_stage("a random search beside it"))
        _random(own, judge, asked, beside, shunned, listener, stop)
        listener(_stage("searching"))
        _learn(own, judge, asked, found, shunned, listener, stop, resume)
        found.unsteady = _again(judge, archive)
    except RewardError as error:
        found.fault = str(error)
    finally:
        archive.close()
        beside.close()
    return found


def _stage(name: str) -> Event:
    return Event(kind="measure", step=0, values={"stage": name})


def _training(own: api.Model, given: Any, listener: Listener) -> Sequence[Any]:
    """What the model learnt from; nothing where it is not at hand, which is told."""
    listener(_stage("reading the training data"))
    if given is not None:
        if not isinstance(given, str | Path):
            return list(given)
        return list(own.codec.read(Path(given).expanduser()).items)
    try:
        return list(own.training_items())
    except GenloomError as error:
        told = f"nothing is compared with the training data: {error}"
        listener(Event(kind="guard", step=0, values={"verdict": "training", "told": told}))
        return []


def _keys(codec: Any, items: Sequence[Any]) -> list[str]:
    found = getattr(codec, "keys", None)
    return [str(one) for one in (items if found is None or not items else found(items))]


def _of_training(
    judge: Score, items: Sequence[Any], folder: Path, listener: Listener
) -> list[float]:
    """Scores of what was learnt from, where the score is built in: a user's own may be dear."""
    if not judge.own or not items:
        return []
    file = folder / TRAINING
    if file.exists():
        try:
            return [float(x) for x in json.loads(file.read_text("utf-8"))]
        except (ValueError, TypeError):
            file.unlink()
    listener(_stage("scoring the training data"))
    stride = -(-len(items) // MOST_TRAINING)
    assert callable(judge.of)
    values: Any = judge.of(list(items)[::stride])
    scores = [float(x) for x in values if x == x]
    write_atomic(file, json.dumps(scores).encode())
    return scores


def _random(
    own: Model,
    judge: Score,
    asked: Settings,
    archive: Archive,
    shunned: frozenset[str],
    listener: Listener,
    stop: Callable[[], bool],
) -> None:
    """As many scores from the model as it is."""
    count = asked.random
    count = (asked.budget if judge.own else asked.budget // 5) if count is None else count
    if count < 1:
        return
    loader = _proposals(own, own, judge, asked, archive, shunned, listener)
    loader.budget, loader.learns, loader.goal = count, False, None
    step = max((entry.step for entry in archive), default=0)
    while not loader.finished:
        loader.propose(step)
        step += 1
        if stop():
            raise Stopped(f"stopped after {len(archive):,} scores of the random search")


def _proposals(
    own: Model,
    model: Model,
    judge: Score,
    asked: Settings,
    archive: Archive,
    shunned: frozenset[str],
    listener: Listener,
) -> Proposals:
    return Proposals(
        model=model,
        score=judge,
        archive=archive,
        size=asked.size,
        budget=asked.budget,
        seed=asked.seed,
        goal=asked.goal,
        shunned=shunned,
        listener=listener,
    )


def _learn(
    own: Model,
    judge: Score,
    asked: Settings,
    found: Found,
    shunned: frozenset[str],
    listener: Listener,
    stop: Callable[[], bool],
    resume: bool,
) -> None:
    """The search itself; the model that it left stands in the folder."""
    learner = _learner(own, asked)
    loader = _proposals(own, learner, judge, asked, found.archive, shunned, listener)
    still: dict[str, Any] = {}
    if asked.kl:
        still["reference"] = copy.deepcopy(own.nets["net"]).requires_grad_(False).eval()
    job = Job(
        model=learner,
        loader=loader,
        run=found.folder / RUN,
        beside=still,
        listener=listener,
        stop=stop,
        resume=resume,
    )
    outcome = Loop(job).fit()
    found.ended = loader.finished or outcome.ended
    card = {**own.card, "parents": [own.digest()], "searched": asked.told()}
    Model(
        recipe=own.recipe, codec=own.codec, prompt=None, nets=learner.nets.to("cpu"), card=card
    ).save(found.folder / MODEL)


def _learner(own: Model, asked: Settings) -> Model:
    """A copy of the model that learns from what its own items are worth."""
    spec: Any = own.codec.spec
    options = {"form": "grpo", "kl": asked.kl, "tries": 2, "max_tokens": spec.length}
    train = Train(
        steps=ALWAYS,
        seed=asked.seed,
        rate=asked.rate,
        muon_rate=0.0,
        weight_decay=0.0,
        warmup=0.0,
        decay=0.0,
        ema=0.0,
        precision="fp32",
        compile="off",
        save_seconds=20.0,
    )
    recipe = replace(own.recipe, family=Part("policy", options), train=train)
    with torch.random.fork_rng(devices=[]):
        nets = copy.deepcopy(own.nets)
    return Model(recipe=recipe, codec=own.codec, prompt=None, nets=nets, card=dict(own.card))


def _again(judge: Score, archive: Archive) -> int:
    """How many of the best have another score when they are asked about again."""
    best = archive.best(ASKED_AGAIN)
    found = judge([entry.item for entry in best]) if best else []
    return sum(_differs(entry, value) for entry, value in zip(best, found, strict=True))


def _differs(entry: Entry, value: float | None) -> bool:
    before = entry.score or 0.0
    return value is None or abs(value - before) > 1e-6 * max(1.0, abs(before))
