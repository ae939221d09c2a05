"""The public names are promises: pinned here, documented, typed, and cheap to look at."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import genloom

PUBLIC = [
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


def test_the_public_names_are_these() -> None:
    assert sorted(genloom.__all__) == PUBLIC


@pytest.mark.parametrize("name", [n for n in PUBLIC if n != "__version__"])
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(genloom, name)
    assert len((value.__doc__ or "").split()) >= 4, f"genloom.{name} needs a docstring"


@pytest.mark.parametrize("name", [n for n in PUBLIC if n.islower() and n != "__version__"])
def test_a_public_function_is_typed(name: str) -> None:
    signature = inspect.signature(getattr(genloom, name))
    assert signature.return_annotation is not inspect.Signature.empty
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, f"{name}({parameter.name})"


def test_dir_shows_them_and_nothing_else_is_promised() -> None:
    assert set(PUBLIC) <= set(dir(genloom))
    with pytest.raises(AttributeError, match="no_such_name"):
        genloom.no_such_name  # noqa: B018


def test_looking_at_the_package_loads_no_torch() -> None:
    """`genloom --help` passes through the package: it must not pay for torch."""
    code = "import sys, genloom; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
