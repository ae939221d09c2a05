"""What every test shares: one thread a worker, a home of its own, and the open data if present.

Knows nothing of what is tested.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

# Two workers on two cores must not fight over them; subprocesses and scikit-learn read the names.
torch.set_num_threads(1)
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# The settings of whoever runs the tests must not decide them.
for name in [n for n in os.environ if n.startswith("GENLOOM_")]:
    del os.environ[name]

# A slow or busy machine is no failure, and every run draws the same examples.
settings.register_profile("genloom", deadline=None, derandomize=True, database=None)
settings.load_profile("genloom")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collection makes lives to the end: the collector of cycles need not walk it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A models folder that belongs to this worker's session: nothing touches the user's own."""
    folder = tmp_path_factory.mktemp("home")
    os.environ["GENLOOM_HOME"] = str(folder)
    yield folder
    os.environ.pop("GENLOOM_HOME", None)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of open data beside the checkout: `shared / "data"`. Skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip(f"the open data is not there: {folder / 'data'}")
    return folder
