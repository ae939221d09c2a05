"""train, plan, load, generate: each a few lines over the floors below.

Joins codecs, loop and engine; knows no formula and no medium.
"""

from __future__ import annotations

import copy
import glob
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from genloom import adapted, averaging, growing, private, store
from genloom import model as stored
from genloom.card import card_of
from genloom.engine.engine import Engine
from genloom.engine.requests import streams
from genloom.engine.tempering import KEY, temperatures
from genloom.errors import ModelError, UsageError
from genloom.exact import exact as exact
from genloom.exact import spoken
from genloom.folders import own_place, read_json, recover, write_json
from genloom.forecast import decide, fresh, job_of, speed_of
from genloom.material import Material, Terms, prepare, read_again
from genloom.net.lora import Adapter
from genloom.net.quantize import quantize
from genloom.recipe import Recipe, Start
from genloom.requested import record as record
from genloom.requested import request_of, software
from genloom.saying import Spoken
from genloom.spec import Options, spec_from_json
from genloom.train import parallel
from genloom.train.log import Event, Listener, silent
from genloom.train.loop import Loop, Outcome
from genloom.train.plan import Plan
from genloom.tuning import BITS, Begun, start_of
from genloom.weights import images
from genloom.weights.exporting import export as written
from genloom.weights.sources import find

FORMS = BITS
SMALLEST = "tiny"  # the size that is for haste: nothing else is tried beside it


class Model(stored.Model):
    """A trained model that generates. Made by `train` or `load`. bits: of packed weights."""

    bits: int | None = None

    def engine(
        self,
        speculate: Literal["lookup"] | stored.Model | None = None,
        guide: stored.Model | None = None,
    ) -> Engine:
        """A new engine on this model; see `Engine` for speculate and guide."""
        return Engine(self, speculate=speculate, guide=guide)

    def generate(
        self,
        prompt: str | int | None = None,
        count: int = 1,
        *,
        seed: int = 0,
        where: Any = None,
        first: int = 0,
        options: Options | None = None,
        guide: stored.Model | None = None,
        **fields: Any,
    ) -> Any:
        """`count` new items in the medium's own collection: texts, pictures or a DataFrame.

        A prompt that is a number is taken as the count. Options (temperature, steps ...) may be
        given by name, and so may an `item` to begin from, a `mask` of what of it is made anew and
        a `control`. guide: see `Engine`. RequestError when the model cannot act on what is asked.
        """
        if isinstance(prompt, int) and not isinstance(prompt, bool):
            prompt, count = None, prompt
        text = None if prompt is None else str(prompt)
        request = request_of(text, count, seed, where, first, options, fields)
        return exact(self, request, guide)

    def say(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        seed: int = 0,
        options: Options | None = None,
        **fields: Any,
    ) -> Iterator[Spoken]:
        """A text of up to 50,000 characters, plain or marked (SSML), piece by piece as it is said:
        each has its sound, its words and their times, see `Spoken`; `generate` makes the same sound
        as one. voice: of the model's own; an `item` with `consent` is another."""
        where = None if voice is None else {"voice": voice}
        fields |= {} if speed is None else {"speed": speed}
        return spoken(self, request_of(text, 1, seed, where, 0, options, fields))

    def training_items(self) -> Any:
        """The items it learnt from, read again from where they lay."""
        return read_again(self)[0]

    def held_out_items(self) -> Any:
        """The items that were kept back while it was trained."""
        return read_again(self)[1]


# --- training -----------------------------------------------------------------------------------


