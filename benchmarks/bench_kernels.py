"""Native CPU kernels beside torch's own products, and the whole decoder stack in tokens a second.

    python benchmarks/bench_kernels.py [--only products|stack] [--forms bf16 int8 int4]

Products: GB/s of weights (few rows) and GFLOP/s (many), each with its fraction of the read limit
that the same threads measure on plain memory. The stack: random weights of Qwen3-0.6B's shape and
of a 22M Llama shape; decode after 32 tokens with 1 and 8 sequences, prefill of 512. Weights are
cycled through more memory than the caches hold. Medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from genloom import native
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.pages import PAGE, PagedAttention, Pages
from genloom.net.quantize import bytes_read, quantize
from genloom.net.quantize_native import PackedWeight, Room, packed_bytes
from genloom.net.rotary import Rotary
from genloom.spec import TokenSpec

OUTPUTS, INPUTS = 3072, 1024
SHAPES: dict[str, tuple[int, dict[str, Any]]] = {
    "qwen3-0.6b": (
        151936,
        {
            "width": 1024,
            "depth": 28,
            "heads": 16,
            "kv_heads": 8,
            "head_size": 128,
            "expansion": 3.0,
            "qk_norm": "head",
            "rotary": Rotary(base=1e6),
        },
    ),
    "llama-22m": (8192, {"width": 384, "depth": 8, "heads": 6, "qk_norm": "none"}),
}
SEQUENCES, PROMPT, SHORT, NEW = 8, 512, 32, 32


def median(call: Callable[[], object], runs: int = 5) -> float:
    """Seconds."""
    call()
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def read_limit(threads: int) -> float:
    """GB/s of a streaming read of 1 GiB by so many of our own threads; the best of five."""
    memory = torch.ones(1 << 30, dtype=torch.uint8)
    library = native.kernels()
    assert library is not None

    def read() -> float:
        begun = time.perf_counter()
        library.gl_read(memory.data_ptr(), memory.nbytes, threads)
        return memory.nbytes / (time.perf_counter() - begun) / 1e9

    return max(read() for _ in range(5))


def products(forms: list[str], limit: float) -> None:
    count = max(2, (1 << 29) // (2 * OUTPUTS * INPUTS))
    for form in forms:
        size = packed_bytes((OUTPUTS, INPUTS), form, False)
        room = Room(size * count)
        one = torch.randn(OUTPUTS, INPUTS)
        weights = [PackedWeight(one, form, room, None, False) for _ in range(count)]
        for rows in (1, 8, 64, 512):
            some = weights if rows < 64 else weights[:4]
            ours = _each(some, lambda w, x: w.product(x), torch.randn(rows, INPUTS))
            row: dict[str, Any] = {"form": form, "rows": rows, **_rates(ours, size, rows, limit)}
            if form in ("f32", "bf16"):
                kind = torch.float32 if form == "f32" else torch.bfloat16
                plain = [one.to(kind).clone() for _ in some]
                x = torch.randn(rows, INPUTS, dtype=kind)
                theirs = _each(plain, lambda w, x: torch.nn.functional.linear(x, w), x)
                row["times_torch"] = round(theirs / ours, 2)
            print(json.dumps(row), flush=True)


def _each(weights: list[Any], call: Callable[[Any, Any], object], x: torch.Tensor) -> float:
    return median(lambda: [call(w, x) for w in weights]) / len(weights)


def _rates(seconds: float, size: int, rows: int, limit: float) -> dict[str, float]:
    speed = size / seconds / 1e9
    flops = 2 * rows * OUTPUTS * INPUTS / seconds / 1e9
    return {"GBps": round(speed, 1), "of_limit": round(speed / limit, 2), "GFLOPs": round(flops)}


def net_of(shape: str, form: str) -> LanguageModel:
    vocab, options = SHAPES[shape]
    config = LanguageModelConfig(**options, activation="swiglu", tied=True, softcap=0.0)
    spec = TokenSpec(vocab=vocab, length=4096, bos=0, eos=1, pad=2)
    with torch.device("meta"):
        net = LanguageModel(config, spec, None)
    net.to_empty(device="cpu")
    net.transformer.turns = net.transformer._frequencies(1, spec.length)
    for weight in net.parameters():
        weight.fill_(1.0) if weight.ndim == 1 else weight.normal_(std=0.02)
    quantize(net, form)
    return net.eval()


def stack(shape: str, form: str, limit: float, runs: int) -> None:
    net, vocab = net_of(shape, form), SHAPES[shape][0]
    most = -(-(PROMPT + NEW) // PAGE)
    pages = Pages.empty(net.layout(), most * SEQUENCES)
    table = torch.arange(most * SEQUENCES, dtype=torch.int32).view(SEQUENCES, most)

    def step(rows: int, start: int, count: int) -> None:
        full = [torch.full((rows,), n, dtype=torch.int32) for n in (start, count)]
        attention = PagedAttention(pages, table[:rows], *full)
        ids = torch.randint(0, vocab, (rows * count,))
        hidden = net(ids, torch.empty(0), attention)
        net.logits(hidden.view(rows, count, -1)[:, -1])

    def write(rows: int) -> float:
        step(rows, 0, SHORT)
        return median(lambda: [step(rows, SHORT + n, 1) for n in range(NEW)], runs) / NEW

    one, many = write(1), write(SEQUENCES)
    row = {
        "shape": shape,
        "form": form,
        f"prefill{PROMPT}_tok_s": round(PROMPT / median(lambda: step(1, 0, PROMPT), runs), 1),
        "decode_b1_tok_s": round(1 / one, 1),
        f"decode_b{SEQUENCES}_tok_s": round(SEQUENCES / many, 1),
        "of_read_limit_b1": round(bytes_read(net) / one / 1e9 / limit, 2),
    }
    print(json.dumps(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["products", "stack"])
    parser.add_argument("--forms", nargs="+", default=["bf16", "int8", "int4"])
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(args.threads)
    if native.kernels() is None:
        raise SystemExit(native.status())
    limit = read_limit(args.threads)
    print(json.dumps({"kernels": native.status(), "read_limit_GBps": round(limit, 1)}), flush=True)
    if args.only != "stack":
        products(args.forms, limit)
    if args.only != "products":
        for shape in args.shapes:
            for form in args.forms:
                stack(shape, form, limit, args.runs)


if __name__ == "__main__":
    main()
