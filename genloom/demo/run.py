"""The demo: four models learn from what any machine has, then show what they make.

Leaves a folder with the data, everything made (each with its record), a gallery in one HTML file
and a picture of it; the models stay under their names. Fetches nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom import api
from genloom.codec.saving import write_atomic
from genloom.demo import gallery, poster, scenes, show_code, show_scenes, show_table
from genloom.demo.lessons import CODE, LESSONS, RIVAL, SCENES, TABLE, Learnt, learn
from genloom.errors import ResourceError, UsageError
from genloom.train.log import Event, Listener, silent

MARK = "demo.json"  # says that a folder is a demo's own, and holds the facts of the run
PAGE, POSTER = "gallery.html", "hero.png"
OWN = ("data", "made")  # folders that a new run replaces

Say = Callable[[str], None]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run(
    folder: str | Path,
    *,
    minutes: float = 4.0,
    seed: int = 0,
    listener: Listener = silent,
    say: Say = _say,
) -> Path:
    """Train, prompt, generate, measure; the gallery's path.

    minutes: of the whole, nearly; training takes most of it. The listener hears what `api.train`
    tells, and an Event "lesson" with name and subject before each. UsageError for a folder that
    holds something else.
    """
    if not 0 < minutes < 1e5:
        raise UsageError(f"minutes is {minutes}, but more than 0 is expected")
    begun = time.monotonic()
    folder = Path(folder).expanduser()
    _claim(folder, seed, minutes)
    learnt = _learn_all(folder, minutes, seed, listener, say)
    say("making new things, and measuring them")
    rooms, shown, where = _rooms(learnt, folder, seed, listener, say)
    picture = poster.draw(shown)
    write_atomic(folder / POSTER, picture)
    seconds = time.monotonic() - begun
    commands = _commands(where)
    facts = _facts(learnt, seed, seconds)
    title = "What this machine learnt just now"
    html = gallery.page(title, _lead(seconds), facts, rooms, commands)
    write_atomic(folder / PAGE, html.encode("utf-8"))
    _mark(folder, _outcome(learnt, rooms, seed, minutes, seconds))
    _farewell(folder / PAGE, commands, seconds, say)
    return folder / PAGE


# --- the folder ---------------------------------------------------------------------------------


def _claim(folder: Path, seed: int, minutes: float) -> None:
    """Make the folder, or clear one that an earlier demo left. Anything else is left alone."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file: give a folder for the demo")
    try:
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
            raise UsageError(f"{folder} holds something else: give a new folder for the demo")
        folder.mkdir(parents=True, exist_ok=True)
        _mark(folder, {"seed": seed, "minutes": minutes, "finished": False})
        for name in OWN:
            shutil.rmtree(folder / name, ignore_errors=True)
    except OSError as error:
        raise ResourceError(
            f"{folder} cannot be written ({error.strerror}): give another folder for the demo"
        ) from error


def _mark(folder: Path, values: dict[str, Any]) -> None:
    text = json.dumps({"demo": api.software(), **values}, indent=1, ensure_ascii=False)
    write_atomic(folder / MARK, f"{text}\n".encode())


# --- learning and showing -------------------------------------------------------------------------


def _learn_all(
    folder: Path, minutes: float, seed: int, listener: Listener, say: Say
) -> dict[str, Learnt]:
    learnt = {}
    for number, lesson in enumerate(LESSONS, start=1):
        say(f"{number}/{len(LESSONS)}  {lesson.name}: {lesson.subject}")
        told = {"name": lesson.name, "subject": lesson.subject, "of": len(LESSONS)}
        listener(Event(kind="lesson", step=number, values=told))
        found = learn(lesson, folder / "data", minutes, seed, listener)
        learnt[lesson.name] = found
        losses = [loss for _, loss in found.diary.losses]
        fell = f", {found.diary.loss_name} {losses[0]:.3g} to {losses[-1]:.3g}" if losses else ""
        say(f"     {found.diary.steps:,} steps in {found.seconds:.0f} s{fell}")
    return learnt


