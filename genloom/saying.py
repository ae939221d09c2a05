"""Texts of any length said by a model that says a sentence at a time: piece by piece, in order.

Every piece is a request of its own; what comes of it is levelled like the first, joined with pauses
and given out at once, each word with the time at which it is heard. Knows the engine, and codecs
that have `pieces` and `laid` (of prompts) and `placed` and `second` (of sounds).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.model import Model
from genloom.sound.evening import EvenJoiner
from genloom.sound.wave import Sound
from genloom.spec import Request
from genloom.speech.pieces import Piece
from genloom.speech.subtitles import Word

STRIDE = 0x9E3779B97F4A7C15  # from the seed of a piece to that of the next
PACE = (0.25, 4.0)


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """A piece of a text as it was said.

    sound       what comes next of the whole: all pieces' sounds, one behind the other, are it
    begin, end  seconds of the whole within which this piece is heard
    number, of  which piece it is, from 0 on, of how many; sample: of which item
    """

    sound: Sound
    text: str
    voice: str | None
    begin: float
    end: float
    words: tuple[Word, ...]
    number: int
    of: int
    sample: int = 0


def says(model: Model) -> bool:
    """Whether a model says texts in pieces."""
    return hasattr(model.prompts, "pieces") and hasattr(model.codec, "placed")


class Saying:
    """A request of any length on its way. Submit `next()`, hand its generation to `take` when it is
    complete, until `done`. RequestError where the text cannot be said."""

    def __init__(self, model: Model, request: Request) -> None:
        codec: Any = model.codec
        self.model, self.request, self.codec = model, request, codec
        text: str | None = codec.worded(request.prompt, request.where)
        if not (text or "").strip():
            raise RequestError("this model says what it is told: give a prompt", param="prompt")
        self.pieces: list[Piece] = model.prompts.pieces(text)
        self.number = 0
        self.joiners = [EvenJoiner() for _ in range(request.count)]
        self.made: list[list[Spoken]] = [[] for _ in range(request.count)]

    @property
    def done(self) -> bool:
        return self.number >= len(self.pieces)

    def next(self) -> Request:
        """The request of the next piece; the first has the seed of the whole."""
        piece, asked = self.pieces[self.number], self.request
        options = asked.options
        if piece.rate != 1:
            pace = min(PACE[1], max(PACE[0], piece.rate * (options.speed or 1.0)))
            options = replace(options, speed=pace)
        seed = (asked.seed + self.number * STRIDE) % (1 << 63)
        return replace(asked, prompt=piece.prompt, where=None, seed=seed, options=options)

    def take(self, generation: Any) -> list[Spoken]:
        """What was said, of every sample. Any thread may do it."""
        piece, arrays = self.pieces[self.number], generation.tensors()
        laid = self.model.prompts.laid(piece.prompt)
        self.number += 1
        told = [
            self._spoken(piece, laid, sample, x, generation.told.get(sample, {}))
            for sample, x in enumerate(arrays)
        ]
        for made, one in zip(self.made, told, strict=True):
            made.append(one)
        return told

    def _spoken(
        self,
        piece: Piece,
        laid: list[tuple[str, int, int]],
        sample: int,
        x: torch.Tensor,
        told: dict[str, torch.Tensor],
    ) -> Spoken:
        sound, cut = self.codec.placed(x)
        joiner = self.joiners[sample]
        ready, begin = joiner.push(_later(sound, piece.lead), piece.pause)
        begin, end = begin + piece.lead, begin + piece.lead + sound.seconds
        if self.done:
            rest = joiner.end()
            assert rest is not None
            ready = Sound(torch.cat((ready.samples, rest.samples), 1), ready.rate)
        return Spoken(
            sound=ready,
            text=piece.text,
            voice=piece.voice,
            begin=begin,
            end=end,
            words=self._timed(laid, told, begin - cut, begin, end),
            number=self.number - 1,
            of=len(self.pieces),
            sample=sample,
        )

    def _timed(
        self,
        laid: list[tuple[str, int, int]],
        told: dict[str, torch.Tensor],
        offset: float,
        begin: float,
        end: float,
    ) -> tuple[Word, ...]:
        """Each word from the first frame of its first symbol to the last of its last one."""
        if "durations" not in told:
            return ()
        edges = torch.nn.functional.pad(told["durations"].cumsum(0), (1, 0)).tolist()

        def second(symbol: int) -> float:
            return min(end, max(begin, offset + self.codec.second(edges[symbol])))

        return tuple(Word(text=w, begin=second(a), end=second(b)) for w, a, b in laid)

    def items(self) -> list[Sound]:
        """The whole sounds, one a sample."""
        return [
            Sound(torch.cat([one.sound.samples for one in made], 1), made[0].sound.rate)
            for made in self.made
        ]


def foretold(engine: Engine, request: Request) -> float | None:
    """Seconds that the pieces of a request will last with their pauses, the silence around each
    among them, without making them; None for models that foretell no durations."""
    saying = Saying(engine.model, request)
    seconds = 0.0
    for number, piece in enumerate(saying.pieces):
        saying.number = number
        encoded = engine.encode(saying.next())
        first = replace(encoded, index=encoded.index[:1])
        samples = engine.family.start(engine.nets, engine.spec, first)
        told = getattr(engine.family, "told", None)
        durations = None if told is None else told(samples).get("durations")
        if durations is None:
            return None
        silence = piece.lead + (piece.pause if number + 1 < len(saying.pieces) else 0.0)
        seconds += saying.codec.second(int(durations[0].sum())) + silence
    return seconds


def _later(sound: Sound, seconds: float) -> Sound:
    """With silence before it."""
    silence = sound.samples.new_zeros(len(sound.samples), round(seconds * sound.rate))
    return Sound(torch.cat((silence, sound.samples), 1), sound.rate)


def spoken(engine: Engine, saying: Saying) -> Iterator[Spoken]:
    """Piece by piece as they are made, with the engine for itself."""
    while not saying.done:
        generation = engine.submit(saying.next())
        generation.result()
        yield from saying.take(generation)


def said(engine: Engine, request: Request) -> list[Sound]:
    """The request's items."""
    saying = Saying(engine.model, request)
    for _ in spoken(engine, saying):
        pass
    return saying.items()
