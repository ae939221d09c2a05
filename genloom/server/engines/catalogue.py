"""Which models a server offers: names that clients may say, and the folders behind them.

A client's name is looked up among them and never taken for a path. Knows no model's inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genloom import store
from genloom.errors import GenloomError
from genloom.server.failure import Failure

Print = tuple[tuple[str, int, int, int], ...]
LONGEST_NAME = 200
TUNED = "ft:"  # how names of models begin that fine-tuning over HTTP has made


class Catalogue:
    """offered: names or paths, and whatever is trained here (`TUNED`); none: all in this user's
    data folder, whenever they come."""

    def __init__(self, offered: Sequence[str] = ()) -> None:
        self.offered = tuple(offered)

    def names(self) -> list[str]:
        here = [path.name for path in store.listed()]
        if not self.offered:
            return here
        tuned = (name for name in here if name.startswith(TUNED))
        return [*self.offered, *(name for name in tuned if name not in self.offered)]

    def folder(self, name: str) -> Path:
        """The model's folder. Failure (404) where none of that name is offered."""
        if name not in self.names():
            raise unknown(name)
        try:
            return store.existing(name).absolute()
        except GenloomError as error:
            raise unknown(name) from error


def unknown(name: str) -> Failure:
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
    message = f"the model {shown!r} does not exist: /v1/models tells which do"
    return Failure(404, message, code="model_not_found", param="model")


def fingerprint(folder: Path) -> Print:
    """What changes when a model's folder is written anew or touched."""
    try:
        files = [(path.name, path.stat()) for path in folder.iterdir() if path.is_file()]
    except OSError:
        return ()
    return tuple(sorted((n, s.st_ino, s.st_mtime_ns, s.st_size) for n, s in files))
