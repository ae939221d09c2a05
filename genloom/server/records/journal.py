"""What ordinary requests leave behind, written in the background: runs, usage, when keys were used.

A request hands over in microseconds; a thread writes what has gathered in one transaction, a few
times a second. What lies here and is not yet written is lost when the process is killed: at most
the last moments of runs and usage. What a store acknowledges never comes this way. Bounded: the
oldest runs go, counted in `lost`, where the database stays away; usage is a sum per owner.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping

from sqlalchemy import Connection, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.runs import Run, Runs
from genloom.server.records.tables import KEYS
from genloom.server.records.usage import Amounts, Usage, add, day_of, exhausted, under_way

MOST = 20_000  # runs that wait
EVERY = 0.25  # seconds
Place = tuple[str, str]  # an owner and a day
NONE = Amounts()

_log = logging.getLogger("genloom.records")


class Journal:
    def __init__(self, database: Database, runs: Runs, usage: Usage, every: float = EVERY) -> None:
        self._database, self._runs, self._usage, self._every = database, runs, usage, every
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._waiting: deque[Run] = deque()
        self._pending: dict[Place, Amounts] = {}
        self._written: dict[Place, Amounts] = {}  # under way to the database
        self._known: dict[Place, Amounts] = {}  # what the database said last
        self._held: dict[str, Amounts] = {}  # by calls under way, by owner
        self._used: dict[str, float] = {}
        self.lost = 0
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="genloom-journal", daemon=True)
        self._thread.start()

    def run(self, run: Run) -> None:
        """Note a request that was answered."""
        with self._lock:
            if len(self._waiting) >= MOST:
                self._waiting.popleft()
                self.lost += 1
            self._waiting.append(run)

    def use(self, owner: str, amounts: Amounts) -> None:
        """Note what was used, whatever the quotas."""
        place = owner, day_of(time.time())
        with self._lock:
            self._pending[place] = self._pending.get(place, NONE) + amounts

    def key_used(self, id: str) -> None:
        with self._lock:
            self._used[id] = time.time()

    # --- quotas -----------------------------------------------------------------------------------

    def learn(self, owner: str) -> None:
        """Ask the database what the owner used today, where that is not known."""
        place = owner, day_of(time.time())
        if place not in self._known:
            found = self._usage.of(*place)
            with self._lock:
                self._known.setdefault(place, found)

    def reserve(self, owner: str, quotas: Mapping[str, float], most: Amounts) -> Amounts:
        """Hold what a call may use, `most`, against the quotas until it is settled; what of it is
        held. Where less is left, all that is left is held, so that one call at most comes to pass
        the quota, and by its own excess; requests and images, which are known beforehand, have to
        fit. Failure 429 where nothing is left. The owner was learnt."""
        now = time.time()
        place = owner, day_of(now)
        with self._lock:
            places = self._known, self._written, self._pending
            used = sum((each.get(place, NONE) for each in places), NONE)
            held = self._held.get(owner, NONE)
            least = most.least()
            if (over := (used + least).over(quotas)) is not None:
                raise exhausted(used, quotas, over, now)
            if (over := (used + held + least).over(quotas)) is not None:
                raise under_way(quotas, over)
            mine = most.within(used + held, quotas)
            self._held[owner] = held + mine
        return mine

    def settle(self, owner: str, held: Amounts, used: Amounts) -> None:
        """What was held is free again, what was used of it is noted."""
        place = owner, day_of(time.time())
        with self._lock:
            left = self._held.get(owner, NONE) - held
            if left.requests > 0:
                self._held[owner] = left
            else:
                self._held.pop(owner, None)
            if used != NONE:
                self._pending[place] = self._pending.get(place, NONE) + used

    def flush(self) -> None:
        """Write what has gathered; when this returns it is on disk."""
        with self._flushing:
            with self._lock:
                runs = list(self._waiting)
                self._waiting.clear()
                pending, self._pending = self._pending, {}
                self._written = pending
                used, self._used = self._used, {}
                today = day_of(time.time())
                self._known = {p: a for p, a in self._known.items() if p[1] == today}
            if not (runs or pending or used):
                return
            try:
                totals = self._write(runs, pending, used)
            except BaseException:
                self._put_back(runs, pending)
                raise
            with self._lock:
                self._written = {}
                self._known |= {p: a for p, a in totals.items() if p in self._known}

    def _write(
        self, runs: list[Run], pending: Mapping[Place, Amounts], used: Mapping[str, float]
    ) -> dict[Place, Amounts]:
        with self._database.writing() as connection:
            self._runs.add(connection, runs)
            totals = {p: add(connection, *p, amounts) for p, amounts in sorted(pending.items())}
            _note_used(connection, used)
        return totals

    def _put_back(self, runs: list[Run], pending: Mapping[Place, Amounts]) -> None:
        with self._lock:
            room = max(0, MOST - len(self._waiting))
            kept = runs[len(runs) - room :] if room < len(runs) else runs
            self.lost += len(runs) - len(kept)
            self._waiting.extendleft(reversed(kept))
            self._written = {}
            for place, amounts in pending.items():
                self._pending[place] = self._pending.get(place, NONE) + amounts

    def _work(self) -> None:
        while not self._wake.wait(self._every):
            try:
                self.flush()
            except Failure:
                time.sleep(self._every)  # it was told in the log; the next round tries again
            except Exception:
                _log.exception("the journal could not be written")

    def close(self) -> None:
        """Write the rest and end; where the database stays away it is lost, and the log says so."""
        self._wake.set()
        self._thread.join()
        try:
            self.flush()
        except Failure:
            self.lost += len(self._waiting)
            _log.error("%d runs could not be written", len(self._waiting))


def _note_used(connection: Connection, used: Mapping[str, float]) -> None:
    for id in sorted(used):
        connection.execute(update(KEYS).where(KEYS.c.id == id).values(used=used[id]))
