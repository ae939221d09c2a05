"""Story models: bits per byte of whole books that no training saw.

Usage: bench_stories.py [--minutes 30] [--device cpu] [--data FOLDER] [--out FOLDER] [--set k=v ...]
Every tenth book or so (by a hash of its number) is held out; of the others the recipe keeps a
fiftieth back to judge by. Floor: a model of 6-byte counts over the last part of the training books,
and lzma. FOLDER holds .txt.gz files whose books are parted by <|endoftext|>.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import protocol

from genloom import api
from genloom.codec.text.files import read_texts
from genloom.data.split import split_items, take
from genloom.metric.ngram import ngram_floor
from genloom.metric.text import compression_floor
from genloom.train.log import Event
from genloom.trust import quality_text

COUNTED = 8_000_000  # bytes of training books that the floors see
SCORED = 1_000_000  # characters of the held-out books, evenly over them


def books(folder: Path) -> tuple[list[str], list[str]]:
    """(training, held out), whole books."""
    texts: list[str] = []
    for file in sorted(folder.glob("*.txt.gz")):
        texts += read_texts(file).items
    first, last = split_items(len(texts), 0.1)
    return take(texts, first), take(texts, last)


def beginnings(texts: list[str], size: int = SCORED) -> list[str]:
    """The first part of each held-out book, so that all of them count alike."""
    each = size // len(texts)
    return [text[:each] for text in texts]


def heard(event: Event) -> None:
    v = event.values
    if event.kind == "step" and event.step % 100 == 0:
        print(event.step, f"{v['nats']:.4f}", f"{v['seconds']:.1f} s", flush=True)
    elif event.kind in ("plan", "judge", "guard", "done"):
        print(event.kind, json.dumps(v), flush=True)


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--minutes", type=float, default=None)
    told.add_argument("--size", default=None)
    told.add_argument("--device", default="cpu")
    told.add_argument("--data", type=Path, default=None)
    told.add_argument("--out", type=Path, default=None)
    told.add_argument("--floor", action="store_true")
    told.add_argument("--set", dest="changes", action="append", default=[])
    asked = told.parse_args()
    protocol.head("stories")
    train, held = books(asked.data or protocol.data("stories"))
    with tempfile.TemporaryDirectory() as folder:
        out = asked.out or Path(folder) / "stories"
        begun = time.perf_counter()
        model = api.train(
            "stories",
            train,
            out=out,
            minutes=asked.minutes,
            size=asked.size,
            device=asked.device,
            changes=asked.changes,
            listener=heard,
            licence="public domain",
        )
        wall = time.perf_counter() - begun
    some = beginnings(held)
    model.nets.to(api.pick_device(asked.device))
    own = quality_text._score(model, some).rates()
    print(f"trained {wall / 60:.1f} min, {model.parameters:,} weights, {model.card['steps']} steps")
    print(f"held-out books {len(held)}: bits_per_byte {own['bits_per_byte']:.4f}", flush=True)
    if asked.floor:
        before = "".join(train).encode()[-COUNTED:]
        text = "".join(some).encode()
        counts, packed = ngram_floor(before, text, 6), compression_floor(before, text)
        print(f"floors: 6-byte counts {counts:.3f}, {packed}")


if __name__ == "__main__":
    main()
