"""Suites beside the field's harness: the same model, the same files, every number of both.

Usage: bench_harness.py [--model NAME|PATH] [--items 64] [--minutes 3] [--record FILE]
A model of Llama's form, trained for some minutes on data/stories unless one is named, is exported
with `genloom export`; lm-evaluation-harness ($PEERS/harness) reads the export through transformers
and asks its own tasks of the same local files. --record keeps what
it said, item by item, for the tests. Differences are those of float32 sums.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import harness_tasks
import protocol

from genloom import api
from genloom.trust.suites import measuring

TOKENS = 32  # of an answer, on both sides: a small model rambles
FORM = (
    "codec.vocab=2048",
    "codec.length=512",
    "net.net.width=128",
    "net.net.heads=4",
    "net.net.depth=4",
    "net.net.activation=swiglu",
    "net.net.qk_norm=none",
    "net.net.softcap=0",
    "net.net.bigram=0",
    "train.preview=0",
    "train.judge=0",
)
PEER = r"""
import json, logging, sys, time
import datasets, lm_eval, transformers
from pathlib import Path
from lm_eval.models.huggingface import HFLM
from lm_eval.api.task import ConfigurableTask
from lm_eval.tasks._yaml_loader import load_yaml
logging.disable(logging.WARNING)
datasets.disable_progress_bars()
folder, told, tokens = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3])
home = Path(lm_eval.__file__).parent / "tasks"
model = HFLM(pretrained=folder, device="cpu", dtype="float32", batch_size=1)
out = {"versions": {"lm_eval": lm_eval.__version__, "transformers": transformers.__version__}}
for name, one in told.items():
    config = load_yaml(home / one["yaml"])
    config = {k: v for k, v in config.items() if k not in ("tag", "group", "dataset_name")}
    for split in ("training", "validation", "test"):
        if config.get(f"{split}_split") not in one["files"]:
            config.pop(f"{split}_split", None)
    config |= {"task": name, "dataset_path": "json", "num_fewshot": one["shots"]}
    config["dataset_kwargs"] = {"data_files": one["files"]}
    if name == "mmlu":
        config["description"] = (
            "The following are multiple choice questions (with answers) about antonyms.\n\n"
        )
    if "generation_kwargs" in config:
        config["generation_kwargs"] = {**config["generation_kwargs"], "max_gen_toks": tokens}
    task = ConfigurableTask(config=config)
    begun = time.process_time()
    found = lm_eval.simple_evaluate(
        model=model, tasks=[task], num_fewshot=one["shots"], log_samples=True, bootstrap_iters=0,
        verbosity="ERROR",
    )
    seconds = time.process_time() - begun
    # a sample comes once a filter, with the filter's own numbers
    items = {}
    for s in found["samples"][name]:
        item = items.setdefault(s["doc_id"], {})
        for metric in s["metrics"]:
            key = metric if s["filter"] == "none" else f"{metric},{s['filter']}"
            item[key] = s[metric]
        item["resps"] = s["resps"]
    scores = {
        k.removesuffix(",none"): v
        for k, v in found["results"][name].items()
        if isinstance(v, float) and "_stderr" not in k
    }
    out[name] = {"scores": scores, "seconds": seconds, "items": [items[n] for n in sorted(items)]}
print(json.dumps(out))
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", help="a model of Llama's form; trained here unless given")
    parser.add_argument("--items", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--record", type=Path, help="keep the harness's answers for the tests")
    args = parser.parse_args()
    protocol.head("Suites: Genloom and lm-evaluation-harness on one model")
    peer = protocol.peer("harness")
    if peer is None:
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = api.load(args.model, device="cpu") if args.model else trained(folder, args.minutes)
        told = harness_tasks.write(folder / "suites", args.items)
        own = ours(model, folder / "suites", told)
        theirs = asked(peer, model, folder, told)
        if args.record:
            record(args.record, folder / "suites", told, theirs)
    protocol.table(compared(own, theirs))
    print(f"harness: {theirs['versions']}, batch size 1, float32")


def trained(folder: Path, minutes: float) -> api.Model:
    text = protocol.data("stories") / "stories.txt.gz"
    return api.train("text", text, out=folder / "model", minutes=minutes, changes=FORM)


def ours(model: api.Model, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Suite -> scores, seconds and items."""
    out = {}
    for name, one in told.items():
        begun = time.process_time()
        report = measuring.evaluate(
            model, [f"{name}={folder / name}"], folder, shots=one["shots"], tokens=TOKENS
        )
        scores = {row.metric: row.value for row in report.rows}
        seconds = time.process_time() - begun
        out[name] = {"scores": scores, "seconds": seconds, "items": report.items[name]}
    return out


def asked(peer: Path, model: api.Model, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    api.export(model, folder / "exported", to="hf", type="f32")
    (folder / "told.json").write_text(json.dumps(told))
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "cache"), "PATH": "/usr/bin:/bin"}
    return protocol.run_json(
        [peer, "-c", PEER, folder / "exported", folder / "told.json", TOKENS], env=environment
    )


def compared(own: dict[str, Any], theirs: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, one in own.items():
        for metric, value in one["scores"].items():
            if metric not in theirs[name]["scores"]:
                continue
            other = theirs[name]["scores"][metric]
            rows.append(
                {
                    "suite": name,
                    "metric": metric,
                    "Genloom": f"{value:.6f}",
                    "harness": f"{other:.6f}",
                    "apart": f"{abs(value - other):.1e}",
                    "farthest item": f"{farthest(one['items'], theirs[name]['items']):.1e}",
                    "CPU seconds": f"{one['seconds']:.1f} / {theirs[name]['seconds']:.1f}",
                }
            )
    return rows


def farthest(own: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float:
    """Of log-likelihoods, or 1 for a text that differs."""
    most = 0.0
    for mine, other in zip(own, theirs, strict=True):
        said = [resp[0] for resp in other["resps"]]
        if "text" in mine:
            most = max(most, float(mine["text"] != said[0]))
        else:
            told = mine.get("logprobs") or [-mine["nats"]]
            flat = [one[0] if isinstance(one, list) else one for one in said]
            most = max(most, *(abs(a - float(b)) for a, b in zip(told, flat, strict=True)))
    return most


def record(path: Path, folder: Path, told: dict[str, Any], theirs: dict[str, Any]) -> None:
    """What was asked and what the harness said."""
    suites = {
        name: {
            "shots": one["shots"],
            "files": {
                part: [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]
                for part, file in one["files"].items()
            },
            "scores": theirs[name]["scores"],
            "resps": [item["resps"] for item in theirs[name]["items"]],
        }
        for name, one in told.items()
    }
    content = {"versions": theirs["versions"], "tokens": TOKENS, "suites": suites}
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
