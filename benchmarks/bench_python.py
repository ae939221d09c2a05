"""Python: completions of standard library modules never seen and of MBPP, beside a 5-gram.

Usage: bench_python.py [--minutes 20] [--size large] [--device auto] [--data FOLDER] [--out FOLDER]
                       [--train-only] [--points 300]     or     bench_python.py --model FOLDER
With --minutes 0 the steps are those of --set train.steps=N, whatever else the machine does.
Learns the standard library of the running Python (without tests, generated tables and modules
whose path's hash says so) and MBPP's training tasks; both sides of the split are told by name
alone, so another machine measures the same modules. Programs run in the sandbox.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import random
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import protocol
import torch

from genloom import api, sandbox
from genloom.codec.python.grammar import grammar
from genloom.data.loader import evaluation
from genloom.engine.engine import Engine
from genloom.metric import python_code
from genloom.metric.interval import Interval, bootstrap, wilson
from genloom.metric.ngram import NGram
from genloom.spec import Options, Request

SKIPPED = {
    *("test", "tests", "idle_test", "idlelib", "lib2to3", "turtledemo", "ensurepip"),
    *("site-packages", "dist-packages", "encodings", "pydoc_data", "__pycache__"),
}
HELD_OUT = 12  # one module in so many
WRITTEN = 96  # tokens of a completion
ANYTHING = r"(?s:.*)"  # in place of the grammar that such a model has by itself
# Greedy, a small model says the same again and again and comes to no line's end. These were chosen
# on 150 other places of the held-out modules.
DRAWN = {"temperature": 0.6, "top_p": 0.95}
LONGEST = 60_000  # characters of a module that completions are asked of


def standard_library() -> tuple[dict[str, str], dict[str, str]]:
    """(learnt, held out): path -> text. A package's modules may fall on either side."""
    root = Path(sysconfig.get_paths()["stdlib"])
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for file in sorted(root.rglob("*.py")):
        parts = file.relative_to(root).parts
        if SKIPPED & set(parts) or parts[0].startswith("config-"):
            continue
        name = "/".join(parts)
        held = int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELD_OUT == 0
        try:
            sides[held][name] = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a handful in other encodings
    return sides


def mbpp(folder: Path, first: int, last: int) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "mbpp.jsonl").read_text().splitlines()]
    return [row for row in rows if first <= row["task_id"] <= last]


def asked(row: dict[str, Any]) -> str:
    """A task as a module's beginning: what is wanted and the first test, as a comment."""
    return f'"""\n{row["text"]}\n{row["test_list"][0]}\n"""\n'


# --- training ----------------------------------------------------------------------------


def trained(
    args: argparse.Namespace, learnt: dict[str, str], tasks: Sequence[dict[str, Any]]
) -> None:
    solved = [asked(row) + row["code"].replace("\r", "") + "\n" for row in tasks]
    texts = [*learnt.values(), *solved]
    random.Random(args.seed).shuffle(texts)
    start = time.perf_counter()
    api.train(
        "python",
        texts,
        out=args.out,
        minutes=args.minutes or None,
        size=args.size,
        seed=args.seed,
        device=args.device,
        changes=args.set,
        listener=heard,
        licence="PSF-2.0 and CC BY 4.0",
    )
    print(
        f"trained on {sum(map(len, texts)):,} characters in {time.perf_counter() - start:.0f} s\n"
    )


def heard(event: Any) -> None:
    if event.kind == "plan":
        told = ("steps", "batch", "parameters", "seconds_per_step", "epochs", "device")
        print({k: event.values.get(k) for k in told}, flush=True)
    if event.kind == "judge":
        print(event.step, dict(event.values), flush=True)


# --- bits per byte ----------------------------------------------------------------------------


@torch.inference_mode()
def bits(model: api.Model, texts: Sequence[str]) -> list[float]:
    """Bits of each text, each target with half a context before it at least."""
    out = []
    for ids in model.codec.encode(list(texts)):
        nats = 0.0
        for batch in evaluation([ids], model.codec.spec, batch=8, pack=True):
            nats -= float(model.family.score(model.nets, batch.to(model.device)).sum())
        out.append(nats / float(np.log(2)))
    return out


