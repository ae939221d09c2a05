"""`genloom serve`: the HTTP interface on this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from genloom.cli import settings
from genloom.errors import UsageError

UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def serve(
    *models: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    home: str | None = None,
    database: str = "",
    memory: str | None = None,
    idle_minutes: float = 30.0,
    preload: list[str] | None = None,
    drain_seconds: float = 30.0,
    max_body: str = "32M",
    max_file: str = "512M",
    max_seconds: float = 600.0,
    max_waiting: int = 256,
    max_waiting_per_key: int = 64,
    max_connections: int = 1024,
    max_connections_per_address: int = 512,
    allow_host: list[str] | None = None,
    allow_origin: list[str] | None = None,
    allow_fetch: list[str] | None = None,
    allow_data: list[Path] | None = None,
    ssl_cert: Path | None = None,
    ssl_key: Path | None = None,
    bits: Literal[32, 16, 8, 4] | None = None,
    adapter: list[str] | None = None,
    speculate: Literal["lookup"] | None = None,
    json: bool = False,
) -> None:
    """Serve models over HTTP, in OpenAI's shape; the studio is at the address's root.

    Parameters
    ----------
    models
        Names or paths of models; all in this user's folder where none is given.
    host
        The address to listen on; any but loopback needs a key first (genloom keys create NAME).
    port
        The port; 0 takes a free one.
    home
        The folder of models and records, where it is not the usual one.
    database
        The URL of a PostgreSQL database for the records; SQLite where none is given.
    memory
        What loaded models may take together, such as 8G; what the machine has where not given.
    idle_minutes
        A model that nobody asks for so long is unloaded; 0: never.
    preload
        A model that is loaded at once and not on first use; may be given several times.
    drain_seconds
        How long what is under way may take after SIGTERM or Ctrl-C.
    max_body
        The largest body of a request.
    max_file
        The largest file.
    max_seconds
        The longest time for an answer.
    max_waiting
        How many requests may wait for a model; the next is told to come again.
    max_waiting_per_key
        The same for one key.
    max_connections
        How many connections there may be.
    max_connections_per_address
        The same for one address.
    allow_host
        A name under which this server is reached, besides loopback's; may be given several times.
    allow_origin
        A web page's origin, such as https://chat.example.org, that may ask; several times too.
    allow_fetch
        A host from which pictures and files that a request names by URL are fetched; several
        times too. Never from private addresses.
    allow_data
        A folder of this machine below which training data, and models to import, may be named;
        several times too. Your home folder where none is given. With keys it takes the scope admin.
    ssl_cert
        The file of a TLS certificate, in PEM.
    ssl_key
        The file of its key.
    bits
        Of the weights of models of texts: fewer are faster and a little less exact.
    adapter
        MODEL:NAME=FOLDER: what stands beside a model where a request asks for the adapter NAME;
        may be given several times.
    speculate
        How to guess ahead in texts, which changes the speed and not the text.
    json
        Write the log as JSON.
    """
    try:
        from genloom.server import serving
        from genloom.server.settings import Limits, Settings
        from genloom.studio.pages import built, pages
    except ImportError as error:
        raise settings.without_server(error) from error
    store = settings.store(home)
    for name in (*models, *(preload or ())):
        store.existing(name)
    limits = Limits(
        body_bytes=_bytes("--max-body", max_body),
        file_bytes=_bytes("--max-file", max_file),
        request_seconds=_above("--max-seconds", max_seconds),
        waiting=int(_above("--max-waiting", max_waiting)),
        waiting_per_owner=int(_above("--max-waiting-per-key", max_waiting_per_key)),
        connections=int(_above("--max-connections", max_connections)),
        connections_per_address=int(
            _above("--max-connections-per-address", max_connections_per_address)
        ),
    )
    asked = Settings(
        models=models,
        host=host,
        port=port,
        database=database,
        memory=None if memory is None else _bytes("--memory", memory),
        idle_minutes=_from_zero("--idle-minutes", idle_minutes),
        preload=tuple(preload or ()),
        drain_seconds=_from_zero("--drain-seconds", drain_seconds),
        hosts=tuple(allow_host or ()),
        origins=_origins(allow_origin or ()),
        fetch_hosts=tuple(allow_fetch or ()),
        places=tuple(allow_data or ()),
        certificate=ssl_cert,
        certificate_key=ssl_key,
        json_logs=json,
        hosting={"bits": bits, "speculate": speculate, "device": settings.device()},
        adapters=_adapters(adapter or ()),
        limits=limits,
    )
    serving.serve(asked, _say, pages() if built() else ())


def _adapters(given: Sequence[str]) -> dict[str, dict[str, str]]:
    """By model and name; a model is meant by its folder's name."""
    found: dict[str, dict[str, str]] = {}
    for one in given:
        named, equals, folder = one.partition("=")
        model, colon, name = named.rpartition(":")
        if not (equals and colon and model and name and Path(folder).expanduser().is_dir()):
            raise UsageError(f"--adapter is {one!r}: give MODEL:NAME=FOLDER of a folder")
        found.setdefault(Path(model).name, {})[name] = str(Path(folder).expanduser().absolute())
    return found


def _say(address: str, keyed: bool) -> None:
    """Where it is, and how to ask it."""
    key = " -H 'authorization: Bearer gl-...'" if keyed else ""
    print(f"serving at {address} (what can be asked: {address}/docs; Ctrl-C ends it)")
    print(f"  curl {address}/v1/models{key}", flush=True)


def _bytes(flag: str, text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    size = int(float(found[1]) * (1 << UNITS[found[2].upper()])) if found else 0
    if not 0 < size < 1 << 60:
        raise UsageError(f"{flag} reads like 32M or 8G, not {text!r}")
    return size


def _above(flag: str, value: float) -> float:
    if not 0 < value < 1e9:
        raise UsageError(f"{flag} is above 0, not {value:g}")
    return value


def _from_zero(flag: str, value: float) -> float:
    if not 0 <= value < 1e9:
        raise UsageError(f"{flag} is 0 or more, not {value:g}")
    return value


def _origins(origins: Sequence[str]) -> tuple[str, ...]:
    for origin in origins:
        if not re.fullmatch(r"https?://[^/*\s]+", origin):
            raise UsageError(f"an origin reads like https://chat.example.org, not {origin!r}")
    return tuple(origins)
