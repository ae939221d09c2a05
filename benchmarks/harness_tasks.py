"""Open data written in the layouts of the published suites, and the harness's tasks over the files.

Each suite is a folder of JSON lines by part. The questions are made from data/instruct and
data/stories: easy ones, as what is compared is two programs, not two models. The harness reads its
own YAML of each task, with the local files in the place of the hub's.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol

Row = dict[str, Any]
Parts = dict[str, list[Row]]  # part -> rows


def _pairs(name: str) -> list[Row]:
    path = protocol.data("instruct") / "instruction_induction" / f"{name}.json"
    return list(json.loads(path.read_text("utf-8"))["examples"].values())


def _sentences() -> list[str]:
    with gzip.open(protocol.data("stories") / "children.txt.gz", "rt", encoding="utf-8") as file:
        text = file.read()
    found = re.findall(r"[A-Z][^.!?\n]{30,160}[.!?]", text[-2_000_000:])
    return random.Random(5).sample(found, 2000)


def _four(rows: list[Row], at: int, rng: random.Random) -> tuple[list[str], int]:
    wrong = [row["output"] for row in rng.sample(rows, 3)]
    right = rng.randrange(4)
    return [*wrong[:right], rows[at]["output"], *wrong[right:]], right


def arc_easy(rng: random.Random) -> Row:
    rows = _POOL.setdefault("antonyms", _pairs("antonyms"))
    at = rng.randrange(len(rows))
    texts, right = _four(rows, at, rng)
    labels = rng.choice((list("ABCD"), list("1234")))
    return {
        "id": f"{at}",
        "question": f"Which word means the opposite of {rows[at]['input']}?",
        "choices": {"text": texts, "label": labels},
        "answerKey": labels[right],
    }


def openbookqa(rng: random.Random) -> Row:
    row = arc_easy(rng)
    stem = row.pop("question").removesuffix("?") + " is the word"
    return {**row, "question_stem": stem}


def hellaswag(rng: random.Random) -> Row:
    first, *ends = rng.sample(_told(), 5)
    begin, end = first[: len(first) // 2], first[len(first) // 2 :]
    return {
        "activity_label": "Reading",
        "ctx_a": f"[header] A book [title] {begin}",
        "ctx_b": "the story goes on",
        "ctx": begin,
        "endings": [f"{one} [step]  And so on" for one in (end, *ends[1:4])],
        "label": str(rng.randrange(4)),
    }


def piqa(rng: random.Random) -> Row:
    goal, one, other = rng.sample(_told(), 3)
    return {"goal": goal, "sol1": one, "sol2": other, "label": rng.randrange(2)}


def winogrande(rng: random.Random) -> Row:
    words = rng.choice(_told()).split()
    at = rng.randrange(1, len(words) - 2)
    options = [words[at], rng.choice(words)]
    right = rng.randrange(2)
    words[at] = "_"
    return {
        "sentence": " ".join(words),
        "option1": options[right],
        "option2": options[1 - right],
        "answer": str(right + 1),
    }


def boolq(rng: random.Random) -> Row:
    passage, other = rng.sample(_told(), 2)
    truth = rng.randrange(2)
    word = rng.choice((other, passage)[truth].split())
    return {"passage": passage, "question": f"is {word} in the passage", "label": truth}


def mmlu(rng: random.Random, subject: str = "antonyms") -> Row:
    rows = _POOL.setdefault(subject, _pairs(subject))
    at = rng.randrange(len(rows))
    texts, right = _four(rows, at, rng)
    question = f" What goes with {rows[at]['input']}? "
    return {"question": question, "choices": texts, "answer": right, "subject": subject}


def gsm8k(rng: random.Random) -> Row:
    path = protocol.data("instruct") / "gsm8k" / "train.jsonl"
    rows = _POOL.setdefault("gsm8k", [json.loads(line) for line in path.open(encoding="utf-8")])
    short = [row for row in rows if len(row["question"]) + len(row["answer"]) < 220]
    row: Row = rng.choice(short)
    return row


def triviaqa(rng: random.Random) -> Row:
    row = rng.choice(_POOL.setdefault("german", _pairs("translation_en-de")))
    aliases = [str(one) for one in row["possible_translations"]] or [row["output"]]
    return {"question": f"What is {row['input']} in German", "answer": {"aliases": aliases}}


def wikitext(rng: random.Random) -> Row:
    some = " ".join(rng.sample(_told(), rng.randrange(2, 40)))
    return {"page": re.sub(r'([,.!?;:"])', r" \1 ", some) + " 3 @,@ 000 ( or so ) = = end = = \n"}


_POOL: dict[str, Any] = {}


def _told() -> list[str]:
    return _POOL.setdefault("sentences", _sentences())


def _parts(make: Callable[[random.Random], Row], items: int, asked: str, shown: str) -> Parts:
    rng = random.Random(3)
    return {
        asked: [make(rng) for _ in range(items)],
        **({shown: [make(rng) for _ in range(12)]} if shown else {}),
    }


# suite -> (its YAML in the harness, rows, the part that is asked, the part of examples, shots)
TASKS: dict[str, tuple[str, Callable[[random.Random], Row], str, str, int]] = {
    "arc_easy": ("arc/arc_easy.yaml", arc_easy, "test", "train", 2),
    "openbookqa": ("openbookqa/openbookqa.yaml", openbookqa, "test", "train", 0),
    "hellaswag": ("hellaswag/hellaswag.yaml", hellaswag, "validation", "train", 3),
    "piqa": ("piqa/piqa.yaml", piqa, "validation", "train", 1),
    "winogrande": ("winogrande/default.yaml", winogrande, "validation", "train", 2),
    "boolq": ("super_glue/boolq/default.yaml", boolq, "validation", "train", 2),
    "mmlu": ("mmlu/default/_default_template_yaml", mmlu, "test", "dev", 5),
    "gsm8k": ("gsm8k/gsm8k.yaml", gsm8k, "test", "train", 1),
    "triviaqa": ("triviaqa/default.yaml", triviaqa, "validation", "train", 4),
    "wikitext": ("wikitext/wikitext.yaml", wikitext, "test", "", 0),
}


def write(folder: Path, items: int) -> dict[str, dict[str, Any]]:
    """The files of every suite below a folder; returns what the harness is to do with them."""
    told = {}
    for name, (yaml, make, asked, shown, shots) in TASKS.items():
        some = max(4, items // 8) if shown == "" or "gsm8k" in name else items
        place = folder / name
        place.mkdir(parents=True)
        found = {}
        for part, rows in _parts(make, some, asked, shown).items():
            file = place / f"{part}.jsonl"
            file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
            found[part] = str(file)
        told[name] = {"yaml": yaml, "files": found, "shots": shots}
    return told
