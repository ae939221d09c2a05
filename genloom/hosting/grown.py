"""What is new of a run of ids in the making, as text: pieces that never take anything back.

Knows the stop strings of a request: what may become one waits until it is told apart. Knows no
task, and not when it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from genloom.codec.chat.tool_calls import held
from genloom.engine.growing import Growing
from genloom.family.streams import Stream


class Grown:
    """The text behind the beginning of one stream. before: ids whose text is not told."""

    def __init__(
        self, decode: Callable[[Sequence[int]], str], before: Sequence[int], stops: Sequence[str]
    ) -> None:
        self._growing, self._stops = Growing(decode, before), tuple(stops)
        self._told = len(self._growing.text)
        self.at = 0  # ids of the stream, behind its beginning, that are in the text
        self.cut = False
        self.bytes = 0  # of what was told

    def take(self, stream: Stream) -> str:
        """What is new and certain."""
        made = stream.new()
        if len(made) > self.at:
            self._growing.add(made[self.at :])
            self.at = len(made)
        return self._next(stream.done)

    def _next(self, last: bool) -> str:
        if self.cut:
            return ""
        text = self._growing.text
        fresh = text[self._told :]
        places = [place for stop in self._stops if (place := fresh.find(stop)) >= 0]
        if places:
            self.cut, fresh = True, fresh[: min(places)]
        elif not last and self._stops:
            fresh = fresh[: len(fresh) - held(fresh, self._stops)]
        self._told += len(fresh)
        self.bytes += len(fresh.encode("utf-8", "replace"))
        return fresh
