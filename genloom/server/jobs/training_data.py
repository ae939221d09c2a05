"""What a training learns from: a stored file under a name that tells its kind, lines checked, or
the folder that an archive holds.

Knows the shapes of lines that the fine-tuning API takes, and what our own readers call the same;
not what a line means to a model: the training's process reads it again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.server.failure import Failure
from genloom.server.jobs import unpacking
from genloom.server.records.trouble import on_disk
from genloom.server.strict_json import strict_json

LONGEST, DEEPEST = 16 << 20, 64
LINES = ".jsonl"
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8})?\.[a-z0-9]{1,8}")
# Fields of a line -> the preset that learns from such lines, and the one for a model that does not
# speak as that preset's do; the first that fits.
PRESETS = (
    ({"messages"}, ("chat", "chat")),
    ({"prompt", "completion"}, ("pair", "chat")),
    ({"source", "target"}, ("pair", "pair")),
    ({"text"}, ("text", "text")),
)
Convert = Callable[[dict[str, Any]], dict[str, Any]]


class Faulty(Failure):
    """A line that nothing can be learnt from."""

    def __init__(self, param: str, line: int, why: str) -> None:
        code = f"invalid_{param}"
        super().__init__(400, f"line {line} of the {param}: {why}", code=code, param=param)
        self.line = line


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """path: for the training. presets: of PRESETS, what the lines' fields ask for, none where they
    do not tell. lines: whether it consists of such."""

    path: str
    presets: tuple[str, ...] = ()
    lines: bool = False


def prepare(source: Path, filename: str, place: Path, param: str, convert: Convert) -> Prepared:
    """The stored file at `place` with its suffix. Faulty names the first line that does not do."""
    with on_disk():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _has_lines(source):
            archive = filename.lower().endswith(unpacking.SUFFIX)
            folder = unpacking.unpacked(source, place, param) if archive else None
            return Prepared(path=str(folder or _linked(source, place, filename)))
        made, draft = place.with_name(place.name + LINES), place.with_name(f".{place.name}{LINES}")
        presets: tuple[str, ...] = ()
        with draft.open("wb") as file:
            for number, told in _objects(source, param):
                try:
                    line = convert(told)
                except ValueError as error:
                    raise Faulty(param, number, str(error)) from None
                presets = presets or presets_of(line)
                file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, made)
    return Prepared(path=str(made), presets=presets, lines=True)


def _has_lines(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4096).lstrip().startswith(b"{")


def _linked(source: Path, place: Path, filename: str) -> Path:
    """Under another name; its bytes stay when the file is deleted."""
    suffix = "".join(Path(filename.lower()).suffixes[-2:])
    suffix = suffix if _SUFFIX.fullmatch(suffix) else Path(filename.lower()).suffix
    made = place.with_name(place.name + (suffix if _SUFFIX.fullmatch(suffix) else ""))
    if not made.exists():
        try:
            os.link(source, made)
        except OSError:  # another file system
            draft = made.with_name(f".{made.name}")
            shutil.copyfile(source, draft)
            os.rename(draft, made)
    return made


def _objects(path: Path, param: str) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, data in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), 1):
            if len(data) > LONGEST:
                raise Faulty(param, number, f"it is longer than {LONGEST} bytes")
            if not data.strip():
                continue
            try:
                told = strict_json(data, DEEPEST)
            except Failure as error:
                why = error.message.rpartition(": ")[2]
                raise Faulty(param, number, f"no JSON that can be read: {why}") from None
            if not isinstance(told, dict):
                raise Faulty(param, number, "an object is expected")
            yield number, told


def presets_of(line: Mapping[str, Any]) -> tuple[str, ...]:
    return next((presets for fields, presets in PRESETS if fields <= line.keys()), ())


# --- shapes ---------------------------------------------------------------------------------------


def supervised(line: dict[str, Any]) -> dict[str, Any]:
    for number, message in enumerate(_messages(line.get("messages", [])), 1):
        if message.get("weight") not in (None, 1):
            raise ValueError(f"message {number} has a weight: every answer is learnt, leave it out")
    return line


def preferred(line: dict[str, Any]) -> dict[str, Any]:
    """A prompt, and a better and a worse answer."""
    if "input" not in line or "preferred_output" not in line:
        return line
    asked = line["input"]
    if not isinstance(asked, dict):
        raise ValueError("input: an object with messages is expected")
    told = {"chosen": line["preferred_output"], "rejected": line.get("non_preferred_output")}
    tools = {"tools": asked["tools"]} if asked.get("tools") else {}
    return {"prompt": _messages(asked.get("messages")), **told, **tools}


def answered(field: str) -> Convert:
    """A task whose right answer stands in this field."""

    def convert(line: dict[str, Any]) -> dict[str, Any]:
        if not field or field not in line:
            return line
        return {**line, "answer": line[field]}

    return convert


def _messages(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("messages: a list of objects is expected")
    return found
