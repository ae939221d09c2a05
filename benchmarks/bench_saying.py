"""How soon a long text is heard, and how fast it is said.

Usage: bench_saying.py MODEL [--text FILE] [--voice NAME] [--runs 3] [--http]
MODEL says texts (`genloom train speech`). The first 1,000 characters of the text (a page of
../shared/data/stories unless given) are said by `say`, in this process, one thread: seconds until
the first piece is there, until all are, and of sound for each of making. --http: the same through
`genloom serve` and /v1/audio/speech as raw samples, over loopback, the model loaded before.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import protocol
import torch

from genloom import api

SIZE = 1_000  # characters


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--text", type=Path)
    parser.add_argument("--voice")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--http", action="store_true")
    args = parser.parse_args()
    protocol.head("saying")
    torch.set_num_threads(1)
    text = page(args.text)
    print(f"{args.model}: {len(text)} characters, {len(text.split())} words")
    model = api.load(args.model)
    list(model.say(text[:40], voice=args.voice))  # what is loaded once
    report("say", [said(model, text, args.voice, n) for n in range(args.runs)])
    if args.http:
        report("http", served(args.model, text, args.voice, args.runs))


def page(path: Path | None) -> str:
    if path is not None:
        return path.read_text("utf-8")[:SIZE]
    with gzip.open(protocol.data("stories") / "stories.txt.gz", "rt", encoding="utf-8") as file:
        text = file.read(200_000)[100_000:]
    return text[text.index(". ") + 2 :][:SIZE].rsplit(" ", 1)[0]


def said(model: api.Model, text: str, voice: str | None, seed: int) -> dict[str, float]:
    begun, first, sound = time.perf_counter(), 0.0, 0.0
    for one in model.say(text, voice=voice, seed=seed):
        first = first or time.perf_counter() - begun
        sound += one.sound.seconds
    return {"first": first, "all": time.perf_counter() - begun, "sound": sound}


def served(name: str, text: str, voice: str | None, runs: int) -> list[dict[str, float]]:
    import httpx2

    rate = api.load(name).codec.cut.rate  # type: ignore[attr-defined]
    body = {"model": Path(name).name, "input": text[:40], "response_format": "pcm"}
    body |= {"voice": voice} if voice else {}
    with tempfile.TemporaryDirectory() as home:
        shutil.copytree(name, Path(home) / "models" / Path(name).name)
        where = [Path(name).name, "--port", "0", "--home", home]
        command = [sys.executable, "-m", "genloom", "serve", *where]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().split()[2]
                httpx2.post(f"{url}/v1/audio/speech", json=body, timeout=300)
                return [asked(url, {**body, "input": text, "seed": n}, rate) for n in range(runs)]
            finally:
                server.terminate()


def asked(url: str, body: dict[str, object], rate: int) -> dict[str, float]:
    import httpx2

    begun, first, size = time.perf_counter(), 0.0, 0
    with httpx2.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=600) as answer:
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_raw():
            first = first or time.perf_counter() - begun
            size += len(piece)
    return {"first": first, "all": time.perf_counter() - begun, "sound": size / 2 / rate}


def report(what: str, rows: list[dict[str, float]]) -> None:
    first, whole = (statistics.median(row[name] for row in rows) for name in ("first", "all"))
    sound = statistics.median(row["sound"] for row in rows)
    print(
        f"{what}: first sound after {first:.2f} s, all {sound:.0f} s of sound after {whole:.1f} s, "
        f"{sound / whole:.1f} times as fast as it is heard (median of {len(rows)})"
    )


if __name__ == "__main__":
    main()
