"""Train, prompt and generate in every medium.

The public names, nothing else. Each is imported when it is first asked for, so that looking at the
package, as `genloom --help` does, costs no torch.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genloom.api import Model, export, generate, import_weights, load, plan, train
    from genloom.engine.engine import Engine, Generation
    from genloom.errors import GenloomError
    from genloom.recipe import Recipe
    from genloom.spec import Options, Request
    from genloom.trust.quality import evaluate

    __version__: str

_PLACES = {
    "Engine": "genloom.engine.engine",
    "Generation": "genloom.engine.engine",
    "GenloomError": "genloom.errors",
    "Model": "genloom.api",
    "Options": "genloom.spec",
    "Recipe": "genloom.recipe",
    "Request": "genloom.spec",
    "evaluate": "genloom.trust.quality",
    "export": "genloom.api",
    "generate": "genloom.api",
    "import_weights": "genloom.api",
    "load": "genloom.api",
    "plan": "genloom.api",
    "train": "genloom.api",
}

__all__ = [
    "Engine",
    "Generation",
    "GenloomError",
    "Model",
    "Options",
    "Recipe",
    "Request",
    "__version__",
    "evaluate",
    "export",
    "generate",
    "import_weights",
    "load",
    "plan",
    "train",
]


class _Package(ModuleType):
    """Importing the part `genloom.train` must not replace the function of that name."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _version()
    elif name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module 'genloom' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("genloom")
    except PackageNotFoundError:
        return "unknown"