def bits_table(
    model: api.Model, learnt: dict[str, str], held: dict[str, str], grams: NGram
) -> None:
    texts = list(held.values())
    sizes = [len(text.encode()) for text in texts]
    bytewise = NGram("".join(learnt.values()).encode(), 5)
    ids = [row.numpy() for row in model.codec.encode(texts)]
    rows = {
        "5-gram of bytes": [bytewise.bits(text.encode()).sum() for text in texts],
        "5-gram of tokens": [grams.bits(row).sum() for row in ids],
        "Genloom": bits(model, texts),
    }
    protocol.table(
        [
            {"bits per byte": name, "value (95%)": bootstrap(found, sizes)}
            for name, found in rows.items()
        ]
    )
    rate = sum(sizes) / sum(map(len, ids))
    print(f"{len(texts)} modules, {sum(sizes):,} bytes, {rate:.2f} bytes a token\n")


# --- completions ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """A place in a module: what stands before it, and what comes."""

    before: str
    after: str


def points(held: dict[str, str], count: int, seed: int) -> list[Point]:
    """Places at which a statement begins within a function, spread over the modules."""
    chance = random.Random(seed)
    found = []
    for text in held.values():
        places = python_code.starts(text) if len(text) <= LONGEST else []
        chance.shuffle(places)
        found.append([Point(text[:at], text[at:]) for at in places])
    out = [places[n] for n in range(count) for places in found if n < len(places)]
    return out[:count]


def written(
    model: api.Model,
    beginnings: Sequence[str],
    count: int,
    stop: Sequence[str],
    form: Callable[[str], str | None] = lambda beginning: None,
    **drawn: float,
) -> list[str]:
    """A continuation of each, the likeliest unless it is drawn, as many tokens at most. form: the
    grammar of what may follow a whole beginning; without one, any text."""
    room = model.codec.spec.length - 1 - count
    usual = Options(**{"temperature": 0.0, **drawn}, max_tokens=count, stop=tuple(stop))
    out = []
    with Engine(model) as engine:
        made = []
        for beginning, row in zip(beginnings, model.codec.encode(list(beginnings)), strict=True):
            asked = {"grammar": found} if (found := form(beginning)) else {"regex": ANYTHING}
            options = replace(usual, **asked)
            ids = tuple(row.tolist()[-room:])
            asked_of = Request(ids=ids, options=options, seed=len(made))
            made.append((len(ids), engine.submit(asked_of)))
        for size, generation in made:
            generation.result()
            (ids,) = generation.tensors()
            text = model.codec.pairs.decode(ids.tolist()[size:])
            out.append(min((text.split(s)[0] for s in stop), key=len, default=text))
    return out


def by_grams(model: api.Model, grams: NGram, beginnings: Sequence[str], count: int) -> list[str]:
    out = []
    for row in model.codec.encode(list(beginnings)):
        ids = row.tolist()[-8:]
        for _ in range(count):
            ids.append(grams.likeliest(ids))
        out.append(model.codec.pairs.decode(ids[-count:]))
    return out


def completion_row(name: str, asked_at: Sequence[Point], made: Sequence[str]) -> dict[str, Any]:
    judged = [python_code.judged(p.before, text) for p, text in zip(asked_at, made, strict=True)]
    line = python_code.first_line
    hits = sum(line(p.after) == line(text) for p, text in zip(asked_at, made, strict=True))
    kept = sum(one.lines for one in judged) / max(1, sum(one.parses for one in judged))
    return {
        "completions": name,
        "parse (95%)": python_code.parse_rate(judged),
        "as they stand": python_code.raw_parse_rate(judged),
        "lines kept": f"{kept:.1f}",
        "next line exact": wilson(hits, len(made)),
    }


