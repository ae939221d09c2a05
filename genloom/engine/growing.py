"""A text as it grows, id by id: each step decodes a few ids, whatever the length of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]


class Growing:
    """The text of ids that keep coming. It only ever grows: a character that is not complete yet is
    withheld by the codec. Pieces are told apart by decoding them with those before them, because
    what an id means may depend on its neighbours."""

    def __init__(self, decode: Decode, ids: Sequence[int] = ()) -> None:
        self.decode = decode
        self.ids = list(ids)
        self.text = decode(self.ids) if self.ids else ""
        self._from, self._read = 0, 0
        if self.ids:
            self._from = max(0, len(self.ids) - 8)
            self._read = len(self.ids)

    def add(self, ids: Sequence[int]) -> str:
        """What these add to the text, perhaps nothing yet."""
        self.ids += ids
        before = self.decode(self.ids[self._from : self._read])
        now = self.decode(self.ids[self._from :])
        if len(now) <= len(before):
            return ""
        fresh = now[len(before) :]
        self.text += fresh
        if now.startswith(before):
            self._from, self._read = self._read, len(self.ids)
        return fresh


def stopped(text: str, fresh: str, stops: Sequence[str]) -> int | None:
    """Where the first of the stop strings begins, if the last `fresh` characters completed one."""
    if not stops:
        return None
    longest = max(map(len, stops))
    first = max(0, len(text) - len(fresh) - longest + 1)
    ends = [place for stop in stops if (place := text.find(stop, first)) >= 0]
    return min(ends) if ends else None