def _rooms(
    learnt: dict[str, Learnt], folder: Path, seed: int, listener: Listener, say: Say
) -> tuple[list[gallery.Room], poster.Shown, str]:
    code, written = show_code.show(learnt[CODE.name], folder, seed, listener)
    for line in written[1].items[0].splitlines()[:4]:
        say(f"     | {line[:90]}")
    pictures = (learnt[SCENES.name], learnt[RIVAL.name])
    drawn, strips, rates = show_scenes.show(*pictures, folder, seed, listener)
    for name, rate in rates.items():
        say(
            f"     {name}: {rate.seen:.0%} as asked, {rate.unseen:.0%} of combinations never "
            f"shown, nearest to it {rate.near:.0%}"
        )
    table, _, where, frames = show_table.show(learnt[TABLE.name], folder, seed, listener)
    codec: Any = learnt[TABLE.name].model.codec
    shown = poster.Shown(
        texts=tuple((str(m.request.prompt), m.items[0]) for m in written),
        pictures=tuple((str(m.request.prompt), tuple(m.items)) for m in strips),
        real=frames[0],
        made=frames[1],
        kinds=codec.kinds(),
    )
    return [code, drawn, table], shown, where


# --- words ----------------------------------------------------------------------------------------


def _lead(seconds: float) -> str:
    return (
        f"In {_minutes(seconds)} a computer with no network learnt to write code, draw pictures "
        "for captions and make rows of a table. Everything on this page was made in that run, by "
        "models that began as random numbers; nothing was prepared."
    )


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} seconds"


def _facts(learnt: dict[str, Learnt], seed: int, seconds: float) -> dict[str, str]:
    software = api.software()
    hardware = learnt[CODE.name].model.card["hardware"]
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "in all": _minutes(seconds),
        "training": _minutes(sum(found.seconds for found in learnt.values())),
        "on": f"{hardware['device']}, {hardware['threads']} threads",
        "weights in all": f"{sum(found.model.parameters for found in learnt.values()):,}",
        "seed": str(seed),
        "genloom": software["genloom"],
        "torch": software["torch"],
    }


def _outcome(
    learnt: dict[str, Learnt], rooms: list[gallery.Room], seed: int, minutes: float, seconds: float
) -> dict[str, Any]:
    """The facts of the run, for programs."""
    quality = {
        model: {row.metric: [row.floor, row.value, row.ceiling] for row in rows}
        for room in rooms
        for model, rows in room.quality.items()
    }
    models = {
        name: {
            "steps": found.diary.steps,
            "seconds": found.seconds,
            "weights": found.model.card.get("weights") or found.model.digest(),
            "parameters": found.model.parameters,
        }
        for name, found in learnt.items()
    }
    return {
        "finished": True,
        "seed": seed,
        "minutes": minutes,
        "seconds": round(seconds, 1),
        "models": models,
        "quality": {"columns": ["floor", "value", "ceiling"], **quality},
    }


def _commands(where: str) -> list[str]:
    """What to try next, by the name under which this program can be called here."""
    own = Path(sys.argv[0])
    called = str(own) if own.name == "genloom" and not shutil.which("genloom") else "genloom"
    if os.path.isabs(called):
        near = os.path.relpath(called)
        called = near if len(near) < len(called) else called
    caption = scenes.caption(scenes.held_out_combinations()[0])
    return [
        f'{called} generate {SCENES.name} "{caption}" -n 16 -o out/',
        f'{called} generate {TABLE.name} -n 1000 --where "{where}" -o rows.csv',
        f'{called} generate {CODE.name} "def " --temperature 0.7',
    ]


def _farewell(path: Path, commands: list[str], seconds: float, say: Say) -> None:
    say(f"done in {_minutes(seconds)}; the gallery is {path.resolve()}")
    say("try next:")
    for command in commands:
        say(f"  {command}")
