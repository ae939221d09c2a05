"""Chat and tool calls: held-out answers beside counts, calls of services beside rules.

Usage: bench_chat.py [--minutes 20] [--size base] [--device auto] [--data FOLDER] [--out FOLDER]
                     [--train-only]      or      bench_chat.py --model FOLDER [--places 1000]
With --minutes 0 the steps are those of --set train.steps=N, whatever else the machine does.
Data: Dolly, Self-Instruct's seeds and ChatterBot for answers; SGD and Taskmaster 4, whose service
calls are tool calls (`talks.py`). One model learns both; one conversation in ten is held out.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protocol
import talks
import torch

from genloom import api
from genloom.codec.chat.tool_calls import Call
from genloom.codec.chat.tool_grammar import fault, grammar
from genloom.data.loader import evaluation
from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.metric.interval import bootstrap, wilson
from genloom.metric.ngram import NGram
from genloom.spec import Options, Request

Talk = dict[str, Any]
WRITTEN = 96  # tokens of a call
CHANGES = ("codec.length=1280", "data.batch=4", "train.preview=0")  # 5,120 ids a step


def trained(args: argparse.Namespace, learnt: Sequence[Talk]) -> None:
    start = time.perf_counter()
    api.train(
        "chat",
        list(learnt),
        out=args.out,
        minutes=args.minutes or None,
        size=args.size,
        seed=args.seed,
        device=args.device,
        changes=[*CHANGES, *args.set],
        listener=heard,
        licence="CC BY-SA 3.0 (Dolly), CC BY-SA 4.0 (SGD) and others: for benchmarks only",
    )
    print(f"trained on {len(learnt):,} conversations in {time.perf_counter() - start:.0f} s\n")


def heard(event: Any) -> None:
    if event.kind == "plan":
        told = ("steps", "batch", "parameters", "seconds_per_step", "epochs", "device")
        print({k: event.values.get(k) for k in told}, flush=True)
    if event.kind == "judge":
        print(event.step, dict(event.values), flush=True)


# --- answers --------------------------------------------------------------------------------------


@torch.inference_mode()
def surprise(model: api.Model, held: Sequence[Talk]) -> list[tuple[float, int, str]]:
    """(bits, tokens, text) of what the assistant says in each conversation."""
    codec: Any = model.codec
    spec = codec.spec
    out = []
    for talk in held:
        ids = [x[: spec.length] for x in codec.encode([talk])]
        weights = [w[: spec.length] for w in codec.weights([talk])]
        if not bool(weights[0].any()):
            continue
        said = ids[0][weights[0] > 0]
        text = str(codec.decode([said[said != spec.ends[0]]])[0])
        (batch,) = evaluation(ids, spec, batch=1, weights=weights)
        nats = -float(model.family.score(model.nets, batch.to(model.device)).sum())
        out.append((nats / math.log(2), int(batch.count()), text))
    return out


def answer_rows(
    model: api.Model, name: str, learnt: Sequence[Talk], held: Sequence[Talk]
) -> list[dict[str, Any]]:
    """Bits per byte, the end of a turn counted as one byte for the counts' sake."""
    codec: Any = model.codec
    scored = surprise(model, held)
    texts = [f"{text}\n".encode() for _, _, text in scored]
    sizes = [len(text) for text in texts]
    grams = NGram("\n".join(codec.answers(list(learnt))).encode() + b"\n", 6)
    return [
        {"answers": name, "bits per byte": told, "value (95%)": bootstrap(values, sizes)}
        for told, values in (
            ("6-gram of bytes", [grams.bits(text).sum() for text in texts]),
            ("Genloom", [bits for bits, _, _ in scored]),
        )
    ]


# --- calls ----------------------------------------------------------------------------------------


def asked(held: Sequence[Talk]) -> list[tuple[Talk, int, Call]]:
    """Every place at which a service is called: (conversation, message, the call)."""
    return [
        (talk, n, Call(name=call["name"], arguments=call["arguments"]))
        for talk in held
        for n, call in talks.calls(talk)
    ]


def made(
    model: api.Model, places: Sequence[tuple[Talk, int, Call]], bound: bool
) -> tuple[list[Call | None], int]:
    """What the model calls at each place, None where it does not; how many did not fit."""
    renderer = model.codec.renderer  # type: ignore[attr-defined]
    running: list[tuple[Any, Any] | None] = []
    with Engine(model) as engine:
        for talk, n, _ in places:
            try:
                prompt = renderer.prompt(talk["messages"][:n], tools=talk["tools"])
            except RequestError:
                running.append(None)
                continue
            form = grammar(talk["tools"], renderer.markup.form) if bound else None
            options = Options(temperature=0.0, max_tokens=WRITTEN, grammar=form)
            request = Request(ids=prompt.ids, seed=n, options=options)
            running.append((prompt, engine.submit(request)))
        return [_called(renderer, one) for one in running], sum(one is None for one in running)


def _called(renderer: Any, one: tuple[Any, Any] | None) -> Call | None:
    if one is None:
        return None
    prompt, generation = one
    generation.result()
    (ids,) = generation.tensors()
    reader = renderer.answer(prompt)
    reader.feed(ids.tolist()[len(prompt.ids) :])
    reader.finish()
    return reader.whole.calls[0] if reader.whole.calls else None


