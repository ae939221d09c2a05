"""/v1/chats over HTTP: asked, answered in the background, followed, stopped, gone on with, found
again after the server went, and nobody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import databases
import pytest
import small_server
from http_client import Client
from small_server import Running

GREEDY = {"temperature": 0}


@pytest.fixture
def web(chatting: Running) -> Iterator[Client]:
    with closing(Client(chatting.url)) as made:
        yield made


def begun(web: Client, model: str = "talker", **more: Any) -> str:
    made = web.ask("POST", "/v1/chats", {"model": model, "settings": GREEDY, **more})
    assert made.status == 200, made.body
    return str(made.json["id"])


def asked(web: Client, chat: str, text: str, parent: str | None = None) -> list[Any]:
    said = {"parent": parent, "said": [{"role": "user", "text": text}]}
    answer = web.ask("POST", f"/v1/chats/{chat}/answers", said)
    assert answer.status == 200, answer.body
    return list(answer.json["data"])


def told(web: Client, chat: str, turn: str) -> list[tuple[str, Any]]:
    """The events to the end."""
    out = []
    stream = web.ask("GET", f"/v1/chats/{chat}/turns/{turn}/events").body.decode()
    for block in stream.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in lines:
            out.append((lines["event"], json.loads(lines["data"])))
    return out


def ended(web: Client, chat: str, turn: str) -> Any:
    return told(web, chat, turn)[-1][1]["turn"]


def test_it_is_answered_followed_and_kept(web: Client) -> None:
    chat = begun(web, system="you count")
    user, answer = asked(web, chat, "say b")
    assert (user["text"], answer["status"], answer["parent"]) == (
        "say b",
        "in_progress",
        user["id"],
    )
    events = told(web, chat, answer["id"])
    last = events[-1][1]["turn"]
    pieces = "".join(value.get("text", "") for kind, value in events if kind == "piece")
    first = events[0][1]["turn"]["text"] if events[0][0] == "snapshot" else last["text"]
    assert first + pieces == last["text"] or events[0][0] == "turn"
    assert last["status"] == "completed" and last["text"]
    assert last["usage"]["made"] > 0 and last["timing"]["seconds"] > last["timing"]["first"] > 0
    kept = web.ask("GET", f"/v1/chats/{chat}").json
    assert [t["text"] for t in kept["turns"]] == ["say b", last["text"]]
    assert kept["head"] == answer["id"] and kept["turns"][1] == last
    assert told(web, chat, answer["id"])[-1][1]["turn"] == last  # whoever comes back later


def test_the_model_hears_the_way_to_the_question(web: Client) -> None:
    """Branches: the same question asked twice, and answered again."""
    chat = begun(web)
    user, answer = asked(web, chat, "say a")
    one = ended(web, chat, answer["id"])
    again = web.ask("POST", f"/v1/chats/{chat}/answers", {"parent": user["id"]}).json["data"]
    assert len(again) == 1 and again[0]["parent"] == user["id"]
    assert ended(web, chat, again[0]["id"])["text"] == one["text"]  # no temperature: the same
    other, second = asked(web, chat, "say a")
    assert other["parent"] is None and ended(web, chat, second["id"])["text"] == one["text"]
    deep = asked(web, chat, "say c", answer["id"])[-1]
    whole = web.ask(
        "POST",
        "/v1/chat/completions",
        {
            **GREEDY,
            "model": "talker",
            "messages": [
                {"role": "user", "content": "say a"},
                {"role": "assistant", "content": one["text"]},
                {"role": "user", "content": "say c"},
            ],
        },
    ).json
    assert ended(web, chat, deep["id"])["text"] == whole["choices"][0]["message"]["content"]


def test_a_cut_answer_goes_on_in_its_place(web: Client) -> None:
    long = {**GREEDY, "ignore_eos": True, "logprobs": True, "top_logprobs": 2, "max_tokens": 24}
    chat = begun(web, settings=long)
    whole = ended(web, chat, asked(web, chat, "say c")[-1]["id"])
    assert (whole["status"], whole["reason"]) == ("incomplete", "length")
    short = begun(web, settings={**long, "max_tokens": 12})
    turn = asked(web, short, "say c")[-1]["id"]
    cut = ended(web, short, turn)
    assert cut["usage"]["made"] == 12 and whole["text"].startswith(cut["text"])
    more = web.ask("POST", f"/v1/chats/{short}/turns/{turn}/continue")
    assert more.status == 200 and more.json["text"] == cut["text"]
    now = ended(web, short, turn)
    assert now["text"].startswith(cut["text"]) and len(now["text"]) > len(cut["text"])
    assert now["usage"]["made"] == 24
    chances = web.ask("GET", f"/v1/chats/{short}/turns/{turn}/chances").json["data"]
    assert 12 < len(chances) <= 24 and all(one[0] for one in chances)
    assert all(len(one[2]) == 2 and one[1] <= 0 for one in chances)
    kept = web.ask("GET", f"/v1/chats/{short}").json["turns"]
    assert [t["id"] for t in kept][1:] == [turn]  # no second one
    asked(web, short, "say a", turn)
    assert web.ask("POST", f"/v1/chats/{short}/turns/{turn}/continue").status == 409


def test_an_answer_cut_in_its_thought_goes_on_there(web: Client) -> None:
    long = {**GREEDY, "max_tokens": 60}
    whole = ended(web, chat := begun(web, settings=long), asked(web, chat, "think a")[-1]["id"])
    if not whole.get("reasoning"):
        pytest.skip("this one did not learn to think")
    chat = begun(web, settings={**GREEDY, "max_tokens": 5})
    turn = asked(web, chat, "think a")[-1]["id"]
    cut = ended(web, chat, turn)
    assert whole["reasoning"].startswith(cut["reasoning"]) and not cut["text"]
    for _ in range(12):
        if ended(web, chat, turn)["status"] == "completed":
            break
        assert web.ask("POST", f"/v1/chats/{chat}/turns/{turn}/continue").status == 200
    now = ended(web, chat, turn)
    assert now["reasoning"].startswith(cut["reasoning"]) and "<" not in now["text"]


def test_stopping_and_what_was_stopped(web: Client) -> None:
    chat = begun(web, settings={**GREEDY, "ignore_eos": True})
    turn = asked(web, chat, "say c")[-1]["id"]
    stopped = web.ask("POST", f"/v1/chats/{chat}/turns/{turn}/cancel").json
    assert (stopped["status"], stopped["reason"]) == ("incomplete", "stopped")
    assert web.ask("POST", f"/v1/chats/{chat}/turns/{turn}/cancel").json == stopped
    assert ended(web, chat, turn) == stopped


def test_tools_are_called_and_answered(web: Client) -> None:
    tool = {
        "name": "look",
        "parameters": {"type": "object", "properties": {"at": {"enum": ["x"]}}, "required": ["at"]},
    }
    settings = {**GREEDY, "tool_choice": "required", "parallel_tool_calls": False}
    chat = begun(web, tools=[{"type": "function", "function": tool}], settings=settings)
    first = ended(web, chat, asked(web, chat, "say a")[-1]["id"])
    (call,) = first["calls"]
    assert call["name"] == "look" and json.loads(call["arguments"]) == {"at": "x"}
    version = web.ask("GET", f"/v1/chats/{chat}").json["version"]
    web.ask("PATCH", f"/v1/chats/{chat}", {"version": version, "settings": GREEDY})
    said = [{"role": "tool", "text": "found", "call_id": call["id"]}]
    answer = web.ask("POST", f"/v1/chats/{chat}/answers", {"parent": first["id"], "said": said})
    assert ended(web, chat, answer.json["data"][-1]["id"])["status"] == "completed"


def test_a_model_of_texts_goes_on_with_them(web: Client) -> None:
    chat = begun(web, "plain", settings={**GREEDY, "max_tokens": 5})
    made = ended(web, chat, asked(web, chat, "the ")[-1]["id"])
    assert made["usage"]["made"] <= 5 and made["text"]


def test_an_export_comes_back(web: Client) -> None:
    chat = begun(web, title="Kept", system="short")
    ended(web, chat, asked(web, chat, "say a")[-1]["id"])
    told_ = web.ask("GET", f"/v1/chats/{chat}").json
    again = web.ask("POST", "/v1/chats", told_)
    assert again.status == 200, again.body
    back = web.ask("GET", f"/v1/chats/{again.json['id']}").json
    for name in ("title", "system", "model", "settings"):
        assert back[name] == told_[name]
    assert [t["text"] for t in back["turns"]] == [t["text"] for t in told_["turns"]]
    assert back["turns"][1]["parent"] == back["turns"][0]["id"] != told_["turns"][0]["id"]
    wrong = [{"id": "b", "parent": "a", "role": "user", "text": ""}]
    assert web.ask("POST", "/v1/chats", {"turns": wrong}).json["error"]["param"] == "turns.0"


def test_what_cannot_be_is_told(web: Client) -> None:
    chat = begun(web, settings={"temperature": 9})
    bad = web.ask("POST", f"/v1/chats/{chat}/answers", {"said": [{"role": "user", "text": "a"}]})
    assert bad.status == 400 and bad.json["error"]["param"] == "temperature"
    assert web.ask("GET", f"/v1/chats/{chat}").json["turns"] == []  # nothing half done
    none = web.ask("POST", "/v1/chats", {}).json["id"]
    bad = web.ask("POST", f"/v1/chats/{none}/answers", {"said": [{"role": "user", "text": "a"}]})
    assert bad.json["error"]["param"] == "model"
    for path in ("chat_nobody", f"{chat}/turns/turn_nobody/events"):
        assert web.ask("GET", f"/v1/chats/{path}").status == 404
    found = web.ask("POST", "/v1/chats/search", {"query": "no such words"}).json
    assert found["data"] == []


def test_another_key_finds_nothing(tmp_path: Path) -> None:
    records = databases.opened(tmp_path)
    anna, bob = (records.keys.create(name, role="member")[1] for name in ("anna", "bob"))
    records.close()
    turns = [{"id": "a", "role": "user", "text": "a secret"}]
    with small_server.running(tmp_path) as server, closing(Client(server.url)) as web:
        chat = web.ask("POST", "/v1/chats", {"turns": turns}, key=anna).json["id"]
        turn = web.ask("GET", f"/v1/chats/{chat}", key=anna).json["turns"][0]["id"]
        said = {"parent": turn, "said": []}
        for method, rest, body in (
            ("GET", "", None),
            ("PATCH", "", {"version": 1, "title": "mine"}),
            ("POST", "/shown", {"head": None}),
            ("POST", "/answers", said),
            ("POST", f"/turns/{turn}/continue", {}),
            ("POST", f"/turns/{turn}/cancel", {}),
            ("GET", f"/turns/{turn}/events", None),
            ("GET", f"/turns/{turn}/chances", None),
            ("DELETE", "", None),
        ):
            found = web.ask(method, f"/v1/chats/{chat}{rest}", body, key=bob)
            assert found.status == 404, (method, rest, found.body)
            assert b"secret" not in found.body
        assert web.ask("POST", "/v1/chats/search", {"query": "secret"}, key=bob).json["data"] == []
        assert web.ask("GET", f"/v1/chats/{chat}", key=anna).status == 200
        assert web.ask("GET", f"/v1/chats/{chat}").status == 401


@pytest.mark.slow
def test_killed_in_the_middle_it_is_a_part_that_goes_on(
    talker: str, home: Path, tmp_path: Path
) -> None:
    """A server process of its own, killed as by a power cut."""
    (tmp_path / "models").symlink_to(home / "models")
    line = [sys.executable, "-m", "genloom", "serve", talker, "--port", "0"]
    environment = {**os.environ, "GENLOOM_HOME": str(tmp_path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(line, env=environment, **pipes) as server:
        try:
            words = (word for text in server.stdout for word in text.split())
            url = next(word for word in words if word.startswith("http"))
            with closing(Client(url)) as web:
                chat = begun(web, settings={**GREEDY, "ignore_eos": True})
                turn = asked(web, chat, "say c")[-1]["id"]
                until_written(web, chat)
        finally:
            server.send_signal(signal.SIGKILL)
    data = tmp_path / "server"
    records = databases.opened(data)
    left = records.chats.turn(chat, turn, "local")
    records.close()
    assert left.status == "in_progress"
    with small_server.running(data, (talker,)) as back, closing(Client(back.url)) as web:
        kept = web.ask("GET", f"/v1/chats/{chat}").json["turns"][-1]
        assert (kept["id"], kept["status"], kept["reason"]) == (turn, "incomplete", "interrupted")
        assert kept["text"] == left.text
        web.ask("POST", f"/v1/chats/{chat}/turns/{turn}/continue")
        whole = ended(web, chat, turn)
        assert whole["text"].startswith(left.text)
        assert len(web.ask("GET", f"/v1/chats/{chat}").json["turns"]) == 2


def until_written(web: Client, chat: str) -> None:
    """There is something of the answer."""
    for _ in range(400):
        if web.ask("GET", f"/v1/chats/{chat}").json["turns"][-1]["text"]:
            return
        time.sleep(0.01)
