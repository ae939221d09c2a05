"""`genloom compare`, `neighbours` and `history`: sheets and plots to look at models by.

Knows sheets and words; what is near is the business of trust/memorisation.py, what a plot of
demo/history.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.api import Model

MOST = 400  # pictures of a sheet


def compare(
    models: Annotated[list[str], Parameter(negative=())],
    /,
    *,
    prompt: list[str] | None = None,
    steps: list[int] | None = None,
    guidance: list[float] | None = None,
    count: Annotated[int, Parameter(name=["-n", "--count"])] = 1,
    seed: int = 0,
    out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("compare.png"),
    json: bool = False,
) -> None:
    """Make the same prompts and seeds with several models or settings, side by side on one sheet.

    A row for each model and setting, a column for each prompt and number.

    Parameters
    ----------
    models
        Names or paths of models of pictures.
    prompt
        What to make; may be repeated.
    steps
        Denoising steps; may be repeated, a row each.
    guidance
        How strongly the prompt is followed; may be repeated, a row each.
    count
        How many of each prompt.
    seed
        The same in every row.
    out
        The sheet, a .png.
    json
        Print JSON.
    """
    _sheet_of(out)
    prompts = prompt or [None]
    columns = len(prompts) * count
    rows = len(models) * len(steps or [0]) * len(guidance or [0])
    if count < 1 or rows * columns > MOST:
        raise UsageError(f"{rows} rows of {columns} pictures: up to {MOST} fit on a sheet")
    images, labels, told = [], [], []
    for name in models:
        model = settings.load(name)
        for options in _settings(steps, guidance):
            begun = time.perf_counter()
            made = [x for p in prompts for x in _made(model, p, count, seed, options)]
            told.append({"model": name, **options, "seconds": time.perf_counter() - begun})
            first = ", ".join([Path(name).name, *(f"{v:g} {k}" for k, v in options.items())])
            images += made
            labels += [" ".join(filter(None, (first, prompts[0]))), *_rest(prompts, count)]
    _write(images, labels, columns, out)
    if json:
        output.values({"files": [str(out)], "rows": told})
        return
    output.table(tuple(told[0]), [tuple(row.values()) for row in told])
    output.text(str(out))


def _settings(steps: list[int] | None, guidance: list[float] | None) -> Iterator[dict[str, Any]]:
    for step in steps or [None]:
        for scale in guidance or [None]:
            both = {"steps": step, "guidance": scale}
            yield {name: value for name, value in both.items() if value is not None}


def _made(model: Model, prompt: str | None, count: int, seed: int, options: dict) -> list[Any]:
    items = model.generate(prompt, count, seed=seed, **options)
    return list(items)


def _rest(prompts: Sequence[str | None], count: int) -> list[str]:
    """Labels of a row's pictures behind the first: the prompt where it changes."""
    every = [p if not n else "" for p in prompts for n in range(count)]
    return [label or "" for label in every[1:]]


def neighbours(
    model: str,
    prompt: str | None = None,
    /,
    *,
    count: Annotated[int, Parameter(name=["-n", "--count"])] = 8,
    near: Annotated[int, Parameter(name=["-k", "--near"])] = 4,
    seed: int = 0,
    out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("neighbours.png"),
    json: bool = False,
) -> None:
    """Make pictures and show beside each the training pictures nearest to it.

    Below each stands its distance; "near" marks what is nearer than all but a fiftieth of the real
    pictures that were held out are to training.

    Parameters
    ----------
    model
        Name or path of a model of pictures.
    prompt
        What to make.
    count
        How many to make.
    near
        How many training pictures to show beside each.
    seed
        The same seed makes the same pictures.
    out
        The sheet, a .png.
    json
        Print JSON.
    """
    from genloom.trust import memorisation

    _sheet_of(out)
    if count < 1 or near < 1 or count * (near + 1) > MOST:
        raise UsageError(f"{count} rows of {near + 1} pictures: 1 to {MOST} fit on a sheet")
    loaded = settings.load(model)
    train, held = loaded.training_items(), loaded.held_out_items()
    made = _made(loaded, prompt, count, seed, {})
    found = memorisation.neighbours(loaded.codec, made, train, held, near)
    images, labels = [], []
    for item, row, far in zip(made, found.index.tolist(), found.distance.tolist(), strict=True):
        images += [item, *(train[n] for n in row)]
        labels += [prompt or "made", *(_label(d, found.near) for d in far)]
    _write(images, labels, 1 + found.index.shape[1], out)
    told = {
        "nearest": [row[0] for row in found.distance.tolist()],
        "held_out_median": found.usual,
        "near": found.near,
        "near_share": float((found.distance[:, 0] < found.near).double().mean()),
    }
    if json:
        rows = [list(map(int, row)) for row in found.index.tolist()]
        output.values({"files": [str(out)], **told, "training_items": rows})
        return
    shown = ", ".join(f"{far:.3g}" for far in told["nearest"])
    output.pairs(
        {
            "distances of the nearest": shown,
            "held-out pictures": f"half are nearer than {found.usual:.3g}",
            "near": f"{told['near_share']:.0%} are nearer than {found.near:.3g}, as 2% of held-out "
            "ones are",
        }
    )
    output.text(str(out))


def history(
    model: str,
    /,
    *,
    out: Annotated[Path, Parameter(name=["-o", "--out"])] = Path("history.svg"),
    json: bool = False,
) -> None:
    """Draw how a training went, while it goes on or after it: its losses and judgements by step.

    Parameters
    ----------
    model
        Name or path of a model, or of one that is being trained.
    out
        The plot, a .svg.
    json
        Print the last value of each measure as JSON.
    """
    from genloom.codec.saving import write_atomic
    from genloom.demo import history as drawing

    if out.suffix.lower() != ".svg":
        raise UsageError(f"-o is {out}: give a file that ends with .svg")
    store = settings.store()
    lines = store.run_folder(store.place(model)) / "metrics.jsonl"
    if not lines.is_file():
        raise DataError(f"no training of {model!r} left its metrics here: name a model of yours")
    measures = drawing.read(lines.read_text("utf-8", "replace").splitlines())
    if not measures:
        raise DataError(f"the training of {model!r} has told no loss yet: wait for its first step")
    write_atomic(out.expanduser(), drawing.plot(Path(model).name, measures).encode())
    last = {name: line[-1][1] for name, line in measures.items()}
    if json:
        output.values({"files": [str(out)], "last": last})
        return
    output.pairs({name.replace("_", " "): f"{value:.4g}" for name, value in last.items()})
    output.text(str(out))


def _label(distance: float, near: float) -> str:
    return f"{distance:.3g}{' near' if distance < near else ''}"


def _sheet_of(out: Path) -> None:
    if out.suffix.lower() != ".png":
        raise UsageError(f"-o is {out}: give a file that ends with .png")


def _write(items: Sequence[Any], labels: Sequence[str], columns: int, out: Path) -> None:
    from genloom.codec.image.files import png_bytes
    from genloom.codec.image.grid import grid
    from genloom.codec.image.pictures import as_picture
    from genloom.codec.saving import write_atomic

    if not all(hasattr(item, "open") or hasattr(item, "save") for item in items):
        raise UsageError("sheets are for models of pictures: use `genloom generate` for this one")
    sheet = grid([as_picture(item).open() for item in items], labels, columns)
    write_atomic(out.expanduser(), png_bytes(sheet, None))
