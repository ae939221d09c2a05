"""Who asks: what a request's key stands for, and the scopes that exist.

`access.py` finds the caller before any route runs; routes read it with `access.caller_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# inference: models are asked; files: files, uploads and assets; training: fine-tuning jobs;
# models: models are loaded, unloaded and swapped; metrics: /metrics and /ready are read;
# admin: keys, users, the audit log, and models are deleted.
SCOPES = frozenset({"inference", "files", "training", "models", "metrics", "admin"})
ROLES = {"member": frozenset({"inference", "files", "training"}), "admin": SCOPES}
QUOTAS = frozenset({"requests", "tokens", "images", "seconds"})  # of a day, in UTC


@dataclass(frozen=True, kw_only=True)
class Caller:
    """key: the key's id; "" where no key is configured. user: whose key it is. owner: whom
    fairness, quotas and stored things belong to: the user, or the key where it has no user.
    quotas: what may be used in a day, by the account that it is counted on."""

    key: str = ""
    user: str = ""
    role: str = "member"
    scopes: frozenset[str] = frozenset()
    owner: str = "local"
    quotas: tuple[tuple[str, Mapping[str, float]], ...] = ()

    def may(self, scope: str) -> bool:
        return scope in self.scopes

    @property
    def accounts(self) -> tuple[str, ...]:
        """Where what is used is counted."""
        return tuple(dict.fromkeys(name for name in (self.owner, self.key) if name))


# Whoever asks where no key is configured: this machine's user, since nothing but loopback listens.
LOCAL = Caller(role="admin", scopes=SCOPES)
