"""`genloom demo`: a screen for `genloom.demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.progress import Watch, screen

if TYPE_CHECKING:
    from genloom.train.log import Event


def demo(
    *,
    out: Annotated[str, Parameter(name=["-o", "--out"])] = "demo-out",
    minutes: float = 4.0,
    seed: int = 0,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Train small models on what this machine has, make new things, open a gallery.

    Nothing is fetched. The models stay and can be used by name afterwards.

    Parameters
    ----------
    out
        A folder for the gallery and what it shows.
    minutes
        How long it may take, nearly.
    seed
        The same seed makes the same things.
    json
        Print JSON.
    quiet
        No progress.
    """
    store = settings.store()
    shown = screen("demo", Path(out), quiet)
    from genloom.demo import run

    def heard(event: Event) -> None:
        if event.kind == "lesson":
            name = str(event.values["name"])
            shown.watch = Watch(name, store.run_folder(store.place(name)))
        elif event.kind == "measure":
            shown.watch = Watch("demo", Path(out), notice=str(event.values.get("stage", "")))
        shown(event)

    with shown:
        page = run.run(out, minutes=minutes, seed=seed, listener=heard, say=shown.print)
    path = str(page.resolve())
    output.values({"gallery": path}) if json else output.text(path)
