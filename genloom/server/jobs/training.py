"""Fine-tuning: a training in a process of its own, its events, checkpoints and results kept.

given: what routes/fine_tuning was asked, with the name of the model to be; result: {"phase",
"data", "plan", "checkpoints", "tokens", "files", "line"}. It goes on from its last checkpoint.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom import store
from genloom.folders import read_json
from genloom.server.failure import Failure, failure_of
from genloom.server.jobs.training_data import (
    Convert,
    Faulty,
    Prepared,
    answered,
    preferred,
    prepare,
    supervised,
)
from genloom.server.jobs.training_process import TrainingProcess
from genloom.server.jobs.training_results import loss_of, metrics, table_of
from genloom.server.jobs.work import Stop, Tools, Work
from genloom.server.records.jobs import Job
from genloom.server.records.records import Records
from genloom.server.threads import in_thread
from genloom.server.trainings import forget

FOLDER = "trainings"
CHECKPOINTS = 3
# A method -> the preset that it is, "" where the lines tell, and how its lines are read.
METHODS: dict[str, tuple[str, Any]] = {
    "supervised": ("", lambda given: supervised),
    "dpo": ("preference", lambda given: preferred),
    "reinforcement": ("reward", lambda given: answered(given.get("answer", ""))),
}
DIED = Failure(500, "the training's process died: it may lack memory", code="training_died")


async def run(work: Work) -> None:
    await work.keep(phase="validating")
    if "data" not in work.result:
        await work.note("Validating the training file")
        await _prepare(work)
    course = Course(work)
    process = await TrainingProcess.start(_said(work))
    stopping = asyncio.create_task(_stop_in_time(work, process))
    try:
        async for told in process.news():
            await course.hear(told)
    finally:
        stopping.cancel()
        await process.close(work.tools.limits.stop_seconds)
    await course.ended()


async def _stop_in_time(work: Work, process: TrainingProcess) -> None:
    await work.stopping.wait()
    process.stop()
    await asyncio.sleep(work.tools.limits.stop_seconds)
    process.process.kill()


# --- before ---------------------------------------------------------------------------------------


async def _prepare(work: Work) -> None:
    """Bring the files to where the process reads them, and find the preset."""
    if path := work.given.get("data"):  # a data set, which was looked at before
        await work.keep(data={"medium": work.given["medium"], "data": path, "strict": False})
        return
    convert: Convert = METHODS[work.given["method"]][1](work.given)
    try:
        told = await in_thread(_files, work.tools, work.job, convert)
    except Faulty as error:
        await work.keep(line=error.line)
        raise
    train: Prepared = told["training_file"]
    preset = work.given.get("medium") or METHODS[work.given["method"]][0]
    preset = preset or await in_thread(_preset, work.given["start"], train.presets)
    held = told.get("validation_file")
    data = {"medium": preset, "data": train.path, "strict": train.lines}
    await work.keep(data=data | ({} if held is None else {"validation": held.path}))


def _files(tools: Tools, job: Job, convert: Convert) -> dict[str, Prepared]:
    made = {}
    for param in ("training_file", "validation_file"):
        if id := job.given.get(param):
            place = folder_of(job.id, tools) / param.partition("_")[0]
            made[param] = _file(tools.records, id, job.owner, place, param, convert)
    return made


def _file(
    records: Records, id: str, owner: str, place: Path, param: str, convert: Convert
) -> Prepared:
    try:
        file = records.files.get(id, owner)
    except Failure:
        told = f"the {param} {id!r} was deleted before it was read"
        raise Failure(400, told, code=f"invalid_{param}", param=param) from None
    return prepare(records.files.path(file.sha256), file.filename, place, param, convert)


def _preset(start: str | None, asked: tuple[str, ...]) -> str:
    """By what the lines ask for and how the model speaks; else what it was trained by itself."""
    if start is None and asked:
        return asked[0]
    if start is None:
        told = "the lines do not tell what is to be learnt: say which medium"
        raise Failure(400, told, code="invalid_training_file", param="medium")
    recipe = read_json(store.existing(start) / "recipe.json")
    if asked:
        return asked[recipe["codec"]["kind"] != asked[0]]
    return str(recipe["name"])


def _said(work: Work) -> dict[str, Any]:
    """The training as hosting.training takes it."""
    given, data = work.given, work.result["data"]
    names = ("seed", "size", "minutes", "epochs", "rates", "changes", "start", "adapter", "reward")
    names = (*names, "teacher", "licence")
    said = {name: given[name] for name in names if given.get(name) is not None}
    return {**data, **said, "out": given["name"], "checkpoints": CHECKPOINTS}


# --- while it runs --------------------------------------------------------------------------------


class Course:
    """One training as it tells of itself."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.steps = int(work.result.get("plan", {}).get("steps", 0))
        self.step = 0
        self.end: dict[str, Any] = {}
        self._latest: dict[str, float] = {}

    async def hear(self, told: Mapping[str, Any]) -> None:
        if told["say"] != "event":
            self.end = dict(told)
            return
        values, self.step = told["values"], max(self.step, told["step"])
        if heard := getattr(self, f"_on_{told['kind']}", None):
            await heard(values)

    async def _on_fit(self, values: Mapping[str, Any]) -> None:
        for note in values.get("notes", ())[:20]:
            await self.work.note(str(note)[:500], level="warn")

    async def _on_plan(self, values: Mapping[str, Any]) -> None:
        self.steps = values["steps"]
        await self.work.keep(plan=dict(values))
        told = f"{values['items']:,} items, {self.steps:,} steps, about {values['seconds']:.0f} s"
        await self.work.note(f"Files validated: {told}", data=values)

    async def _on_start(self, values: Mapping[str, Any]) -> None:
        self.steps = values["steps"]
        await self._estimate(0.0)
        await self.work.keep(phase="running")
        await self.work.note("Training started" if not self.step else "Training goes on")

    async def _on_step(self, values: Mapping[str, Any]) -> None:
        told = {"step": self.step, "total_steps": self.steps, **metrics("train", values)}
        self._latest |= {k: v for k, v in told.items() if isinstance(v, float)}
        message = f"Step {self.step}/{self.steps}: training loss={loss_of(values):.4f}"
        await self.work.note(message, type="metrics", data=told)
        await self.work.progress(100 * self.step / max(1, self.steps))
        await self._estimate(float(values.get("seconds", 0.0)))

    async def _on_judge(self, values: Mapping[str, Any]) -> None:
        told = {"step": self.step, "total_steps": self.steps, **metrics("valid", values)}
        self._latest |= {k: v for k, v in told.items() if isinstance(v, float)}
        message = f"Step {self.step}/{self.steps}: validation loss={loss_of(values):.4f}"
        await self.work.note(message, type="metrics", data=told)

    async def _on_kept(self, values: Mapping[str, Any]) -> None:
        made = {
            "id": f"ftckpt_{self.work.job.id.partition('-')[2]}_{self.step}",
            "model": values["model"],
            "step": self.step,
            "created": int(time.time()),
            "metrics": {"step": self.step, **self._latest},
        }
        before = [one for one in self.work.result.get("checkpoints", ()) if one["id"] != made["id"]]
        await self.work.keep(checkpoints=[*before, made][-CHECKPOINTS:])
        await self.work.note(f"Checkpoint created at step {self.step}: {values['model']}")

    async def _on_guard(self, values: Mapping[str, Any]) -> None:
        told = str(values.get("told") or values.get("verdict", "a step was left out"))
        await self.work.note(f"Step {self.step}: {told}"[:500], level="warn")

    async def _estimate(self, spent: float) -> None:
        """When it will be done, by the plan at first and then by its own pace."""
        plan = float(self.work.result.get("plan", {}).get("seconds", 0.0))
        left = plan * (1 - self.step / max(1, self.steps))
        if self.step and spent:
            left = spent / self.step * (self.steps - self.step)
        now = time.time()
        if abs(now + left - self.work.result.get("finish", 0)) > max(5.0, 0.05 * left):
            await self.work.keep(finish=int(now + left))

    # --- the end ------------------------------------------------------------------------------

    async def ended(self) -> None:
        how = self.end.get("say")
        if how == "done":
            await self._succeeded()
        elif how == "failed":
            await self._failed(self.end["error"])
        elif how == "stopped" or self.work.stopping.is_set():
            await self.work.note(f"Training stopped at step {self.step}; its state is kept")
            raise Stop(self.work.reason or "drain")
        else:
            raise DIED

    async def _succeeded(self) -> None:
        work, card = self.work, self.end["card"]
        run = store.run_folder(store.place(work.given["name"]))
        told = await in_thread(table_of, run / "metrics.jsonl")
        file = await in_thread(
            work.tools.records.files.put,
            told,
            "step_metrics.csv",
            "fine-tune-results",
            owner=work.job.owner,
            media="text/csv",
        )
        plan, steps = work.result.get("plan", {}), int(card.get("steps", self.step))
        seen = plan.get("epochs", 0.0) * plan.get("targets", 0) * steps / max(1, self.steps)
        await work.keep(files=[file.id], tokens=round(seen), metrics=card.get("metrics", {}))
        await work.note(f"New fine-tuned model created: {work.given['name']}")

    async def _failed(self, error: Mapping[str, Any]) -> None:
        if error.get("line"):
            await self.work.keep(line=error["line"])
        failure = failure_of(error)
        if failure.code == "invalid_data":
            failure.code, failure.param = "invalid_training_file", "training_file"
        await self.work.note(failure.message[:500], level="error")
        raise failure


def folder_of(id: str, tools: Tools) -> Path:
    return tools.folder / FOLDER / id


async def dropped(job: Job, tools: Tools) -> None:
    """Its state goes; the model, where there is one, is a model like any other."""
    await in_thread(shutil.rmtree, folder_of(job.id, tools), True)
    await in_thread(forget, store.run_folder(store.place(job.given["name"])))
