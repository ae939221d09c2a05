"""Rewards: a model that learnt a little, then tries; beside as many more minutes of examples.

Usage: bench_reward.py [--task sums|functions|both] [--minutes 1] [--more 2] [--seed 0]
sums: two numbers up to 99 and their sum, of instruction_induction; worth 1 where it is exact.
functions: a sentence such as "add 3, then double" and a Python function, tried by tests in the
sandbox. A fifth of the prompts is held out from everything; exact match and tests passed on these.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protocol

from genloom import api
from genloom.codec.pair.task import task
from genloom.data.split import split_keys, take
from genloom.engine.engine import Engine
from genloom.metric.interval import Interval, wilson
from genloom.rewards.base import Try
from genloom.rewards.named import reward_of
from genloom.spec import Options, Request

Record = dict[str, Any]
SHOWN = 400  # held-out prompts
STEPS = {
    "add {}": "x + {}",
    "take away {}": "x - {}",
    "times {}": "x * {}",
    "{} minus it": "{} - x",
}
PLACES = (0, 1, 5)  # where functions are tried


def sums() -> list[Record]:
    path = protocol.data("instruct") / "instruction_induction" / "sum.json"
    found = json.loads(path.read_text("utf-8"))["examples"].values()
    return [{"prompt": one["input"], "answer": one["output"]} for one in found]


def functions() -> list[Record]:
    """Two steps, one after the other, each with a number from 1 to 9."""
    out = []
    parts = [(s.format(n), e.format(n)) for s, e in STEPS.items() for n in range(1, 10)]
    for (first, a), (second, b) in itertools.product(parts, parts):
        code = f"def f(x):\n    x = {a}\n    return {b}"
        values = [_after(second, _after(first, x)) for x in PLACES]
        tests = [f"assert f({x}) == {y}" for x, y in zip(PLACES, values, strict=True)]
        out.append({"prompt": f"{first}, then {second}", "answer": code, "tests": tests})
    return out


def _after(step: str, x: int) -> int:
    words = step.split()
    number = next(int(word) for word in words if word.isdigit())
    return {"add": x + number, "take": x - number, "times": x * number}.get(words[0], number - x)


def score(
    name: str, model: api.Model | None, asked: Sequence[Record], reward: str, guess: str = ""
) -> Record:
    """How many held-out prompts are answered rightly at the likeliest ids; without a model, by the
    same answer to all."""
    texts = [guess] * len(asked) if model is None else said(model, [r["prompt"] for r in asked])
    tries = [Try(task=task(r), completion=t) for r, t in zip(asked, texts, strict=True)]
    worth = reward_of(reward)(tries)
    hits: Interval = wilson(sum(w == 1 for w in worth), len(worth))
    return {"system": name, f"right of {len(asked)} (95%)": hits}


def said(model: api.Model, prompts: Sequence[str]) -> list[str]:
    options = Options(temperature=0.0, max_tokens=64)
    with Engine(model) as engine:
        made = [engine.submit(Request(prompt=p, options=options)) for p in prompts]
        return [str(generation.result()[0]) for generation in made]


def run(name: str, records: list[Record], reward: str, args: Any, folder: Path) -> None:
    first, last = split_keys([r["prompt"] for r in records], 0.2)
    learnt, held = take(records, first), take(records, last)[:SHOWN]
    pairs = [{"source": r["prompt"], "target": r["answer"]} for r in learnt]
    shown = pairs[:: args.every]  # the examples are few, the prompts many
    guess = Counter(r["answer"] for r in learnt).most_common(1)[0][0]
    rows = [score("the commonest answer", None, held, reward, guess)]
    quiet = ["train.judge=0", "train.preview=0", "train.epochs=0"]
    base = api.train(
        "pair",
        shown,
        out=folder / "base",
        minutes=args.minutes,
        seed=args.seed,
        changes=[*quiet, "codec.vocab=bytes", "codec.length=96"],
    )
    rows.append(score(f"{len(shown)} examples, {args.minutes:g} min", base, held, reward))
    told: list[Record] = []
    tried = api.train(
        "reward",
        learnt,
        out=folder / "reward",
        start=folder / "base",
        minutes=args.more,
        seed=args.seed,
        reward=reward,
        changes=["data.holdout=0", "train.judge=0", *args.set],
        listener=lambda e: told.append(dict(e.values)) if e.kind == "step" else None,
    )
    rows.append(score(f"+ rewards, {args.more:g} min", tried, held, reward))
    for some in (shown, pairs):
        minutes = args.minutes + args.more
        again = api.train(
            "pair",
            some,
            out=folder / "more",
            minutes=minutes,
            seed=args.seed,
            changes=[*quiet, "codec.vocab=bytes", "codec.length=96"],
        )
        rows.append(score(f"{len(some)} examples, {minutes:g} min", again, held, reward))
    print(f"### {name}: {len(learnt)} prompts to try, reward {reward}\n")
    protocol.table(rows)
    ends = [sum(t["reward"] for t in part) / len(part) for part in (told[:10], told[-10:])]
    print(
        f"{len(told)} steps, mean worth of tries {ends[0]:.3f} at first, {ends[1]:.3f} in the end\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", default="both", choices=["sums", "functions", "both"])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--more", type=float, default=2.0)
    parser.add_argument("--every", type=int, default=4, help="one prompt in so many has an example")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    protocol.head("Rewards")
    with tempfile.TemporaryDirectory() as folder:
        if args.task != "functions":
            run("sums", sums(), "exact", args, Path(folder) / "sums")
        if args.task != "sums":
            run("functions", functions(), "tests", args, Path(folder) / "functions")


if __name__ == "__main__":
    main()
