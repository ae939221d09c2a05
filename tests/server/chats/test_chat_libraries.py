"""Other people's clients against the server: LangChain, and the Vercel AI SDK where node has it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from small_server import Running

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("vercel.cjs")


class Weather(BaseModel):
    """What the weather is asked for."""

    days: bool


def test_langchain(chatting: Running, talker: str) -> None:
    langchain = pytest.importorskip("langchain_openai", reason="langchain-openai is not installed")
    told: dict[str, Any] = {"temperature": 0, "max_tokens": 150, "seed": 1, "max_retries": 0}
    model = langchain.ChatOpenAI(
        model=talker, base_url=f"{chatting.url}/v1", api_key="none", **told
    )
    answer = model.invoke("say b")
    assert answer.content == "two" and answer.usage_metadata["output_tokens"] > 0
    assert "".join(chunk.content for chunk in model.stream("say c")) == "three"
    bound = model.bind_tools([Weather], tool_choice="Weather")
    (call,) = bound.invoke("say a").tool_calls
    assert call["name"] == "Weather" and isinstance(call["args"]["days"], bool)
    whole: Any = None
    for chunk in bound.stream("say a"):
        whole = chunk if whole is None else whole + chunk
    assert whole.tool_calls[0]["args"] == call["args"]
    assert isinstance(model.with_structured_output(Weather).invoke("say a"), Weather)


def test_vercel_ai_sdk(chatting: Running, talker: str) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    found = subprocess.run(
        [node, "-e", 'require("ai"); require("@ai-sdk/openai-compatible")'], capture_output=True
    )
    if found.returncode:
        pytest.skip("node does not find ai and @ai-sdk/openai-compatible: set NODE_PATH")
    done = subprocess.run(
        [node, str(SCRIPT), chatting.url, talker], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["whole"], told["streamed"]) == ("two", "three") and told["tokens"] > 0
    assert told["calls"] == [["weather", {"days": 1}]] and told["finish"] == "tool-calls"
    assert told["object"] == {"days": 1}
