"""`genloom project` and `genloom directions`: looking into the latents of a generator.

Words and sheets around `genloom.latents`. The sheets are for looking; what is to be kept is made by
`genloom generate --direction`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.api import Model
    from genloom.latents import Directions, Projection

COLUMNS = 7  # of a walk
MOST_STEPS = 100_000


def project(
    model: str,
    picture: str,
    prompt: str | None = None,
    /,
    *,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    steps: int = 200,
    seed: int = 0,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Find the latent whose picture is nearest to a given one.

    Writes a sheet: the picture as the model sees it, what was found, and a random one of the same
    prompt. Errors are root mean squares on the pixels' scale of -1 to 1.

    Parameters
    ----------
    model
        Name or path of a model with a generator.
    picture
        The picture to look for.
    prompt
        The class or caption to look under; all classes are tried unless given.
    out
        The sheet, a PNG file.
    steps
        Of the search.
    seed
        The same seed finds the same.
    json
        Print JSON, with the latent.
    quiet
        No progress.
    """
    loaded = settings.load(model)
    found = _projection(loaded, picture, prompt, steps, seed, quiet)
    from genloom import latents

    stray = latents.latents(loaded, 1, seed)[0].cpu()
    random = latents.walk(loaded, stray, stray[None] * 0, [0.0], found.prompt)
    path = _sheet(
        loaded,
        [found.item, found.found, random[0]],
        ["given", f"found, {found.error:.3f}", f"random, {found.random:.3f} on average"],
        3,
        out or f"{Path(model).name}-project.png",
    )
    told = {
        "prompt": found.prompt,
        "error": found.error,
        "random_error": found.random,
        "nearest_random_error": found.nearest,
        "sheet": str(path),
    }
    if json:
        output.values({**told, "latent": found.latent.tolist()})
    else:
        output.pairs(told)


def directions(
    model: str,
    prompt: str | None = None,
    /,
    *,
    count: Annotated[int, Parameter(name=["-n", "--count"])] = 6,
    by: Literal["weights", "items"] = "weights",
    towards: str | None = None,
    picture: str | None = None,
    reach: float = 4.0,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Find directions in a model's latents and draw a walk along each.

    A row is a direction, its middle the picture of the seed, its ends `reach` away. Directions by
    weights can be used again: genloom generate MODEL --direction 2=-3.

    Parameters
    ----------
    model
        Name or path of a model with a generator.
    prompt
        The class or caption of the pictures; the first class unless given.
    count
        How many directions.
    by
        What they are found in: the generator's weights, or the items that it makes.
    towards
        A prompt: the one direction along which the critic sees more of it.
    picture
        A picture to walk from: its latent is looked for first.
    reach
        How far to go each way; latents have a deviation of 1.
    out
        The sheet, a PNG file.
    seed
        Of the picture to walk from, and of the items that directions are found in.
    json
        Print JSON, with the directions.
    quiet
        No progress.
    """
    if not 0 < reach <= 20:
        raise UsageError(f"--reach is {reach:g}, but more than 0 and at most 20 is expected")
    loaded = settings.load(model)
    from genloom import latents

    begun, asked = latents.latents(loaded, 1, seed)[0].cpu(), latents.known(loaded, prompt)[0]
    if picture is not None:
        projected = _projection(loaded, picture, prompt, 200, seed, quiet)
        begun, asked = projected.latent, projected.prompt
    if towards is not None:
        found = latents.direction_towards(loaded, towards, seed=seed)
    else:
        found = latents.directions(loaded, count, by=by, prompt=prompt, seed=seed)
    amounts = [reach * (2 * n / (COLUMNS - 1) - 1) for n in range(COLUMNS)]
    items = latents.walk(loaded, begun, found.vectors, amounts, asked)
    names = [f"{n}  {a:+.1f}" for n in range(1, len(found.vectors) + 1) for a in amounts]
    path = _sheet(loaded, items, names, COLUMNS, out or f"{Path(model).name}-directions.png")
    _tell(found, asked, path, json)


def _tell(found: Directions, prompt: str | None, path: Path, json: bool) -> None:
    if json:
        told: dict[str, Any] = {"prompt": prompt, "sheet": str(path)}
        told |= {"shares": found.shares.tolist(), "explained": found.explained}
        output.values({**told, "directions": found.vectors.tolist()})
        return
    rows = [[n, float(share)] for n, share in enumerate(found.shares, start=1)]
    output.table(["direction", "share of the change"], rows)
    output.pairs({"explained": found.explained, "prompt": prompt, "sheet": str(path)})


def _projection(
    model: Model, picture: str, prompt: str | None, steps: int, seed: int, quiet: bool
) -> Projection:
    from genloom import latents

    path = Path(picture).expanduser()
    if not path.is_file():
        raise UsageError(f"{picture}: there is no such file: give a picture")
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"--steps is {steps}, but 1 to {MOST_STEPS:,} is expected")
    latents.generator_of(model)
    _drawable(model)
    watched = not quiet and sys.stderr.isatty()

    def tell(done: int, of: int, error: float) -> None:
        if watched:
            end = "\n" if done == of else "\r"
            print(f"looking, step {done} of {of}, error {error:.4f}", end=end, file=sys.stderr)

    return latents.project(model, path, prompt=prompt, seed=seed, steps=steps, tell=tell)


def _drawable(model: Model) -> None:
    if len(getattr(model.codec.spec, "grid", ())) != 2:
        raise UsageError("this model's items are no pictures: there is nothing to draw on a sheet")


def _sheet(model: Model, items: Any, names: list[str], columns: int, out: str) -> Path:
    """The items as pictures with their names, in so many columns."""
    from genloom.codec.image.files import png_bytes
    from genloom.codec.image.grid import grid
    from genloom.codec.saving import write_atomic

    _drawable(model)
    pictures = model.codec.decode(items)
    sheet = grid(pictures, names, columns=columns)
    return write_atomic(Path(out).expanduser(), png_bytes(sheet, None))
