"""The server: its overhead over the engine, its latency under load, peers, and a flood by one key.

Usage: bench_serve.py --model FOLDER [--parts overhead latency flood peers] [--seconds 30]
    [--runs 3] [--bits 16] [--words 48] [--tokens 64] [--streams 64] [--ttft 0.5] [--itl 0.05]
Threads: 2 for the engine (or OMP_NUM_THREADS), 2 for each server; the driver runs on the same
machine and its share of a core is printed. Prompts are random words by a seed, the same for all;
answers are greedy and exactly --tokens long. Peers: $PEERS/llama/bin/llama-server and $PEERS/hf
(transformers with fastapi, uvicorn and openai), with the same weights, exported by us.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import protocol
import serving
import torch

from genloom import api
from genloom.engine.engine import Engine
from genloom.loadtest.drive import drive, first
from genloom.loadtest.figures import doubts, figures
from genloom.loadtest.load import Load, Target
from genloom.loadtest.prompts import Words
from genloom.shelf import parameters_of
from genloom.spec import Options, Request

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
LEAST = 64  # requests of which a p95 is told
HALF = 0.5  # of the requests, in time: below it a peer is asked no more


# --- the bare engine, in a process of its own -----------------------------------------------------


def engine_alone(folder: str, args: argparse.Namespace) -> dict[str, Any]:
    """Seconds of each of some requests of one token, and tokens/s with so many streams."""
    words = Words(least=args.words, most=args.words)
    with Engine(api.load(folder, bits=args.bits)) as engine:
        asked = (_request(words[n], n, 1) for n in range(10**9))
        for _ in range(5):
            engine.submit(next(asked)).result()
        single = []
        for _ in range(args.singles):
            begun = time.perf_counter()
            engine.submit(next(asked)).result()
            single.append(time.perf_counter() - begun)
        rate = _rate(engine, words, args)
    return {"single": single, "tokens_per_second": rate}


def _request(prompt: str, seed: int, tokens: int) -> Request:
    options = Options(max_tokens=tokens, temperature=0.0, ignore_eos=True)
    return Request(prompt=prompt, seed=seed, options=options)


def _rate(engine: Engine, words: Words, args: argparse.Namespace) -> float:
    """So many streams in flight at all times, as the driver's closed loop has it, and nobody who
    watches them: tokens of what ended between the first end after the warm-up and the last."""
    number, open_, ends = 10_000, [], []
    begin = time.perf_counter() + args.warmup
    while (now := time.perf_counter()) < begin + args.seconds:
        while len(open_) < args.streams:
            open_.append(engine.submit(_request(words[number], number, args.tokens)))
            number += 1
        engine.tick()
        ended = sum(generation.complete for generation in open_)
        if ended and now >= begin:
            ends.append((time.perf_counter(), ended * args.tokens))
        open_ = [generation for generation in open_ if not generation.complete]
    return sum(tokens for _, tokens in ends[1:]) / (ends[-1][0] - ends[0][0])


# --- parts ----------------------------------------------------------------------------------------


def load_of(args: argparse.Namespace, **more: Any) -> Load:
    """seed: of prompts, another for each load of one server, which knows beginnings again."""
    told = {"seconds": args.seconds, "warmup": args.warmup, "seed": 1, **more}
    return Load(ttft=args.ttft, itl=args.itl, **told)


def words_of(args: argparse.Namespace) -> Words:
    return Words(least=args.words, most=args.words)


def run(target: Target, args: argparse.Namespace, load: Load) -> dict[str, Any]:
    told = figures(asyncio.run(drive(target, words_of(args), load)))
    for doubt in doubts(told):
        print(f"  note: {doubt}", file=sys.stderr)
    if told["errors"]:
        print(f"  errors: {told['errors']}", flush=True)
    return told


def overhead(server: serving.Server, args: argparse.Namespace) -> None:
    """Interleaved: the engine alone, then the server, so that both meet the same machine."""
    alone, through, engine_rates, rates, cores = [], [], [], [], []
    for _ in range(args.runs):
        told = protocol.run_json([sys.executable, __file__, *sys.argv[1:], "--engine"])
        alone.append(1e3 * statistics.median(told["single"]))
        engine_rates.append(told["tokens_per_second"])
        with serving.running(server):
            asyncio.run(first(server.target(1), words_of(args)))
            through.append(1e3 * asyncio.run(_singles(server.target(1), args)))
            found = run(server.target(args.tokens), args, load_of(args, concurrency=args.streams))
        rates.append(found["output_tokens_per_second"])
        cores.append(found["driver"]["core_share"])
    over = [b - a for a, b in zip(alone, through, strict=True)]
    less = [1 - b / a for a, b in zip(engine_rates, rates, strict=True)]
    print(f"### Overhead, {args.streams} streams of {args.tokens} tokens\n")
    columns = ("one request of 1 token, ms", f"tokens/s, {args.streams} streams")
    protocol.table(
        [
            _row("engine in this process", columns, alone, engine_rates),
            _row("server, driver beside it", columns, through, rates),
        ]
    )
    print(
        f"Overhead: {protocol.median(over)} ms a request; {protocol.median(less)} of the tokens a "
        f"second, the driver's {protocol.median(cores)} of a core included.\n",
        flush=True,
    )


def _row(name: str, columns: tuple[str, str], times: Any, rates: Any) -> dict[str, Any]:
    return {"": name, columns[0]: protocol.median(times), columns[1]: protocol.median(rates)}


async def _singles(target: Target, args: argparse.Namespace) -> float:
    """The median of requests one after another."""
    load = Load(concurrency=1, seconds=args.seconds, warmup=1, seed=100_000)
    trace = await drive(target, words_of(args), load)
    return statistics.median(one.seconds for one in trace.inside if one.error is None)


def latency(server: serving.Server, args: argparse.Namespace) -> float:
    """The capacity in requests a second, which the other parts take."""
    with serving.running(server):
        target = server.target(args.tokens)
        asyncio.run(first(target, words_of(args)))
        full = run(target, args, load_of(args, concurrency=args.streams))
        capacity = full["requests_per_second"]
        longer = replace(load_of(args, concurrency=1, seed=2), seconds=max(args.seconds, 1.0))
        alone = run(target, args, longer)
        loaded = run(target, args, load_of(args, rate=max(0.01, 0.7 * capacity), seed=3))
    print(f"### Latency under load; capacity {capacity:.3g} requests/s\n")
    rows = [("unloaded, one at a time", alone), (f"Poisson, {0.7 * capacity:.3g}/s", loaded)]
    protocol.table([_latencies(name, told) for name, told in rows])
    pair = [told["ttft"]["p95"] for _, told in rows]
    if all(pair):
        print(f"p95 of the time to first token: {pair[1] / pair[0]:.2f} times the unloaded.\n")
    sys.stdout.flush()
    return float(capacity)


def _latencies(name: str, told: dict[str, Any]) -> dict[str, Any]:
    def ms(key: str, share: str) -> str:
        value = told[key][share]
        few = " (few)" if told[key]["samples"] < LEAST else ""
        return "-" if value is None else f"{1e3 * value:.1f}{few}"

    return {
        "": name,
        "requests": told["requests"],
        "errors": sum(told["errors"].values()),
        "ttft p50 ms": ms("ttft", "p50"),
        "ttft p95 ms": ms("ttft", "p95"),
        "itl p95 ms": ms("itl", "p95"),
        "end to end p95 ms": ms("end_to_end", "p95"),
    }


def flood(server: serving.Server, args: argparse.Namespace, home: Path, capacity: float) -> None:
    """One key keeps as many requests open as it may; another asks now and then."""
    heavy, light = (serving.make_key(home, name) for name in ("heavy", "light"))
    load = load_of(args, rate=max(0.01, 0.1 * capacity), seed=5)
    with serving.running(server):
        quiet = server.target(args.tokens, key=light)
        asyncio.run(first(quiet, words_of(args)))
        alone = run(quiet, args, load)
        loud = server.target(args.tokens, key=heavy)
        beside, flooding = asyncio.run(_both(quiet, loud, args, replace(load, seed=6)))
    print(f"### A flood by one key: {args.flood} requests open; the other at {load.rate:.3g}/s\n")
    rows = [("the other, alone", alone), ("the other, beside it", beside), ("the flood", flooding)]
    protocol.table([_latencies(name, told) for name, told in rows])
    for key, name in (("ttft", "time to first token"), ("end_to_end", "whole answer")):
        a, b = alone[key]["p95"], beside[key]["p95"]
        if a and b:
            print(f"p95 of the {name} beside the flood: {b / a:.2f} times.")
    print(flush=True)


async def _both(quiet: Target, loud: Target, args: argparse.Namespace, load: Load) -> Any:
    crowd = load_of(args, concurrency=args.flood, seed=4)
    traces = await asyncio.gather(
        drive(quiet, words_of(args), load), drive(loud, words_of(args), crowd)
    )
    return [figures(trace) for trace in traces]


def peers(server: serving.Server, args: argparse.Namespace, place: Path, capacity: Any) -> None:
    """Goodput of each server at the same rates and targets."""
    servers = [server, *(s for s in exported(args.model, place, args) if s is not None)]
    print(
        f"### Goodput: {1e3 * args.ttft:g} ms to the first token, {1e3 * args.itl:g} ms between "
        f"tokens; {args.words} words in, {args.tokens} tokens out\n"
    )
    serving.commands(servers)
    rates = args.rates or [round(capacity * share, 3) for share in (0.2, 0.4, 0.6, 0.8, 1.0)]
    rows = []
    for one in servers:
        with serving.running(one):
            target = one.target(args.tokens)
            opening = asyncio.run(first(target, words_of(args)))
            if opening.error is not None:
                print(f"{one.name} does not answer: {opening.error}", flush=True)
                continue
            rows.append({"server": one.name, **climbed(target, args, rates)})
    protocol.table(rows)
    print(f"-: not asked, since at a lower rate fewer than {HALF:.0%} were in time.\n", flush=True)


def climbed(target: Target, args: argparse.Namespace, rates: list[float]) -> dict[str, str]:
    """Requests a second that met the targets, rate by rate, until a server is well past its best:
    what waits there is read to its end, which takes longer with every rate."""
    row, past = {}, False
    for rate in sorted(rates):
        good = late = "-"
        if not past:
            told = run(target, args, load_of(args, rate=max(0.01, rate)))
            good, late = f"{told['goodput_per_second']:.3g}", _latencies("", told)["ttft p95 ms"]
            past = (told["goodput_share"] or 0.0) < HALF
        row[f"at {rate:.3g}/s"], row[f"ttft p95 at {rate:.3g}/s"] = good, late
    return row


def exported(model: Path, place: Path, args: argparse.Namespace) -> list[serving.Server | None]:
    """The peers' servers with these weights."""
    folder, gguf = place / "hf", place / f"{model.name}-f16.gguf"
    if not gguf.exists():
        api.export(model, gguf, to="gguf", type="f16")
    if not folder.exists():
        api.export(model, folder, to="hf")
    context = json.loads((folder / "config.json").read_text())["max_position_embeddings"]
    return [
        serving.llama(gguf, context, args.streams, THREADS),
        serving.transformers(folder, "bfloat16"),
        serving.transformers(folder, "float32"),
    ]


