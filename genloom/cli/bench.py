"""`genloom bench serve`: load on a server that speaks OpenAI's shape, anyone's, and what it stood.

Knows words and tables; genloom/loadtest/ sends, times and counts.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Literal

from genloom.cli import output
from genloom.errors import ResourceError, UsageError

if TYPE_CHECKING:
    from genloom.loadtest.load import Load, Target
    from genloom.loadtest.prompts import Prompts

KEYS = ("GENLOOM_API_KEY", "OPENAI_API_KEY")
TIMES = {"ttft": "time to first token", "itl": "between tokens", "end_to_end": "end to end"}


def serve(
    url: str,
    /,
    *,
    model: str | None = None,
    rate: float | None = None,
    concurrency: int | None = None,
    seconds: float = 30.0,
    warmup: float = 3.0,
    endpoint: Literal["completions", "chat"] = "completions",
    prompts: str | None = None,
    words: str = "32",
    shared_words: int = 0,
    max_tokens: int = 64,
    temperature: float = 0.0,
    ignore_eos: bool = False,
    seed: int = 0,
    ttft: float = 1.0,
    itl: float = 0.1,
    share: float = 0.9,
    sweep: bool = False,
    timeout: float = 120.0,
    key: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Send load to a server in OpenAI's shape; tell its latencies, throughput and goodput.

    Parameters
    ----------
    url
        The server, such as http://127.0.0.1:8000.
    model
        The model to ask; need not be given where the server offers one alone.
    rate
        Requests a second, arriving at random (Poisson); where a sweep begins. 1 unless given.
    concurrency
        So many requests open at all times, instead of a rate.
    seconds
        How long is measured.
    warmup
        Seconds of the same load before that.
    endpoint
        completions or chat.
    prompts
        A file with a prompt a line; random words without.
    words
        Words in a random prompt: a number, or a range such as 16-64.
    shared_words
        So many words at the beginning are the same in all random prompts.
    max_tokens
        The longest answer.
    temperature
        Of drawing.
    ignore_eos
        Ask for answers of exactly that length, where the server can.
    seed
        Of arrivals, prompts and answers.
    ttft
        The target for the time to the first token, in seconds.
    itl
        The target for the mean time between tokens of an answer, in seconds.
    share
        The share of requests within both targets that a rate must reach in a sweep.
    sweep
        Search the highest rate that keeps the targets.
    timeout
        Seconds after which a request is given up.
    key
        The API key; else GENLOOM_API_KEY or OPENAI_API_KEY.
    json
        Print JSON; times in seconds.
    quiet
        No progress on stderr.
    """
    from genloom.loadtest.load import Load, Target

    if rate is None and concurrency is None:
        rate = 1.0
    load = Load(
        rate=rate,
        concurrency=concurrency,
        seconds=seconds,
        warmup=warmup,
        seed=seed,
        ttft=ttft,
        itl=itl,
    )
    target = Target(
        url=url,
        model=model or "",
        key=key or next((os.environ[k] for k in KEYS if os.environ.get(k)), None),
        endpoint=endpoint,
        max_tokens=max_tokens,
        temperature=temperature,
        ignore_eos=ignore_eos,
        timeout=timeout,
    )
    asked = _prompts(prompts, words, shared_words, seed)
    told = asyncio.run(_run(target, asked, load, share if sweep else None, quiet))
    if json:
        output.values(told)
    else:
        _show_sweep(told) if sweep else _show(told)


def _prompts(file: str | None, words: str, shared: int, seed: int) -> Prompts:
    from genloom.loadtest import prompts

    if file is not None:
        return prompts.read(file)
    least, _, most = words.partition("-")
    try:
        return prompts.Words(least=int(least), most=int(most or least), shared=shared, seed=seed)
    except ValueError:
        raise UsageError(f"--words {words!r}: give a number or a range such as 16-64") from None


