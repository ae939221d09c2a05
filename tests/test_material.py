"""What a preset is told of conversations that are given as values, and what their ids are."""

from __future__ import annotations

import random
from typing import Any

import pytest

from genloom.codec.chat.codec import ChatCodec
from genloom.material import prepare
from genloom.train.log import silent

WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "su", "te") for b in ("ra", "ne", "pol", "shi")]


def talks(count: int) -> list[dict[str, Any]]:
    chance = random.Random(0)

    def says(role: str) -> dict[str, Any]:
        return {"role": role, "content": " ".join(chance.choices(WORDS, k=60))}

    return [{"messages": [says("user"), says("assistant")]} for _ in range(count)]


@pytest.mark.parametrize("count, much", [(30, False), (400, True)])
def test_conversations_are_as_many_characters_as_they_say(count: int, much: bool) -> None:
    """Not one each, as other items: bytes and batches of conversations are for few alone."""
    recipe = prepare("chat", talks(count), "tiny", None, 0, (), None, silent, None).recipe
    assert recipe.codec.options["vocab"] == (512 if much else "bytes")
    assert recipe.data.pack == much


def test_calls_and_tools_have_pieces_of_their_own() -> None:
    tool = {"name": "find_weather", "parameters": {"type": "object", "properties": {}}}
    call = {"function": {"name": "find_weather", "arguments": {"place": "Riga"}}}
    asked = [{"role": "user", "content": "hello"}]
    calling = {"role": "assistant", "content": "", "tool_calls": [call]}
    whole = {"messages": [*asked, calling], "tools": [tool]}
    plain = {"messages": [*asked, {"role": "assistant", "content": "hello"}]}
    sizes = []
    for learnt in ([whole] * 4, [plain] * 4):
        codec = ChatCodec(vocab=512, length=512)
        codec.fit(learnt)
        sizes.append(len(codec.encode([whole])[0]))
    assert sizes[0] < 0.6 * sizes[1]
