"""Token ids in, a hidden state per position and logits over a range of ids out.

Serves a stream of text and the columns of a row alike: with slots it is told which position of the
item each id came from and which one is to be predicted, so that positions may come in any order
(sigma-GPT, Pannatier et al. 2024, section 2). Knows no family, cache policy or medium.
Shape legend: ... [B, L] or [N], D width, V vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genloom.net.attention import Attention, CausalAttention, DenseCache, PackedAttention
from genloom.net.head_loss import losses, token_losses
from genloom.net.layers import initialise, project
from genloom.net.pages import Layout
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig(TransformerConfig):
    """The stack's sizes, and what stands before and behind it."""

    softcap: float = 15.0  # logits are bounded to +- this; 0 is off (Gemma 2, section 2)
    tied: bool = False  # the head is the embedding
    learned: int = 0  # learnt absolute positions for this many; 0 none, -1 as many as an item has
    embed_scale: float = 1.0  # of the embedding as it enters the stack (Gemma)
    bigram: int = 0  # buckets of a hashed embedding of (previous id, id); 0 is none
    valued: int = 0  # every so many-th layer's values gain an embedding of the id; 0 is none


class LanguageModel(nn.Module):
    """A causal transformer over ids."""

    kind: ClassVar[str] = "transformer"
    carries: ClassVar[type] = TokenSpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    Config = LanguageModelConfig

    def __init__(self, config: LanguageModelConfig, spec: Spec, prompt: TokenSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, TokenSpec)
        width = config.width
        if config.learned < 0:
            config = replace(config, learned=spec.length + 1)
        self.config = config
        self.axes = spec.axes
        self.quantized: Any = None  # what net/quantize.py puts in the weights' place
        self.embed: Any = nn.Embedding(spec.vocab, width)
        self.pair = nn.Embedding(config.bigram, width) if config.bigram else None
        self.start = spec.bos if spec.leads else -1
        self.values = self._value_embeddings(spec.vocab) if config.valued else None
        self.place = nn.Embedding(config.learned, width) if config.learned else None
        slots = spec.length + 1 if spec.spans else 0
        self.slot_from = nn.Embedding(slots, width) if slots else None
        self.slot_to = nn.Embedding(slots, width) if slots else None
        self.transformer = Transformer(config, spec.axes, spec.length)
        self.head = None if config.tied else nn.Parameter(torch.empty(spec.vocab, width))
        if self.head is not None:
            nn.init.zeros_(self.head)
        for part in (self.embed, self.pair, self.place, self.slot_from, self.slot_to):
            if part is not None:
                initialise(part)
        if self.pair is not None:
            nn.init.zeros_(self.pair.weight)

    def _value_embeddings(self, vocab: int) -> nn.ModuleDict:
        """One for each of the layers that have them, from the last one down (Zhou et al. 2024,
        value residual; as embeddings of the id in modded-nanogpt, records 14 and 15)."""
        c = self.config
        layers = range(c.depth - 1, -1, -c.valued)
        made = nn.ModuleDict({str(n): nn.Embedding(vocab, c.groups * c.size) for n in layers})
        for part in made.values():
            initialise(part)
        return made

    def forward(
        self,
        ids: Tensor,
        position: Tensor,
        attention: Attention,
        before: Tensor | None = None,
        slots: tuple[Tensor, Tensor] | None = None,
        targets: Tensor | None = None,
    ) -> Tensor:
        """ids and before (the id that precedes each) long [...], position long [..., A],
        slots = (where each id stands, which is predicted next) -> hidden [..., D]; with targets,
        long [...], their -log p instead, float32 [...], from one compiled piece."""
        if self.quantized is not None and self.quantized.takes(attention):
            return self.quantized.forward(ids, attention)
        h = self.embed(ids)
        if self.config.embed_scale != 1.0:
            h = h * self.config.embed_scale
        if self.pair is not None and before is not None:
            before = torch.where(ids == self.start, ids, before)  # of another item, or of none
            h = h + self.pair((before * 36313 + ids * 27191) % self.config.bigram)
        if self.place is not None:
            h = h + self.place(position[..., 0])
        if self.slot_from is not None and self.slot_to is not None and slots is not None:
            h = h + self.slot_from(slots[0]) + self.slot_to(slots[1])
        if h.is_cuda and torch.is_autocast_enabled("cuda"):
            h = h.to(torch.get_autocast_dtype("cuda"))  # half the traffic between products
        extras = {int(n): part(ids) for n, part in (self.values or {}).items()}
        hidden = self.transformer(h, position, attention, None, extras)
        if targets is None:
            return hidden
        head = self.embed.weight if self.head is None else self.head
        product = project(hidden, head.to(hidden.dtype)).flatten(0, -2)
        return losses(product, targets.flatten(), self.config.softcap).view(targets.shape)

    def logits(self, hidden: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        """hidden [..., D] -> float32 [..., high - low], the logits of ids low .. high - 1."""
        if self.quantized is not None:
            out = self.quantized.logits(hidden, low, high).float()
        else:
            head = self.embed.weight if self.head is None else self.head
            out = project(hidden, head[low:high].to(hidden.dtype)).float()
        if self.config.softcap:
            out = self.config.softcap * torch.tanh(out / self.config.softcap)
        return out

    @property
    def tiles(self) -> bool:
        """Whether `surprise` is at hand: weights packed for serving have their own products."""
        return self.quantized is None or hasattr(self.quantized.weight, "part")

    def surprise(self, hidden: Tensor, target: Tensor) -> Tensor:
        """-log p of ids: hidden [N, D], long [N] -> float32 [N]. Logits are never held whole."""
        head = self.embed.weight if self.head is None else self.head
        if self.quantized is not None:
            head = self.quantized.weight
        return token_losses(hidden, head, target, self.config.softcap)

    def attention(self, document: Tensor | None) -> Attention:
        """The attention for training: causal, within documents where these are told apart."""
        return CausalAttention() if document is None else PackedAttention(document)

    def layout(self) -> Layout:
        """What pages of keys and values of this net hold."""
        c, weight = self.config, self.embed.weight
        kind = weight.dtype if self.quantized is None else self.quantized.page_type
        return Layout(layers=c.depth, heads=c.groups, size=c.size, dtype=kind, device=weight.device)

    def cache(self, rows: int, capacity: int) -> DenseCache:
        c = self.config
        return DenseCache.empty(rows, c.depth, c.groups, capacity, c.size, like=self.embed.weight)
