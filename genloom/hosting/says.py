"""The task of saying a text of any length: a piece is told as soon as it is made, while the next
one is made; in the end every sound is a file.

Knows how pieces are told; how a text is said is the business of saying.py.
"""

from __future__ import annotations

from typing import Any

from genloom.codec.sound.files import pcm_bytes
from genloom.errors import RequestError
from genloom.hosting.items import Items
from genloom.hosting.task import News
from genloom.saying import Saying, Spoken


class Says(Items):
    """given: as Items, and `pieces`: whether each piece's samples are told (16 bits, one channel).
    News of the kind "piece" have its samples, rate, text, voice, begin, end and words."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.finished: list[Any] | None = None

    def prepare(self) -> None:
        pieces = self.given.get("pieces") or False
        if not isinstance(pieces, bool):
            raise RequestError("pieces: true or false is expected", param="pieces")
        self.pieces = pieces
        self._ask()
        self.saying = Saying(self.site.model, self.request)
        self.prepared = self.site.engine.prepare(self.saying.next())

    def begin(self) -> None:
        self.generation = self.site.engine.submit(self.prepared)

    def _progress(self, now: float) -> None:
        generation = self.generation
        if generation is None or not generation.complete or self.aside or self.finished:
            return

        def decode() -> tuple[list[Spoken], Any]:
            told, saying = self.saying.take(generation), self.saying
            return told, None if saying.done else self.site.engine.prepare(saying.next())

        def go_on(made: tuple[list[Spoken], Any]) -> None:
            told, prepared = made
            self.ready += [news for one in told for news in self._of_piece(one)]
            if prepared is not None:
                self.generation = self.site.engine.submit(prepared)
                return
            self.finished = self.saying.items()
            for slot, sound in enumerate(self.finished):
                self._aside(
                    lambda sound=sound, slot=slot: self._asset(sound, self.request.first + slot),
                    lambda asset, slot=slot: self._finished(slot, asset),
                )

        self._aside(decode, go_on)

    def _of_piece(self, one: Spoken) -> list[News]:
        """How far it is; the piece itself, where it is asked for."""
        told = [self.tell("preview", sample=one.sample, step=one.number + 1, steps=one.of)]
        if self.pieces:
            words = [[word.text, word.begin, word.end] for word in one.words]
            values = {"text": one.text, "voice": one.voice, "begin": one.begin, "end": one.end}
            values |= {"sample": one.sample, "rate": one.sound.rate, "words": words}
            values |= {"number": one.number, "of": one.of}
            told.append(self.tell("piece", pcm_bytes(one.sound), **values))
        return told
