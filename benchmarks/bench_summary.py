"""One-line summaries of papers' abstracts: ROUGE beside the first sentence and a bag of words.

Usage: bench_summary.py [--minutes 4] [--device cpu] [--data FOLDER] [--out MODEL] [--model MODEL]
[--size S] [--set k=v ...]   FOLDER holds SciTLDR's train.jsonl.gz and dev.jsonl.gz.
The model learns from train (a tenth kept back); dev decides nothing: of each of its abstracts a
sentence is chosen. Differences are between systems on the same abstracts, resampled together.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import protocol
import torch

from genloom import api
from genloom.codec.pair.summary import STEP, SummaryCodec, Text, texts_of
from genloom.metric import bootstrap, rouge
from genloom.train.log import Event
from genloom.trust.quality_summary import chosen, graded, leads, nearest

KINDS = 1 << 15  # of words, pairs of words and places, hashed
PASSES = 1  # over the training sentences; more learn them by heart


def heard(event: Event) -> None:
    if event.kind == "step" and event.step % 100 == 0:
        print(event.step, f"{event.values['nats']:.4f}", flush=True)
    elif event.kind in ("plan", "judge", "guard", "done"):
        print(event.kind, json.dumps(event.values), flush=True)


def signs(text: Text) -> list[list[int]]:
    """What a bag of words knows of each sentence: words, pairs, how it begins, its place."""
    out, size = [], len(text.sentences)
    for place, sentence in enumerate(text.sentences):
        words = rouge.words(sentence)
        told = {*words, *map(" ".join, pairwise(words))}
        told |= {f"begins {' '.join(words[:n])}" for n in (1, 2, 3)}
        told |= {f"place {place}", f"left {size - place}", f"length {min(len(words) // 3, 20)}"}
        out.append([zlib.crc32(sign.encode()) % KINDS for sign in sorted(told)])
    return out


def bag(train: Sequence[Text], held: Sequence[Text]) -> list[np.ndarray]:
    """A yardstick: grades by a weight for each sign, learnt by least squares."""
    torch.manual_seed(0)
    weigh = torch.nn.EmbeddingBag(KINDS, 1, mode="sum")
    torch.nn.init.zeros_(weigh.weight)
    optimiser = torch.optim.AdamW(weigh.parameters(), lr=2e-3, weight_decay=0.05)
    rows = [
        (sign, float(one))
        for text in train
        for sign, one in zip(signs(text), text.graded(), strict=True)
    ]
    middle = float(np.mean([grade for _, grade in rows]))
    for _ in range(PASSES):
        random.Random(0).shuffle(rows)
        for start in range(0, len(rows), 256):
            some = rows[start : start + 256]
            grades = torch.tensor([grade for _, grade in some]) - middle
            loss = ((_bags(weigh, [sign for sign, _ in some]) - grades) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        return [_bags(weigh, signs(text)).numpy() for text in held]


def _bags(weigh: torch.nn.EmbeddingBag, every: list[list[int]]) -> torch.Tensor:
    starts = torch.tensor([0, *map(len, every[:-1])]).cumsum(0)
    return weigh(torch.tensor([one for signs in every for one in signs]), starts)[:, 0]


def by_chance(texts: Sequence[Text]) -> list[str]:
    rng = random.Random(0)
    return [rng.choice(text.sentences) for text in texts]


def report(systems: dict[str, list[str]], texts: Sequence[Text]) -> None:
    summaries = [text.summaries for text in texts]
    first = rouge.values(systems["first sentence"], summaries)
    rows, gaps = [], []
    for name, made in systems.items():
        plain, stems = rouge.values(made, summaries), rouge.values(made, summaries, stemmed=True)
        row = {"system": name}
        gap = {"above the first sentence": name}
        for kind, values in plain.items():
            counts, theirs = bootstrap.of_values(values), bootstrap.of_values(first[kind])
            row[kind] = str(bootstrap.interval(counts, bootstrap.mean))
            row[f"{kind}, stems"] = f"{stems[kind].mean():.2f}"
            gap[kind] = str(bootstrap.difference(counts, theirs, bootstrap.mean))
        rows.append({**row, "words": f"{np.mean([len(text.split()) for text in made]):.1f}"})
        gaps.append(gap)
    protocol.table(rows)
    protocol.table(gaps)


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--minutes", type=float, default=4.0)
    told.add_argument("--size", default=None)
    told.add_argument("--device", default="cpu")
    told.add_argument("--data", type=Path, default=None)
    told.add_argument("--out", type=Path, default=None)
    told.add_argument("--model", type=Path, default=None)
    told.add_argument("--set", dest="changes", action="append", default=[])
    asked = told.parse_args()
    protocol.head("summaries")
    folder = asked.data or protocol.data("instruct") / "scitldr"
    with tempfile.TemporaryDirectory() as scratch:
        model = asked.model and api.load(asked.model, device=asked.device)
        if model is None:
            model = api.train(
                "summary",
                folder / "train.jsonl.gz",
                out=asked.out or Path(scratch) / "summary",
                minutes=asked.minutes,
                size=asked.size,
                device=asked.device,
                changes=asked.changes,
                listener=heard,
            )
        codec = SummaryCodec()
        train = texts_of(codec.read(folder / "train.jsonl.gz").items)
        texts = texts_of(codec.read(folder / "dev.jsonl.gz").items)
        known = {str(text) for text in train}
        texts = [text for text in texts if str(text) not in known]
        print(f"{len(train):,} abstracts to learn from, {len(texts):,} to sum up; grades of {STEP}")
        grades, words = graded(model, texts), bag(train, texts)
        both = [_ranks(a) + _ranks(b) for a, b in zip(grades, words, strict=True)]
        systems = {
            "Genloom": chosen(texts, grades),
            "bag of words, a yardstick": chosen(texts, words),
            "Genloom and bag together": chosen(texts, both),
            "first sentence": leads(texts),
            "a sentence by chance": by_chance(texts),
            "nearest sentence, a ceiling": nearest(texts),
        }
        report(systems, texts)
        for n in range(0, len(texts), max(1, len(texts) // 5)):
            print(f"- {systems['Genloom'][n]}\n  (people: {texts[n].summaries[0]})")


def _ranks(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / (values.std() + 1e-6)


if __name__ == "__main__":
    main()
