"""`genloom make world`: words and paths around `genloom.make.world`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.errors import UsageError


def world(
    brief: str,
    /,
    *,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Make a world for a game: tiles without seams, sprites, props, a level and a scene.

    Parameters
    ----------
    brief
        A file (YAML or JSON) with title, theme (island or dungeon), size, the models of pictures
        and props, and prompts for tiles, sprites and things.
    out
        A new folder; by default the brief's name.
    seed
        The same seed makes the same again.
    json
        Print JSON.
    quiet
        No progress.
    """
    settings.store()
    from genloom.make.world import make_world
    from genloom.make.world_brief import read_world

    asked = read_world(brief)
    target = Path(out or Path(brief).stem).expanduser()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already: give a new name")

    def tell(stage: str) -> None:
        if not quiet:
            print(f"making {stage}", file=sys.stderr, flush=True)

    made = make_world(asked, target, seed=seed, device=settings.device(), tell=tell)
    files = [str(path) for path in made.files]
    if not json:
        output.text("\n".join(files))
        return
    told = {"title": asked.title, "size": [*asked.size], "parts": len(made.parts)}
    output.values({**told, "start": made.level.start, "goal": made.level.goal, "files": files})
