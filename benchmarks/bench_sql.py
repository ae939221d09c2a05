"""SQL: questions about tables never seen, beside rules; every query run through SQLite's parser.

Usage: bench_sql.py [--minutes 10] [--size small] [--device auto] [--data FOLDER] [--out FOLDER]
                    [--train-only] [--set KEY=VALUE]     or     bench_sql.py --model FOLDER
Data: WikiSQL in text form, train.jsonl and valid.jsonl. Trains on variations of the training part
alone; a machine without llguidance can train (--train-only) and another measure (--model).
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import protocol

from genloom import api
from genloom.codec.sql.queries import Condition, Query, Question, example, small
from genloom.codec.text.files import read_texts
from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.metric.interval import wilson
from genloom.spec import Options, Request

Example = tuple[Question, Query]
ANYTHING = "(?s:.*)"  # a form that every text has: what the model writes without a grammar
WORDS = {
    "COUNT": r"how many|total number|number of|count",
    "MAX": r"highest|maximum|most|largest|max\b|latest",
    "MIN": r"lowest|minimum|least|smallest|min\b|earliest",
    "AVG": r"average|mean\b",
    "SUM": r"\bsum\b",
}


@dataclass(frozen=True)
class Score:
    """Hits of each part over all questions, in the order asked."""

    name: str
    exact: list[bool]
    parts: dict[str, list[bool]]
    parse: list[bool]

    def row(self) -> dict[str, Any]:
        count = len(self.exact)
        told = {
            "system": self.name,
            "exact match (95%)": wilson(sum(self.exact), count),
            **{k: f"{sum(v) / count:.2f}" for k, v in self.parts.items()},
            "parse": f"{sum(self.parse)} of {count}",
        }
        return told


def examples(path: Path) -> tuple[list[Example], int]:
    """The questions of a file with their queries, and how many lines are none."""
    out, bad = [], 0
    for text in read_texts(path).items:
        try:
            out.append(example(text))
        except RequestError:
            bad += 1
    return out, bad


# --- rules ----------------------------------------------------------------------------------------


def first_column(question: Question, shape: tuple[str, tuple[str, ...]]) -> Query:
    """The most frequent shape, filled with the first columns and the last words."""
    words = re.findall(r"[\w.,-]*\w", question.text)
    where = [
        Condition(question.columns[min(1, len(question.columns) - 1)], operator, words[-1])
        for operator in shape[1]
    ]
    return Query(question.columns[0], shape[0], tuple(where))


def best_words(question: Question, shape: tuple[str, tuple[str, ...]]) -> Query:
    """The most frequent shape with the columns that share most words with the question, the
    aggregate that its words name, and as value what stands behind the second, or the last words."""
    text = small(question.text)
    ranked = sorted(question.columns, key=lambda c: -_shared(c, text))
    aggregate = next((a for a, told in WORDS.items() if re.search(told, text)), "")
    if len(ranked) == 1:
        return Query(ranked[0], aggregate)
    first, second = sorted(ranked[:2], key=lambda c: text.find(small(c).split()[0]))
    if _shared(ranked[1], text) < 0.5:  # only one is named: it is asked for
        first, second = ranked[0], next(c for c in question.columns if c != ranked[0])
    value = _after(small(second), text) or _capitals(question.text)
    return Query(first, aggregate, (Condition(second, "=", value),))


def _shared(column: str, text: str) -> float:
    words = re.findall(r"\w+", small(column))
    return sum(bool(re.search(rf"\b{re.escape(w)}", text)) for w in words) / max(1, len(words))


def _after(column: str, text: str) -> str:
    found = re.search(rf"{re.escape(column)} (?:is|are|was|of|being|=|equals)? ?(.+?)\??$", text)
    return found[1].strip() if found else ""


def _capitals(text: str) -> str:
    """The last run of capitalised words or numbers, else the last word."""
    runs = re.findall(r"(?:[A-Z0-9][\w.,'-]*)(?: [A-Z0-9][\w.,'-]*)*", text[1:])
    return str((runs or text.split())[-1]).rstrip("?.,")


# --- a model --------------------------------------------------------------------------------------


def trained(args: argparse.Namespace, file: Path) -> None:
    start = time.perf_counter()
    changes = ["train.judge=0", "train.preview=0", "data.holdout=0", *args.set]
    api.train(
        "sql",
        file,
        out=args.out,
        minutes=args.minutes,
        size=args.size,
        seed=args.seed,
        device=args.device,
        changes=changes,
        listener=heard,
        licence="BSD-3-Clause",
    )
    print(f"trained in {time.perf_counter() - start:.0f} s\n")


def heard(event: Any) -> None:
    if event.kind == "plan":
        told = ("steps", "batch", "items", "parameters", "seconds_per_step", "epochs", "device")
        print({k: event.values.get(k) for k in told}, flush=True)


def answers(model: api.Model, asked: Sequence[Question], form: str | None) -> list[str]:
    options = Options(temperature=0.0, max_tokens=160, regex=form)
    with Engine(model) as engine:
        made = [
            engine.submit(Request(prompt=told(question), seed=n, options=options))
            for n, question in enumerate(asked)
        ]
        return [str(generation.result()[0]) for generation in made]


def told(question: Question) -> str:
    """In WikiSQL's own letters: capitals tell where names begin."""
    columns = ", ".join(question.columns)
    return f"table: {question.table}\ncolumns: {columns}\nQ: {question.text}"


