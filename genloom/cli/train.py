"""`genloom train` and `genloom plan`: what was understood, what it will take, how it goes.

Words around `api.train` and `api.plan`; decides nothing about a training.
"""

from __future__ import annotations

import json as format_
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from genloom import registry
from genloom.cli import joined, output, settings, source
from genloom.cli.interrupt import Interrupt
from genloom.cli.joined_options import JoinedOptions
from genloom.cli.progress import plan_line, screen
from genloom.cli.table_options import TableTraining
from genloom.errors import Stopped, UsageError
from genloom.recipes.expectation import told

if TYPE_CHECKING:
    from genloom.api import Model
    from genloom.train.log import Event

Size = Literal["tiny", "small", "base", "large"]
Start = Annotated[str | None, Parameter(name="--from")]
Changes = Annotated[list[str] | None, Parameter(name="--set")]


def train(
    medium: str,
    data: str,
    /,
    *,
    out: str | None = None,
    minutes: float | None = None,
    size: Size | None = None,
    seed: int = 0,
    changes: Changes = None,
    start: Start = None,
    adapter: Literal["lora", "dora"] | None = None,
    rank: int | None = None,
    bits: int | None = None,
    caption: str | None = None,
    annotation: str | None = None,
    teacher: str | None = None,
    reward: str | None = None,
    epsilon: float | None = None,
    delta: float | None = None,
    table: TableTraining | None = None,
    resume: bool = False,
    license: str | None = None,
    several: JoinedOptions | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Learn from a file or a folder and keep the model.

    Ctrl-C saves and stops; the same command with --resume goes on.

    Parameters
    ----------
    medium
        text, stories, python, chat, pair, translation, summary, sql, preference, reward, distil,
        image, image-gan, image-fast, image-autoencoder, image-latent, image-tokenizer, image-codes,
        sprites, emoji, icons, digits, characters, labelled, upscale, upscale-2x, upscale-gan,
        restore, colourise, table, table-flow, table-gan, tables (linked ones, of a folder), series,
        protein, dna, molecule, or a recipe file (.json).
    data
        A file or a folder; - reads stdin.
    out
        Name or path of the model; made from the data's name and the medium unless given.
    minutes
        The one dial: size, batch and schedule follow from it and from a probe of this machine.
    size
        A size instead of minutes.
    seed
        The same seed, data and machine make the same model.
    changes
        A change of the recipe, such as train.steps=200; may be repeated.
    start
        A model to go on from, instead of new weights; its vocabulary is kept.
    adapter
        Train low-rank parts beside the frozen weights of --from, instead of all of them.
    rank
        Rank of the adapter (16).
    bits
        Bits of the frozen weights under an adapter: 32, 16, 8 or 4.
    caption
        What pictures without a caption are called; it may hold a new word for a style or a subject.
    annotation
        A GFF3 file that says where genes lie (dna); those in the data's folder are found.
    teacher
        A model of the same vocabulary to learn from (distil).
    reward
        What judges a model's tries (reward): exact, same, number, contains, regex:P, json, tests,
        length:N, a sum of such, FILE.py:function, or a command.
    epsilon
        Differential privacy of the rows of a table: what the model tells of any one is bounded so;
        3 is usual. The card says how.
    delta
        The chance that the bound fails; the smaller of 1e-5 and a tenth of one over the rows.
    resume
        Go on from where a stopped training of the same name left off.
    license
        The licence of the data, such as CC-BY-4.0, where none lies beside it.
    json
        Print the result as JSON.
    quiet
        No progress.
    """
    _either(minutes, size)
    several = several or JoinedOptions()
    if medium in registry.TABLE["learner"]:
        joined.train(
            medium,
            data,
            out=out,
            minutes=minutes,
            size=size,
            seed=seed,
            changes=changes or [],
            licence=license,
            json=json,
            quiet=quiet,
            told=several.fields(registry.find("learner", medium)),
            refused={
                "from": start,
                "adapter": adapter,
                "rank": rank,
                "bits": bits,
                "caption": caption,
                "teacher": teacher,
                "reward": reward,
                "resume": resume,
            },
        )
        return
    several.refuse()
    kind = source.medium_of(medium)
    store = settings.store()
    path = source.data_at(data, kind, store.home())
    name = out or source.name_for(data, kind)
    target = store.place(name)
    goes_on = shlex.join(["genloom", "train", medium, str(path), "--out", name, "--resume"])
    from genloom.train import parallel

    parallel.join()
    quiet = quiet or parallel.rank() > 0
    shown = screen(name, store.run_folder(target), quiet)
    _mention(shown, target, resume and (minutes or size or changes or start or adapter))
    from genloom import api

    def heard(event: Event) -> None:
        stop.hear(event)
        shown(event)

    try:
        with shown, Interrupt(shown.notice, goes_on) as stop:
            model = api.train(
                kind,
                path,
                out=name,
                minutes=minutes,
                size=size,
                seed=seed,
                changes=_changes(changes, caption, annotation, table),
                resume=resume,
                licence=license,
                start=start,
                adapter=_adapter(adapter, rank),
                bits=bits,
                teacher=teacher,
                reward=reward,
                epsilon=epsilon,
                delta=delta,
                device=settings.device(),
                listener=heard,
                stop=stop,
            )
    except Stopped as error:
        raise Stopped(f"{error}; go on with:  {goes_on}") from None
    if parallel.rank() == 0:
        _result(model, name, target, json, quiet)


def plan(
    medium: str,
    data: str,
    /,
    *,
    minutes: float | None = None,
    size: Size | None = None,
    seed: int = 0,
    changes: Changes = None,
    start: Start = None,
    adapter: Literal["lora", "dora"] | None = None,
    rank: int | None = None,
    bits: int | None = None,
    caption: str | None = None,
    annotation: str | None = None,
    teacher: str | None = None,
    reward: str | None = None,
    table: TableTraining | None = None,
    price: float | None = None,
    json: bool = False,
) -> None:
    """Say what a training would take: memory, time and cost. Nothing is kept.

    Parameters
    ----------
    medium
        As for train.
    data
        A file or a folder; - reads stdin.
    minutes
        Minutes that the training may take.
    size
        A size instead of minutes.
    seed
        As for train.
    changes
        A change of the recipe, such as train.steps=200; may be repeated.
    start
        A model to go on from, instead of new weights; its vocabulary is kept.
    adapter
        Train low-rank parts beside the frozen weights of --from, instead of all of them.
    rank
        Rank of the adapter (16).
    bits
        Bits of the frozen weights under an adapter: 32, 16, 8 or 4.
    caption
        What pictures without a caption are called; it may hold a new word for a style or a subject.
    annotation
        A GFF3 file that says where genes lie (dna); those in the data's folder are found.
    teacher
        A model of the same vocabulary to learn from (distil).
    reward
        What judges a model's tries (reward): exact, same, number, contains, regex:P, json, tests,
        length:N, a sum of such, FILE.py:function, or a command.
    price
        Price of this machine an hour, in any currency.
    json
        Print the forecast as JSON.
    """
    _either(minutes, size)
    if price is not None and not 0 <= price < float("inf"):
        raise UsageError(f"--price is {price}: give what an hour costs, 0 or more")
    kind = source.medium_of(medium)
    path = source.data_at(data, kind, settings.store().home())
    from genloom import api

    forecast = api.plan(
        kind,
        path,
        minutes=minutes,
        size=size,
        seed=seed,
        changes=_changes(changes, caption, annotation, table),
        price=price,
        start=start,
        adapter=_adapter(adapter, rank),
        bits=bits,
        teacher=teacher,
        reward=reward,
        device=settings.device(),
    ).to_json()
    if json:
        output.values(forecast)
    else:
        _show_plan(forecast)


def _either(minutes: float | None, size: str | None) -> None:
    if minutes is not None and size is not None:
        raise UsageError("--minutes decides the size itself: give --minutes or --size, not both")


def _adapter(kind: Literal["lora", "dora"] | None, rank: int | None) -> Any:
    if rank is None:
        return kind
    if kind is None:
        raise UsageError("--rank is an adapter's: add --adapter lora or dora")
    from genloom.net.lora import Adapter

    if not 1 <= rank <= 4096:
        raise UsageError(f"--rank is {rank}: give 1 to 4096")
    return Adapter(kind=kind, rank=rank, alpha=2.0 * rank)


def _changes(
    changes: list[str] | None,
    caption: str | None,
    annotation: str | None,
    table: TableTraining | None,
) -> list[str]:
    told = [] if caption is None else [f"data.caption={format_.dumps(caption)}"]
    if annotation is not None:
        place = Path(annotation).expanduser()
        if not place.is_file():
            raise UsageError(f"--annotation {annotation}: no such file; give a GFF3 file")
        told.append(f"codec.annotation={format_.dumps(str(place.resolve()))}")
    return [*(changes or ()), *told, *(table or TableTraining()).changes()]


def _mention(shown: Any, target: Path, ignored: Any) -> None:
    if ignored:
        shown.print("note: --resume keeps the recipe it began with; other options wait")
    if (target / "recipe.json").is_file():
        shown.print(f"note: the model at {target} is replaced when this training ends")


def _show_plan(forecast: Mapping[str, Any]) -> None:
    free, needed = forecast["free_bytes"], forecast["peak_bytes"]
    output.pairs(
        {
            "training": plan_line(forecast),
            "time": f"{output.duration(forecast['seconds'])} "
            f"({1000 * forecast['seconds_per_step']:.3g} ms a step)",
            "memory": f"{output.size(needed)} at most, {output.size(free)} free",
            "data": f"{forecast['items']:,} items, seen {forecast['epochs']:.3g} times",
            "device": forecast["device"],
            "cost": None if forecast["cost"] is None else f"{forecast['cost']:.4g}",
            "quality": told(forecast["quality"]),
        }
    )


def _result(model: Model, name: str, target: Path, json: bool, quiet: bool) -> None:
    metrics = model.card.get("metrics", {})
    if json:
        keys = ("steps", "seconds", "weights", "data", "protocol")
        told = {key: model.card[key] for key in keys if key in model.card}
        output.values({"model": name, "path": str(target), "metrics": metrics, **told})
        return
    unjudged = {} if metrics else {"judged": f"not yet: genloom eval {shlex.quote(name)}"}
    output.pairs({"model": name, "path": str(target), **metrics, **unjudged})
    if not quiet:
        print("next:", *suggestions(model, name), sep="\n  ", file=sys.stderr)


def suggestions(model: Model, name: str) -> list[str]:
    """Three commands to try with a model, by what it can do."""
    known, codec = shlex.quote(name), model.codec
    if model.prompts is not None:
        first = f"genloom generate {known} {_example(model.prompts)} -n 16 --grid"
    elif codec.conditional:
        first = f"genloom generate {known} -n 1000 -o {shlex.quote(Path(name).name)}.csv"
    elif hasattr(type(codec), "renderer"):
        first = f"genloom chat {known}"
    elif hasattr(codec, "stable_prefix"):
        first = f"genloom generate {known} 'The ' --max-tokens 200 --temperature 0.8"
    else:
        first = f"genloom generate {known} -n 16 --grid"
    return [first, f"genloom eval {known}", f"genloom show {known}"]


def _example(prompt: Any) -> str:
    """A class that was learnt, or one of the words."""
    known = getattr(prompt, "labels", None) or list(getattr(prompt, "words", ()))
    return shlex.quote(known[0] if known else "a caption")
