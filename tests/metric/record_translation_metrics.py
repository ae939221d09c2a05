"""Records what sacreBLEU, rouge_score and NLTK say, for `test_translation_metrics`.

Usage: record_translation_metrics.py DATA > sacrebleu_rouge_recorded.json   with a Python that has
sacrebleu and rouge_score; DATA is a folder with translation/ and instruct/scitldr/.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

ODD = [
    (
        'Er sagte: "Nein!" &quot;Ja&quot; 3,5-4.2 (a/b) 10-mal.',
        ['Er sagte: "Nein!" 3,5-4,2 (a/b) 10-mal.', "Ja & nein."],
    ),
    ("", ["etwas steht da", "x"]),
    ("a", ["a", "b c"]),
    (
        "Die U.S.A. & Co., 1.000-mal-- <b>fett</b>",
        ["Die USA & Co., 1.000 mal", "Die U.S.A."],
    ),
]
WORDS = [
    "skies",
    "dying",
    "lies",
    "died",
    "tied",
    "agreed",
    "feed",
    "bled",
    "sing",
    "hopping",
    "falling",
    "fizzed",
    "failing",
    "filing",
    "happy",
    "enjoy",
    "spy",
    "radically",
    "formalli",
    "apologi",
    "apology",
    "geologi",
    "hopefully",
    "vietnamization",
    "controll",
    "roll",
    "rate",
    "cease",
    "am",
    "aming",
    "yes",
    "syzygy",
    "toy",
    "yyyy",
    "eeds",
    "aaing",
    "oed",
    "ually",
    "bbing",
    "allied",
]


def texts(data: Path) -> tuple[list[str], list[list[str]]]:
    """One of several translations, spoilt a little, beside two others."""
    rng, by = random.Random(0), {}
    with gzip.open(data / "translation" / "eng-deu.tsv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            source, target = line.rstrip("\n").split("\t")
            by.setdefault(source, []).append(target)
    made, references = [], []
    for several in rng.sample([told for told in by.values() if len(told) >= 3], 40):
        rng.shuffle(several)
        words = several.pop().split()
        if rng.random() < 0.4:
            words.pop(rng.randrange(len(words)))
        if rng.random() < 0.3:
            rng.shuffle(words)
        made.append(" ".join(words))
        references.append(several[:2])
    return [*made, *(a for a, _ in ODD)], [*references, *(b for _, b in ODD)]


def scores(made: list[str], references: list[list[str]], count: int) -> dict[str, Any]:
    import sacrebleu

    streams = [[told[n] for told in references] for n in range(count)]
    kinds = [sacrebleu.BLEU(), sacrebleu.CHRF(), sacrebleu.CHRF(word_order=2)]
    whole = [kind.corpus_score(made, streams).score for kind in kinds]
    items = [
        [kind.corpus_score([text], [[s[n]] for s in streams]).score for kind in kinds]
        for n, text in enumerate(made)
    ]
    kinds[0].corpus_score(made, streams)
    names = dict(zip(("bleu", "chrf", "chrf_words"), whole, strict=True))
    return {**names, "signature": str(kinds[0].get_signature()), "items": items}


def rouges(data: Path) -> tuple[dict[str, Any], dict[str, str]]:
    from nltk.stem.porter import PorterStemmer
    from rouge_score import rouge_scorer

    with gzip.open(data / "instruct" / "scitldr" / "dev.jsonl.gz", "rt") as file:
        rows = [json.loads(line) for line in file]
    some = [row for row in rows if len(row["target"]) >= 2][:40]
    made = [*(row["source"][0] for row in some), "", "!"]
    references = [*(row["target"] for row in some), ["a b"], ["c"]]
    out: dict[str, Any] = {"made": made, "references": references}
    for name, stemmed in (("plain", False), ("stemmed", True)):
        scorer = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=stemmed)
        out[name] = [
            {key: 100 * value.fmeasure for key, value in scorer.score_multi(told, text).items()}
            for text, told in zip(made, references, strict=True)
        ]
    found = {
        word
        for row in rows
        for text in (*row["source"], *row["target"])
        for word in re.sub("[^a-z0-9]+", " ", text.lower()).split()
        if len(word) > 3
    }
    stemmer = PorterStemmer()
    asked = [*WORDS, *random.Random(1).sample(sorted(found), 400)]
    return out, {word: stemmer.stem(word) for word in asked}


def main(data: Path) -> None:
    import sacrebleu

    made, references = texts(data)
    tokenize = sacrebleu.BLEU().tokenizer
    rouge, stems = rouges(data)
    out = {
        "versions": {name: version(name) for name in ("sacrebleu", "rouge_score", "nltk")},
        "made": made,
        "references": references,
        "one": scores(made, references, 1),
        "two": scores(made, references, 2),
        "words": {t: tokenize(t) for text, told in ODD for t in (text, told[0])},
        "rouge": rouge,
        "stems": stems,
    }
    json.dump(out, sys.stdout, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
