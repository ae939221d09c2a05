"""Language models: prefill and decode of two shapes beside transformers and llama.cpp.

Usage: bench_llm.py [--shapes small qwen3-0.6b] [--runs 3] [--keep FOLDER]
Weights are random and the same on both sides: written in the Hugging Face layout, imported by us,
exported by us to GGUF, quantised by llama.cpp itself. Peers: $PEERS/hf (transformers) and
$PEERS/llama (llama-cpp-python built with GGML_NATIVE=ON, gguf). Our decode is a request through the
engine, sampling included; llama.cpp feeds random ids without sampling; transformers generates
greedily. A limit is the bandwidth of a plain read over the bytes of weights that a token needs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import protocol
import torch

from genloom import api
from genloom.engine.engine import Engine
from genloom.net import quantize
from genloom.spec import Options, Request

SHAPES: dict[str, dict[str, Any]] = {
    "small": {
        "model_type": "llama",
        "hidden_size": 384,
        "num_hidden_layers": 8,
        "num_attention_heads": 6,
        "num_key_value_heads": 6,
        "head_dim": 64,
        "intermediate_size": 1536,
        "vocab_size": 8192,
    },
    "qwen3-0.6b": {
        "model_type": "qwen3",
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 3072,
        "vocab_size": 151936,
    },
}
THEIRS = {"small": "llama-30m", "qwen3-0.6b": "qwen3-0.6b"}
BITS = (16, 8, 4)
LLAMA = ("bf16", "f16", "q8_0", "q4_0")


# --- one set of random weights for all ------------------------------------------------------------


def write_random(shape: str, folder: Path) -> None:
    """config.json, bf16 weights and a tokenizer of the vocabulary's size."""
    from safetensors.torch import save_file

    from genloom.weights.decoders import options_of, translation_of

    config = {
        **SHAPES[shape],
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6 if shape != "small" else 1e4,
        "tie_word_embeddings": True,
        "hidden_act": "silu",
        "torch_dtype": "bfloat16",
        "bos_token_id": 256,
        "eos_token_id": 256,
        "architectures": ["LlamaForCausalLM" if shape == "small" else "Qwen3ForCausalLM"],
    }
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text(_tokenizer(config["vocab_size"]))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"bos_token": "<|end|>", "eos_token": "<|end|>"})
    )
    rng = torch.Generator().manual_seed(0)
    made = {}
    for theirs, size in _shapes(config, options_of(config), translation_of).items():
        plain = torch.ones(size) if len(size) == 1 else 0.02 * torch.randn(size, generator=rng)
        made[theirs] = plain.bfloat16()
    save_file(made, folder / "model.safetensors", metadata={"format": "pt"})


def _shapes(config: Any, options: Any, translation_of: Any) -> dict[str, tuple[int, ...]]:
    """Names and shapes as the layout has them."""
    from genloom.configure import configure
    from genloom.net.language_model import LanguageModel
    from genloom.net.unfilled import Unfilled
    from genloom.spec import TokenSpec

    spec = TokenSpec(vocab=config["vocab_size"], length=4096, bos=256, eos=256, pad=256)
    with Unfilled():
        net = LanguageModel(configure(LanguageModel.Config, options, "net"), spec, None)
    ours = dict(net.named_parameters())
    places = translation_of(config, options).places(ours)
    return {p.theirs: tuple(p.view(ours[p.ours]).shape) for p in places}


