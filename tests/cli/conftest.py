"""Models that the tests of the command line share, each trained once by the command line itself."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from commands import WORDS, Shell, Start, tiny
from PIL import Image

from genloom.cli import main

PLACES = ("top", "bottom")
TABLE = [
    "--size",
    "tiny",
    *("--set", "train.steps=40", "--set", "train.judge=40", "--set", "train.compile=off"),
]
IMAGE = [
    *TABLE,
    *("--set", "train.preview=0", "--set", "net.net.width=32", "--set", "net.net.depth=1"),
    *("--set", "data.batch=8", "--set", "codec.size=8"),
]


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(capsys, monkeypatch)


@pytest.fixture
def start() -> Iterator[Start]:
    starter = Start()
    yield starter
    starter.end()


@pytest.fixture(scope="session")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "cats.txt"
    path.write_text(WORDS * 40, "utf-8")
    return path


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "people.csv"
    ages = [20 + n % 60 for n in range(200)]
    body = "".join(f"{a},{'old' if a > 50 else 'young'},{a * 1.5:.1f}\n" for a in ages)
    path.write_text("age,group,pay\n" + body, "utf-8")
    return path


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 pictures in a folder a class, bright above or below."""
    folder = tmp_path_factory.mktemp("pictures")
    for n in range(16):
        place = PLACES[n % 2]
        pixels = np.full((8, 8, 3), 10 + n, np.uint8)
        pixels[slice(0, 4) if place == "top" else slice(4, 8)] = 200
        (folder / place).mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / place / f"{n}.png")
    return folder


def _trained(*tokens: str | Path) -> str:
    """Train and return the model's name."""
    seen = io.StringIO()
    with redirect_stdout(seen), redirect_stderr(seen), pytest.raises(SystemExit) as left:
        main(["train", *map(str, tokens), "--quiet"])
    assert not left.value.code, seen.getvalue()
    return str(tokens[tokens.index("--out") + 1])


@pytest.fixture(scope="session")
def text_model(home: Path, texts: Path) -> str:
    return _trained("text", texts, "--out", "cats", *tiny(40))


@pytest.fixture(scope="session")
def table_model(home: Path, rows: Path) -> str:
    return _trained("table", rows, "--out", "people", *TABLE)


@pytest.fixture(scope="session")
def image_model(home: Path, pictures: Path) -> str:
    return _trained("image", pictures, "--out", "bright", *IMAGE)
