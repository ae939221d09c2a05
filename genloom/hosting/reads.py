"""Tasks that read: embeddings, ranks and likelihoods of texts.

Texts become ids aside; their hidden states come from the desk, which reads for several requests at
once. Knows what is made of hidden states; not how they are computed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genloom.engine.reading import scored
from genloom.errors import GenloomError, RequestError
from genloom.family.streams import Chosen
from genloom.hosting import asked
from genloom.hosting.chances import chances
from genloom.hosting.desk import Reading
from genloom.hosting.task import QUICK, News, Task

MOST = 2048  # texts of one request
POOLING = ("mean", "last")


class Reads(Task, ABC):
    """Subclasses say which runs are read (`runs`), and what of each is kept (`take`)."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.asked: list[list[int]] = []
        self.reading: Reading | None = None
        self.error: GenloomError | None = None
        self.taken = 0

    @property
    def quick(self) -> bool:
        texts = self.given.get("texts")
        if self.given.get("ids") is not None:
            return False
        some = texts if isinstance(texts, list) else []
        return sum(len(text) for text in some if isinstance(text, str)) < QUICK

    @abstractmethod
    def runs(self) -> list[list[int]]:
        """The ids of each run that is read. RequestError where there are none."""

    @abstractmethod
    def take(self, number: int, hidden: Tensor) -> None:
        """Keep what is wanted of what the net makes of a run, [L, D]."""

    @abstractmethod
    def told(self) -> tuple[dict[str, Any], bytes | None]:
        """What is told in the end."""

    def prepare(self) -> None:
        if not self.site.texts:
            raise RequestError("this model makes no texts: it cannot read any", param="model")
        self.asked = self.runs()

    def begin(self) -> None:
        self.reading = self.site.desk.add(self.asked, self._take, self._fail)

    def _take(self, hidden: Tensor) -> None:
        self.take(self.taken, hidden)
        self.taken += 1

    def _fail(self, error: GenloomError) -> None:
        self.error = error

    def cancel(self) -> None:
        if self.reading is not None:
            self.reading.open = False
            self.reading = None

    def news(self, now: float) -> list[News]:
        if self.error is not None:
            raise self.error
        if self.reading is None or self.taken < len(self.asked):
            return []
        self.reading = None
        values, blob = self.told()
        tokens = sum(map(len, self.asked))
        return [self.tell("values", blob, **values), self.finish(prompt_tokens=tokens)]

    def several(self) -> list[str]:
        texts = asked.texts_in(self.given, "texts")
        if len(texts) > MOST:
            raise RequestError(f"{len(texts)} texts: at most {MOST} at once", param="texts")
        return texts


class Embed(Reads):
    """given: texts, or ids (a list of runs); pooling, size. The vectors come as float32,
    little-endian, one after the other."""

    def runs(self) -> list[list[int]]:
        given, reader = self.given, self.site.desk.reader
        self.pooling = given.get("pooling") or POOLING[0]
        if self.pooling not in POOLING:
            raise RequestError(f"pooling: {' or '.join(POOLING)} is expected", param="pooling")
        width = reader.width
        self.size = width if given.get("size") is None else given["size"]
        if type(self.size) is not int or not 1 <= self.size <= width:
            raise RequestError(f"size: 1 to {width} is expected", param="dimensions")
        self.vectors: list[Tensor] = []
        if given.get("ids") is None:
            return [reader.ids(text) for text in self.several()]
        runs, spec = given["ids"], reader.spec
        if not isinstance(runs, list) or not 0 < len(runs) <= MOST:
            raise RequestError(f"ids: 1 to {MOST} lists of ids are expected", param="ids")
        known = [list(asked.ids_in(run, "ids", spec.vocab)) for run in runs]
        for run in known:
            asked.check_room(len(run), spec.length, "input")
        return [[spec.bos, *run] if spec.leads or not run else run for run in known]

    def take(self, number: int, hidden: Tensor) -> None:
        kept = hidden.float()
        kept = kept.mean(0) if self.pooling == "mean" else kept[-1]
        self.vectors.append(torch.nn.functional.normalize(kept[: self.size], dim=-1).cpu())

    def told(self) -> tuple[dict[str, Any], bytes | None]:
        data = torch.stack(self.vectors).numpy().astype("<f4").tobytes()
        return {"vectors": len(self.vectors), "size": self.size}, data


class Rank(Reads):
    """given: query, texts. Higher is better: see `Reader.rank`."""

    def runs(self) -> list[list[int]]:
        reader = self.site.desk.reader
        query = asked.text_in(self.given, "query")
        self.query = reader.query_ids(query or "")
        self.scores: list[float] = []
        room = len(self.query)
        return [reader.ids(text, room=room) + self.query for text in self.several()]

    def take(self, number: int, hidden: Tensor) -> None:
        last = self.asked[number][-len(self.query) - 1 :]
        told = self.site.desk.reader.logprobs(hidden[-len(last) :], last)
        self.scores.append(math.fsum(told) / len(told))

    def told(self) -> tuple[dict[str, Any], bytes | None]:
        return {"scores": self.scores}, None


class Score(Reads):
    """given: texts, or ids (one run). Of each its ids with their log-probabilities, and the sums
    people ask for. top: each id's text, too, and so many of the likeliest in its place."""

    def runs(self) -> list[list[int]]:
        reader, self.top = self.site.desk.reader, self.given.get("top")
        if self.given.get("ids") is None:
            self.sources = self.several()
            self.whole = [reader.ids(text, whole=False) for text in self.sources]
        else:
            spec, codec = reader.spec, self.site.model.codec
            run = list(asked.ids_in(self.given["ids"], "ids", spec.vocab))
            self.sources = [codec.decode([torch.tensor(run)])[0]]
            self.whole = [[spec.bos, *run] if spec.leads or not run else run]
        self.chosen: list[list[Chosen]] = [[] for _ in self.whole]
        cut = [(n, *one) for n, ids in enumerate(self.whole) for one in reader.windows(ids)]
        self.parts: Sequence[tuple[int, list[int], int]] = cut
        self.logprobs: list[list[float]] = [[] for _ in self.whole]
        return [ids for _, ids, _ in cut]

    def take(self, number: int, hidden: Tensor) -> None:
        owner, ids, known = self.parts[number]
        if self.top is not None:
            some = self.site.desk.reader.chosen(hidden, ids, self.top)[known:]
            self.chosen[owner] += some
            self.logprobs[owner] += [one.logprob for one in some]
            return
        self.logprobs[owner] += self.site.desk.reader.logprobs(hidden, ids)[known:]

    def told(self) -> tuple[dict[str, Any], bytes | None]:
        out, lead = [], 1 if self.site.desk.reader.spec.leads else 0
        pieces = self.site.pieces
        for number, (text, ids, told) in enumerate(
            zip(self.sources, self.whole, self.logprobs, strict=True)
        ):
            one = scored(text, ids[lead:], told)
            some = {} if self.top is None else {"chances": chances(pieces, self.chosen[number], ())}
            out.append(
                {
                    "ids": list(one.ids),
                    "logprobs": list(one.logprobs),
                    "nats": one.nats,
                    "perplexity": one.perplexity,
                    "bits_per_byte": one.bits_per_byte,
                    **some,
                }
            )
        return {"scores": out}, None
