"""Translation from scratch: BLEU and chrF on short sentences whose English no training saw.

Usage: bench_translation.py [--minutes 40] [--language deu] [--device cpu] [--data FOLDER]
[--out MODEL] [--model MODEL] [--count 2000] [--size S] [--set k=v ...]
FOLDER holds eng-LANGUAGE.tsv.gz. Three in a hundred English sentences are held out with all their
translations (a sentence and its twin in other case or signs are on one side). Of those with at most
ten words, COUNT are translated, greedily. "One reference" is the first translation of each in the
file, "all references" every held-out one. --model measures a model that is there. With $PEERS/mt
(sacrebleu) the same texts are scored by it, too.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import protocol
from word_dictionary import Dictionary

from genloom import api
from genloom.metric import bleu, bootstrap, chrf
from genloom.train.log import Event
from genloom.trust.quality_pair import Asked, common, complete, score, together

SHORT = 10  # words
CLASSES = ((1, 4), (5, 7), (8, SHORT), (SHORT + 1, 1000))
LONGER = 500  # sentences above SHORT
SACREBLEU = """
import json, sys, sacrebleu
made, told = json.load(sys.stdin)
b, c = sacrebleu.BLEU(), sacrebleu.CHRF()
one = [[t[0] for t in told]]
most = max(map(len, told))
every = [[t[n] if n < len(t) else None for t in told] for n in range(most)]
out = {"one": b.corpus_score(made, one).score, "signature": str(b.get_signature())}
out |= {"all": b.corpus_score(made, every).score, "chrf": c.corpus_score(made, every).score}
print(json.dumps(out))
"""


def heard(event: Event) -> None:
    v = event.values
    if event.kind == "step" and event.step % 200 == 0:
        print(event.step, f"{v['nats']:.4f}", f"{v['seconds']:.1f} s", flush=True)
    elif event.kind in ("fit", "plan", "judge", "guard", "done"):
        print(event.kind, json.dumps(v), flush=True)


def chosen(asked: Asked, low: int, high: int, count: int) -> Asked:
    """So many of the sources with low to high words, drawn by a seed."""
    able = [n for n, text in enumerate(asked.sources) if low <= len(text.split()) <= high]
    rows = sorted(random.Random(0).sample(able, min(count, len(able))))
    sources, references = asked.sources, asked.references
    return Asked(sources=[sources[n] for n in rows], references=[references[n] for n in rows])


def row(name: str, made: Sequence[str], asked: Asked) -> dict[str, str]:
    """Every number of one system, with its 95%."""
    one = [told[:1] for told in asked.references]
    exact = [text in told for text, told in zip(made, asked.references, strict=True)]
    return {
        "system": name,
        "BLEU, one reference": str(bootstrap.interval(bleu.counts(made, one), bleu.score)),
        "BLEU, all references": str(
            bootstrap.interval(bleu.counts(made, asked.references), bleu.score)
        ),
        "chrF, all references": str(
            bootstrap.interval(chrf.counts(made, asked.references), chrf.score)
        ),
        "exact": f"{sum(exact) / len(exact):.3f}",
    }


def real(asked: Asked) -> tuple[list[str], Asked]:
    """The second translation of each source that has several, and the rest as its references."""
    several = [(s, t) for s, t in zip(asked.sources, asked.references, strict=True) if len(t) > 1]
    rest = Asked(sources=[s for s, _ in several], references=[[t[0], *t[2:]] for _, t in several])
    return [told[1] for _, told in several], rest


def by_sacrebleu(made: Sequence[str], asked: Asked) -> None:
    python = protocol.peer("mt")
    if python is not None:
        told = subprocess.run(
            [str(python), "-c", SACREBLEU],
            input=json.dumps([made, asked.references]),
            capture_output=True,
            text=True,
            check=True,
        )
        print("sacreBLEU on the same texts:", told.stdout.strip())


def measure(model: api.Model, count: int, out: Path | None) -> None:
    held, train = model.held_out_items(), model.training_items()
    print(f"{len(train):,} pairs to learn from, {len(held):,} held out")
    both = {i.key for i in train} & {i.key for i in held}
    assert not both, "a held-out sentence is in the training data"
    asked = together(held)
    short = chosen(asked, 1, SHORT, count)
    begun = time.perf_counter()
    made = complete(model, short.sources)
    seconds = time.perf_counter() - begun
    print(f"{len(short):,} sentences translated in {seconds:.1f} s")
    words = Dictionary([i.source for i in train], [str(i) for i in train])
    floors: dict[str, Callable[[Asked], list[str]]] = {
        "copy of the source": lambda a: a.sources,
        "commonest translation": lambda a: common(train, a),
        "word by word (IBM model 1)": lambda a: [words.translate(s) for s in a.sources],
    }
    rows = [row("Genloom, greedy", made, short)]
    rows += [row(name, floor(short), short) for name, floor in floors.items()]
    human, rest = real(short)
    rows.append(row(f"people, where several ({len(human)})", human, rest))
    protocol.table(rows)
    one = [told[:1] for told in short.references]
    print(f"signatures: {bleu.signature(one)} and {bleu.signature(short.references)}")
    best = bleu.counts(floors["word by word (IBM model 1)"](short), one)
    gap = bootstrap.difference(bleu.counts(made, one), best, bleu.score)
    print(f"BLEU, one reference, above word by word: {gap}")
    by_sacrebleu(made, short)
    table = []
    for low, high in CLASSES:
        some = chosen(asked, low, high, LONGER)
        table.append(
            row(f"{low} to {high} words ({len(some)})", complete(model, some.sources), some)
        )
    protocol.table(table)
    scored = score(model, held[:: max(1, len(held) // 2000)])
    print(f"held-out bits per byte of translations: {scored.rates()['bits_per_byte']:.3f}")
    for n in range(0, len(made), max(1, len(made) // 12)):
        print(f"  {short.sources[n]}  ->  {made[n]}   ({short.references[n][0]})")
    if out is not None:
        lines = zip(short.sources, made, short.references, strict=True)
        out.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def main() -> None:
    told = argparse.ArgumentParser()
    told.add_argument("--minutes", type=float, default=40.0)
    told.add_argument("--language", default="deu")
    told.add_argument("--size", default=None)
    told.add_argument("--device", default="cpu")
    told.add_argument("--data", type=Path, default=None)
    told.add_argument("--out", type=Path, default=None)
    told.add_argument("--model", type=Path, default=None)
    told.add_argument("--texts", type=Path, default=None, help="a file for what was translated")
    told.add_argument("--count", type=int, default=2000)
    told.add_argument("--set", dest="changes", action="append", default=[])
    asked = told.parse_args()
    protocol.head("translation")
    with tempfile.TemporaryDirectory() as folder:
        model = asked.model and api.load(asked.model, device=asked.device)
        if model is None:
            data = (asked.data or protocol.data("translation")) / f"eng-{asked.language}.tsv.gz"
            begun = time.perf_counter()
            model = api.train(
                "translation",
                data,
                out=asked.out or Path(folder) / "translation",
                minutes=asked.minutes,
                size=asked.size,
                device=asked.device,
                changes=["train.preview=0", *asked.changes],
                listener=heard,
            )
            print(f"wall {time.perf_counter() - begun:.0f} s, {model.parameters:,} parameters")
        measure(model, asked.count, asked.texts)


if __name__ == "__main__":
    main()
