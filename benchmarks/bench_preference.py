"""Preferences: which of two answers was judged harmless, before and after learning from pairs.

Usage: bench_preference.py [--minutes 10] [--folds 5] [--device auto] [--size small] [--turns 1]
                           [--forms dpo,simpo] [--epochs 6] [--data FOLDER] [--set k=v ...]
                           [--only 2] [--record FILE]
Every pair is told by models that saw neither it nor another of its first question: the data is
cut in folds by that question, and for each fold a model of chat is trained on the other folds'
dialogues from nothing, goes on imitating the chosen answers alone, and then learns from the pairs.
With --record a fold that was told before is not trained again: call it with --only 1, 2 ... 5.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import protocol
import torch
from torch import Tensor

from genloom import api
from genloom.codec.chat.preference_item import Preference, preference
from genloom.data.loader import evaluation
from genloom.errors import RequestError
from genloom.metric.interval import wilson
from genloom.model import Model

RARE = 3  # a word in fewer answers is none of the rule's
RIDGE = 3e-3  # of 1e-4 to 1e-2 the best for words: the yardstick may be tuned on what it is told


# --- data -----------------------------------------------------------------------------------------


def pairs(folder: Path, turns: int) -> tuple[list[Preference], list[str]]:
    """Preferences with their last `turns` questions (0: all), and each one's first question."""
    out, keys = [], []
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                try:
                    pair = preference(json.loads(line))
                except RequestError:
                    continue  # equal, or not of one dialogue
                keys.append(" ".join(pair.shared[0]["content"].lower().split()))
                out.append(_cut(pair, turns))
    return out, keys


def _cut(pair: Preference, turns: int) -> Preference:
    kept = list(pair.shared[-(2 * turns - 1) :]) if turns else list(pair.shared)
    answers = {
        k: t.messages[-1:] for k, t in (("chosen", pair.chosen), ("rejected", pair.rejected))
    }
    return preference({"prompt": kept, **{k: list(v) for k, v in answers.items()}})


def fold_of(key: str, folds: int) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % folds


def said(pair: Preference) -> tuple[str, str]:
    """(chosen, rejected) answers as texts."""
    chosen, rejected = (str(talk.messages[-1]["content"]) for talk in pair.sides)
    return chosen, rejected


# --- rules ----------------------------------------------------------------------------------------


def by_length(pair: Preference) -> float:
    chosen, rejected = said(pair)
    return float(len(rejected) - len(chosen))


def by_words(learnt: Sequence[Preference]) -> Callable[[Preference], float]:
    """Logistic regression on which words an answer has, and on its length."""
    counts = Counter(w for pair in learnt for text in said(pair) for w in _words(text))
    place = {w: n for n, w in enumerate(w for w, c in counts.items() if c >= RARE)}

    def row(pair: Preference) -> Tensor:
        x = torch.zeros(len(place) + 1)
        for sign, text in zip((1.0, -1.0), said(pair), strict=True):
            x[[place[w] for w in _words(text) if w in place]] += sign
            x[-1] += sign * len(text) / 200
        return x

    x = torch.stack([row(pair) for pair in learnt])
    weight = torch.zeros(x.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=60)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = torch.nn.functional.softplus(-x @ weight).mean() + RIDGE * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    fixed = weight.detach()
    return lambda pair: float(row(pair) @ fixed)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z']+|[^\sa-z]", text.lower()))


# --- models ---------------------------------------------------------------------------------------


def likelihoods(model: Model, items: Sequence[Preference], device: torch.device) -> Tensor:
    """float [N, 2, 2]: log p and ids counted of each chosen and rejected answer; nothing where an
    answer begins beyond the context."""
    codec: Any = model.codec
    rows, weights = codec.encode(items), codec.weights(items)
    able = torch.tensor([bool(w[: codec.length - 1].any()) for w in weights])
    weights = [w if ok else torch.ones_like(w) for w, ok in zip(weights, able, strict=True)]
    model.nets.to(device).eval()
    found = []
    with torch.inference_mode():
        for batch in evaluation(rows, codec.spec, batch=64, weights=weights):
            score = model.family.score(dict(model.nets.items()), batch.to(device))
            found.append(torch.stack((score.cpu(), batch.weight.sum(1)), 1))
    model.nets.to("cpu")
    both = torch.cat(found).view(-1, 2, 2)
    assert len(both) == len(items)
    return both * able.view(-1, 2).all(1)[:, None, None]


