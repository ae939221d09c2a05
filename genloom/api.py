"""train, plan, load, generate: each a few lines over the floors below.

Joins codecs, loop and engine; knows no formula and no medium.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genloom import model as stored
from genloom import registry, store
from genloom.codec.base import Codec
from genloom.data.loader import Loader, evaluation
from genloom.data.source import Manifest
from genloom.data.split import split_items, split_stream, take
from genloom.engine.engine import Engine
from genloom.errors import DataError, ModelError, RecipeError, RequestError, UsageError
from genloom.recipe import Facts, Recipe
from genloom.spec import Options, Request, TokenSpec
from genloom.train import parallel
from genloom.train import plan as planning
from genloom.train.log import Event, Listener, silent
from genloom.train.loop import Job, Loop
from genloom.train.plan import Plan

SIZES = ("tiny", "small", "base", "large")
LEAST_ITEMS = 8
JUDGED = 2000  # items made for a judgement
JUDGED_SECONDS = 4.0
JUDGEMENTS = 4  # a run


class Model(stored.Model):
    """A trained model that generates. Made by `train` or `load`."""

    def engine(self) -> Engine:
        """A new engine on this model."""
        return Engine(self)

    def generate(
        self,
        prompt: str | int | None = None,
        count: int = 1,
        *,
        seed: int = 0,
        where: Any = None,
        first: int = 0,
        options: Options | None = None,
        **fields: Any,
    ) -> Any:
        """`count` new items in the medium's own collection: texts, pictures or a DataFrame.

        A prompt that is a number is taken as the count. Options (temperature, steps ...) may be
        given by name. RequestError when the model cannot act on what is asked.
        """
        if isinstance(prompt, int) and not isinstance(prompt, bool):
            prompt, count = None, prompt
        request = request_of(prompt, count, seed, where, first, options, fields)
        return exact(self, request)

    def training_items(self) -> Any:
        """The items it learnt from, read again from where they lay."""
        return _parts_again(self)[0]

    def held_out_items(self) -> Any:
        """The items that were kept back while it was trained."""
        return _parts_again(self)[1]


def request_of(
    prompt: str | None,
    count: int,
    seed: int,
    where: Any,
    first: int,
    options: Options | None,
    fields: dict[str, Any],
) -> Request:
    """A request; RequestError for an option that does not exist."""
    try:
        options = replace(options or Options(), **fields)
    except TypeError as error:
        known = ", ".join(Options.__dataclass_fields__)
        raise RequestError(f"options {', '.join(fields)}: known are {known}") from error
    return Request(
        prompt=prompt, seed=seed, count=count, first=first, where=where, options=options
    )


def exact(model: stored.Model, request: Request) -> Any:
    """The request's items; where conditions reach further than ids can say (part of a bin), rows
    that miss them are drawn again under further numbers."""
    with Engine(model) as engine:
        if not request.where:
            return engine.submit(request).result()
        return _redrawn(model.codec, engine, request)


def _redrawn(codec: Any, engine: Engine, request: Request) -> Any:
    kept: list[Tensor] = []
    first, missing, tries = request.first, request.count, 0
    while missing > 0:
        asked = max(64, round(missing * 1.2)) if tries else missing
        generation = engine.submit(replace(request, first=first, count=asked))
        generation.result()
        rows = generation.tensors()
        good = torch.as_tensor(codec.matches(codec.decode(rows), request.where))
        kept.append(rows[good][:missing])
        missing -= len(kept[-1])
        first, tries = first + asked, tries + 1
        if tries > 50 and missing:
            raise RequestError(
                f"only {request.count - missing} of {request.count} rows met {request.where!r} "
                f"in {first - request.first} tries: loosen the conditions"
            )
    return codec.decode(torch.cat(kept))


# --- training -----------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Material:
    """Data read, split and encoded, with a recipe that fits it."""

    recipe: Recipe
    codec: Codec
    prompt: Any
    train_items: Any
    held_items: Any
    encoded: Any
    prompts: Tensor | None
    held_encoded: Any
    held_prompts: Tensor | None
    manifest: Manifest

    def loader(self) -> Loader:
        d = self.recipe.data
        return Loader(
            self.encoded,
            self.codec.spec,
            batch=d.batch,
            seed=self.recipe.train.seed,
            prompts=self.prompts,
            pack=d.pack,
            document=d.separate,
        )

    def model(self) -> Model:
        """Fresh nets, the same for the same seed."""
        told = None if self.prompt is None else self.prompt.spec
        with torch.random.fork_rng():
            torch.manual_seed(self.recipe.train.seed)
            nets = self.recipe.make_nets(self.codec.spec, told)
        return Model(recipe=self.recipe, codec=self.codec, prompt=self.prompt, nets=nets)


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
    device: str = "auto",
    listener: Listener = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Model:
    """Learn from a file, a folder, a DataFrame or a list; save the model; return it.

    minutes is the one dial: size, batch and schedule follow from it and from a probe of this
    machine. out: a name or a path (the medium's name unless given). changes: "train.steps=200".
    resume goes on from where a stopped training of the same name left off.
    """
    parallel.join()
    begun = time.monotonic()
    target = store.place(out if out is not None else _name(medium, data))
    with store.locked(target) as run:
        recipe = _resumed(run) if resume else None
        material = _prepare(medium, data, size, minutes, seed, changes, licence, listener, recipe)
        where = pick_device(device)
        if recipe is None:
            material, forecast = _planned(material, size, minutes, begun, run, where)
            listener(Event(kind="plan", step=0, values=forecast.to_json()))
            stored.write_json(run / "recipe.json", material.recipe.to_json())
            _clear(run)
        model = material.model()
        model.nets.to(where)
        outcome = Loop(_job(material, model, run, listener, stop, resume)).fit()
        model.nets.to("cpu")
        model.card = _card(material, outcome, time.monotonic() - begun, where)
        if parallel.rank() == 0:
            model.save(target)
            stored.shutil.rmtree(run / "checkpoint", ignore_errors=True)
    return model


def plan(
    medium: str | Recipe,
    data: Any,
    *,
    minutes: float | None = None,
    size: str | None = None,
    seed: int = 0,
    changes: Sequence[str] = (),
    price: float | None = None,
    device: str = "auto",
) -> Plan:
    """What `train` with the same arguments would take: memory, seconds and, at a price an hour,
    money. Nothing is kept. ResourceError with the numbers when memory cannot suffice."""
    begun = time.monotonic()
    material = _prepare(medium, data, size, minutes, seed, changes, None, silent, None)
    with stored.tempfile.TemporaryDirectory() as folder:
        where = pick_device(device)
        _, forecast = _planned(material, size, minutes, begun, Path(folder), where)
    cost = None if price is None else price * forecast.seconds / 3600
    return replace(forecast, cost=cost)


def load(name: str | Path, device: str = "auto") -> Model:
    """The model of a name or at a path. ModelError when it is missing or damaged."""
    return Model.load(store.existing(name), device=pick_device(device))


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
    made = model if isinstance(model, Model) else load(model)
    return made.generate(
        prompt, count, seed=seed, where=where, first=first, options=options, **fields
    )


def record(model: stored.Model, request: Request) -> dict[str, Any]:
    """Where an asset comes from: everything that is needed to make it again."""
    data = model.card.get("data", {})
    where = request.where if request.where is None or isinstance(request.where, str) else dict(
        request.where
    )
    return {
        "genloom": software()["genloom"],
        "model": str(model.folder or model.recipe.name),
        "weights": model.card.get("weights") or model.digest(),
        "recipe": model.recipe.digest(),
        "data": {k: data[k] for k in ("sha256", "licence", "items") if k in data},
        "media": model.codec.media,
        "prompt": request.prompt,
        "where": where,
        "seed": request.seed,
        "first": request.first,
        "count": request.count,
        "options": request.options.given(),
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def software() -> dict[str, str]:
    """Versions of what computes."""
    try:
        own = version("genloom")
    except PackageNotFoundError:
        own = "unknown"
    return {"genloom": own, "torch": torch.__version__, "python": platform.python_version()}


def pick_device(name: str) -> torch.device:
    """"auto" is a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r} is not known: use auto, cpu or cuda") from error


