"""One `genloom serve` process with small models of several kinds, for all tests of faults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Program, program
from small_server import LITTLE, NARROW
from toys import texts

from genloom import api

SHARED = ("novel", "natter")


def novel(home: Path) -> None:
    """A model whose texts may be long."""
    file = home / "novel.txt"
    file.write_text("\n\n".join(texts(200)), encoding="utf-8")
    changes = (*NARROW, "codec.length=1024", "data.batch=2")
    api.train("text", file, out=home / "models" / "novel", size="tiny", changes=changes)


def natter(home: Path) -> None:
    """A model of conversations."""
    file = home / "natter.jsonl"
    talk = [{"role": "user", "content": "say a"}, {"role": "assistant", "content": "one"}]
    file.write_text("\n".join(json.dumps({"messages": talk}) for _ in range(40)), "utf-8")
    changes = (*LITTLE, "codec.length=256", "net.net.width=32", "net.net.depth=1")
    changes = (*changes, "net.net.heads=2", "data.batch=2")
    api.train("chat", file, out=home / "models" / "natter", size="tiny", changes=changes)


@pytest.fixture(scope="session")
def models(home: Path, small_models: tuple[str, ...]) -> tuple[str, ...]:
    novel(home)
    natter(home)
    return (*small_models, *SHARED)


@pytest.fixture(scope="session")
def served(
    home: Path, models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    """Warm: every model has answered once."""
    with program(home, tmp_path_factory.mktemp("served"), *models) as found:
        found.warm(models)
        message = {"role": "user", "content": "say a"}
        body = {"model": "natter", "messages": [message], "max_tokens": 1}
        assert found.ask("POST", "/v1/chat/completions", body).status == 200
        yield found
