"""Teach the speller that comes with the package, and measure it: letters to phonemes where
espeak-ng is not installed.

Usage: teach_speller.py [--steps 1000] [--batch 256] [--seed 0] [--out genloom/speech] [--measure]
Words of ../shared/data/stories (public-domain books, of words that occur at least three times) and
translation (Tatoeba, CC BY 2.0), each read by espeak-ng alone (en-us): the teacher. 2,000 words
drawn by the seed are held out. Writes speller.safetensors (float16) and speller.json with the
figures. Prints the phoneme error rate beside its floor, which is each letter's likeliest phoneme.
--measure: no training, the figures of the one that is there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import protocol
import torch

from genloom import tensor_files
from genloom.codec.prompt import letters as teacher
from genloom.codec.saving import write_atomic
from genloom.net.speller import Speller, SpellerConfig, loss
from genloom.recipe import Train
from genloom.speech.speller import PLACE, Spelling, trained
from genloom.train.optim import Optimiser, share_of_rate

WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
HELD, LEAST, LONGEST = 2_000, 3, 24
SIZES = {"width": 128, "depth": 4, "heads": 4, "slots": 3}
FROM = "books of Project Gutenberg in the public domain, sentences of Tatoeba (CC BY 2.0)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PLACE.parent)
    parser.add_argument("--measure", action="store_true")
    args = parser.parse_args()
    protocol.head("speller")
    torch.set_num_threads(1)
    told = readings()
    words = sorted(told)
    random.Random(args.seed).shuffle(words)
    held, taught = words[:HELD], words[HELD:]
    begun = time.process_time()
    spelling = trained() if args.measure else learnt(taught, told, args)
    core = time.process_time() - begun
    figures = measured(spelling, held, told)
    figures |= {"floor": round(floor(taught, held, told), 4), "held_out_words": len(held)}
    if not args.measure:
        figures |= {"taught_words": len(taught), "core_minutes": round(core / 60, 1)}
        figures |= {"steps": args.steps, "batch": args.batch, "seed": args.seed}
        keep(spelling, figures, args.out)
    print(json.dumps(figures, indent=1))
    for word in held[:12]:
        print(f"{word:16} {' '.join(told[word]):32} {' '.join(spelling([word]).get(word, ()))}")


def readings() -> dict[str, tuple[str, ...]]:
    """word -> the teacher's phonemes."""
    counts: Counter[str] = Counter()
    for name in ("stories", "children"):
        with gzip.open(protocol.data("stories") / f"{name}.txt.gz", "rt", encoding="utf-8") as file:
            counts.update(WORD.findall(file.read().lower()))
    words = {word for word, count in counts.items() if count >= LEAST}
    with gzip.open(protocol.data("translation") / "eng-deu.tsv.gz", "rt", encoding="utf-8") as file:
        words |= {w for line in file for w in WORD.findall(line.split("\t")[0].lower())}
    words = {word for word in words if len(word) <= LONGEST} | set("abcdefghijklmnopqrstuvwxyz")
    told = teacher.phonemes(sorted(words), "en-us")
    common = Counter(sound for sounds in told.values() for sound in sounds)
    return {w: s for w, s in told.items() if all(common[one] >= 20 for one in s)}


def learnt(
    words: Sequence[str], told: dict[str, tuple[str, ...]], args: argparse.Namespace
) -> Spelling:
    torch.manual_seed(args.seed)
    alphabet = "".join(sorted({c for word in words for c in word}))
    sounds = sorted({s for word in words for s in told[word]})
    config = SpellerConfig(letters=len(alphabet) + 1, phonemes=len(sounds) + 1, **SIZES)
    net = Speller(config)
    spelling = Spelling(net, alphabet, sounds)
    net.train().requires_grad_(True)
    train = Train(steps=args.steps, rate=2e-3, muon_rate=0.01, weight_decay=0.0)
    optimiser, rng = Optimiser.build(net, train), random.Random(args.seed)
    numbers = {sound: n + 1 for n, sound in enumerate(sounds)}
    by_length = sorted(words, key=len)  # words of a batch are alike in length: half the padding
    for step in range(args.steps):
        begin = rng.randrange(len(words) - 4 * args.batch)
        some = rng.sample(by_length[begin : begin + 4 * args.batch], args.batch)
        ids = padded([spelling.ids(word) for word in some])
        wanted = padded([[numbers[s] for s in told[word]] for word in some])
        total = loss(net(ids), ids, wanted, config.slots) / args.batch
        optimiser.zero()
        total.backward()
        optimiser.step(share_of_rate(step, train))
        if step % 50 == 0 or step == args.steps - 1:
            print(
                f"step {step} loss {total.item():.3f} nats a word, {time.process_time():.0f} s",
                flush=True,
            )
    net.eval().requires_grad_(False)
    for p in net.parameters():
        p.copy_(p.half().float())  # as it will be on disk
    return spelling


def padded(rows: Sequence[list[int]]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)


def measured(
    spelling: Spelling, held: Sequence[str], told: dict[str, tuple[str, ...]]
) -> dict[str, float]:
    """Phoneme error rate and word error rate with stress; that without stress; words a second."""
    begun = time.process_time()
    found = spelling(held)
    seconds = time.process_time() - begun
    pairs = [(told[word], found.get(word, ())) for word in held]
    bare = [tuple(tuple(s.strip("\u02c8\u02cc") for s in one) for one in pair) for pair in pairs]
    return {
        "phoneme_error_rate": round(rate(pairs), 4),
        "phoneme_error_rate_without_stress": round(rate(bare), 4),
        "word_error_rate": round(sum(a != b for a, b in pairs) / len(pairs), 4),
        "words_a_second": round(len(held) / seconds),
    }


def rate(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> float:
    return sum(distance(a, b) for a, b in pairs) / sum(len(a) for a, _ in pairs)


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein's."""
    row = list(range(len(b) + 1))
    for n, one in enumerate(a, 1):
        before, row[0] = row[0], n
        for m, other in enumerate(b, 1):
            before, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, before + (one != other))
    return row[-1]


def floor(words: Sequence[str], held: Sequence[str], told: dict[str, tuple[str, ...]]) -> float:
    """What is missed where every letter is said as it is most often, in words whose phonemes are as
    many as their letters."""
    seen: dict[str, Counter[str]] = {}
    for word in words:
        if len(word) == len(told[word]):
            for letter, sound in zip(word, told[word], strict=True):
                seen.setdefault(letter, Counter())[sound] += 1
    usual = {letter: counts.most_common(1)[0][0] for letter, counts in seen.items()}
    return rate([(told[w], tuple(usual[c] for c in w if c in usual)) for w in held])


def keep(spelling: Spelling, figures: dict[str, float], folder: Path) -> None:
    weights = {name: value.half() for name, value in spelling.net.state_dict().items()}
    place = folder / PLACE.name
    tensor_files.write(place.with_suffix(".safetensors"), weights)
    letters = "".join(spelling.letters)
    told = {
        "what": "English words as phonemes of espeak-ng, for machines without espeak-ng",
        "teacher": "espeak-ng 1.51, voice en-us, one word at a time",
        "words": FROM,
        "licence": "Apache-2.0",
        "letters": letters,
        "phonemes": list(spelling.phonemes),
        "sizes": SIZES,
        "figures": figures,
    }
    write_atomic(
        place.with_suffix(".json"), (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()
    )


if __name__ == "__main__":
    main()