# --- the parts of a training ----------------------------------------------------------------------


def _name(medium: str | Recipe, data: Any) -> str:
    kind = medium if isinstance(medium, str) else medium.name
    stem = Path(data).stem if isinstance(data, str | Path) else ""
    return f"{stem}-{kind}" if stem else kind


def _resumed(run: Path) -> Recipe:
    """The recipe of the training that was stopped here."""
    file = run / "recipe.json"
    if not file.is_file() or not stored.recover(run / "checkpoint").is_dir():
        raise ModelError(f"nothing to resume at {run}: train without --resume")
    return Recipe.from_json(stored.read_json(file))


def _clear(run: Path) -> None:
    """Forget an earlier training of this name."""
    for name in ("checkpoint", "previews"):
        stored.shutil.rmtree(run / name, ignore_errors=True)
    (run / "metrics.jsonl").unlink(missing_ok=True)


def _prepare(
    medium: str | Recipe,
    data: Any,
    size: str | None,
    minutes: float | None,
    seed: int,
    changes: Sequence[str],
    licence: str | None,
    listener: Listener,
    recipe: Recipe | None,
) -> Material:
    chooser = registry.find("recipe", medium) if isinstance(medium, str) else None
    if size is not None and size not in SIZES:
        raise RecipeError(f"size {size!r} is not known: use one of {', '.join(SIZES)}")
    if minutes is not None and not 0 < minutes < 1e5:
        raise UsageError(f"minutes is {minutes}, but more than 0 is expected")
    draft = recipe or (medium if isinstance(medium, Recipe) else chooser("tiny", Facts(
        items=1000, units=10**6, captions=None, side=32)))
    items, manifest = _read(draft.make_codec(), data, licence, listener)
    if recipe is None:
        if chooser is not None:
            facts = _facts(draft.make_codec(), items, changes)
            recipe = chooser(size or _size_for(chooser, minutes), facts)
        else:
            recipe = draft
        recipe = recipe.with_(*changes).training(seed=seed)
    recipe.check()
    return _encoded(recipe, items, manifest)


