"""The training loop: every family, every medium, any number of players; no branch on any of them.

A step is: for each player in the family's order, its loss as a sum over micro-batches, divided by
the count over all ranks, clipped, judged by the guard, taken by its optimiser. Everything random is
a function of (seed, step, player), so a run that was killed goes on bit by bit from its checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genloom import heap
from genloom.data.loader import Batches
from genloom.errors import ModelError, ResourceError, RewardError, Stopped, TrainingError
from genloom.model import Model
from genloom.recipe import Train
from genloom.spec import Batch, Loss
from genloom.train import checkpoint, ema, parallel
from genloom.train.collapse import Coverage, Least
from genloom.train.gradients import Spending, way_of
from genloom.train.guard import Course, Guard
from genloom.train.log import Listener, Log, silent
from genloom.train.optim import Optimiser, like, share_of_rate

SNAPSHOTS = 8  # stored averages a run
ENOUGH = "it was told to end here"


@dataclass(kw_only=True)
class Job:
    """What to train, on what, where, and whom to tell.

    judge: model -> metrics, the first is the headline, lower is better. preview: (model, step) ->
    a file to look at. stop: polled each step; true means save and stop; enough: end here. beside:
    nets in the family's frozen roles; they are asked and never moved, and the checkpoint does not
    hold them. keep: is handed the model as it is after every `kept` steps but the last, 0 never.
    spending: what may be told of any one item, None where nothing bounds it.
    """

    model: Model
    loader: Batches
    run: Path
    beside: Mapping[str, Any] = field(default_factory=dict)
    judge: Callable[[Model], Mapping[str, float]] | None = None
    preview: Callable[[Model, int], Path | None] | None = None
    keep: Callable[[Model, int], None] | None = None
    kept: int = 0
    spending: Spending | None = None
    listener: Listener = silent
    stop: Callable[[], bool] = lambda: False
    enough: Callable[[], bool] = lambda: False
    resume: bool = False


@dataclass(kw_only=True)
class Outcome:
    """How it ended: steps, seconds in all sessions, the last judgement, the guard's record, and why
    it ended before its last step where it did."""

    steps: int
    seconds: float
    metrics: dict[str, float] = field(default_factory=dict)
    skipped: int = 0
    rollbacks: int = 0
    ended: str = ""
    privacy: Mapping[str, Any] = field(default_factory=dict)


def mix(*parts: int) -> int:
    """A 63-bit seed from a few integers."""
    total = 0x243F6A8885A308D3
    for part in parts:
        total = (total ^ (part & (1 << 64) - 1)) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        total ^= total >> 29
    return total >> 1


def precision(train: Train, device: torch.device) -> AbstractContextManager:
    """bf16 where it pays: on a GPU unless told otherwise; a CPU only when asked."""
    if train.precision == "bf16" or (train.precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


class Loop:
    """One training, from its first or a later step to its last."""

    def __init__(self, job: Job) -> None:
        self.job, self.model, self.train = job, job.model, job.model.recipe.train
        self.family, self.nets = job.model.family, job.model.nets
        heap.keep()
        if not any(p.requires_grad for p in self.nets.parameters()):
            self.nets.requires_grad_(True)  # they come from a model that was at rest
        self.nets.train()
        self.device = job.model.device
        self.step, self.attempt, self.spent = 0, 0, 0.0
        self.movable = {
            role: [p for p in net.parameters() if p.requires_grad]
            for role, net in self.nets.items()
        }
        self.params = [p for params in self.movable.values() for p in params]
        self.optimisers = {
            p: Optimiser.build(self.nets[p], self.train) for p in self.family.players
        }
        self.guards = {p: Guard() for p in self.family.players}
        self.courses = {p: Course() for p in self.family.players if self.family.falls}
        least: Mapping[str, float] = getattr(self.family, "least", {})
        self.leasts = {name: Least(least=low) for name, low in least.items()}
        self.coverage, self.ended = Coverage(), ""
        self.average = ema.Average(self.params) if self.train.ema else None
        self.way = way_of(job.spending, self.train.clip, dict(self.nets.items()))
        self.stored: list[tuple[float, list[list[Tensor]]]] = []
        self.best: dict[str, float] = {}
        self.best_step, self.best_weights = -1, []
        self.compiled = self._compile()

    # --- the whole ------------------------------------------------------------------------------

    def fit(self) -> Outcome:
        """Train to the end and leave the averaged weights in the model's nets."""
        self.job.run.mkdir(parents=True, exist_ok=True)
        log = Log(self.job.run / "metrics.jsonl", self.job.listener, heard=parallel.rank() == 0)
        devices = [self.device] if self.device.type == "cuda" else []
        try:
            if self.job.resume:
                self.restore()
            log("start", self.step, steps=self.train.steps, parameters=self.model.parameters)
            with torch.random.fork_rng(devices):
                self._run(log)
            outcome = self._finish(log)
        except TrainingError as error:
            log("failed", self.step, told=str(error))
            raise
        finally:
            log.close()
        return outcome

    def _run(self, log: Log) -> None:
        begun = saved = time.monotonic()
        spent = self.spent
        if self.step == 0:
            self.save()  # somewhere to roll back to
        while self.step < self.train.steps:
            try:
                parts = self.advance(log)
            except RewardError:  # before anything of this step has moved
                self.save()
                raise
            self.spent = spent + time.monotonic() - begun
            if not parts:  # rolled back
                continue
            log("step", self.step, **parts, seconds=round(self.spent, 3))
            self.ended = self.ended or getattr(self.job.loader, "finished", "")
            self.ended = self.ended or (ENOUGH if self.job.enough() else "")
            if self._judged(log) or parallel.any_of(bool(self.ended)):
                return
            if self.train.preview and self.step % self.train.preview == 0:
                self._preview(log)
            self._keep()
            if parallel.any_of(self.job.stop()):
                self.save()
                log("stop", self.step)
                raise Stopped(f"stopped at step {self.step} of {self.train.steps}")
            if parallel.first(time.monotonic() - saved > self.train.save_seconds):
                self.save()
                log("save", self.step)
                saved = time.monotonic()

    def advance(self, log: Callable[..., None]) -> dict[str, float]:
        """One step of every player; returns what to log, nothing where it was rolled back."""
        try:
            batches = [b.to(self.device) for b in self._share()]
            values: dict[str, float] = dict(self.job.loader.told)
            for number, player in enumerate(self.family.players):
                told = self._move(number, player, batches, log)
                if told is None:
                    return {}
                values |= told
        except torch.OutOfMemoryError as error:
            raise _too_big(error) from error
        except RuntimeError as error:
            if "alloc" in str(error) and "memory" in str(error):
                raise _too_big(error) from error
            raise
        self.step += 1
        if self.average is not None:
            self.average.update(self.step)
            self._store()
        return values

    def _share(self) -> list[Batch]:
        """This rank's micro-batches of the step's batch; no item is in two ranks."""
        ranks = parallel.ranks()
        pieces = self.job.loader.batches(self.step, self.train.accumulate * ranks)
        if len(pieces) < ranks:
            raise ResourceError(
                f"a batch of {len(pieces)} cannot be shared by {ranks} processes: start fewer, or "
                "raise --set data.batch=N"
            )
        return pieces[parallel.rank() :: ranks]

    # --- one player -----------------------------------------------------------------------------

    def _move(
        self, number: int, player: str, batches: list[Batch], log: Callable[..., None]
    ) -> dict[str, float] | None:
        """One player's part of a step; None where it ended in a roll back."""
        optimiser, guard = self.optimisers[player], self.guards[player]
        optimiser.zero()
        self._only(player)

        def loss_of(batch: Batch, micro: int) -> Loss:
            place = (self.step, number, micro, parallel.rank(), self.attempt)
            seed = mix(self.train.seed, *place)
            rng = torch.Generator(self.device).manual_seed(seed)
            torch.manual_seed(seed)  # what a net drops is a function of the step, too
            with precision(self.train, self.device):
                return self.family.loss(player, self.compiled, batch, rng)

        found = self.way.gradients(self.step, optimiser.params, batches, loss_of)
        norm, values = found.norm, found.values
        verdict = "fine" if found.loss is None else guard.judge(found.loss, norm)
        if verdict == "fine":
            optimiser.step(share_of_rate(self.step, self.train))
            if found.loss is not None:
                self._look(player, found.loss, norm, log)
                self._spread(player, values, log)
        else:
            log("guard", self.step, player=player, verdict=verdict, norm=norm, **values)
            if verdict == "roll back":
                self._roll_back(player)
                return None
        return {**values, f"norm_{player}" if number else "norm": norm}

    def _only(self, player: str) -> None:
        """Let only this player's weights gather gradients."""
        if len(self.nets) > 1:
            for role, params in self.movable.items():
                for p in params:
                    p.requires_grad_(role == player)

    def _look(self, player: str, loss: float, norm: float, log: Callable[..., None]) -> None:
        """Name a training that gets nowhere; TrainingError where it never will."""
        course = self.courses.get(player)
        found = None if course is None else course.see(loss, norm)
        if course is None or found is None:
            return
        told = course.told(found, self.step, self._rates())
        if found in ("dead", "exploded"):
            raise TrainingError(told)
        log("guard", self.step, player=player, verdict=found, told=told)

    def _rates(self) -> dict[str, float]:
        return {f"train.{key}": getattr(self.train, key) for key in ("rate", "muon_rate")}

    def _spread(self, player: str, values: Mapping[str, float], log: Callable[..., None]) -> None:
        """Name a training whose items become alike, by the parts of a loss that the family wants
        above a least."""
        for name in self.leasts.keys() & values.keys():
            least = self.leasts[name]
            found = least.see(values[name])
            if found:
                told = least.told(name, self.step, found, self._rates())
                self._collapse(found, told, log, player=player)

    def _collapse(self, found: str, told: str, log: Callable[..., None], **more: Any) -> None:
        """Tell of it; the end where it is sure, with the best weights that were judged."""
        log("guard", self.step, verdict=found, told=told, **more)
        if found == "collapsed":
            if not self.best_weights:
                raise TrainingError(told)
            self.ended = f"{told}; kept are the weights of step {self.best_step}"

    def _roll_back(self, player: str) -> None:
        if self.guards[player].hopeless:
            raise TrainingError(
                f"the loss stayed broken after {self.guards[player].rollbacks - 1} roll backs at "
                f"step {self.step}: lower the rate with --set train.rate={self.train.rate / 3:g} "
                f"--set train.muon_rate={self.train.muon_rate / 3:g}, or look at the data"
            )
        before, attempt = self.guards, self.attempt
        self.restore()
        self.guards = {name: one.again(before[name]) for name, one in self.guards.items()}
        self.attempt = attempt + 1

    # --- what happens now and then ----------------------------------------------------------------

    def _judged(self, log: Log) -> bool:
        """Judge when it is time; true where patience has run out."""
        t = self.train
        if not (self.job.judge and t.judge and self.step % t.judge == 0) or self.step >= t.steps:
            return False
        with self.averaged():
            metrics = self._judgement()
            log("judge", self.step, **metrics)
            headline = next(iter(metrics.values()))
            if not self.best or headline < next(iter(self.best.values())):
                self.best, self.best_step = metrics, self.step
                self.best_weights = [p.detach().clone() for p in self.params]
        found = self.coverage.see(metrics, self.step)
        if found:
            self._collapse(found, self.coverage.told(self.step, found, self._rates()), log)
        waited = (self.step - self.best_step) // t.judge
        return bool(parallel.first(t.patience and waited >= t.patience))

    def _judgement(self) -> dict[str, float]:
        """The first rank's: judges that stop by a clock differ a little between ranks."""
        metrics = dict(self.job.judge(self.model)) if self.job.judge else {}
        return dict(zip(metrics, parallel.firsts(list(metrics.values())), strict=True))

    def _preview(self, log: Log) -> None:
        if self.job.preview is None or parallel.rank() > 0:
            return
        with self.averaged():
            path = self.job.preview(self.model, self.step)
        if path is not None:
            log("preview", self.step, path=str(path))

    def _keep(self) -> None:
        job, last = self.job, self.step >= self.train.steps
        if job.keep and job.kept and self.step % job.kept == 0 and not last:
            with self.averaged():
                job.keep(self.model, self.step)

    def averaged(self) -> _Swap:
        """Within the block the nets hold the averaged weights and are in evaluation mode."""
        return _Swap(self, self._weights())

    def _weights(self) -> list[Tensor]:
        if not (stored := self.snapshots()):
            return [p.detach().clone() for p in self.params]
        return ema.reconstruct(stored, self.train.ema)

    def snapshots(self) -> list[tuple[float, list[list[Tensor]]]]:
        """The stored averages and those of now, by their times in updates."""
        if self.average is None or self.step < ema.EVERY:
            return []
        now = (self.step // ema.EVERY, self.average.tracks)
        return [*(s for s in self.stored if s[0] < now[0]), now]

    def _store(self) -> None:
        """Keep a copy of the averages at eighths of the run."""
        gap = max(ema.EVERY, self.train.steps // SNAPSHOTS // ema.EVERY * ema.EVERY)
        if self.average is not None and self.step % gap == 0:
            tracks = [[x.clone() for x in track] for track in self.average.tracks]
            self.stored.append((self.step // ema.EVERY, tracks))

    def _finish(self, log: Log) -> Outcome:
        weights = self._weights()
        if self.best_weights and self.step < self.train.steps:
            weights = self.best_weights  # it was stopped because nothing later was better
        with torch.no_grad():
            for p, w in zip(self.params, weights, strict=True):
                p.copy_(w)
        self.nets.requires_grad_(False).eval()
        metrics = self._judgement() if self.train.judge else {}
        if self.job.preview is not None and self.train.preview and parallel.rank() == 0:
            path = self.job.preview(self.model, self.step)
            log("preview", self.step, path=str(path))
        log("done", self.step, **metrics, ended=self.ended, seconds=round(self.spent, 3))
        return Outcome(
            steps=self.step,
            seconds=self.spent,
            metrics=metrics,
            skipped=sum(g.skipped for g in self.guards.values()),
            rollbacks=sum(g.rollbacks for g in self.guards.values()),
            ended=self.ended,
            privacy=self.way.told(self.step),
        )

    def _compile(self) -> dict[str, Any]:
        """The nets as the losses call them, compiled when the recipe says so ("auto" is decided
        before, by a probe). Judging and sampling use the plain nets."""
        beside: dict[str, Any] = dict(self.job.beside)
        if self.train.compile != "on":
            return beside | dict(self.nets.items())
        torch.compiler.reset()  # else an earlier training's versions count towards the most
        torch._dynamo.config.suppress_errors = True
        compiled: Any = torch.compile
        return beside | {role: compiled(net, dynamic=False) for role, net in self.nets.items()}

    # --- state ------------------------------------------------------------------------------------

    def save(self) -> None:
        """The exact state, by the first rank."""
        if parallel.rank() == 0:
            tensors = {f"weight.{n}": p for n, p in enumerate(self.params)}
            for name, optimiser in self.optimisers.items():
                tensors |= {f"optim.{name}.{k}": v for k, v in optimiser.state().items()}
            if self.average is not None:
                tensors |= {f"ema.{k}": v for k, v in self.average.state().items()}
            for count, (_, tracks) in enumerate(self.stored):
                for n, track in enumerate(tracks):
                    tensors |= {f"stored.{count}.{n}.{m}": x for m, x in enumerate(track)}
            tensors |= {f"best.{n}": w for n, w in enumerate(self.best_weights)}
            checkpoint.save(self.job.run, tensors, self._values())
        parallel.wait()

    def _values(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "attempt": self.attempt,
            "spent": self.spent,
            "stored": [t for t, _ in self.stored],
            "best": self.best,
            "best_step": self.best_step,
            "guards": {p: g.state() for p, g in self.guards.items()},
            "courses": {p: c.state() for p, c in self.courses.items()},
            "leasts": {n: x.state() for n, x in self.leasts.items()},
            "coverage": self.coverage.state(),
            "recipe": self.model.recipe.digest(),
        }

    def restore(self) -> None:
        """Back to the last checkpoint, or to nothing where there is none."""
        found = checkpoint.load(self.job.run)
        if found is None:
            return
        tensors, values = found
        if values.get("recipe") != self.model.recipe.digest():
            raise ModelError(
                f"the checkpoint in {self.job.run} is of another recipe: train without --resume to "
                "start again"
            )
        with torch.no_grad():
            for n, p in enumerate(self.params):
                p.copy_(tensors[f"weight.{n}"])
        for name, optimiser in self.optimisers.items():
            optimiser.restore(_under(tensors, f"optim.{name}."))
        if self.average is not None:
            self.average.restore(_under(tensors, "ema."))
        self.stored = [
            (
                t,
                [
                    [like(p, tensors[f"stored.{c}.{n}.{m}"]) for m, p in enumerate(self.params)]
                    for n in range(len(ema.WIDTHS))
                ],
            )
            for c, t in enumerate(values["stored"])
        ]
        best = _under(tensors, "best.")
        self.best_weights = [like(p, best[str(n)]) for n, p in enumerate(self.params) if best]
        self.best, self.best_step = values["best"], values["best_step"]
        self.step, self.attempt, self.spent = values["step"], values["attempt"], values["spent"]
        self.guards = {p: Guard(**g) for p, g in values["guards"].items()}
        self.courses = {p: Course(**c) for p, c in values.get("courses", {}).items()}
        self.leasts |= {n: Least(**x) for n, x in values.get("leasts", {}).items()}
        self.coverage = Coverage(**values.get("coverage", {}))


class _Swap:
    """Other weights in the nets for a while."""

    def __init__(self, loop: Loop, weights: list[Tensor]) -> None:
        self.loop, self.weights = loop, weights

    def __enter__(self) -> None:
        self.loop.nets.eval()
        self._exchange()

    def __exit__(self, *_: object) -> None:
        self._exchange()
        self.loop.nets.train()

    @torch.no_grad()
    def _exchange(self) -> None:
        for n, p in enumerate(self.loop.params):
            mine = p.detach().clone()
            p.copy_(self.weights[n])
            self.weights[n] = mine


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _too_big(error: RuntimeError) -> ResourceError:
    return ResourceError(
        f"out of memory in a training step ({str(error).splitlines()[0][:80]}): use a smaller "
        "--size, or halve the batch with --set data.batch=N and --set train.accumulate=2"
    )