def _tokenizer(size: int) -> str:
    """All bytes, one end, and words that no text holds."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: n for n, letter in enumerate(letters)}
    vocab["<|end|>"] = 256
    vocab |= {f"unused{n}": n for n in range(257, size)}
    made = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken("<|end|>", special=True)])
    return made.to_str()


# --- our side, in a process of its own ------------------------------------------------------------


def ours(folder: str, bits: int, runs: int) -> dict[str, Any]:
    """Tokens/s of prefill and decode through the engine, and bytes a token reads."""
    start = time.perf_counter()
    model = api.load(folder, bits=bits)
    loaded = time.perf_counter() - start
    rates: dict[str, list[float]] = {"prefill": [], "one": [], "eight": []}
    ticks: list[float] = []
    rng = torch.Generator().manual_seed(0)

    def prompt(length: int) -> tuple[int, ...]:
        return tuple(torch.randint(0, 256, (length,), generator=rng).tolist())

    greedy = {"temperature": 0.0, "ignore_eos": True}
    with Engine(model) as engine:
        for run in range(runs + 1):
            begun = time.perf_counter()
            one = Request(ids=prompt(512), options=Options(max_tokens=1, **greedy))
            engine.submit(one).result()
            taken = time.perf_counter() - begun
            for name, count in (("one", 1), ("eight", 8)):
                options = Options(max_tokens=70, **greedy)
                for n in range(count):
                    engine.submit(Request(ids=prompt(32), seed=n, options=options))
                for _ in range(5):
                    engine.tick()
                begun, steps = time.perf_counter(), 0
                while engine.open:
                    engine.tick()
                    steps += 1
                rate = (steps - 1) * count / (time.perf_counter() - begun)
                if run:
                    rates[name].append(rate)
            if run:
                rates["prefill"].append(512 / taken)
                ticks.append(taken)
    net = model.nets["net"]
    return {
        "load_s": round(loaded, 2),
        "MB": round(quantize.bytes_read(net) / 1e6, 1),
        **{name: [round(r, 1) for r in found] for name, found in rates.items()},
    }


def shared_prefix(folder: str, bits: int) -> dict[str, Any]:
    """Eight requests that begin with the same 512 ids, at once and one after another."""
    model = api.load(folder, bits=bits)
    rng = torch.Generator().manual_seed(1)
    first = torch.randint(0, 256, (512,), generator=rng).tolist()
    options = Options(max_tokens=64, temperature=0.0, ignore_eos=True)
    ends = [torch.randint(0, 256, (16,), generator=rng).tolist() for _ in range(8)]
    requests = [Request(ids=(*first, *end), options=options) for end in ends]
    with Engine(model) as engine:  # once for nothing: the first calls touch memory anew
        engine.submit(requests[0]).result()
    begun = time.perf_counter()
    apart = []
    for request in requests:
        with Engine(model) as engine:
            generation = engine.submit(request)
            generation.result()
            apart.append(generation.tensors()[0])
    slow = time.perf_counter() - begun
    with Engine(model) as engine:
        begun = time.perf_counter()
        together = [engine.submit(r) for r in requests]
        for generation in together:
            generation.result()
        fast = time.perf_counter() - begun
    same = all(torch.equal(a, g.tensors()[0]) for a, g in zip(apart, together, strict=True))
    return {"apart_s": round(slow, 2), "together_s": round(fast, 2), "same": same}


# --- the table ----------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder for the weights, kept for the next time")
    parser.add_argument("--ours", nargs=3, metavar=("FOLDER", "BITS", "RUNS"))
    parser.add_argument("--prefix", nargs=2, metavar=("FOLDER", "BITS"))
    args = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    if args.ours:
        print(json.dumps(ours(args.ours[0], int(args.ours[1]), int(args.ours[2]))))
        return
    if args.prefix:
        print(json.dumps(shared_prefix(args.prefix[0], int(args.prefix[1]))))
        return
    protocol.head("Language models: prefill and decode, random weights")
    with tempfile.TemporaryDirectory() as place:
        for shape in args.shapes:
            compare(shape, (args.keep or Path(place)) / shape, args.runs)


def compare(shape: str, folder: Path, runs: int) -> None:
    model = _prepared(shape, folder)
    limit = _read_rate()
    print(f"### {shape}; a plain read: {limit / 1e9:.1f} GB/s\n")
    rows = [*_transformers(shape), *_llama(folder)]
    for bits in BITS:
        told = protocol.run_json([sys.executable, __file__, "--ours", model, str(bits), str(runs)])
        most = limit / (told["MB"] * 1e6)
        one = statistics.median(told["one"])
        rows.append(
            {
                "tool": f"Genloom, {bits} bits",
                "MB a token": told["MB"],
                "prefill 512": protocol.median(told["prefill"]),
                "decode 1": protocol.median(told["one"]),
                "of the limit": f"{one / most:.0%}",
                "decode 8": protocol.median(told["eight"]),
            }
        )
    protocol.table(rows)
    told = protocol.run_json([sys.executable, __file__, "--prefix", model, "16"])
    ratio = told["apart_s"] / told["together_s"]
    print(
        f"Eight requests with 512 ids in common, 64 new ids each: {told['apart_s']} s apart, "
        f"{told['together_s']} s together ({ratio:.1f} times), "
        f"{'identical' if told['same'] else 'NOT identical'} ids.\n",
        flush=True,
    )


def _prepared(shape: str, folder: Path) -> Path:
    """Our model, and the GGUF files of the peer."""
    theirs, model = folder / "hf", folder / "ours"
    if not model.exists():
        write_random(shape, theirs)
        api.import_weights(theirs, name=model)
        api.export(model, folder / f"{shape}-f16.gguf", to="gguf", type="f16")
        peer = protocol.peer("llama")
        if peer:
            subprocess.run([str(peer), "-c", QUANTISE, str(folder), shape, *LLAMA], check=True)
    return model


QUANTISE = """
import ctypes, pathlib, sys, llama_cpp
folder, shape, *types = sys.argv[1:]
known = {"bf16": llama_cpp.LLAMA_FTYPE_MOSTLY_BF16, "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0,
         "q4_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0}
for name in types:
    if name in known:
        params = llama_cpp.llama_model_quantize_default_params()
        params.ftype, params.nthread, params.allow_requantize = known[name], 2, True
        pair = [str(pathlib.Path(folder) / f"{shape}-{n}.gguf").encode() for n in ("f16", name)]
        assert llama_cpp.llama_model_quantize(*pair, ctypes.byref(params)) == 0
"""


def _read_rate() -> float:
    """Bytes/s of a plain read by our kernels' threads, the median of some."""
    return quantize.read_rate()


def _transformers(shape: str) -> list[dict[str, Any]]:
    peer = protocol.peer("hf")
    if peer is None:
        return []
    script = protocol.SHARED / "bench" / "llm_hf.py"
    told = protocol.run_json([peer, script, "--shape", THEIRS[shape], "--dtype", "bf16"])
    return [
        {
            "tool": f"transformers {told['transformers']}, bf16, eager",
            "MB a token": round(2 * told["params_M"], 1),
            "prefill 512": told["prefill512_tok_s"],
            "decode 1": told["decode_b1_tok_s"],
            "of the limit": "",
            "decode 8": told["decode_b8_tok_s"],
        }
    ]


def _llama(folder: Path) -> list[dict[str, Any]]:
    peer = protocol.peer("llama")
    if peer is None:
        return []
    script = protocol.SHARED / "bench" / "llm_llamacpp.py"
    files = [folder / f"{folder.name}-{name}.gguf" for name in LLAMA]
    done = subprocess.run(
        [str(peer), str(script), *map(str, files)], capture_output=True, text=True, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [
        {
            "tool": f"llama.cpp, {row['file'].rsplit('-', 1)[1].removesuffix('.gguf')}",
            "MB a token": row["file_MB"],
            "prefill 512": row["prefill512_tok_s"],
            "decode 1": row["decode_b1_tok_s"],
            "decode 8": row["decode_x8_tok_s"],
        }
        for row in told
    ]


if __name__ == "__main__":
    main()