def completions(model: api.Model, held: dict[str, str], grams: NGram, count: int) -> None:
    places = points(held, count, seed=1)
    before = [p.before for p in places]
    start = time.perf_counter()
    free = written(model, before, WRITTEN, ())
    ours = written(model, before, WRITTEN, (), grammar)
    drawn = written(model, before, WRITTEN, (), grammar, **DRAWN)
    seconds = time.perf_counter() - start
    indent = [" " * (len(a := python_code.first_line(p.after)) - len(a.lstrip())) for p in places]
    rows = {
        'always "pass"': [f"{blanks}pass\n" for blanks in indent],
        "5-gram of tokens": by_grams(model, grams, before, WRITTEN),
        "Genloom, no grammar, greedy": free,
        "Genloom, the grammar of what may follow, greedy": ours,
        "Genloom, that grammar, drawn": drawn,
        "ceiling: the module itself": [p.after[:400] for p in places],
    }
    protocol.table([completion_row(name, places, made) for name, made in rows.items()])
    print(f"{len(places)} places, {WRITTEN} tokens each, {seconds:.0f} s\n")
    for place, text in list(zip(places, drawn, strict=True))[:3]:
        print("```python\n" + "\n".join(place.before.split("\n")[-6:]) + "#>>\n" + text + "\n```\n")


# --- MBPP ----------------------------------------------------------------------------


def called(row: dict[str, Any]) -> str:
    """The function that the first test calls."""
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(row["test_list"][0]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    own = [name for name in calls if name not in dir(__builtins__)]
    return (own or calls or [""])[0]


def passed(rows: Sequence[dict[str, Any]], codes: Sequence[str]) -> Interval:
    programs = [
        sandbox.python("\n".join([code, row["test_setup_code"], *row["test_list"]]))
        for row, code in zip(rows, codes, strict=True)
    ]
    runs = sandbox.run_all(programs, seconds=5.0)
    return wilson(sum(one.fine for one in runs), len(runs))


def problems(model: api.Model, rows: Sequence[dict[str, Any]]) -> None:
    stop = ('\n"""', "\nassert", "\nif __name__", "\nprint")
    beginnings = [asked(row) for row in rows]
    free = written(model, beginnings, 192, stop)
    ours = written(model, beginnings, 192, stop, grammar)
    drawn = written(model, beginnings, 192, stop, grammar, **DRAWN)
    named: Callable[[str, dict[str, Any]], bool] = lambda c, r: python_code.defines(c, called(r))  # noqa: E731
    right = {
        "Genloom, no grammar, greedy": free,
        "Genloom, the grammar of what may follow, greedy": ours,
        "Genloom, that grammar, drawn": drawn,
        "ceiling: the answers": [row["code"].replace("\r", "") for row in rows],
    }
    protocol.table(
        [
            {
                "MBPP": name,
                "tests passed (95%)": passed(rows, codes),
                "defines the function": wilson(
                    sum(named(c, r) for c, r in zip(codes, rows, strict=True)), len(rows)
                ),
            }
            for name, codes in right.items()
        ]
    )
    print(f"{len(rows)} tasks; the sandbox here is {sandbox.strength()}\n")
    print("```python\n" + asked(rows[0]) + ours[0] + "\n```")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("python-model"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--points", type=int, default=300)
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    folder = args.data or protocol.data("mbpp")
    learnt, held = standard_library()
    protocol.head(f"Python: the standard library, {args.minutes:g} minutes")
    print(f"{len(learnt)} modules to learn from, {len(held)} held out\n")
    if args.model is None:
        trained(args, learnt, mbpp(folder, 601, 974))
    if args.train_only:
        return
    model = api.load(args.model or args.out, device=args.device)
    stream = np.concatenate([row.numpy() for row in model.codec.encode(list(learnt.values()))])
    grams = NGram(stream, 5, width=12)
    bits_table(model, learnt, held, grams)
    completions(model, held, grams, args.points)
    problems(model, mbpp(folder, 11, 510))


if __name__ == "__main__":
    main()
