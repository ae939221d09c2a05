"""`genloom keys`: who may use a server, made and revoked beside it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from genloom.cli import output, settings
from genloom.errors import UsageError

ACTOR = "command line"


def create(
    name: str,
    /,
    *,
    role: str = "member",
    scope: list[str] | None = None,
    quota: list[str] | None = None,
    user: str | None = None,
    days: float | None = None,
    home: str | None = None,
    database: str = "",
) -> None:
    """Make a key and show it, this once. From the first key on a server is closed without one.

    Parameters
    ----------
    name
        What it is for.
    role
        member, or admin.
    scope
        What it may do: inference, files, training, models, metrics, admin; may be given several
        times. What the role may, where none is given.
    quota
        Most in a day, such as tokens=100000; also requests, images, seconds.
    user
        Whose it is; a user of that name is made where there is none.
    days
        It expires after so many days.
    home
        The folder of models and records, where it is not the usual one.
    database
        The URL of a PostgreSQL database with the records.
    """
    quotas = dict(_quota(text) for text in quota or ())
    with _records(home, database) as records:
        from genloom.server import issuing

        wish = issuing.Wish(
            name=name, role=role, scopes=scope or (), quotas=quotas, user=user, days=days
        )
        issuing.check_wish(wish)
        if user is not None:
            issuing.user_or_new(records, user, role, ACTOR)
        key, secret = issuing.issue(records, wish, ACTOR)
    print(f"{key.id} (its key follows, and is not shown again)", file=sys.stderr)
    print(secret)


def listed(*, json: bool = False, home: str | None = None, database: str = "") -> None:
    """List the keys: never what they are, only how each begins.

    Parameters
    ----------
    json
        Print JSON.
    home
        The folder of models and records, where it is not the usual one.
    database
        The URL of a PostgreSQL database with the records.
    """
    with _records(home, database) as records:
        found = [_told(key) for key in records.keys.listed()]
    if json:
        output.values(found)
    elif not found:
        print("no keys yet: make one with  genloom keys create NAME", file=sys.stderr)
    else:
        output.table(list(found[0]), [list(one.values()) for one in found])


def revoke(id: str, /, *, home: str | None = None, database: str = "") -> None:
    """End a key: servers that run take it no more after two seconds.

    Parameters
    ----------
    id
        The key's id, as  genloom keys list  shows it.
    home
        The folder of models and records, where it is not the usual one.
    database
        The URL of a PostgreSQL database with the records.
    """
    with _records(home, database) as records:
        from genloom.server import issuing

        issuing.revoke(records, id, ACTOR)


@contextmanager
def _records(home: str | None, database: str) -> Iterator[Any]:
    """The records, closed afterwards; what they refuse is a user's mistake in one line."""
    try:
        from genloom.server.app import open_stores
        from genloom.server.failure import Failure
        from genloom.server.settings import Settings
    except ImportError as error:
        raise settings.without_server(error) from error
    settings.store(home)
    records = open_stores(Settings(database=database))
    try:
        yield records
    except Failure as error:
        raise UsageError(error.message) from error
    finally:
        records.close()


def _told(key: Any) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "begins": key.prefix,
        "role": key.role,
        "scopes": ", ".join(key.scopes) or "all of the role",
        "quotas": ", ".join(f"{unit}={most:g}" for unit, most in key.quotas.items()),
        "user": key.user_id,
        "created": _date(key.created),
        "expires": _date(key.expires),
        "revoked": _date(key.revoked),
        "used": _date(key.used),
    }


def _date(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def _quota(text: str) -> tuple[str, float]:
    unit, _, most = text.partition("=")
    try:
        return unit, float(most)
    except ValueError:
        raise UsageError(f"a quota reads like tokens=100000, not {text!r}") from None