def train(
    medium: str | Recipe,
    data: Any,
    *,
    out: str | Path | None = None,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    resume: bool = False,
    licence: str | None = None,
    start: stored.Model | str | Path | None = None,
    adapter: Adapter | Literal["lora", "dora"] | None = None,
    bits: int | None = None,
    teacher: stored.Model | str | Path | None = None,
    reward: str | Callable[..., Any] | None = None,
    validation: Any = None,
    epochs: float | None = None,
    rates: float = 1.0,
    checkpoints: int = 0,
    epsilon: float | None = None,
    delta: float | None = None,
    device: str = "auto",
    listener: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Model:
    """Learn from a file, a folder, a DataFrame or a list; save the model; return it.

    minutes is the one dial: size, batch and schedule follow from it and from a probe of this
    machine. out: a name or a path (the medium's name unless given). changes: "train.steps=200".
    resume goes on from where a stopped training of the same name left off.

    start: a model to go on from instead of new nets; its codec is kept. adapter: train low-rank
    parts beside its frozen weights, which `bits` may pack (16, 8 or 4). teacher: a model of the
    same vocabulary to learn from, for the families that have one.

    reward: what judges a model's tries at tasks, in the words of `--reward`, or a function of a
    mapping (prompt, completion and what else the task says) that gives a number; to resume with a
    function, give it again.

    validation: data to judge by, in place of a share held back; to resume, give it again. epochs:
    passes over the data, in place of the recipe's steps. rates: a factor on the recipe's rates.
    checkpoints: so many models as they were at the ends of the last passes stay as NAME:step-N.

    epsilon, delta: differential privacy of rows (tables): what the model tells of any one row is
    bounded so; the card says how. The same seed then makes another model each time: noise that
    could be made again would bound nothing.
    """
    parallel.join()
    begun = time.monotonic()
    target = store.place(out if out is not None else _name(medium, data))
    own_place(target)
    with _held(target) as run, ExitStack() as after:
        store.forget(run)
        recipe = _resumed(run) if resume else None
        where = pick_device(device)
        source = None if recipe else _begun(start, adapter, bits, teacher)
        privacy = private.asked(epsilon, delta, source, recipe)
        if privacy is not None and checkpoints:
            raise UsageError("checkpoints beside a model with epsilon state none: leave them out")
        key = private.key_in(run, resume) if privacy is not None else b""
        material = prepare(
            medium,
            data,
            size,
            minutes,
            seed,
            changes,
            licence,
            listener,
            recipe,
            source,
            speed_of(where),
            reward,
            Terms(validation=validation, epochs=epochs, rates=rates, privacy=privacy, key=key),
        )
        after.callback(material.close)
        if recipe is None:
            forecast = decide(material, size, minutes, begun, run, where)
            listener(Event(kind="plan", step=0, values=forecast.to_json()))
            if parallel.rank() == 0:
                _clear(run)
                write_json(run / "recipe.json", material.recipe.to_json())
                _note(run, medium, data)
        model = fresh(material, Model)
        growing.grow(material, model)
        model.nets.to(where)
        halt = partial(store.asked, run, store.PAUSE)
        job = job_of(material, model, run, listener, lambda: stop() or halt(), resume)
        job.enough = partial(store.asked, run, store.END)
        if checkpoints and parallel.rank() == 0:
            job.keep = partial(_keep, material, target, checkpoints, listener)
            job.kept = material.passes
        loop = Loop(job)
        outcome = loop.fit()
        model.nets.to("cpu")
        chosen = told = None
        plain = isinstance(medium, str) and not (changes or source or resume or material.ledger)
        if plain and size != SMALLEST:
            chosen = growing.better(material, model, minutes, begun, listener)
        if chosen is not None:
            material, model, told = chosen
            outcome.metrics = told.metrics
        model.card = card_of(material, outcome, time.monotonic() - begun, where)
        model.card |= {} if told is None else {"chosen": told.to_json()}
        held = material.held_encoded if material.ledger is None else None  # every look is counted
        model.card |= {KEY: t} if (t := temperatures(model, held)) else {}
        if parallel.rank() == 0:
            adapted.save(model, target)
            averaging.keep(model, run, loop.snapshots())
            shutil.rmtree(run / "checkpoint", ignore_errors=True)
            private.forget(run)
            store.forget(run)
        parallel.wait()
    return model


def _begun(start: Any, adapter: Any, bits: Any, teacher: Any) -> tuple[Start, Begun] | None:
    if start is None and teacher is None and adapter is None and bits is None:
        return None
    return start_of(start, adapter, bits, teacher)


def plan(
    medium: str | Recipe,
    data: Any,
    *,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    price: float | None = None,
    start: stored.Model | str | Path | None = None,
    adapter: Adapter | Literal["lora", "dora"] | None = None,
    bits: int | None = None,
    teacher: stored.Model | str | Path | None = None,
    reward: str | Callable[..., Any] | None = None,
    device: str = "auto",
) -> Plan:
    """What `train` with the same arguments would take: memory, seconds and, at a price an hour,
    money. Nothing is kept. ResourceError with the numbers when memory cannot suffice."""
    asked: dict[str, Any] = {"minutes": minutes, "size": size, "seed": seed, "changes": changes}
    asked |= {"start": start, "adapter": adapter, "bits": bits, "teacher": teacher}
    asked["reward"] = reward
    forecast, _ = foresee(medium, data, device=device, **asked)
    cost = None if price is None else price * forecast.seconds / 3600
    return replace(forecast, cost=cost)


def foresee(
    medium: str | Recipe,
    data: Any,
    *,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    reward: Any = None,
    device: str = "auto",
    listener: Listener = silent,
    **start: Any,
) -> tuple[Plan, Recipe]:
    """The plan, and the recipe as it was decided. start: start, adapter, bits and teacher, as in
    `plan`. The listener hears what was read."""
    begun = time.monotonic()
    source = _begun(*(start.get(name) for name in ("start", "adapter", "bits", "teacher")))
    where = pick_device(device)
    told = (medium, data, size, minutes, seed, changes, None, listener, None, source)
    material = prepare(*told, speed_of(where), reward)
    with closing(material), tempfile.TemporaryDirectory() as folder:
        forecast = decide(material, size, minutes, begun, Path(folder), where)
    return forecast, material.recipe


def load(
    name: str | Path,
    device: str = "auto",
    bits: int | None = None,
    adapter: str | Path | None = None,
) -> Model:
    """The model of a name or at a path. ModelError when it is missing or damaged.

    bits: of the weights of a model of texts: 32, 16, 8 or 4, packed for serving (such a model is
    not saved again). None: as trained; on a CPU, weights that are stored in 16 bits stay so.
    adapter: what is to stand beside its weights, a PEFT folder or a model trained as one.
    """
    if bits is not None and bits not in FORMS:
        raise UsageError(f"bits is {bits}: give one of {', '.join(map(str, FORMS))}")
    place, where = store.existing(name), pick_device(device)
    if (place / "linked.json").is_file():
        raise ModelError(f"{place} is joined of several models: load it by genloom.linked.load")
    model = adapted.load(Model, place, where, adapter=adapter, bits=bits)
    if images.is_one(place):
        return model
    half = model.device.type == "cpu" and next(model.nets.parameters()).dtype != torch.float32
    texts = streams(model.codec.spec)
    if bits is not None and not texts:
        raise UsageError("bits are for models of texts: load this one without")
    if bits is not None or (half and texts):
        model.bits = bits or 16
        net: Any = model.nets["net"]
        quantize(net, FORMS[model.bits])
    elif half:
        model.nets.float()
    return model


def of_texts(name: str | Path) -> bool:
    """Whether a model's weights may be packed into fewer bits: it draws runs of ids."""
    place = store.existing(name)
    if images.is_one(place):
        return False
    try:
        spec: Any = spec_from_json(read_json(place / "spec.json")["codec"])
        return streams(spec)
    except (OSError, KeyError, TypeError, ValueError):
        return False  # loading says what is wrong


def fingerprint(name: str | Path, adapter: str | Path | None = None) -> str:
    """SHA-256 over the weights as they are stored, whatever is loaded of them."""
    place = store.existing(name)
    if images.is_one(place):
        return images.fingerprint(place, adapter)
    model = adapted.load(Model, place, adapter=adapter)
    return adapted.digest(model) if adapter is None else str(model.card["weights"])


def import_weights(
    source: str | Path,
    *,
    name: str | Path | None = None,
    revision: str | None = None,
    token: str | None = None,
    base: str | Path | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, of: None,
) -> Model:
    """A published model as one of ours, saved: from a folder, a GGUF file, or a hub's
    "org/name" or "org/name:file.gguf". Weights stay in the type they are stored in.

    name: a name or a path (the source's own name unless given). revision: a branch, tag or commit.
    base: the model of ours that the source, a PEFT folder, is an adapter for.
    progress hears "fetching" and "reading" with what is done, and of how much. ModelError names
    what is missing, damaged, unsafe, not known or not allowed.
    """
    if name is not None:
        own_place(store.place(name))
    made = {"software": software(), "created": datetime.now(UTC).isoformat(timespec="seconds")}
    if base is not None:
        return adapted.bring(_as_stored(base), Path(source).expanduser(), name, made)
    found = find(source, revision=revision, token=token, progress=partial(progress, "fetching"))
    target = store.place(name if name is not None else found.name)
    own_place(target)
    with store.locked(target):
        model = found.bring(Model, partial(progress, "reading"))
        model.recipe = replace(model.recipe, name=target.name)
        model.card |= {"notes": list(found.notes), **made}
        adapted.save(model, target)
    return model


def export(
    model: stored.Model | str | Path,
    path: str | Path,
    *,
    to: Literal["hf", "gguf", "peft"] = "hf",
    type: str | None = None,
    progress: Callable[[str, int, int], None] = lambda stage, done, of: None,
) -> tuple[str, ...]:
    """Write a model for other libraries: the Hugging Face layout (a folder), GGUF (a file), or of
    a model with an adapter this alone, as PEFT has it (a folder); else the adapter is worked in.

    type: f16, bf16, q8_0 (GGUF) or f32 (folder). Returns notes on what readers will do otherwise.
    progress hears "writing" with what is done, and of how much. ModelError with the reason where
    the model has no such form.
    """
    given = model if isinstance(model, stored.Model) else _as_stored(model)
    if to == "peft":
        return adapted.export(given, Path(path).expanduser())
    told = partial(progress, "writing")
    return written(adapted.whole(given), to, Path(path).expanduser(), type, told)


def _as_stored(name: str | Path) -> Model:
    return adapted.load(Model, store.existing(name))


def generate(
    model: stored.Model | str | Path,
    prompt: str | int | None = None,
    count: int = 1,
    *,
    seed: int = 0,
    where: Any = None,
    first: int = 0,
    options: Options | None = None,
    **fields: Any,
) -> Any:
    """`Model.generate` for a model or its name."""
    if isinstance(model, stored.Model) and not isinstance(model, Model):
        raise UsageError("this model came without an engine: give its name, or load it by `load`")
    made = model if isinstance(model, Model) else load(model)
    return made.generate(
        prompt, count, seed=seed, where=where, first=first, options=options, **fields
    )


def pick_device(name: str) -> torch.device:
    """ "auto" is a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is not known: use auto, cpu or cuda") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"device {name!r} is not there: use auto or cpu")
    return device


# --- the parts of a training ----------------------------------------------------------------------


def _held(target: Path) -> AbstractContextManager[Path]:
    """The run's folder, locked by the first process of those that train together."""
    first = parallel.rank() == 0
    return store.locked(target) if first else nullcontext(store.run_folder(target))


def _name(medium: str | Recipe, data: Any) -> str:
    kind = medium if isinstance(medium, str) else medium.name
    stem = Path(data).stem if isinstance(data, str | Path) else ""
    return f"{stem}-{kind}" if stem else kind


def _resumed(run: Path) -> Recipe:
    """The recipe of the training that was stopped here."""
    file = run / "recipe.json"
    if not file.is_file() or not recover(run / "checkpoint").is_dir():
        raise ModelError(f"nothing to resume at {run}: train without --resume")
    try:
        return Recipe.from_json(read_json(file))
    except ValueError as error:
        raise ModelError(f"{file} is damaged: train without --resume to start again") from error


def _clear(run: Path) -> None:
    """Forget an earlier training of this name."""
    for name in ("checkpoint", "previews", "averages"):
        shutil.rmtree(run / name, ignore_errors=True)
    (run / "metrics.jsonl").unlink(missing_ok=True)


def _note(run: Path, medium: str | Recipe, data: Any) -> None:
    """What it learns, and from where: whoever lists trainings tells it, and can go on with one."""
    path = str(Path(data).expanduser().resolve()) if isinstance(data, str | Path) else ""
    kind = medium if isinstance(medium, str) else medium.name
    write_json(run / "begun.json", {"medium": kind, "data": path, "begun": time.time()})


def _keep(
    material: Material, target: Path, most: int, listener: Listener, model: Model, step: int
) -> None:
    """Save the model as it is at a step beside the one to be; of these only the last ones stay."""
    now = Model(
        recipe=model.recipe, codec=model.codec, prompt=model.prompt, nets=copy.deepcopy(model.nets)
    )
    now.nets.requires_grad_(False)
    now.card = card_of(material, Outcome(steps=step, seconds=0.0), 0.0, model.device)
    place = target.with_name(f"{target.name}:step-{step}")
    adapted.save(now, place)
    listener(Event(kind="kept", step=step, values={"path": str(place), "model": place.name}))
    names = target.parent.glob(f"{glob.escape(target.name)}:step-[0-9]*")
    for old in sorted(names, key=lambda path: int(path.name.rpartition("-")[2]))[:-most]:
        shutil.rmtree(old)
