"""Letters to phonemes in one pass: a small bidirectional transformer over the letters, whose places
are each split into several slots, read by connectionist temporal classification (Graves et al.
2006). Knows ids alone, no word.
Shape legend: B words, L letters, S slots a letter, V phonemes and the blank, which is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import Linear, initialise
from genloom.net.transformer import Transformer, TransformerConfig

BLANK = 0


@dataclass(frozen=True, kw_only=True)
class SpellerConfig:
    """letters, phonemes: how many ids, the padding and the blank among them; slots: of a letter."""

    letters: int
    phonemes: int
    width: int = 128
    depth: int = 4
    heads: int = 4
    slots: int = 3


class Speller(nn.Module):
    """long [B, L], 0 where there is no letter -> log-probabilities [B, L * S, V]."""

    def __init__(self, config: SpellerConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.letters, config.width)
        self.near = nn.Conv1d(config.width, config.width, 5, padding=2)
        self.stack = Transformer(
            TransformerConfig(
                width=config.width, depth=config.depth, heads=config.heads, expansion=3.0
            )
        )
        self.head = Linear(config.width, config.slots * config.phonemes)
        nn.init.normal_(self.embed.weight, std=1.0)
        initialise(self.head)

    def forward(self, letters: Tensor) -> Tensor:
        present = letters != 0
        h = self.embed(letters) * present[..., None]
        h = h + F.silu(self.near(h.transpose(1, 2)).transpose(1, 2))
        position = torch.arange(letters.shape[1], device=letters.device)[None, :, None]
        h = self.stack(h, position, FullAttention(present))
        out: Tensor = self.head(h)
        rows, places = letters.shape
        return out.view(rows, places * self.config.slots, -1).log_softmax(-1)


def loss(out: Tensor, letters: Tensor, phonemes: Tensor, slots: int) -> Tensor:
    """The sum over words of minus the log-probability of their phonemes, long [B, P], 0 behind."""
    sizes, wanted = (letters != 0).sum(1) * slots, (phonemes != 0).sum(1)
    return F.ctc_loss(
        out.transpose(0, 1), phonemes, sizes, wanted, BLANK, reduction="sum", zero_infinity=True
    )


def read(out: Tensor, letters: Tensor, slots: int) -> list[list[int]]:
    """The likeliest id of each slot, repeats and blanks left out."""
    best, sizes = out.argmax(-1).tolist(), ((letters != 0).sum(1) * slots).tolist()
    return [
        [one for n, one in enumerate(row[:size]) if one != BLANK and (n == 0 or row[n - 1] != one)]
        for row, size in zip(best, sizes, strict=True)
    ]