# --- scoring --------------------------------------------------------------------------------------


def parses(sql: str, question: Question) -> bool:
    """Whether SQLite takes it, with a table of these columns and nothing in it."""
    names = dict.fromkeys(small(name).replace('"', '""') for name in question.names)
    with sqlite3.connect(":memory:") as base:
        table = small(question.table).replace('"', '""')
        columns = ", ".join('"' + name + '"' for name in names)
        base.execute(f'CREATE TABLE "{table}" ({columns})')
        try:
            base.execute(f"EXPLAIN {sql}")
        except (sqlite3.Error, sqlite3.Warning):
            return False
    return True


def scored(name: str, made: Sequence[str], held: Sequence[Example]) -> Score:
    exact, parse = [], []
    parts: dict[str, list[bool]] = {"column": [], "aggregate": [], "where": []}
    for sql, (question, gold) in zip(made, held, strict=True):
        parse.append(parses(sql, question))
        try:
            told = question.parse(sql).logical()
        except RequestError:
            told = ("", "?", frozenset())
        want = gold.logical()
        exact.append(told == want)
        for part, a, b in zip(parts.values(), told, want, strict=True):
            part.append(a == b)
    return Score(name, exact, parts, parse)


def by_rule(name: str, rule: Callable[..., Query], held: Sequence[Example], shape: Any) -> Score:
    made = [rule(question, shape).sql(question.table) for question, _ in held]
    return scored(name, made, held)


def report(model: api.Model, learnt: Sequence[Example], held: Sequence[Example]) -> None:
    asked = [question for question, _ in held]
    shape = Counter(query.shape() for _, query in learnt).most_common(1)[0][0]
    start = time.perf_counter()
    bound = answers(model, asked, None)
    seconds = time.perf_counter() - start
    scores = [
        by_rule("most frequent shape, first columns", first_column, held, shape),
        by_rule("rule: columns by shared words", best_words, held, shape),
        scored("Genloom, no grammar", answers(model, asked, ANYTHING), held),
        scored("Genloom, grammar", bound, held),
        scored("ceiling: the answers", [a.sql(q.table) for q, a in held], held),
    ]
    protocol.table([one.row() for one in scores])
    print(f"{len(held)} questions in {seconds:.1f} s with the grammar\n")
    for sql, (question, gold) in list(zip(bound, held, strict=True))[:12]:
        print(f"- {question.text}\n  {sql}")
        if question.parse(sql).logical() != gold.logical():
            print(f"  wanted {gold.sql(question.table)}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sql-model"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    folder = args.data or protocol.data("instruct") / "wikisql"
    learnt, bad = examples(folder / "train.jsonl")
    held, lost = examples(folder / "valid.jsonl")
    protocol.head(f"SQL: WikiSQL, {args.minutes:g} minutes")
    print(f"{bad} of the training and {lost} of the held-out lines are no query of their table\n")
    if args.model is None:
        trained(args, folder / "train.jsonl")
    if not args.train_only:
        report(api.load(args.model or args.out, device=args.device), learnt, held)


if __name__ == "__main__":
    main()
