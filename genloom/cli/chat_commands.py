"""What begins with a slash in a chat: settings, saving, beginning anew.

A table name -> what it does; each answers with a line to show. Knows the session, no screen.
"""

from __future__ import annotations

import difflib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.errors import RequestError, UsageError

if TYPE_CHECKING:
    from genloom.cli.chat_session import Session, Turn

LARGEST = 64 << 20  # bytes of a conversation on disk


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command leaves to do: a line to show, a turn to answer, or to leave."""

    line: str = ""
    turn: Turn | None = None
    leave: bool = False


def is_command(text: str) -> bool:
    """Two slashes stand for a text that begins with one."""
    return text.startswith("/") and not text.startswith("//")


def run(session: Session, text: str, home: Path) -> Done:
    """Do what a line that begins with a slash asks. UsageError for what is none."""
    name, _, rest = text[1:].strip().partition(" ")
    command = _COMMANDS.get(name)
    if command is None:
        near = difflib.get_close_matches(name, _COMMANDS, n=1)
        hint = f"did you mean /{near[0]}?" if near else "/help lists them"
        raise UsageError(f"/{name} is no command: {hint}; a text may begin with //")
    return command[0](session, rest.strip(), home)


def _system(session: Session, text: str, home: Path) -> Done:
    if text:
        session.system = None if text == "-" else text
    return Done(line=f"system: {session.system or '-'}")


def _seed(session: Session, text: str, home: Path) -> Done:
    if text:
        session.settings.seed = int(_number(text, "a whole number of at least 0", 0, 2**63, True))
        session.retries = 0
    return Done(line=f"seed {session.settings.seed}")


def _temperature(session: Session, text: str, home: Path) -> Done:
    if text:
        value = _number(text, "a number from 0 to 100", 0.0, 100.0, False)
        session.settings.temperature = value
    told = session.settings.temperature
    return Done(line=f"temperature {'as the model has it' if told is None else f'{told:g}'}")


def _number(text: str, wanted: str, low: float, high: float, whole: bool) -> float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = -1
    if not low <= value <= high:
        raise UsageError(f"{text!r} was given, but {wanted} is expected")
    return value


def _retry(session: Session, text: str, home: Path) -> Done:
    return Done(turn=session.again())


def _clear(session: Session, text: str, home: Path) -> Done:
    session.clear()
    return Done(line="begun anew")


def _save(session: Session, text: str, home: Path) -> Done:
    from genloom.codec.saving import write_atomic

    if not session.messages:
        raise UsageError("there is nothing to save yet: say something first")
    name = re.sub(r"\W+", "-", session.name)
    usual = home / "chats" / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path = Path(text).expanduser() if text else usual
    if path.is_dir():
        raise UsageError(f"{path} is a folder: give a file such as {path / 'chat.json'}")
    told = {"messages": session.messages, "model": session.name}
    write_atomic(path, (json.dumps(told, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
    return Done(line=f"saved {path}")


def _load(session: Session, text: str, home: Path) -> Done:
    from genloom.codec.chat.messages import checked

    if not text:
        raise UsageError("/load needs a file: the one that /save told")
    session.messages = checked(_told(Path(text).expanduser()))
    session.retries = 0
    return Done(line=f"loaded {len(session.messages)} messages")


def _told(path: Path) -> Any:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is too large for a conversation: give one that /save wrote")
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give a file that /save wrote") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is no conversation: give a file that /save wrote") from None
    messages = told.get("messages") if isinstance(told, dict) else told
    if not messages:
        raise RequestError(f"{path} holds no messages: give a file that /save wrote")
    return messages


def _help(session: Session, text: str, home: Path) -> Done:
    width = max(map(len, _COMMANDS))
    lines = [f"/{name.ljust(width)}  {told}" for name, (_, told) in _COMMANDS.items()]
    lines += ['\\ at a line\'s end, or """ around several, writes more than one line.']
    return Done(line="\n".join([*lines, "Ctrl-C stops an answer, Ctrl-D leaves."]))


def _quit(session: Session, text: str, home: Path) -> Done:
    return Done(leave=True)


_Command = Callable[["Session", str, Path], Done]
_COMMANDS: dict[str, tuple[_Command, str]] = {
    "system": (_system, "TEXT  what the model is told before all else; - for nothing"),
    "seed": (_seed, "N  the same seed answers the same again"),
    "temperature": (_temperature, "X  0 takes the likeliest"),
    "retry": (_retry, "another answer to what was said last"),
    "save": (_save, "[FILE]  write the conversation"),
    "load": (_load, "FILE  go on with one that was saved"),
    "clear": (_clear, "begin anew; the system's message stays"),
    "help": (_help, "this list"),
    "quit": (_quit, "leave"),
}
