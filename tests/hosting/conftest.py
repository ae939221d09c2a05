"""Models that have learnt nothing, in which nothing is silent; and a host for each in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from parent import Parent, hosted
from toys import MADE, recipe, shaken

from genloom.recipe import Part, Recipe


def _saved(made: Recipe, folder: Path, name: str) -> str:
    return str(shaken(made, folder / f"{name}-run").save(folder / name))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hosted")


@pytest.fixture(scope="session")
def text_model(folder: Path) -> str:
    codec = Part("text", {"vocab": 270, "length": 96})
    made = recipe(codec, Part("autoregressive"), {"net": "transformer"})
    return _saved(made, folder, "words")


@pytest.fixture(scope="session")
def chat_model(folder: Path) -> str:
    codec = Part("chat", {"vocab": "bytes", "length": 768})
    made = recipe(codec, Part("autoregressive"), {"net": "transformer"})
    return _saved(made, folder, "talker")


@pytest.fixture(scope="session")
def texts(text_model: str) -> Iterator[Parent]:
    with hosted(text_model) as parent:
        yield parent


@pytest.fixture(scope="session")
def chats(chat_model: str) -> Iterator[Parent]:
    with hosted(chat_model) as parent:
        yield parent


@pytest.fixture(scope="session")
def pictures(folder: Path) -> Iterator[Parent]:
    with hosted(_saved(MADE["picture by flow"](), folder, "pictures")) as parent:
        yield parent


@pytest.fixture(scope="session")
def tables(folder: Path) -> Iterator[Parent]:
    with hosted(_saved(MADE["row"](), folder, "rows")) as parent:
        yield parent
