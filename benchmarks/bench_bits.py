"""Accuracy in fewer bits: perplexity of one trained model at 32, 16, 8 and 4 bits a weight.

Usage: bench_bits.py [--minutes 4] [--keep FOLDER]
A model of Llama's form is trained on data/stories; both sides read the same held-out windows of
ids, each from its beginning. llama.cpp ($PEERS/llama) reads our export in F16, Q8_0 and Q4_0,
quantised by itself. Floor: the share of each id in the training text; ceiling: 32-bit weights.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import protocol
from bench_llm import QUANTISE

from genloom import api
from genloom.engine.reading import Reader
from genloom.net import quantize

WINDOW, WINDOWS = 256, 40
LLAMA_FORM = (
    "codec.vocab=4096",
    f"codec.length={WINDOW}",
    "net.net.width=256",
    "net.net.heads=4",
    "net.net.depth=6",
    "net.net.expansion=3",
    "net.net.activation=swiglu",
    "net.net.qk_norm=none",
    "net.net.softcap=0",
    "net.net.bigram=0",
    "train.preview=0",
)
PEER = """
import ctypes, json, sys
import llama_cpp as L
import numpy as np
windows = json.load(open(sys.argv[1]))
L.llama_backend_init()
for path in sys.argv[2:]:
    model = L.llama_model_load_from_file(path.encode(), L.llama_model_default_params())
    params = L.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = 512
    params.n_threads = params.n_threads_batch = 2
    context = L.llama_init_from_model(model, params)
    size = L.llama_vocab_n_tokens(L.llama_model_get_vocab(model))
    batch, total, count = L.llama_batch_init(512, 0, 1), 0.0, 0
    for ids in windows:
        L.llama_memory_clear(L.llama_get_memory(context), True)
        batch.n_tokens = len(ids)
        for n, one in enumerate(ids):
            batch.token[n], batch.pos[n], batch.n_seq_id[n], batch.logits[n] = one, n, 1, 1
            batch.seq_id[n][0] = 0
        assert L.llama_decode(context, batch) == 0
        for n in range(len(ids) - 1):
            row = np.ctypeslib.as_array(L.llama_get_logits_ith(context, n), shape=(size,))
            row = row.astype(np.float64)
            total += np.log(np.exp(row - row.max()).sum()) + row.max() - row[ids[n + 1]]
            count += 1
    print(json.dumps({"file": path.rsplit("/", 1)[1], "nats": total / count}), flush=True)
    L.llama_free(context), L.llama_model_free(model)
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--keep", type=Path, help="folder for the model, kept for the next time")
    args = parser.parse_args()
    protocol.head("Accuracy in fewer bits: data/stories, held-out windows of 256 ids")
    with tempfile.TemporaryDirectory() as place:
        folder = args.keep or Path(place)
        model = folder / "stories"
        if not model.exists():
            text = protocol.data("stories") / "stories.txt.gz"
            api.train("text", text, out=model, minutes=args.minutes, changes=LLAMA_FORM)
        windows = held_out(model)
        rows = [floor(model, windows), *ours(model, windows), *theirs(folder, model, windows)]
    best = next(row["nats"] for row in rows if row["weights"] == "Genloom, 32 bits")
    for row in rows:
        row["perplexity"] = f"{math.exp(row['nats']):.3f}"
        row["against 32 bits"] = f"{math.exp(row['nats'] - best) - 1:+.2%}"
        row["nats"] = f"{row['nats']:.4f}"
    protocol.table(rows)


def held_out(model: Path) -> list[list[int]]:
    """Windows of what the training never saw, bos first."""
    loaded = api.load(model)
    texts = loaded.held_out_items()
    ids = [i for text in texts for i in loaded.codec.encode([text])[0].tolist()]
    size = WINDOW - 1
    parts = [ids[n : n + size] for n in range(0, len(ids) - size, size)][:WINDOWS]
    return [[loaded.codec.spec.bos, *part] for part in parts]


def floor(model: Path, windows: list[list[int]]) -> dict[str, Any]:
    loaded = api.load(model)
    counts: Counter[int] = Counter()
    for text in loaded.training_items():
        counts.update(loaded.codec.encode([text])[0].tolist())
    whole = sum(counts.values()) + loaded.codec.spec.vocab
    told = [-math.log((counts[i] + 1) / whole) for ids in windows for i in ids[1:]]
    return {"weights": "how often each id occurs", "MB": "", "nats": math.fsum(told) / len(told)}


def ours(model: Path, windows: list[list[int]]) -> list[dict[str, Any]]:
    rows = []
    for bits in api.FORMS:
        loaded = api.load(model, bits=bits)
        with Reader(loaded) as reader:
            told = [
                p
                for ids, hidden in zip(windows, reader.hidden(windows), strict=True)
                for p in reader.logprobs(hidden, ids)
            ]
        size = quantize.bytes_read(loaded.nets["net"]) / 1e6
        nats = -math.fsum(told) / len(told)
        rows.append({"weights": f"Genloom, {bits} bits", "MB": f"{size:.1f}", "nats": nats})
    return rows


def theirs(folder: Path, model: Path, windows: list[list[int]]) -> list[dict[str, Any]]:
    peer = protocol.peer("llama")
    if peer is None:
        return []
    api.export(model, folder / "stories-f16.gguf", to="gguf", type="f16")
    subprocess.run([str(peer), "-c", QUANTISE, str(folder), "stories", "q8_0", "q4_0"], check=True)
    (folder / "windows.json").write_text(json.dumps(windows))
    files = [folder / f"stories-{name}.gguf" for name in ("f16", "q8_0", "q4_0")]
    done = subprocess.run(
        [str(peer), "-c", PEER, str(folder / "windows.json"), *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = []
    for line, file in zip(done.stdout.splitlines(), files, strict=True):
        name = file.stem.split("-")[1].upper()
        size = f"{file.stat().st_size / 1e6:.1f}"
        rows.append({"weights": f"llama.cpp, {name}", "MB": size, "nats": json.loads(line)["nats"]})
    return rows


if __name__ == "__main__":
    main()
