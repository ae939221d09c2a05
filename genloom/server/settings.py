"""How a server is run, as values: every place and every limit, frozen.

Knows no environment variable and no flag; `genloom serve` makes one of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.server.jobs.limits import JobLimits


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client can make the server hold and wait for. Sizes in bytes, times in seconds."""

    body_bytes: int = 32 << 20
    file_bytes: int = 512 << 20  # of the routes that take files
    upload_bytes: int = 8 << 30  # of a file that comes in parts
    owner_bytes: int = 64 << 30  # of all files and assets of one owner
    bodies_bytes: int = 512 << 20  # of all bodies that are held in memory at one time
    head_bytes: int = 64 << 10
    headers: int = 100
    head_seconds: float = 15.0  # until a request's head is whole
    body_seconds: float = 60.0  # until a body that is held in memory is whole
    idle_seconds: float = 30.0  # between two pieces of a file
    taking_seconds: float = 60.0  # in which a client takes nothing of its answer
    request_seconds: float = 600.0  # until the answer is whole
    connections: int = 1024
    connections_per_address: int = 512
    json_depth: int = 64
    json_values: int = 1_000_000
    waiting: int = 256  # requests that wait for all models
    waiting_per_owner: int = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """models: names or paths that are offered; empty: all in this user's data folder. data: the
    folder of records and assets; None: "server" beside the models. database: an SQLAlchemy URL;
    "": SQLite in `data`. memory: bytes that loaded models may take; None: what the machine has.
    idle_minutes: an unused model is unloaded after; 0: never. origins: web pages that may ask
    (`https://name:port`). hosts: names under which the server is reached, besides loopback.
    fetch_hosts: from where files may be fetched that a request names by a URL. places: folders of
    this machine that may be named, for training data and models to import; empty: this user's home.
    hosting: how models are opened (bits of texts' weights, speculate, device); adapters: by model
    and name, the folder of each."""

    host: str = "127.0.0.1"
    port: int = 8000
    models: tuple[str, ...] = ()
    data: Path | None = None
    database: str = ""
    certificate: Path | None = None
    certificate_key: Path | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    fetch_hosts: tuple[str, ...] = ()
    memory: int | None = None
    idle_minutes: float = 30.0
    preload: tuple[str, ...] = ()
    drain_seconds: float = 30.0
    json_logs: bool = False
    places: tuple[Path, ...] = ()
    hosting: Mapping[str, Any] = field(default_factory=dict)
    adapters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    jobs: JobLimits = field(default_factory=JobLimits)
