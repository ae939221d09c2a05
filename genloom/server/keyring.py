"""Keys at work: from what a request carries to its caller, remembered for a moment.

A key that is revoked, also by another program, opens nothing after `FRESH` seconds; once a key was
made anywhere, nothing is open without one. Knows the records; no path and no route.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from functools import partial

from genloom.server.caller import LOCAL, ROLES, Caller
from genloom.server.failure import Failure
from genloom.server.records.people import Key, User, hash_of
from genloom.server.records.records import Records
from genloom.server.remembered import Remembered
from genloom.server.threads import at_the_door

FRESH = 2.0  # seconds for which an answer of the records is believed
KNOWN = 4096  # keys that are remembered
LONGEST = 256  # characters of a key
CHALLENGE = {"www-authenticate": "Bearer"}


class Keyring:
    """host: where the server listens; without any key only loopback is answered."""

    def __init__(self, records: Records, host: str) -> None:
        self.records = records
        self.local = is_loopback(host)
        self._needed = Remembered(partial(at_the_door, records.keys.any), FRESH)
        self._hashes = Remembered(partial(at_the_door, self._listed), FRESH)
        self._known: OrderedDict[str, Remembered[Caller | None]] = OrderedDict()

    async def caller(self, token: str) -> Caller:
        """Failure 401 where there is a key and this is none, or where this is none that opens."""
        if not token and await self._open():
            return LOCAL
        found = await self._found(token) if 0 < len(token) <= LONGEST else None
        if found is None:
            if not token:
                raise Failure(
                    401,
                    "give a key: Authorization: Bearer gl-...",
                    code="missing_api_key",
                    headers=CHALLENGE,
                )
            if await self._open():
                return LOCAL  # clients send some key even where none is needed
            raise Failure(
                401, "this key opens nothing here", code="invalid_api_key", headers=CHALLENGE
            )
        self.records.journal.key_used(found.key)
        return found

    async def _open(self) -> bool:
        """Whether no key was ever made; once one was, this is never asked again."""
        needed = self._needed.believed or await self._needed()
        return self.local and not needed

    async def _found(self, token: str) -> Caller | None:
        digest = hash_of(token)
        if digest not in self._known:
            if not await self._may_be(digest):
                return None
            reading = partial(at_the_door, self._read, digest)
            self._known.setdefault(digest, Remembered(reading, FRESH))
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return await self._known[digest]()

    async def _may_be(self, digest: str) -> bool:
        """Whether there is such a key at all: a flood of wrong ones asks the records once in a
        while, not each time."""
        return digest in (self._hashes.believed or ()) or digest in await self._hashes()

    def _listed(self) -> frozenset[str]:
        return frozenset(key.hash for key in self.records.keys.listed())

    def _read(self, digest: str) -> Caller | None:
        """Looked up by its hash: how long it takes says nothing of any key."""
        key = self.records.keys.found(digest)
        if key is None or not key.valid(time.time()):
            return None
        user = None if key.user_id is None else self.records.users.get(key.user_id)
        return None if user is not None and user.disabled is not None else caller_of_key(key, user)

    def forget(self) -> None:
        """Ask the records anew: keys or users were changed here."""
        self._known.clear()
        self._needed.forget()
        self._hashes.forget()


def caller_of_key(key: Key, user: User | None) -> Caller:
    """A key without scopes has those of its role; a user's key never more than the user's role."""
    scopes = frozenset(key.scopes) or ROLES[key.role]
    quotas = [(key.id, key.quotas)]
    if user is not None:
        scopes &= ROLES[user.role]
        quotas.append((user.id, user.quotas))
    return Caller(
        key=key.id,
        user="" if user is None else user.id,
        role=key.role,
        scopes=scopes,
        owner=key.id if user is None else user.id,
        quotas=tuple((account, told) for account, told in quotas if told),
    )


def caller_of_id(records: Records, id: str) -> Caller:
    """Who holds the key of that id, with what it may today: for work that goes on later. Failure
    401 where it opens nothing."""
    key = records.keys.get(id)
    user = None if key.user_id is None else records.users.get(key.user_id)
    if not key.valid(time.time()) or (user is not None and user.disabled is not None):
        raise Failure(401, "the key that began this opens nothing now", code="invalid_api_key")
    return caller_of_key(key, user)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
