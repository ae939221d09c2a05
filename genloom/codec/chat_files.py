"""Files of conversations: JSON lines or lists, in the shapes that data sets come in.

Knows folders, gzip, JSON and the field names in use. Knows no template, token or model. What is no
conversation is left out by its number and with the reason.
"""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.chat_messages import Message, checked, checked_tools
from genloom.codec.conversation import Conversation
from genloom.errors import DataError, RequestError

SUFFIXES = (".jsonl", ".ndjson", ".json")
_LARGEST = 4 << 30  # bytes of one file when unpacked
_SPEAKERS = {"human": "user", "gpt": "assistant", "bing": "assistant", "chatgpt": "assistant"}
# question -> answer, by the first pair of names that a record has
_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("question", "answer"),
    ("input", "output"),
)


class _No(Exception):
    """Not a conversation; the text is the reason."""


def read_conversations(path: Path) -> Reading:
    """Every conversation under a file or a folder, in order of the paths. DataError when none."""
    path = Path(path)
    if not path.exists():
        raise DataError(f"no such file or folder: {path}; give JSON lines of conversations")
    items: list[Conversation] = []
    files: list[Path] = []
    skipped: dict[str, str] = {}
    for file in _walk(path) if path.is_dir() else [path]:
        name = file.name if file == path else file.relative_to(path).as_posix()
        found = list(_found(file, name, skipped))
        items += found
        files += [file] if found else []
    if not items:
        why = next((f"{k}: {v}" for k, v in skipped.items()), "holds no .jsonl file")
        raise DataError(
            f'{path} has no conversation ({why}): give JSON lines with "messages", '
            '"conversations" or "prompt" and "completion"'
        )
    return Reading(items=items, files=tuple(files), skipped=skipped)


def _walk(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().removesuffix(".gz").endswith(SUFFIXES):
                yield Path(base, name)


def _found(file: Path, name: str, skipped: dict[str, str]) -> Iterator[Conversation]:
    try:
        records = list(_records(_text(file), name, skipped))
    except _No as reason:
        skipped[name] = str(reason)
        return
    for number, record in records:
        try:
            yield conversation(record)
        except RequestError as error:
            skipped[f"{name}:{number}"] = str(error)


def _text(file: Path) -> str:
    try:
        if not file.is_file():
            raise _No("not a regular file")
        if file.suffix.lower() == ".gz":
            with gzip.open(file) as stream:
                data = stream.read(_LARGEST + 1)
        else:
            data = file.read_bytes()
        if len(data) > _LARGEST:
            raise _No(f"more than {_LARGEST >> 30} GiB when unpacked")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _No("not UTF-8") from None
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise _No("a damaged gzip file") from None
    except OSError as error:
        raise _No(f"cannot be read: {error.strerror or error}") from None


def _records(text: str, name: str, skipped: dict[str, str]) -> Iterator[tuple[int, Any]]:
    """(line or place, record) of JSON lines, or of one JSON list."""
    if text.lstrip()[:1] == "[":
        try:
            yield from enumerate(json.loads(text), 1)
        except (ValueError, RecursionError):
            raise _No("not JSON") from None
        return
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            skipped[f"{name}:{number}"] = "not JSON"


def conversation(record: Any) -> Conversation:
    """A record in any of the known shapes. RequestError says what is wrong with it."""
    if isinstance(record, Conversation):
        return record
    if isinstance(record, Sequence) and not isinstance(record, str | bytes):
        record = {"messages": record}
    if not isinstance(record, Mapping):
        raise RequestError("it is no object: give messages, conversations or prompt and completion")
    messages = checked(_messages(record))
    if not any(message["role"] == "assistant" for message in messages):
        raise RequestError("nobody answers in it: a message of the assistant is expected")
    return Conversation.of(messages, checked_tools(_tools(record.get("tools"))))


def _messages(record: Mapping[str, Any]) -> Any:
    for key, read in _SHAPES.items():
        if key in record:
            return read(record[key])
    for asked, answered in _PAIRS:
        if record.get(asked) is not None and record.get(answered) is not None:
            return _pair(record, asked, answered)
    known = ", ".join(sorted(map(str, record))[:8])
    raise RequestError(f"it has the fields {known or 'none'}, but no messages or prompt")


def _turns(turns: Any) -> Any:
    """ShareGPT: from and value."""
    if not isinstance(turns, Sequence) or isinstance(turns, str | bytes):
        return turns
    return [_turn(turn) if isinstance(turn, Mapping) else turn for turn in turns]


def _turn(turn: Mapping[str, Any]) -> Any:
    if "from" not in turn:
        return turn
    speaker = turn["from"]
    role = _SPEAKERS.get(speaker, speaker) if isinstance(speaker, str) else speaker
    return {"role": role, "content": turn.get("value")}


def _pair(record: Mapping[str, Any], asked: str, answered: str) -> list[Any]:
    """A question and its answer; each may be a list of messages itself."""
    question, answer = record[asked], record[answered]
    context = record.get("input") if asked == "instruction" else None
    if isinstance(context, str) and context.strip() and isinstance(question, str):
        question = f"{question}\n\n{context}"
    system = record.get("system")
    out: list[Message] = [{"role": "system", "content": system}] if system else []
    for role, said in (("user", question), ("assistant", answer)):
        out += said if isinstance(said, list) else [{"role": role, "content": said}]
    return out


def _tools(tools: Any) -> Any:
    """Some data sets keep them as a text."""
    if not isinstance(tools, str):
        return tools
    try:
        return json.loads(tools or "null")
    except (ValueError, RecursionError):
        raise RequestError("its tools are no JSON: give a list of functions") from None


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "messages": _turns,
    "conversations": _turns,
    "conversation": _turns,
}
