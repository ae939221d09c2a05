"""How words sound where espeak-ng is not installed: a small net that was taught by it.

Its weights lie beside this file (speller.safetensors, with speller.json: letters, phonemes, sizes,
teacher, figures). American English alone. Knows words; the net is the business of net/speller.py.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch

from genloom import tensor_files
from genloom.errors import ModelError
from genloom.net.speller import Speller, SpellerConfig, read

PLACE = Path(__file__).with_suffix("")  # of its two files, without their suffixes
TOGETHER = 256  # words of one pass
LONGEST = 40  # letters


class Spelling:
    """letters, phonemes: what each id stands for, from 1 on."""

    def __init__(self, net: Speller, letters: str, phonemes: Sequence[str]) -> None:
        self.net = net.eval().requires_grad_(False)
        self.letters = {letter: n + 1 for n, letter in enumerate(letters)}
        self.phonemes = tuple(phonemes)

    def ids(self, word: str) -> list[int]:
        """Of its letters, without their accents."""
        plain = unicodedata.normalize("NFKD", word.lower())
        return [self.letters[c] for c in plain if c in self.letters][:LONGEST]

    @torch.no_grad()
    def __call__(self, words: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """word -> its phonemes; words without a letter that is known are left out."""
        found: dict[str, tuple[str, ...]] = {}
        known = sorted({word for word in words if self.ids(word)}, key=len)
        for start in range(0, len(known), TOGETHER):
            some = known[start : start + TOGETHER]
            rows = [torch.tensor(self.ids(word)) for word in some]
            ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
            told = read(self.net(ids), ids, self.net.config.slots)
            found |= {w: self._named(row) for w, row in zip(some, told, strict=True) if row}
        return found

    def _named(self, ids: list[int]) -> tuple[str, ...]:
        return tuple(self.phonemes[one - 1] for one in ids)


def there() -> bool:
    """Whether it came along."""
    return PLACE.with_suffix(".safetensors").is_file()


def card() -> dict[str, Any]:
    """What is known of the speller: its teacher, its words, its figures."""
    try:
        told: dict[str, Any] = json.loads(PLACE.with_suffix(".json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the speller is missing or damaged: install genloom again ({error})"
        ) from None
    return told


@cache
def trained() -> Spelling:
    """The one that comes with the package."""
    told = card()
    letters, phonemes = told["letters"], told["phonemes"]
    sizes = {"letters": len(letters) + 1, "phonemes": len(phonemes) + 1, **told["sizes"]}
    net = Speller(SpellerConfig(**sizes))
    files = tensor_files.TensorFiles.open(PLACE.with_suffix(".safetensors"))
    net.load_state_dict({name: files.read(name).float() for name in files.names})
    return Spelling(net, letters, phonemes)


def phonemes(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """word -> its phonemes, as espeak-ng's American English has them."""
    return trained()(words)