def _read(codec: Codec, data: Any, licence: str | None, listener: Listener) -> tuple[Any, Manifest]:
    if not isinstance(data, str | Path):
        if len(data) == 0:
            raise DataError("the data given has no items: give at least one")
        blocks = (repr(row).encode() for row in _rows(data))
        manifest = Manifest.of_memory(blocks, items=len(data), licence=licence)
        return data, manifest
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist: give a file or a folder")
    listener(Event(kind="reading", step=0, values={"path": str(path)}))
    reading = codec.read(path)
    manifest = Manifest.of_files(
        path.resolve(), reading.files, items=len(reading.items), licence=licence
    )
    told = {
        "items": len(reading.items),
        "skipped": dict(reading.skipped),
        "notes": list(reading.notes),
        "licence": manifest.licence,
    }
    listener(Event(kind="read", step=0, values=told))
    return reading.items, manifest


def _rows(data: Any) -> Any:
    return data.itertuples() if hasattr(data, "itertuples") else data


def _facts(codec: Codec, items: Any, changes: Sequence[str]) -> Facts:
    captions = codec.captions(items)
    units = sum(len(x) if isinstance(x, str) else 1 for x in items)
    return Facts(
        items=len(items),
        units=units,
        captions=captions if captions is not None and all(captions) else None,
        side=_side(codec, items, changes),
    )


def _side(codec: Any, items: Any, changes: Sequence[str]) -> int | None:
    """The side that pictures are to have: as asked, else what suits them, at most 64."""
    for change in changes:
        key, _, value = change.partition("=")
        if key.strip() == "codec.size" and value.strip().isdigit():
            return int(value)
    natural = getattr(codec, "natural_size", None)
    return None if natural is None else natural(items)