# --- all ------------------------------------------------------------------------------------------


def main() -> None:
    args = arguments()
    torch.set_num_threads(THREADS)
    if not args.model.exists():
        print(f"skipped: no model at {args.model}: train one, and name it with --model")
        return
    if args.engine:
        print(json.dumps(engine_alone(str(args.model), args)))
        return
    protocol.head("The server")
    size = parameters_of(args.model)  # packed ones are no parameters to torch
    print(f"{args.model.name}: {size:,} parameters\n", flush=True)
    kept = nullcontext(str(args.keep)) if args.keep else tempfile.TemporaryDirectory()
    with kept as place, tempfile.TemporaryDirectory() as home:
        server = serving.ours(args.model.resolve(), Path(home), args.bits)
        if "overhead" in args.parts:
            overhead(server, args)
        capacity = args.capacity
        unknown = capacity is None and ("flood" in args.parts or not args.rates)
        if "latency" in args.parts or unknown:
            capacity = latency(server, args)
        if "peers" in args.parts:
            peers(server, args, Path(place), capacity)
        if "flood" in args.parts:  # the last: from its first key on the server asks for one
            flood(server, args, Path(home), capacity)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parts = ("overhead", "latency", "peers", "flood")
    parser.add_argument("--model", type=Path, default=Path("stories-22m"))
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--warmup", type=float, default=5)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--words", type=int, default=48)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--bits", type=int, choices=(32, 16, 8, 4), default=16)
    parser.add_argument("--flood", type=int, default=64)
    parser.add_argument("--ttft", type=float, default=0.5)
    parser.add_argument("--itl", type=float, default=0.05)
    parser.add_argument("--rates", type=float, nargs="+")
    parser.add_argument("--capacity", type=float, help="requests a second, measured before")
    parser.add_argument("--keep", type=Path, help="folder for what is exported, kept")
    parser.add_argument("--engine", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