class Lesson:
    """The three trainings of one fold, and what their models say of the pairs held out."""

    def __init__(self, learnt: Sequence[Preference], args: argparse.Namespace, place: Path) -> None:
        self.learnt, self.args, self.place = learnt, args, place
        self.device = api.pick_device(args.device)
        self.seconds: dict[str, float] = {}

    def imitating(self) -> Model:
        """A chat model of the chosen answers; the first two trainings."""
        share = 60 * self.args.minutes / self.args.folds / (2 + len(self.args.forms))
        talks = [{"messages": list(t.messages)} for p in self.learnt for t in p.sides]
        both = self._train("chat", talks, "both", minutes=share / 60, size=self.args.size)
        chosen = [{"messages": list(p.chosen.messages)} for p in self.learnt]
        return self._train("chat", chosen, "chosen", minutes=share / 60, start=both)

    def preferring(self, start: Model, form: str) -> Model:
        steps = max(1, round(self.args.epochs * len(self.learnt) * 0.9 / self.args.batch))
        every = max(1, steps // 12)
        changes = (
            f"family.form={form}",
            f"data.batch={self.args.batch}",
            f"train.steps={steps}",
            f"train.judge={every}",
            "train.patience=4",
            "train.preview=0",
            *self.args.set,
        )
        return self._train("preference", list(self.learnt), form, start=start, changes=changes)

    def _train(self, medium: str, data: Any, name: str, **how: Any) -> Model:
        begun = time.perf_counter()
        out = self.place / name
        model = api.train(medium, data, out=out, device=self.args.device, seed=0, **how)
        self.seconds[name] = time.perf_counter() - begun
        return model


def judged(before: Tensor, after: Tensor | None, form: str) -> Tensor:
    """By how much the chosen answer is preferred, float [N]; see `Preference`."""
    if after is None or form in ("simpo", "orpo"):
        known = before if after is None else after
        each = known[..., 0] / known[..., 1].clamp(min=1)
    else:
        each = after[..., 0] - before[..., 0]
    return each[:, 0] - each[:, 1]


def fold(n: int, items: Any, keys: Any, args: argparse.Namespace) -> dict[str, list[float]]:
    """Every system's verdicts on the pairs of a fold: above 0 where it is right."""
    held = [p for p, k in zip(items, keys, strict=True) if fold_of(k, args.folds) == n]
    learnt = [p for p, k in zip(items, keys, strict=True) if fold_of(k, args.folds) != n]
    words = by_words(learnt)
    told = {
        "shorter answer": [by_length(p) for p in held],
        "words, logistic regression": [words(p) for p in held],
    }
    with tempfile.TemporaryDirectory() as place:
        lesson = Lesson(learnt, args, Path(place))
        chat = lesson.imitating()
        plain: Any = None
        for form in args.forms:
            model = lesson.preferring(chat, form)
            if plain is None:  # the chat as it was, read as preferences are
                same = type(model)(
                    recipe=model.recipe, codec=model.codec, prompt=None, nets=chat.nets
                )
                plain = likelihoods(same, held, lesson.device)
                told["imitation, likelihood an id"] = judged(plain, None, "").tolist()
            after = likelihoods(model, held, lesson.device)
            told[form] = judged(plain, after, form).tolist()
            seen = {k: f"{v:.3f}" for k, v in model.card.get("metrics", {}).items()}
            print(
                f"(fold {n}, {form}: {right(told[form])}; own held-out pairs: {seen})", flush=True
            )
    print(f"(fold {n}: seconds { ({k: round(v) for k, v in lesson.seconds.items()}) })", flush=True)
    return told


def right(verdicts: Sequence[float]) -> Any:
    """The share of pairs told apart, with its 95 % interval; a tie is half."""
    ties = sum(v == 0 for v in verdicts)
    return wilson(sum(v > 0 for v in verdicts) + ties // 2, len(verdicts))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0, help="of all folds together")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", type=int, default=0, help="so many of the folds")
    parser.add_argument("--record", type=Path, help="a file of verdicts, read and written")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--size", default="small")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--epochs", type=float, default=6.0)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--forms", type=lambda s: s.split(","), default=["dpo", "simpo"])
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    items, keys = pairs(args.data or protocol.data("preferences"), args.turns)
    protocol.head(f"Preferences: {len(items)} pairs, {args.folds} folds by first question")
    known = json.loads(args.record.read_text()) if args.record and args.record.exists() else {}
    every: dict[str, list[float]] = {"coin": []}
    for n in map(str, range(args.only or args.folds)):
        known[n] = known.get(n) or fold(int(n), items, keys, args)
        if args.record:
            args.record.write_text(json.dumps(known))
        for name, verdicts in known[n].items():
            every.setdefault(name, []).extend(verdicts)
    count = len(every["shorter answer"])
    every["coin"] = [0.0] * count
    protocol.table(
        [{"system": k, f"right of {count} (95%)": str(right(v))} for k, v in every.items()]
    )


if __name__ == "__main__":
    main()
