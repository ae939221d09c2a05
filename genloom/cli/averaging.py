"""`genloom average`: other averages of a training's weights, made after it ended.

Words around `genloom.averaging`.
"""

from __future__ import annotations

from pathlib import Path

from genloom.cli import output, settings
from genloom.errors import UsageError


def average(
    model: str,
    /,
    *,
    width: float | None = None,
    at: float | None = None,
    out: str | None = None,
    json: bool = False,
) -> None:
    """Average a model's weights anew: longer, shorter, or as they were earlier.

    Needs the averages that a training with --set train.keep=true leaves beside its model; without
    --width and --at it lists these.

    Parameters
    ----------
    model
        Name or path of a model.
    width
        Length of averaging relative to the training, above 0 and up to 0.28; 0.1 unless given.
    at
        The share of the training up to which it is averaged: 0.125 makes an early, weak model,
        which others can be guided by.
    out
        Name or path of the new model; made from the model's name and the width unless given.
    json
        Print JSON.
    """
    from genloom import api, averaging

    settings.store()  # names mean folders of this user
    if width is None and at is None:
        if out is not None:
            raise UsageError("--out names what --width or --at makes: add one of them")
        found, size = averaging.kept(model)
        steps = list(found.steps)
        if json:
            output.values({"model": model, "steps": steps, "widths": found.widths, "bytes": size})
        else:
            told = {"steps": ", ".join(map(str, steps)), "size": output.size(size)}
            output.pairs({"model": model, "kept of": f"{len(steps)} steps", **told})
        return
    width, at = 0.1 if width is None else width, 1.0 if at is None else at
    made, told = averaging.average(api.Model, model, width, at, out)
    place = str(made.folder)
    (output.values if json else output.pairs)({"model": Path(place).name, "path": place, **told})
