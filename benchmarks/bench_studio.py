"""The studio in a real Chromium, beside its limits: first paint, bytes, the first thing made,
frames while a text streams and while a large gallery scrolls.

Usage: bench_studio.py [--parts load make stream scroll] [--model NAME] [--runs 5]
    [--seconds 8] [--texts 8] [--assets 10000] [--json]
A server of its own, in a folder of its own, with two tiny models that it trains first: pictures of
8 x 8 and texts. --texts: how many grow at once. --model: another of its models to ask. Frames are
those of requestAnimationFrame; a long task is one of more than 50 ms. The browser draws without a
GPU here and shares the cores with the server.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import protocol
from PIL import Image

from genloom import api, store
from genloom.server.records.records import open_records

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LITTLE = ("train.steps=20", "train.judge=0", "train.preview=0", "data.batch=8")
DESK = {"width": 1280, "height": 800}
# What is promised: (figure, limit, unit); less is better but for what is named here.
LIMITS = {
    "first paint": (1.0, "s"),
    "transferred before one can begin": (150.0, "KiB"),
    "clicks to the first thing": (3.0, ""),
    "opening to the first thing": (5.0, "s"),
    "streamed": (200.0, "tokens/s"),
    "frames while streaming": (60.0, "a second"),
    "longest task while streaming": (200.0, "ms"),
    "frames while scrolling": (60.0, "a second"),
    "slowest of 20 frames while scrolling": (33.4, "ms"),
    "longest task while scrolling": (200.0, "ms"),
}
MORE_IS_BETTER = frozenset({"streamed", "frames while streaming", "frames while scrolling"})
FRAMES = """() => {
    const held = { times: [], tasks: [], on: true };
    window.watched = held;
    const tick = (now) => { held.times.push(now); if (held.on) requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    held.seeing = new PerformanceObserver((list) => {
        for (const task of list.getEntries()) held.tasks.push(task.duration);
    });
    held.seeing.observe({ type: "longtask" });
}"""
SEEN = """() => {
    window.watched.on = false;
    window.watched.seeing.disconnect();
    return JSON.stringify([window.watched.times, window.watched.tasks]);
}"""
SIZES = """JSON.stringify([...performance.getEntriesByType("navigation"),
    ...performance.getEntriesByType("resource")].map((e) => e.transferSize))"""
PAINT = """new Promise((done) => new PerformanceObserver((list) => {
    const found = list.getEntriesByName("first-contentful-paint")[0];
    if (found) done(found.startTime);
}).observe({ type: "paint", buffered: true }))"""


# --- what is looked at ----------------------------------------------------------------------------


def models(home: Path) -> None:
    """Two models of seconds: what they make does not matter here."""
    store.set_home(home)
    rng = np.random.default_rng(1)
    for label in ("red", "blue"):
        (home / "pictures" / label).mkdir(parents=True)
        for n in range(24):
            pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(home / "pictures" / label / f"{n}.png")
    words = random.Random(1)
    text = "\n\n".join(
        " ".join(words.choice(("a", "loom", "thread", "weaves", "red")) for _ in range(40))
        for _ in range(80)
    )
    (home / "words.txt").write_text(text, "utf-8")
    small = (*LITTLE, "net.net.width=64", "net.net.heads=2", "net.net.depth=2")
    out = home / "models"
    api.train("image", home / "pictures", out=out / "pictures", size="tiny",
              changes=(*small, "codec.size=8", "family.steps=4"))  # fmt: skip
    api.train("text", home / "words.txt", out=out / "words", size="tiny",
              changes=(*small, "codec.length=512"))  # fmt: skip


def gallery(home: Path, count: int) -> None:
    """So many pictures of 64 x 64, kept as the server keeps them."""
    records = open_records(home / "server")
    rng = np.random.default_rng(2)
    try:
        for n in range(count):
            held = BytesIO()
            tile = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(tile).resize((64, 64), Image.Resampling.NEAREST).save(held, "PNG")
            told = {"model": "pictures", "weights": "0" * 64, "prompt": f"tile {n}", "seed": n}
            records.assets.put(held.getvalue(), "image/png", owner="local", record=told)
    finally:
        records.close()


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """`genloom studio` as people start it."""
    command = (sys.executable, "-m", "genloom", "studio", "--no-browser", "--port", "0")
    log = (home / "log").open("w")
    process = subprocess.Popen(
        [*command, "--home", str(home)], stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[^ ]+:\d+", process.stdout.readline())
        if found is None:
            sys.exit(f"the studio did not start: {(home / 'log').read_text()}")
        yield found[0]
    finally:
        process.terminate()
        process.wait(60)
        log.close()


# --- measuring ------------------------------------------------------------------------------------


class Looking:
    """A browser, and pages of one address, each in a profile of its own: nothing is cached."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser, self.url = browser, url

    @contextmanager
    def page(self, place: str = "") -> Iterator[Any]:
        context = self.browser.new_context(viewport=DESK)
        try:
            page = context.new_page()
            page.goto(f"{self.url}/{place}")
            yield page
        finally:
            context.close()


def load(look: Looking, args: argparse.Namespace) -> dict[str, list[float]]:
    paints, sizes = [], []
    for _ in range(args.runs):
        with look.page() as page:
            page.get_by_role("heading", level=1).wait_for()
            page.wait_for_load_state("networkidle")
            paints.append(page.evaluate(PAINT) / 1e3)
            sizes.append(sum(json.loads(page.evaluate(SIZES))) / 1024)
    return {"first paint": paints, "transferred before one can begin": sizes}


def begin(page: Any) -> None:
    """What one does first: a model at hand is chosen already, its form is there."""
    page.locator(".generate-go button:enabled").wait_for()
    page.locator(".generate-go button").click()


def make(look: Looking, args: argparse.Namespace) -> dict[str, list[float]]:
    """From the address to a thing that is whole on the page; the model is in memory (the first
    round, which loads it, is not told)."""
    seconds = []
    for _ in range(args.runs + 1):
        begun = time.perf_counter()
        with look.page(f"#/generate?model={args.model or 'words'}") as page:
            begin(page)
            page.locator(".generate-result[data-state=done]").first.wait_for()
            seconds.append(time.perf_counter() - begun)
    return {"clicks to the first thing": [1.0], "opening to the first thing": seconds[1:]}


def stream(look: Looking, args: argparse.Namespace) -> dict[str, list[float]]:
    """Several texts at once; frames are counted while they grow."""
    with look.page(f"#/generate?model={args.model or 'words'}") as page:
        page.locator(".generate-go button:enabled").wait_for()
        page.get_by_label("How many").fill(str(args.texts))
        begin(page)
        page.locator(".generate-result[data-state=making]").first.wait_for()
        page.evaluate(FRAMES)
        page.locator(".generate-run[data-state=done]").first.wait_for()
        times, tasks = json.loads(page.evaluate(SEEN))
        told = page.locator(".generate-run").first.inner_text()
    tokens = sum(map(int, re.findall(r"(\d+) tokens\s", told)))
    return {
        "streamed": [tokens / (times[-1] - times[0]) * 1e3],
        "frames while streaming": [rate_of(times)],
        "longest task while streaming": [max(tasks, default=0.0)],
    }


def scroll(look: Looking, args: argparse.Namespace) -> dict[str, list[float]]:
    with look.page("#/gallery") as page:
        page.locator(".gallery-face img").first.wait_for()
        page.mouse.move(640, 500)
        page.evaluate(FRAMES)
        until = time.perf_counter() + args.seconds
        while time.perf_counter() < until:
            page.mouse.wheel(0, 400)
            page.wait_for_timeout(50)
        times, tasks = json.loads(page.evaluate(SEEN))
        nodes = page.evaluate("document.querySelectorAll('*').length")
    between = gaps(times)
    return {
        "frames while scrolling": [rate_of(times)],
        "slowest of 20 frames while scrolling": [between[int(0.95 * len(between))]],
        "longest task while scrolling": [max(tasks, default=0.0)],
        "elements on the page": [float(nodes)],
    }


def gaps(times: Sequence[float]) -> list[float]:
    """Milliseconds between frames, shortest first."""
    return sorted(b - a for a, b in pairwise(times))


def rate_of(times: Sequence[float]) -> float:
    return 1e3 * (len(times) - 1) / (times[-1] - times[0])


# --- telling --------------------------------------------------------------------------------------


def tell(found: dict[str, list[float]]) -> None:
    for name, values in found.items():
        limit, unit = LIMITS.get(name, (None, ""))
        middle = statistics.median(values)
        beside = ""
        if limit is not None:
            more = name in MORE_IS_BETTER
            held = middle >= 0.98 * limit if more else middle <= limit
            beside = (
                f"; {'at least' if more else 'at most'} {limit:g}: {'held' if held else 'NOT held'}"
            )
        print(f"- {name}: {protocol.median(values)} {unit}{beside}", flush=True)


PARTS = {"load": load, "make": make, "stream": stream, "scroll": scroll}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--model")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--assets", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        print("skipped: no Chromium was found")
        return
    from playwright.sync_api import sync_playwright

    protocol.head("The studio")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        home = Path(folder)
        models(home)
        if "scroll" in args.parts:
            gallery(home, args.assets)
        play = open_.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=program, args=["--no-sandbox"])
        print(f"Chromium {browser.version}, 1280 x 800, without a GPU\n")
        with serving(home) as url:
            found: dict[str, list[float]] = {}
            for part in args.parts:
                seen = PARTS[part](Looking(browser, url), args)
                tell(seen)
                found |= seen
        browser.close()
    if args.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
