"""A language model that reads rather than writes: embeddings, likelihoods, ranks.

Texts go through the net in ragged batches over the pages that generation uses, so whatever serves
there (packed weights included) serves here. Knows no medium's name; asks only for runs of ids.
Shape legend: N texts, L ids of one, D width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch
from torch import Tensor

from genloom.engine.paged import Held, Memory
from genloom.engine.requests import streams
from genloom.errors import OVER_CONTEXT, RequestError
from genloom.family import likeliest
from genloom.family.streams import Chosen
from genloom.model import Model
from genloom.net.pages import PAGE, PagedAttention
from genloom.net.quantize import served

ROWS = 128  # positions whose logits are held at once


@dataclass(frozen=True, kw_only=True)
class Scored:
    """ids: of the text; logprobs: of each given those before it, nats (the first given bos, where
    the model has one before texts, else absent). characters, bytes: of the text."""

    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    characters: int
    bytes: int

    @property
    def nats(self) -> float:
        """Minus the log-likelihood of the text."""
        return -math.fsum(self.logprobs)

    @property
    def perplexity(self) -> float:
        """Per id."""
        return math.exp(self.nats / max(1, len(self.logprobs)))

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / max(1, self.bytes)


def scored(text: str, ids: Sequence[int], logprobs: Sequence[float]) -> Scored:
    """What is told of a text that was read."""
    size = len(text.encode("utf-8", "surrogatepass"))
    return Scored(ids=tuple(ids), logprobs=tuple(logprobs), characters=len(text), bytes=size)


class Reader:
    """Reads texts with a model of texts. RequestError for any other. net: what serves its weights
    already, where something does."""

    def __init__(self, model: Model, memory: int | None = None, net: Any = None) -> None:
        spec = model.codec.spec
        if not streams(spec):
            raise RequestError("this model makes no runs of ids: it cannot read texts")
        self.model, self.spec = model, spec
        nets: Any = model.nets
        nets.eval()
        net = served(model.nets["net"]) if net is None else net
        layout: Any = net.layout
        self.net: Any = net
        self.memory = Memory(layout(), spec.length, memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.memory.prefixes.clear()

    @property
    def width(self) -> int:
        """Numbers of an embedding."""
        return int(self.net.config.width)

    # --- what is asked --------------------------------------------------------------------------

    def embed(
        self,
        texts: Sequence[str],
        *,
        pooling: Literal["mean", "last"] = "mean",
        size: int | None = None,
        normalise: bool = True,
    ) -> Tensor:
        """float32 [N, D]: the last hidden states, their mean or the last one; the first `size`
        numbers of each (Matryoshka, Kusupati et al. 2022), scaled to length one."""
        width = self.width
        if size is not None and not 1 <= size <= width:
            raise RequestError(f"size is {size}, but 1 to {width} is expected")
        out = []
        for hidden in self.hidden([self.ids(text) for text in texts]):
            kept = hidden.float()
            out.append(kept.mean(0) if pooling == "mean" else kept[-1])
        made = torch.stack(out)[:, :size] if out else torch.zeros(0, size or width)
        return torch.nn.functional.normalize(made, dim=-1) if normalise else made

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """How likely each text is, id by id. One longer than the context is read in windows that
        overlap by half, so that every id has at least half a context before it."""
        runs = [self.ids(text, whole=False) for text in texts]
        windows = [list(self.windows(ids)) for ids in runs]
        hidden = self.hidden([ids for some in windows for ids, _ in some])
        out, lead = [], 1 if self.spec.leads else 0
        for text, ids, some in zip(texts, runs, windows, strict=True):
            told = [p for run, new in some for p in self.logprobs(next(hidden), run)[new:]]
            out.append(scored(text, ids[lead:], told))
        return out

    def windows(self, ids: list[int]) -> Iterator[tuple[list[int], int]]:
        """(ids, how many of its predictions are known already)."""
        size, half = self.spec.length, max(1, self.spec.length // 2)
        yield ids[:size], 0
        last = size
        while last < len(ids):
            first = last - half
            run = ids[first : first + size]
            yield run, half - 1
            last = first + len(run)

    def rank(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query: the mean log-likelihood of the query behind it
        (Sachan et al. 2022, with the model's own next words as the judge), higher is better."""
        asked = self.query_ids(query)
        runs = [self.ids(text, room=len(asked)) + asked for text in texts]
        out = []
        for ids, hidden in zip(runs, self.hidden(runs), strict=True):
            told = self.logprobs(hidden[-len(asked) - 1 :], ids[-len(asked) - 1 :])
            out.append(math.fsum(told) / len(told))
        return out

    def query_ids(self, query: str) -> list[int]:
        """Ids of a query as it stands behind a text."""
        asked: list[int] = self.model.codec.encode([f"\n{query}"])[0].tolist()
        if not query:
            raise RequestError("the query is empty: give the words to rank by", param="query")
        return asked

    # --- how it is read -------------------------------------------------------------------------

    def ids(self, text: str, room: int = 0, whole: bool = True) -> list[int]:
        """Of a text that is to be read. RequestError where it is over the context less `room`,
        unless it need not be read `whole`, in one window."""
        ids: list[int] = self.model.codec.encode([text])[0].tolist()
        if self.spec.leads or not ids:
            ids = [self.spec.bos, *ids]
        most = self.spec.length - room
        if whole and len(ids) > most:
            raise RequestError(
                f"a text has {len(ids)} tokens and {most} fit into the context of this model: "
                "cut it into parts",
                param="input",
                code=OVER_CONTEXT,
            )
        return ids

    def logprobs(self, hidden: Tensor, ids: Sequence[int]) -> list[float]:
        """Of each id but the first, given those before it, from hidden states [L, D], nats."""
        out: list[float] = []
        target = torch.tensor(ids[1:], device=hidden.device)
        for first in range(0, len(target), ROWS):
            some = target[first : first + ROWS]
            logits = self.net.logits(hidden[first : first + len(some)])
            chosen = logits.gather(1, some[:, None])[:, 0] - logits.logsumexp(-1)
            out += chosen.tolist()
        return out

    def chosen(self, hidden: Tensor, ids: Sequence[int], top: int) -> list[Chosen]:
        """The same with the `top` likeliest ids in each place."""
        out: list[Chosen] = []
        target = torch.tensor(ids[1:], device=hidden.device)
        for first in range(0, len(target), ROWS):
            some = target[first : first + ROWS]
            logits = self.net.logits(hidden[first : first + len(some)])
            told, best, named = likeliest.logprobs(logits, some, top)
            pairs = [
                tuple(zip(ids_, values, strict=True))
                for ids_, values in zip(named.tolist(), best.tolist(), strict=True)
            ]
            out += map(Chosen, some.tolist(), told.tolist(), pairs)
        return out

    @torch.inference_mode()
    def hidden(self, runs: Sequence[Sequence[int]]) -> Iterator[Tensor]:
        """float [L, D] of each run of ids, in order. Several short runs share a call."""
        group: list[Sequence[int]] = []
        for run in runs:
            if group and sum(map(len, group)) + len(run) > self.memory.budget:
                yield from self.together(group)
                group = []
            group.append(run)
        if group:
            yield from self.together(group)

    def together(self, group: Sequence[Sequence[int]]) -> list[Tensor]:
        """float [L, D] of each of these runs in one call, or of one long one in several."""
        held = [self.memory.open() for _ in group]
        try:
            if len(group) == 1:
                return [self._in_pieces(group[0], held[0])]
            hidden = self.feed(group, held, [run[0] for run in group])
            return list(hidden.split([len(run) for run in group]))
        finally:
            for one in held:
                self.memory.close(one)

    def _in_pieces(self, run: Sequence[int], held: Held) -> Tensor:
        size = self.memory.budget
        parts = [
            self.feed([run[n : n + size]], [held], [run[max(0, n - 1)]])
            for n in range(0, len(run), size)
        ]
        return torch.cat(parts)

    def feed(
        self, runs: Sequence[Sequence[int]], held: Sequence[Held], leads: Sequence[int]
    ) -> Tensor:
        """Hidden states of further ids of these; leads: the id before each run's first."""
        for run, one in zip(runs, held, strict=True):
            while len(one.pages) * PAGE < one.fed + len(run):
                page = self.memory.take()
                if page is None:
                    raise self.memory.too_small(one.fed + len(run))
                self.memory.append(one, page)
        start = torch.tensor([one.fed for one in held], dtype=torch.int32)
        count = torch.tensor([len(run) for run in runs], dtype=torch.int32)
        table = self.memory.table[[one.slot for one in held]].contiguous()
        attention = PagedAttention(self.memory.pages, table, start, count)
        device = self.memory.layout.device
        ids = torch.tensor([i for run in runs for i in run], device=device)
        before = None
        if self.net.pair is not None:
            told = [i for run, lead in zip(runs, leads, strict=True) for i in (lead, *run[:-1])]
            before = torch.tensor(told, device=device)
        hidden: Tensor = self.net(ids, attention.positions(), attention, before)
        for run, one in zip(runs, held, strict=True):
            one.fed += len(run)
        return hidden
