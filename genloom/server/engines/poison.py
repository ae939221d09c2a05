"""Which requests engines died on: by digest, until an hour has passed.

A request that was open when an engine died is suspected; so are its innocent neighbours. Those who
were there twice run alone among the suspected from then on, so that the next death names its cause.
A request that was the only suspected one at a second death is refused. Knows no process.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass

FORGOTTEN, MOST = 3600.0, 4096  # seconds, requests


@dataclass(kw_only=True)
class Record:
    deaths: int = 0
    guilty: bool = False
    at: float = 0.0


class Poison:
    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.records: OrderedDict[bytes, Record] = OrderedDict()

    def __bool__(self) -> bool:
        """Whether anything is suspected: where not, nobody need compute digests."""
        return bool(self.records)

    def died(self, digests: Collection[bytes]) -> None:
        """An engine died while these were open."""
        before = {d for d in digests if d in self.records}
        for digest in digests:
            record = self.records.setdefault(digest, Record())
            record.deaths += 1
            record.at = self.clock()
            record.guilty |= before == {digest}
            self.records.move_to_end(digest)
        while len(self.records) > MOST:
            self.records.popitem(last=False)

    def finished(self, digest: bytes) -> None:
        """It went well: it was a neighbour."""
        if not self.guilty(digest):
            self.records.pop(digest, None)

    def guilty(self, digest: bytes) -> bool:
        record = self.records.get(digest)
        return record is not None and record.guilty

    def isolated(self, digest: bytes) -> bool:
        record = self.records.get(digest)
        return record is not None and record.deaths > 1

    def forget(self) -> None:
        """What is long ago."""
        old = self.clock() - FORGOTTEN
        while self.records and next(iter(self.records.values())).at < old:
            self.records.popitem(last=False)