class Rules:
    """What counting says: the most frequent call, and what usually follows, filled by mentions."""

    def __init__(self, learnt: Sequence[Talk]) -> None:
        self.whole: dict[str, Counter[str]] = defaultdict(Counter)
        self.after: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for talk in learnt:
            before = ""
            for _, call in talks.calls(talk):
                self.whole[_offer(talk)][json.dumps(call, sort_keys=True)] += 1
                self.after[_offer(talk), before][call["name"]] += 1
                before = call["name"]
                for key, value in call["arguments"].items():
                    if isinstance(value, str):
                        self.values[call["name"], key][value] += 1

    def most_frequent(self, talk: Talk, n: int) -> Call | None:
        """The call that is made most often with these tools, arguments and all."""
        found = self.whole[_offer(talk)].most_common(1)
        return Call(**json.loads(found[0][0])) if found else None

    def by_mentions(self, talk: Talk, n: int) -> Call | None:
        """The name that most often follows the call before; each required argument is the value
        known for it that was mentioned last, else the most frequent one."""
        before = [call["name"] for m, call in talks.calls(talk) if m < n]
        following = self.after.get((_offer(talk), before[-1] if before else ""))
        if not following:
            return self.most_frequent(talk, n)
        name = following.most_common(1)[0][0]
        (tool,) = [t for t in talk["tools"] if t["name"] == name]
        said = "\n".join(m["content"] for m in talk["messages"][:n]).lower()
        arguments = {}
        for key in tool["parameters"]["required"]:
            known = self.values[name, key]
            last = max(known, key=lambda v: (_last(v, said), known[v]), default=None)
            if last is not None:
                arguments[key] = last
        return Call(name=name, arguments=arguments)


def _offer(talk: Talk) -> str:
    return " ".join(tool["name"] for tool in talk["tools"])


def _last(value: str, text: str) -> int:
    """Where a value stands last as words of its own, -1 where it does not."""
    places = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(value.lower())}(?!\w)", text)]
    return places[-1] if places else -1


def call_row(
    name: str, found: Sequence[Call | None], places: Sequence[tuple[Talk, int, Call]]
) -> dict[str, Any]:
    pairs = list(zip(found, places, strict=True))
    count = len(pairs)
    valid = sum(one is not None and not fault(one, talk["tools"]) for one, (talk, _, _) in pairs)
    return {
        "calls": name,
        "a call": f"{sum(one is not None for one in found)} of {count}",
        "valid": wilson(valid, count),
        "name right": wilson(
            sum(one is not None and one.name == gold.name for one, (*_, gold) in pairs), count
        ),
        "exact (95%)": wilson(sum(one == gold for one, (*_, gold) in pairs), count),
    }


def call_table(model: api.Model, learnt: Sequence[Talk], held: Sequence[Talk], most: int) -> None:
    places = asked(held)[:most]
    rules = Rules(learnt)
    free, refused = made(model, places, bound=False)
    bound, _ = made(model, places, bound=True)
    rows = {
        "the most frequent call": [rules.most_frequent(t, n) for t, n, _ in places],
        "rule: what follows, last mentions": [rules.by_mentions(t, n) for t, n, _ in places],
        "Genloom": free,
        "Genloom, grammar of the tools": bound,
        "ceiling: the calls": [gold for *_, gold in places],
    }
    protocol.table([call_row(name, found, places) for name, found in rows.items()])
    print(f"{refused} of {len(places)} conversations were over the context and count as wrong\n")
    for one, (talk, n, gold) in list(zip(bound, places, strict=True))[:8]:
        print(f"- {talk['messages'][n - 1]['content'][:100]}\n  {one}\n  wanted {gold}")


def samples(model: api.Model, held: Sequence[Talk]) -> None:
    print("\nAnswers to held-out questions (temperature 0.7):\n")
    with Engine(model) as engine:
        for n, talk in enumerate(held[:6]):
            prompt = model.codec.renderer.prompt(talk["messages"][:1])  # type: ignore[attr-defined]
            options = Options(temperature=0.7, max_tokens=60)
            answer = engine.submit(Request(ids=prompt.ids, seed=n, options=options)).result()[0]
            print(f"- {talk['messages'][0]['content'][:150]!r}\n  {str(answer)[:300]!r}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--size")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("chat-model"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--places", type=int, default=1000)
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    folder = args.data or protocol.data("instruct")
    learnt, held = talks.split(talks.answers(folder))
    serving, served = talks.services(folder)
    protocol.head(f"Chat and tool calls, {args.minutes:g} minutes")
    print(f"{len(learnt):,} answers and {len(serving):,} conversations with services to learn from")
    print(f"{len(held):,} and {len(served):,} held out\n")
    if args.model is None:
        trained(args, [*learnt, *serving])
    if args.train_only:
        return
    model = api.load(args.model or args.out, device=args.device)
    rows = answer_rows(model, "questions", learnt, held)
    protocol.table([*rows, *answer_rows(model, "services", serving, served)])
    call_table(model, serving, served, args.places)
    samples(model, held)


if __name__ == "__main__":
    main()
