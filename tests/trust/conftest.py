"""Three tiny models, trained for a few steps from files. Knows nothing of what is tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_data import people, prose, shapes

from genloom import api


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trust")


@pytest.fixture(scope="session")
def text_model(place: Path) -> api.Model:
    file = place / "prose.txt"
    file.write_text(prose(3000, seed=0), encoding="utf-8")
    changes = (
        "train.steps=20",
        "codec.length=48",
        "net.net.width=32",
        "net.net.heads=2",
        "net.net.depth=1",
        "data.batch=8",
        "train.preview=0",
        "train.judge=0",
    )
    return api.train("text", file, out=place / "text", size="tiny", changes=changes)


@pytest.fixture(scope="session")
def image_model(place: Path) -> api.Model:
    shapes(place / "bars", 60)
    changes = (
        "train.steps=20",
        "codec.size=8",
        "net.net.width=32",
        "net.net.heads=2",
        "net.net.depth=1",
        "family.steps=4",
        "train.preview=0",
        "data.batch=16",
    )
    return api.train("image", place / "bars", out=place / "image", size="tiny", changes=changes)


@pytest.fixture(scope="session")
def table_model(place: Path) -> api.Model:
    file = place / "people.csv"
    people(600, seed=2).to_csv(file, index=False)
    changes = (
        "train.steps=20",
        "net.net.width=32",
        "net.net.summed=32",
        "train.judge=0",
        "data.holdout=0.3",
    )
    return api.train(
        "table", file, out=place / "table", size="tiny", changes=changes, licence="CC0-1.0"
    )