async def _run(
    target: Target, prompts: Prompts, load: Load, share: float | None, quiet: bool
) -> dict[str, Any]:
    from dataclasses import replace

    from genloom.loadtest.drive import drive, first
    from genloom.loadtest.figures import figures
    from genloom.loadtest.sweep import Search, sweep

    target = replace(target, model=target.model or await _only_model(target))
    opening = await first(target, prompts, load.seed)
    if opening.error is not None:
        raise ResourceError(
            f"{target.url} did not answer the first request, POST {target.path} for "
            f"{target.model!r}: {opening.error}"
        )
    watch = _silent if quiet else _told

    async def one(given: Load) -> dict[str, Any]:
        trace = await drive(target, prompts, given, watch(given))
        if not quiet:
            print(file=sys.stderr)
        return figures(trace)

    if share is None:
        told = await one(load)
    else:
        told = await sweep(one, load, Search(share=share))
    head = {"url": target.url, "model": target.model, "first_request": opening.seconds}
    return {**head, **told}


async def _only_model(target: Target) -> str:
    from genloom.loadtest.drive import offered

    found = await offered(target)
    if len(found) == 1:
        return found[0]
    known = f"it offers {', '.join(sorted(found))}" if found else "it told of none"
    raise UsageError(f"which model of {target.url} is meant? {known}: name one with --model")


def _silent(load: Load) -> Any:
    return lambda gone, ended, opened: None


def _told(load: Load) -> Any:
    asked = f"{load.rate:.3g} a second" if load.rate else f"{load.concurrency} at once"
    whole = load.warmup + load.seconds

    def watch(gone: float, ended: int, opened: int) -> None:
        line = f"{asked}: {gone:.0f} of {whole:.0f} s, {ended} ended, {opened} open"
        print(f"\r{line:<72}", end="", file=sys.stderr, flush=True)

    return watch


# --- on the screen --------------------------------------------------------------------------------


def _show(told: dict[str, Any]) -> None:
    from genloom.loadtest.figures import doubts

    columns = ("milliseconds", "p50", "p95", "p99", "mean", "samples")
    rows = [(name, *_row(told[key])) for key, name in TIMES.items()]
    rows.append(("driver: sent late", *_row(told["driver"]["sent_late"])))
    rows.append(("driver: loop late", *_row(told["driver"]["loop_late"])))
    output.table(columns, rows, f"{told['model']} at {told['url']}")
    targets = told["targets"]
    output.pairs(
        {
            "requests": f"{told['requests']} in {told['seconds']:g} s, {told['answered']} answered",
            "errors": ", ".join(f"{n} x {k}" for k, n in told["errors"].items()) or "none",
            "answered a second": told["requests_per_second"],
            "output tokens a second": told["output_tokens_per_second"],
            "goodput a second": f"{told['goodput_per_second']:.4g} ({_share(told)} within "
            f"{1e3 * targets['ttft']:g} ms and {1e3 * targets['itl']:g} ms a token)",
            "first request": f"{told['first_request']:.3g} s",
            "driver": f"{told['driver']['core_share']:.0%} of a core",
        }
    )
    for doubt in doubts(told):
        output.text(f"note: {doubt}")


def _show_sweep(told: dict[str, Any]) -> None:
    columns = ("rate", "goodput", "within", "ttft p95 ms", "itl p95 ms", "tokens/s", "errors")
    rows = [
        (
            run["rate"],
            run["goodput_per_second"],
            _share(run),
            _ms(run["ttft"]["p95"]),
            _ms(run["itl"]["p95"]),
            run["output_tokens_per_second"],
            sum(run["errors"].values()),
        )
        for run in told["runs"]
    ]
    output.table(columns, rows, f"{told['model']} at {told['url']}")
    if told["rate"] is None:
        output.text(f"no rate tried kept {told['share']:.0%} of the requests within the targets")
    else:
        output.text(
            f"{told['rate']:.4g} requests a second keep {told['share']:.0%} within the targets"
        )


def _row(found: dict[str, Any]) -> tuple[Any, ...]:
    return (*(_ms(found[k]) for k in ("p50", "p95", "p99", "mean")), found["samples"])


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else 1e3 * seconds


def _share(told: dict[str, Any]) -> str:
    return "-" if told["goodput_share"] is None else f"{told['goodput_share']:.0%}"
