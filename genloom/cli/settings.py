"""What the environment decides: where models live and where they run.

The only place that reads GENLOOM_HOME and GENLOOM_DEVICE; below, both are arguments.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING, Any

from genloom.errors import MissingExtra

if TYPE_CHECKING:
    from genloom.api import Model


def store(home: str | None = None) -> ModuleType:
    """The store of models, with its home set: the one given, else GENLOOM_HOME."""
    from genloom import store as found

    found.set_home(home or os.environ.get("GENLOOM_HOME") or None)
    return found


def device() -> str:
    """Where models run: "auto", "cpu", "cuda", "cuda:1" ..."""
    return os.environ.get("GENLOOM_DEVICE") or "auto"


def guesser(how: str | None) -> Any:
    """What guesses ahead for texts: "lookup", or the smaller model of that name."""
    return how if how in (None, "lookup") else load(how)


def load(name: str, bits: int | None = None, adapter: str | None = None) -> Model:
    """A model by name or path; bits of its weights, or as stored; an adapter beside them."""
    from genloom import api

    store()
    return api.load(name, device=device(), bits=bits, adapter=adapter)


def without_server(error: ImportError) -> Exception:
    """What an import that failed means: a library that is absent, or a fault of ours."""
    name = error.name or ""
    return error if name.partition(".")[0] == "genloom" else MissingExtra(name, "server")
