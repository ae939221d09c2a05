"""Where models live: names <-> folders, and the lock that keeps two trainings out of one name.

A model is named by a path or by a name in the user's data folder. Knows folders, not what is in
a model.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from genloom.errors import ModelError, ResourceError, UsageError
from genloom.folders import recover

RUN = ".run"  # a training keeps its state beside the model, in a folder named so
_LOCK, _ASKED = "lock", "asked"
PAUSE, END = "pause", "end"  # what may be asked of a training: to stop, or to keep what it has
_home: list[Path] = []


def set_home(path: str | Path | None) -> None:
    """Keep models below this folder instead of the user's data folder."""
    _home[:] = [] if path is None else [Path(path).expanduser()]


def home() -> Path:
    """The folder that holds the models of this user."""
    if _home:
        return _home[0]
    import platformdirs

    return platformdirs.user_data_path("genloom")


def place(name: str | Path) -> Path:
    """The folder of a model: anything with a separator is a path, the rest a name."""
    text = os.fspath(name)
    if not text or text in (".", "..") or "\0" in text:
        raise UsageError(f"{text!r} is no name for a model: give a word or a path")
    if os.sep in text or text.startswith(("~", ".")):
        return Path(text).expanduser()
    return home() / "models" / text


def existing(name: str | Path) -> Path:
    """The folder of a model that is there; ModelError with the names known otherwise."""
    path = recover(place(name))
    if path.is_dir():
        return path
    here = Path(os.fspath(name))
    if (here / "recipe.json").is_file():
        return here
    known = ", ".join(p.name for p in listed()) or "none yet: train one with  genloom train"
    raise ModelError(f"no model {os.fspath(name)!r}: known are {known}")


def told(folder: Path) -> str:
    """How to name a model folder to others: its name, or a path that does not tell who we are."""
    folder = folder.expanduser().absolute()
    if folder.parent == (home() / "models").absolute():
        return folder.name
    for base, sign in ((Path.cwd(), "."), (Path.home(), "~")):
        if folder.is_relative_to(base) and folder != base:
            return f"{sign}{os.sep}{folder.relative_to(base)}"
    return str(folder)


def listed() -> list[Path]:
    """Every model folder in the user's data folder; those that are being written are none yet."""
    folder = home() / "models"
    if not folder.is_dir():
        return []
    found = (p for p in folder.iterdir() if (p / "recipe.json").is_file())
    return sorted(p for p in found if p.suffix != RUN and not p.name.startswith("."))


def run_folder(out: Path) -> Path:
    """Where a training of this model keeps its checkpoint, metrics and previews."""
    return out.parent / f"{out.name}{RUN}"


def remove(name: str | Path) -> Path:
    """Delete a model and what its training left."""
    path = existing(name)
    if not (path / "recipe.json").is_file():
        raise ModelError(f"{path} is not a model folder: it is left alone")
    with locked(path):
        shutil.rmtree(path)
    shutil.rmtree(run_folder(path), ignore_errors=True)
    return path


def ask(out: Path, what: str) -> None:
    """Leave word for the training of this model, whoever runs it: PAUSE or END."""
    file = run_folder(out) / _ASKED
    draft = file.with_name(f".{_ASKED}.{os.getpid()}")
    draft.write_text(what, encoding="ascii")
    draft.rename(file)


def asked(run: Path, what: str) -> bool:
    """Whether that is asked of the training in this run's folder."""
    try:
        return (run / _ASKED).read_text("ascii") == what
    except OSError:
        return False


def forget(run: Path) -> None:
    """What was asked is heard."""
    (run / _ASKED).unlink(missing_ok=True)


def holder(out: Path) -> int | None:
    """The process that trains this model now; None where none does. Nothing is locked for it."""
    try:
        found = (run_folder(out) / _LOCK).stat()
        known = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return None
    place = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}"
    held = (line.split() for line in known)
    return next((int(p[4]) for p in held if p[1] == "FLOCK" and p[5] == place), None)


@contextmanager
def locked(out: Path) -> Iterator[Path]:
    """Hold the name while training; ModelError when another process holds it."""
    run = run_folder(out)
    handle = _lock(out, run / _LOCK)
    try:
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        yield run
    finally:
        if [p.name for p in run.iterdir()] == [_LOCK]:  # it failed before it left anything
            (run / _LOCK).unlink()
            with suppress(OSError):
                run.rmdir()
        handle.close()


def _lock(out: Path, file: Path) -> TextIO:
    """The lock file, held; opened again where its last holder removed it in between."""
    while True:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = file.open("a+")
        except OSError as error:
            raise ResourceError(
                f"{file.parent} cannot be written ({error.strerror}): choose another place with "
                "--out"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            holder = handle.read().strip() or "another"
            handle.close()
            raise ModelError(
                f"{out} is being trained by process {holder}: wait for it, or choose another name "
                "with --out"
            ) from error
        with suppress(OSError):
            if os.fstat(handle.fileno()).st_ino == file.stat().st_ino:
                return handle
        handle.close()
