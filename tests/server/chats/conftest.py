"""A model that was taught to talk, call and think for a second or two, and a server with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import small_server
from small_server import Running

from genloom import api, store

LENGTH = 640
TAUGHT = (
    *("train.steps=160", "train.judge=0", "train.preview=0", "train.compile=off"),
    *("data.batch=2", f"codec.length={LENGTH}", "net.net.width=48", "net.net.depth=1"),
    *("net.net.heads=2",),
)
ANSWERS = {"a": "one", "b": "two", "c": "three"}


def talks() -> list[dict[str, object]]:
    """Short conversations; to some questions the answer is thought about first."""
    rows: list[dict[str, object]] = []
    for n in range(48):
        letter = "abc"[n % 3]
        said: dict[str, object] = {"role": "assistant", "content": ANSWERS[letter]}
        if n % 4 == 3:
            said["reasoning_content"] = f"{letter} is {ANSWERS[letter]}"
        asked = f"{'think' if n % 4 == 3 else 'say'} {letter}"
        rows.append({"messages": [{"role": "user", "content": asked}, said]})
    return rows


@pytest.fixture(scope="session")
def talker(home: Path) -> str:
    """The name of the model."""
    store.set_home(home)
    file = home / "talks.jsonl"
    file.write_text("\n".join(map(json.dumps, talks())), encoding="utf-8")
    api.train("chat", file, out=home / "models" / "talker", size="tiny", changes=TAUGHT)
    return "talker"


@pytest.fixture(scope="session")
def chatting(
    talker: str, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server with it, and with a model of plain texts."""
    words = small_server.words(home, "plain")
    with small_server.running(tmp_path_factory.mktemp("chats"), (talker, words)) as found:
        yield found


@pytest.fixture
def chat(chatting: Running) -> Iterator[openai.OpenAI]:
    """The official library; it does not try again, so that every answer is seen."""
    with openai.OpenAI(base_url=f"{chatting.url}/v1", api_key="none", max_retries=0) as made:
        yield made
