"""Which scope a key needs for a path: one table, asked at the gate and for what jobs ask."""

from __future__ import annotations

from genloom.server.caller import Caller
from genloom.server.failure import Failure

# What a key must be allowed, by the beginning of the path: the first that fits. Routes may ask
# for more.
SCOPES = (
    ("/v1/admin/models", "models"),
    ("/v1/admin/imports", "models"),
    ("/v1/admin/exports", "models"),
    ("/v1/admin", "admin"),
    ("/v1/files", "files"),
    ("/v1/uploads", "files"),
    ("/v1/fine_tuning", "training"),
    ("/v1/datasets", "training"),
    ("/v1/plans", "training"),
    ("/v1/places", "training"),
    ("/v1/trainings", "training"),
    ("/v1/evaluations", "training"),
    ("/v1", "inference"),
    ("/metrics", "metrics"),
    ("/ready", "metrics"),
)


def check_scope(caller: Caller, method: str, path: str) -> None:
    """Failure 403 where the key may not ask this."""
    scope = scope_of(method, path)
    if scope and not caller.may(scope):
        raise Failure(
            403, f"this key lacks the scope {scope!r}: ask for one that has it", code="scope"
        )


def scope_of(method: str, path: str) -> str:
    """The scope that a path needs; "" where any key will do (docs, and what is not there)."""
    if method == "DELETE" and path.startswith("/v1/models/"):
        return "admin"
    return next((s for at, s in SCOPES if path == at or path.startswith(f"{at}/")), "")