def _size_for(chooser: Callable[..., Recipe], minutes: float | None) -> str:
    """The size a preset means for so many minutes."""
    limits = registry.minutes_of(chooser)
    if minutes is None:
        return "small"
    return next(size for size in SIZES if minutes <= limits[size])


def _split(recipe: Recipe, items: Any) -> tuple[Any, Any]:
    """(training, held out); packed streams by position, items by a hash of their number."""
    share = recipe.data.holdout
    if recipe.data.pack:
        return split_stream(items, share) if share else (items, [])
    first, last = split_items(len(items), share)
    return take(items, first), take(items, last)


def _encoded(recipe: Recipe, items: Any, manifest: Manifest) -> Material:
    if not recipe.data.pack and len(items) < LEAST_ITEMS:
        raise DataError(
            f"{len(items)} items are too few to learn from: give at least {LEAST_ITEMS}"
        )
    train_items, held_items = _split(recipe, items)
    codec, prompt = recipe.make_codec(), recipe.make_prompt()
    codec.fit(train_items)
    prompts = held_prompts = None
    if prompt is not None:
        captions = codec.captions(train_items)
        if captions is None or not any(captions):
            raise DataError(
                f"prompt {recipe.prompt.kind!r} needs captions, but the data has none: add "
                "captions (a folder a class, metadata.jsonl or .txt beside the pictures), or leave "
                "the prompt out with --set prompt=null"
            )
        prompt.fit(captions)
        prompts = prompt.encode(captions)
        held = codec.captions(held_items) if len(held_items) else None
        held_prompts = None if held is None else prompt.encode(held, strict=False)
    return Material(
        recipe=recipe,
        codec=codec,
        prompt=prompt,
        train_items=train_items,
        held_items=held_items,
        encoded=codec.encode(train_items),
        prompts=prompts,
        held_encoded=codec.encode(held_items) if len(held_items) else None,
        held_prompts=held_prompts,
        manifest=manifest,
    )


