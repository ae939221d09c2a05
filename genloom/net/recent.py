"""The last two ids of a text within a row: what a sum of all that is known cannot tell apart.

A row's texts are runs of positions with the same ids. A state that asks for the next piece of one
gets a vector of the last piece and of the one before, the same at all places of the text. Knows
specs; no net that uses it. Shape legend: ... [B, L], V ids of all positions, K pieces, E width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genloom.spec import TokenSpec

BACK = 2  # pieces
SPREAD = 0.1


def text_ranges(spec: TokenSpec) -> list[list[tuple[int, int]]]:
    """The ranges of the positions of each text."""
    texts = [span for span in spec.spans if span.kind == "words"]
    return [[spec.ranges[p] for p in range(span.start, span.stop)] for span in texts]


class Recent(nn.Module):
    """Vectors of the last ids, float [B, L, E], zero where no text goes on."""

    piece: Tensor  # long [V], number of the piece that an id is, over all texts; 0 for no piece
    text: Tensor  # long [slots], which text goes on at a slot, 0 for none: not at its first place
    owner: Tensor  # long [pieces], which text a piece is of

    def __init__(self, spec: TokenSpec, width: int) -> None:
        super().__init__()
        piece, text = torch.zeros(spec.vocab, dtype=torch.long), [0] * (spec.length + 1)
        owner = [0]
        for number, span in enumerate((s for s in spec.spans if s.kind == "words"), 1):
            count = spec.ranges[span.start][1] - spec.ranges[span.start][0]
            for place in range(span.start, span.stop):
                low, high = spec.ranges[place]
                piece[low:high] = len(owner) + torch.arange(count)
                text[place + 1] = number if place > span.start else 0
            owner += [number] * count
        self.register_buffer("piece", piece, persistent=False)
        self.register_buffer("text", torch.tensor(text), persistent=False)
        self.register_buffer("owner", torch.tensor(owner), persistent=False)
        self.vectors = nn.ModuleList()
        for _ in range(BACK):
            vectors = nn.Embedding(len(owner), width)
            nn.init.normal_(vectors.weight, std=SPREAD)
            self.vectors.append(vectors)

    def forward(self, ids: Tensor, before: Tensor, asked: Tensor) -> Tensor:
        """ids, before: the last id and the one before, long [B, L]; asked: the next slot."""
        text = self.text[asked]
        out = None
        for vectors, last in zip(self.vectors, (ids, before), strict=True):
            piece = self.piece[last]
            goes_on = (self.owner[piece] == text) & (text > 0)
            part = vectors(piece) * goes_on[..., None]
            out = part if out is None else out + part
        assert out is not None
        return out
