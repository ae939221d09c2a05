"""Open conversations in one form: questions and answers, and services called as tools.

SGD's service calls and Taskmaster 4's API calls become `tool_calls`, what came back a `tool`
message; a tool's schema is what the training part's calls show of it.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Talk = dict[str, Any]
HELD_OUT = 10  # one conversation in so many
LONGEST = 120  # characters of what a service returned
CHOICES = 8  # a parameter with so few values, each seen often, has them in its schema


def held(key: str) -> bool:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % HELD_OUT == 0


def split(told: Iterator[tuple[str, Talk]]) -> tuple[list[Talk], list[Talk]]:
    """(learnt, held out), by what each is about: the same question is on one side."""
    sides: tuple[list[Talk], list[Talk]] = ([], [])
    for key, talk in told:
        sides[held(key)].append(talk)
    return sides


# --- questions and answers ----------------------------------------------------------------------


def answers(folder: Path) -> Iterator[tuple[str, Talk]]:
    """Dolly, Self-Instruct's seeds and ChatterBot's small talk: (question, conversation)."""
    with gzip.open(folder / "dolly" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            yield _asked(row["instruction"], row["response"])
    for line in (folder / "self_instruct" / "seed_tasks.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        for one in row["instances"]:
            question = f"{row['instruction']}\n\n{one['input']}".strip()
            _, talk = _asked(question, one["output"])
            yield row["instruction"].lower(), talk
    yield from _small_talk(folder / "chatterbot")


def _small_talk(folder: Path) -> Iterator[tuple[str, Talk]]:
    try:
        yaml = importlib.import_module("yaml")
    except ImportError:
        print("(no PyYAML here: ChatterBot's small talk is left out)\n")
        return
    for file in sorted(folder.glob("*.yml")):
        for turns in yaml.safe_load(file.read_text("utf-8"))["conversations"]:
            said = [str(turn).strip() for turn in turns]
            if len(said) == 2 and all(said):
                yield _asked(*said)


def _asked(question: str, answer: str) -> tuple[str, Talk]:
    messages = [_says("user", question.strip()), _says("assistant", answer.strip())]
    return question.strip().lower(), {"messages": messages}


# --- services ----------------------------------------------------------------------------


def services(folder: Path) -> tuple[list[Talk], list[Talk]]:
    """(learnt, held out) conversations that call services, the tools of each beside it."""
    told = list(_sgd(folder / "sgd")) + list(_taskmaster(folder / "taskmaster4"))
    sides = split(iter([(key, {"messages": m, "set": own}) for key, own, m in told]))
    schemas = _schemas(sides[0])
    offered: dict[str, set[str]] = defaultdict(set)
    for talk in sides[0]:
        offered[talk["set"]] |= names(talk)
    for side in sides:
        for talk in side:
            talk["tools"] = [schemas[name] for name in sorted(offered[talk.pop("set")])]
    learnt, kept = ([talk for talk in side if talk["tools"]] for side in sides)
    return learnt, kept


def calls(talk: Talk) -> list[tuple[int, dict[str, Any]]]:
    """(number of the message, the function with its arguments) of each call."""
    return [
        (n, message["tool_calls"][0]["function"])
        for n, message in enumerate(talk["messages"])
        if message.get("tool_calls")
    ]


def names(talk: Talk) -> set[str]:
    return {call["name"] for _, call in calls(talk)}


def _sgd(folder: Path) -> Iterator[tuple[str, str, list[Talk]]]:
    for file in sorted(folder.glob("*.json.gz")):
        for dialogue in json.loads(gzip.decompress(file.read_bytes())):
            messages: list[Talk] = []
            for turn in dialogue["turns"]:
                for frame in turn["frames"]:
                    if call := frame.get("service_call"):
                        found = (frame.get("service_results") or [{}])[0]
                        messages += _call(call["method"], call["parameters"], json.dumps(found))
                role = "user" if turn["speaker"] == "USER" else "assistant"
                messages.append(_says(role, turn["utterance"]))
            key = f"sgd {file.name} {dialogue['dialogue_id']}"
            yield key, " ".join(sorted(dialogue["services"])), messages


def _taskmaster(folder: Path) -> Iterator[tuple[str, str, list[Talk]]]:
    for file in sorted(folder.glob("*.json.gz")):
        for dialogue in json.loads(gzip.decompress(file.read_bytes())):
            messages: list[Talk] = []
            for turn in dialogue["utterances"]:
                messages.append(_says(turn["speaker"], turn["text"]))
                messages += _api_calls(turn["annotations"])
            yield f"tm4 {dialogue['conversation_id']}", "coffee", messages


def _api_calls(told: Sequence[dict[str, str]]) -> list[Talk]:
    """Calls in order, each with what came back."""
    out: list[Talk] = []
    by_name: dict[str, dict[str, str]] = defaultdict(dict)
    for one in told:
        number = one["context"].rsplit("_", 1)[-1]
        by_name[number][one["name"]] = one["value"]
    for parts in by_name.values():
        try:
            arguments = json.loads(parts.get("request", "{}"), strict=False)
        except json.JSONDecodeError:
            continue
        if "api_call" in parts and isinstance(arguments, dict):
            out += _call(parts["api_call"], arguments, parts.get("response", "{}"))
    return out


def _call(name: str, arguments: dict[str, Any], result: str) -> list[Talk]:
    function = {"name": name, "arguments": arguments}
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": function}]}
    return [call, _says("tool", result[:LONGEST])]


def _says(role: str, text: str) -> Talk:
    return {"role": role, "content": text}


def _schemas(talks: Sequence[Talk]) -> dict[str, dict[str, Any]]:
    """name -> function: parameters seen, required where nearly always there."""
    seen: Counter[str] = Counter()
    values: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for talk in talks:
        for _, call in calls(talk):
            seen[call["name"]] += 1
            for key, value in call["arguments"].items():
                values[call["name"]][key][json.dumps(value)] += 1
    out = {}
    for name, count in seen.items():
        told = values[name]
        required = [k for k, v in sorted(told.items()) if v.total() >= 0.98 * count]
        parameters = {
            "type": "object",
            "properties": {key: _parameter(told[key]) for key in sorted(told)},
            "required": required,
        }
        out[name] = {"name": name, "parameters": parameters}
    return out


def _parameter(values: Counter[str]) -> dict[str, Any]:
    few = len(values) <= CHOICES and values.total() >= 20 * len(values)
    if few:
        return {"enum": sorted(json.loads(value) for value in values)}
    kinds = {type(json.loads(value)).__name__ for value in values}
    return {"type": "string"} if kinds == {"str"} else {}