def _planned(
    material: Material,
    size: str | None,
    minutes: float | None,
    begun: float,
    run: Path,
    device: torch.device,
) -> tuple[Material, Plan]:
    """The material with its steps decided, and the forecast."""
    t = material.recipe.train
    free = planning.free_bytes(device)
    with torch.device("meta"):
        told = None if material.prompt is None else material.prompt.spec
        nets = material.recipe.make_nets(material.codec.spec, told)
    parameters = sum(p.numel() for p in nets.parameters())
    planning.refuse_if_too_big(planning.least_bytes(parameters), free, "training")
    model = material.model()
    model.nets.to(device)
    found = planning.probe(_job(material, model, run, silent, lambda: False, False))
    planning.refuse_if_too_big(found.peak_bytes, free, "training")
    if minutes is not None:
        left = 60 * minutes - (time.monotonic() - begun) - 1.0
        judgements = JUDGEMENTS if t.judge else 0
        previews = JUDGEMENTS if t.preview else 0
        steps = planning.steps_within(found, left, judgements, previews)
        every = max(1, -(-steps // JUDGEMENTS))
        t = replace(
            t,
            steps=steps,
            judge=every if t.judge else 0,
            preview=every if t.preview else 0,
        )
        material.recipe = replace(material.recipe, train=t)
    loader = material.loader()
    return material, Plan(
        recipe=material.recipe.name,
        size=size,
        steps=t.steps,
        batch=material.recipe.data.batch,
        items=len(material.train_items),
        parameters=parameters,
        seconds=planning.total_seconds(found, t.steps, t.judge, t.preview),
        seconds_per_step=found.seconds,
        peak_bytes=found.peak_bytes,
        free_bytes=free,
        epochs=t.steps * material.recipe.data.batch / loader.epoch_size,
        device=str(device),
    )


def _job(
    material: Material,
    model: Model,
    run: Path,
    listener: Listener,
    stop: Callable[[], bool],
    resume: bool,
) -> Job:
    return Job(
        model=model,
        loader=material.loader(),
        run=run,
        judge=_judge(material) if len(material.held_items) else None,
        preview=_preview(material, run),
        listener=listener,
        stop=stop,
        resume=resume,
    )


def _judge(material: Material) -> Callable[[stored.Model], dict[str, float]]:
    """The medium's own quality on held-out items; where it has none, the held-out loss."""
    codec, held = material.codec, material.held_items
    some = take(held, range(min(len(held), JUDGED)))

    def judge(model: stored.Model) -> dict[str, float]:
        if not codec.compares:
            return {"held_out_loss": held_out_loss(model, material)}
        prompts = codec.captions(some) if model.prompt is not None else None
        made = _made_like(model, len(some), prompts)
        return codec.compare(some, made)

    return judge


def _made_like(model: stored.Model, count: int, prompts: Sequence[str] | None) -> Any:
    """Items made with the prompts of real ones, decoded together."""
    with Engine(model) as engine:
        if prompts is None:
            return engine.submit(Request(count=count, seed=1)).result()
        made = [engine.submit(Request(prompt=p, seed=1, first=n)) for n, p in enumerate(prompts)]
        parts = [g.result() and g.tensors() for g in made]
    return model.codec.decode(torch.cat(parts))


@torch.inference_mode()
def held_out_loss(model: stored.Model, material: Material, most: float = JUDGED_SECONDS) -> float:
    """Mean of -score a counted target over held-out data, or as much of it as time allows."""
    total = count = 0.0
    begun = time.monotonic()
    d = material.recipe.data
    for batch in evaluation(
        material.held_encoded,
        material.codec.spec,
        batch=d.batch,
        prompts=material.held_prompts,
        pack=d.pack,
    ):
        total -= float(model.family.score(model.nets, batch.to(model.device)).sum())
        count += float(batch.count())
        if time.monotonic() - begun > most:
            break
    return total / max(count, 1.0)


def _preview(material: Material, run: Path) -> Callable[[stored.Model, int], Path | None]:
    """A few items, the same seeds each time, as a file."""
    captions = material.codec.captions(material.train_items)
    fixed = isinstance(material.codec.spec, TokenSpec) and material.codec.spec.eos is None

    def preview(model: stored.Model, step: int) -> Path:
        folder = run / "previews"
        folder.mkdir(parents=True, exist_ok=True)
        if model.prompt is not None and captions is not None:
            shown = sorted(set(captions))
            shown = (shown * 16)[:16] if len(shown) < 16 else shown[:: len(shown) // 16][:16]
            items = _made_like(model, len(shown), shown)
        else:
            items = _made_like(model, 10 if fixed else 4, None)
        return model.codec.preview(items, folder / f"step-{step:06d}{model.codec.preview_suffix}")

    return preview


def _card(material: Material, outcome: Any, seconds: float, device: torch.device) -> dict[str, Any]:
    return {
        "data": material.manifest.to_json(),
        "recipe": material.recipe.digest(),
        "parents": [],
        "metrics": {k: round(v, 6) for k, v in outcome.metrics.items()},
        "protocol": {
            "holdout": material.recipe.data.holdout,
            "held_out_items": len(material.held_items),
            "seed": material.recipe.train.seed,
        },
        "steps": outcome.steps,
        "skipped_steps": outcome.skipped,
        "roll_backs": outcome.rollbacks,
        "seconds": round(seconds, 2),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "software": software(),
        "hardware": {
            "device": str(device),
            "processor": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
        },
    }


def _parts_again(model: stored.Model) -> tuple[Any, Any]:
    """(training, held out) from where the card says the data lay. DataError when it has changed."""
    values = model.card.get("data")
    if not values or not values.get("root"):
        raise DataError("this model was trained on data from memory: give the data itself")
    manifest = Manifest.from_json(values)
    root = Path(manifest.root)
    if not root.exists():
        raise DataError(f"the training data is no longer at {root}: put it back to compare with it")
    changed = manifest.changed()
    if changed:
        raise DataError(f"the training data has changed since: {', '.join(changed[:3])}")
    return _split(model.recipe, model.recipe.make_codec().read(root).items)
