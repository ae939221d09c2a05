"""`genloom chat`: one answer through pipes, and a conversation on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from commands import START, Shell, one_error

SHORT = ("--max-tokens", "12")
READY = ">>> "
LENGTH = 96


@pytest.fixture(scope="session")
def chat_model(home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Learnt from a few questions, by the command line itself."""
    path = tmp_path_factory.mktemp("chats") / "talks.jsonl"
    rows = [
        {"prompt": f"say {'abc'[n % 3]}", "completion": ("one", "two", "**three**")[n % 3]}
        for n in range(24)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    values = {
        "train.steps": 120,
        "train.judge": 120,
        "train.preview": 0,
        "train.compile": "off",
        "train.precision": "fp32",
        "codec.length": LENGTH,
        "net.net.width": 32,
        "net.net.depth": 1,
        "net.net.heads": 2,
        "data.batch": 8,
    }
    changes = [w for k, v in values.items() for w in ("--set", f"{k}={v}")]
    command = ["train", "chat", str(path), "--out", "talker", "--size", "tiny", *changes]
    done = subprocess.run([*START, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "genloom chat talker" in done.stderr
    return "talker"


# --- one answer -----------------------------------------------------------------------------------


def test_a_prompt_is_answered_once(shell: Shell, chat_model: str) -> None:
    ran = shell("chat", chat_model, "say b", "--temperature", "0")
    assert (ran.code, ran.out, ran.err) == (0, "two\n", "")


def test_what_is_piped_in_stands_below_the_prompt(shell: Shell, chat_model: str) -> None:
    joined = shell("chat", chat_model, "say", "--json", *SHORT, stdin=b"some notes\n")
    given = shell("chat", chat_model, "say\n\nsome notes", "--json", *SHORT)
    piped = shell("chat", chat_model, "--json", *SHORT, stdin=b"say\n\nsome notes")
    dash = shell("chat", chat_model, "-", "--json", *SHORT, stdin=b"say\n\nsome notes\n")
    told = [json.loads(ran.out) for ran in (joined, given, piped, dash)]
    assert len({(t["answer"], t["prompt_tokens"]) for t in told}) == 1


def test_json_tells_the_answer_its_tokens_and_its_speed(shell: Shell, chat_model: str) -> None:
    ran = shell("chat", chat_model, "say a", "--temperature", "0", "--seed", "7", "--json")
    told = json.loads(ran.out)
    assert told["answer"] == "one" and told["tokens"] == 3 and told["seed"] == 7
    assert told["tokens_per_second"] > 0 and told["prompt_tokens"] > 5


def test_the_flags_reach_the_model(shell: Shell, chat_model: str) -> None:
    def answer(*flags: str) -> str:
        ran = shell("chat", chat_model, "tell me", "--temperature", "3", "--json", *flags)
        return json.loads(ran.out)["answer"]

    assert answer("--seed", "1") == answer("--seed", "1") != answer("--seed", "2")
    plain = json.loads(shell("chat", chat_model, "x", "--json", *SHORT).out)["prompt_tokens"]
    system = shell("chat", chat_model, "x", "--json", "--system", "be kind", *SHORT)
    assert json.loads(system.out)["prompt_tokens"] > plain
    few = shell("chat", chat_model, "tell", "--temperature", "3", "--json", "--max-tokens", "2")
    assert json.loads(few.out)["tokens"] <= 2


def test_misuse_is_one_line(shell: Shell, chat_model: str, text_model: str) -> None:
    one_error(shell("chat", chat_model, stdin=b""), "nothing was said")
    one_error(shell("chat", chat_model, "x" * 200), "at most 95 fit", "(96)")
    one_error(shell("chat", text_model, "hi"), "no chat template", "genloom train chat")
    one_error(shell("chat", chat_model, "hi", "--temperature", "-1"), "temperature")
    one_error(shell("chat", "nobody", "hi"), "no model 'nobody'")


def test_bad_bytes_are_read_all_the_same(shell: Shell, chat_model: str) -> None:
    ran = shell("chat", chat_model, *SHORT, stdin=b"\xff\xfe caf\xe9")
    assert ran.code == 0 and ran.err == ""


# --- a conversation -------------------------------------------------------------------------------


class Terminal:
    """A chat in a terminal of its own."""

    def __init__(self, *tokens: str, home: Path) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background shell ignores it
            os.environ |= {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
            os.environ["GENLOOM_HOME"] = str(home)
            os.execv(START[0], [*START, *tokens])
        self.waiting = self.greeting = ""
        self.code: int | None = None

    def until(self, word: str, seconds: float = 60.0) -> str:
        """The screen up to a word, without colours and movements; what follows waits."""
        end = time.monotonic() + seconds
        while word not in self.waiting:
            left = end - time.monotonic()
            assert left > 0, f"{word!r} was not seen in {self.waiting!r}"
            if not select.select([self.file], [], [], left)[0]:
                continue
            try:
                data = os.read(self.file, 1 << 16)
            except OSError:  # it has ended
                data = b""
            assert data, f"{word!r} was not seen before the end: {self.waiting!r}"
            self.waiting += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", data.decode("utf-8", "replace"))
        new, word, self.waiting = self.waiting.partition(word)
        return new + word

    def say(self, text: str, word: str = READY) -> str:
        os.write(self.file, f"{text}\r".encode())
        return self.until(word)

    def interrupt(self, word: str) -> str:
        """Ctrl-C until the word is seen. A signal that comes just before readline begins to wait is
        heard at the next key only, which is sent, too; on a loaded machine it may be lost."""
        for _ in range(19):
            os.write(self.file, b"\x03")
            time.sleep(0.3)
            os.write(self.file, b"\r")
            with suppress(AssertionError):
                return self.until(word, 3.0)
        return self.until(word, 3.0)

    def leave(self) -> int:
        os.write(self.file, b"\x04")
        return self.wait()

    def wait(self) -> int:
        end = time.monotonic() + 30
        while self.code is None and time.monotonic() < end:
            if select.select([self.file], [], [], 0.05)[0]:
                with suppress(OSError):
                    os.read(self.file, 1 << 16)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        assert self.code is not None, "it did not end"
        return self.code

    def end(self) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.file)


@pytest.fixture
def terminal(chat_model: str, home: Path) -> Iterator[object]:
    opened: list[Terminal] = []

    def start(*flags: str) -> Terminal:
        opened.append(Terminal("chat", chat_model, *flags, home=home))
        opened[-1].greeting = opened[-1].until(READY)
        return opened[-1]

    yield start
    for one in opened:
        one.end()


def test_a_conversation(terminal, home: Path, tmp_path: Path) -> None:
    """One process, all of it: answers, commands, faults that lose nothing, history."""
    chat = terminal("--temperature", "0", "--seed", "3")
    assert "talker, seed 3" in chat.greeting
    told = chat.say("say a")
    assert "one" in told and "tokens/s" in told
    # markdown is drawn, not printed
    told = chat.say("/clear") + chat.say("say c")
    assert "begun anew" in told and "three" in told and "**" not in told
    saved = tmp_path / "talk.json"
    assert f"saved {saved}" in chat.say(f"/save {saved}").replace("\r\n", "")
    messages = json.loads(saved.read_text())["messages"]
    assert [m["content"] for m in messages] == ["say c", "**three**"]
    # more than the context holds: told with both numbers, and nothing is lost
    told = chat.say("y" * 90)
    assert "at most 95 fit" in told and "/clear" in told
    chat.say(f"/save {saved}")
    assert json.loads(saved.read_text())["messages"] == messages
    # several lines
    chat.say("/clear")
    chat.say("say\\", "... ")
    chat.say("a")
    chat.say(f"/save {saved}")
    assert json.loads(saved.read_text())["messages"][0]["content"] == "say\na"
    chat.say("/clear")
    chat.say('"""two', "... ")
    chat.say('lines"""')
    chat.say(f"/save {saved}")
    assert json.loads(saved.read_text())["messages"][0]["content"] == "two\nlines"
    assert chat.leave() == 0
    assert "say c" in (home / "chat_history").read_text()


def test_every_command(terminal, tmp_path: Path) -> None:
    chat = terminal("--temperature", "4", "--max-tokens", "4", "--seed", "3")
    file = tmp_path / "x.json"

    def messages() -> list[dict[str, str]]:
        chat.say(f"/save {file}")
        return json.loads(file.read_text())["messages"]

    assert "nothing to save" in chat.say("/save")
    assert "nothing to answer again" in chat.say("/retry")
    assert "system: be kind" in chat.say("/system be kind")
    chat.say("//etc is no command")
    first = messages()
    assert [m["role"] for m in first] == ["system", "user", "assistant"]
    assert first[1]["content"] == "/etc is no command"
    chat.say("/retry")
    again = messages()
    assert again[:2] == first[:2] and again[2] != first[2]
    assert "seed 3" in chat.say("/seed 3")
    chat.say("/retry")
    assert messages()[2] == again[2]  # the same seed, the same second answer
    assert "a whole number" in chat.say("/seed x")
    assert "temperature 0.5" in chat.say("/temperature 0.5")
    assert "0 to 100" in chat.say("/temperature nan")
    assert "did you mean /system?" in chat.say("/sistem")
    assert "no such file" in chat.say("/load nothing.json").lower()
    assert "begun anew" in chat.say("/clear") and [m["role"] for m in messages()] == ["system"]
    file.write_text(json.dumps({"messages": first}))
    assert "loaded 3 messages" in chat.say(f"/load {file}") and messages() == first
    assert "/temperature" in chat.say("/help")
    os.write(chat.file, b"/quit\r")
    assert chat.wait() == 0


def test_ctrl_c_stops_the_answer_and_not_the_program(terminal, tmp_path: Path) -> None:
    chat = terminal("--temperature", "20", "--max-tokens", "60", "--seed", "1")
    chat.interrupt("Ctrl-D leaves")  # at the prompt: nothing happens
    chat.say("/seed", "seed 1")
    chat.until(READY)
    os.write(chat.file, b"say something long\r")
    chat.until("\r\n")
    os.write(chat.file, b"\x03")
    told = chat.until(READY)
    assert "stopped" in told or "60 tokens" in told
    chat.say("/seed", "seed 1")  # it lives
    chat.until(READY)
    assert chat.leave() == 0


def test_the_answer_to_a_terminal_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    from genloom.cli.chat_screen import Parts, Tail
    from genloom.codec.chat.tool_calls import Call, Delta

    parts = Parts()
    parts.add(Delta(content="a\x1b[2Jb\n\n" + "line\n\n" * 50, reasoning="so\x07"))
    parts.add(Delta(calls=(Call(name="f", arguments={"x": "\x1b"}),)))
    Console(width=40, height=10).print(Tail(parts))
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\x07" not in shown
    assert shown.rstrip().endswith('calls f({"x": "\\u001b"})') and shown.count("\n") <= 10
    Console(width=40, height=10).print(parts)
    assert "so" in capsys.readouterr().out


def test_data_and_assets_stay_conversations(shell: Shell, chat_model: str, tmp_path: Path) -> None:
    """Cleaned data and what is generated can be read as conversations again."""
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    (tmp_path / "x.jsonl").write_text(f"{json.dumps(row)}\n" * 3)
    ran = shell("data", "clean", tmp_path / "x.jsonl", tmp_path / "y.jsonl", "--medium", "chat")
    assert ran.code == 0 and json.loads((tmp_path / "y.jsonl").read_text()) == row
    target = tmp_path / "answer.jsonl"
    ran = shell("generate", chat_model, "say a", "--temperature", "0", "-o", target)
    assert ran.code == 0, ran.err
    assert [m["content"] for m in json.loads(target.read_text())["messages"]] == ["say a", "one"]
    for verb in ("verify", "trace"):
        assert shell(verb, target).code == 0
