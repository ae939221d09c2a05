"""Who asks: what a request's key stands for, and the scopes that exist.

`access.py` finds the caller before any route runs; routes read it with `access.caller_of`.
"""

from __future__ import annotations

from dataclasses import dataclass

# inference: models are asked; files: files, uploads and assets; training: fine-tuning jobs;
# models: models are loaded, unloaded and swapped; metrics: /metrics and /ready are read;
# admin: keys, users, the audit log, and models are deleted.
SCOPES = frozenset({"inference", "files", "training", "models", "metrics", "admin"})
ROLES = {"member": frozenset({"inference", "files", "training"}), "admin": SCOPES}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """key: the key's id; "" where no key is configured. user: whose key it is. owner: whom
    fairness, quotas and stored things belong to: the user, or the key where it has no user."""

    key: str = ""
    user: str = ""
    role: str = "member"
    scopes: frozenset[str] = frozenset()
    owner: str = "local"

    def may(self, scope: str) -> bool:
        return scope in self.scopes


# Whoever asks where no key is configured: this machine's user, since nothing but loopback listens.
LOCAL = Caller(role="admin", scopes=SCOPES)
