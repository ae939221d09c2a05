"""Keys and users are made, changed and ended here, for the command line and for HTTP alike.

Every change leaves a line in the audit log. Knows records, roles, scopes and quotas; no route.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from genloom.errors import UsageError
from genloom.server.caller import QUOTAS, ROLES, SCOPES
from genloom.server.failure import Failure
from genloom.server.records.people import Key, User
from genloom.server.records.records import Records

LONGEST = 100  # characters of a name
DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A key that is asked for. scopes: none means those of the role. user: a name or an id.
    days: until it expires; None: never."""

    name: str
    role: str = "member"
    scopes: Collection[str] = ()
    quotas: Mapping[str, float] = field(default_factory=dict)
    user: str | None = None
    days: float | None = None


def issue(records: Records, wish: Wish, actor: str) -> tuple[Key, str]:
    """A key and its secret, which nobody can read again. UsageError where the wish is none."""
    check_wish(wish)
    user = None if wish.user is None else find_user(records, wish.user)
    key, secret = records.keys.create(
        wish.name,
        role=wish.role,
        scopes=sorted(wish.scopes),
        quotas=wish.quotas,
        user_id=None if user is None else user.id,
        expires=None if wish.days is None else time.time() + wish.days * DAY,
    )
    told = {"name": key.name, "role": key.role, "scopes": list(key.scopes), "user": key.user_id}
    records.audit.note(actor, "key.created", key.id, told)
    return key, secret


def revoke(records: Records, id: str, actor: str) -> Key:
    key = records.keys.revoke(id)
    records.audit.note(actor, "key.revoked", key.id, {"name": key.name})
    return key


def add_user(
    records: Records, name: str, role: str, quotas: Mapping[str, float], actor: str
) -> User:
    check_name(name)
    check_role(role)
    check_quotas(quotas)
    user = records.users.create(name, role=role, quotas=quotas)
    records.audit.note(actor, "user.created", user.id, {"name": name, "role": role})
    return user


def change_user(records: Records, id: str, changes: Mapping[str, object], actor: str) -> User:
    """changes: role, quotas, disabled (a time, or None); none of them changes nothing."""
    if not changes:
        return records.users.get(id)
    user = records.users.change(id, **changes)
    records.audit.note(actor, "user.changed", user.id, changes)
    return user


def find_user(records: Records, name: str) -> User:
    """By name or by id. Failure 404 where there is none."""
    try:
        return records.users.named(name)
    except Failure as error:
        if error.status != 404:
            raise
    return records.users.get(name)


def user_or_new(records: Records, name: str, role: str, actor: str) -> User:
    try:
        return find_user(records, name)
    except Failure as error:
        if error.status != 404:
            raise
    return add_user(records, name, role, {}, actor)


def check_wish(wish: Wish) -> None:
    check_name(wish.name)
    check_role(wish.role)
    check_quotas(wish.quotas)
    unknown = sorted(set(wish.scopes) - SCOPES)
    if unknown:
        raise UsageError(f"no scope {unknown[0]!r}: there are {', '.join(sorted(SCOPES))}")
    if wish.days is not None and not (0 < wish.days < 36500):
        raise UsageError(f"a key expires after a number of days above 0, not {wish.days:g}")


def check_name(name: str) -> None:
    if not (0 < len(name) <= LONGEST and name.isprintable()):
        raise UsageError(f"a name has 1 to {LONGEST} printable characters")


def check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"no role {role!r}: there are {', '.join(ROLES)}")


def check_quotas(quotas: Mapping[str, float]) -> None:
    for unit, most in quotas.items():
        if unit not in QUOTAS:
            raise UsageError(f"no quota of {unit!r}: there are {', '.join(sorted(QUOTAS))}")
        if not (math.isfinite(most) and 0 <= most < 1 << 53):
            raise UsageError(f"a quota is a number from 0, not {most:g}")
