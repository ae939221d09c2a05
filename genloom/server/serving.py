"""One server from its first line to its last: the socket, what is said, signals and the drain.

The first SIGTERM or SIGINT drains: /ready says 503, new work is refused, what is under way is
finished, the process ends with 0. A second one ends it at once. Knows no flag and no route.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from types import FrameType

import uvicorn
from fastapi import FastAPI
from starlette.routing import Route

from genloom.errors import GenloomError, ResourceError, UsageError
from genloom.server.app import make_app, open_stores
from genloom.server.connection import protocol
from genloom.server.keyring import is_loopback
from genloom.server.logs import set_up_logs
from genloom.server.service import Service
from genloom.server.settings import Settings

LINGER = 5.0  # seconds for what is left to be written, once all engines have ended
KEPT = 30  # seconds for which a connection without a request stays open
log = logging.getLogger("genloom")


def serve(
    settings: Settings, say: Callable[[str, bool], None], pages: Sequence[Route] = ()
) -> None:
    """Until a signal ends it. say: is told the address once it answers, and whether a key is
    needed. pages: open to everybody. GenloomError where it cannot begin."""
    set_up_logs(settings.json_logs)
    keyed = check_start(settings)
    listening = listen(settings.host, settings.port)
    app = make_app(settings, pages)
    server = Server(config_of(settings, app), app, settings.drain_seconds)
    server.when_started = lambda: say(address(settings, listening), keyed)
    try:
        asyncio.run(server.serve(sockets=[listening]))
    except SystemExit:
        raise ResourceError("the server could not start: its log says why") from None
    finally:
        listening.close()
    if server.broken is not None:
        raise server.broken


def check_start(settings: Settings) -> bool:
    """Whether a key was ever made for these records. UsageError where none was and it would be
    open to more than this machine."""
    records = open_stores(settings)
    try:
        keyed = records.keys.any()
    finally:
        records.close()
    if not keyed and not is_loopback(settings.host):
        raise UsageError(
            f"{settings.host} can be reached by others, and there is no key: make one with  "
            "genloom keys create NAME  or listen on 127.0.0.1"
        )
    return keyed


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. One clear line where it cannot."""
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, number)
    except (OSError, OverflowError) as error:
        raise UsageError(f"there is no address {host!r} with port {port} here") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(place)
        made.listen(2048)
    except OSError as error:
        made.close()
        raise _not_bound(host, port, error) from error
    return made


def _not_bound(host: str, port: int, error: OSError) -> GenloomError:
    if error.errno == errno.EADDRINUSE:
        return ResourceError(f"port {port} of {host} is in use: stop what uses it, or give --port")
    if error.errno == errno.EACCES:
        return ResourceError(f"port {port} needs more rights: give a --port above 1023")
    return UsageError(f"{host} is no address of this machine ({error.strerror})")


def address(settings: Settings, listening: socket.socket) -> str:
    """Where it answers, as others write it."""
    scheme = "https" if settings.certificate else "http"
    host = settings.host.strip("[]")
    if host in ("0.0.0.0", "::"):
        host = (*settings.hosts, socket.gethostname())[0]
    port = listening.getsockname()[1]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def config_of(settings: Settings, app: FastAPI) -> uvicorn.Config:
    if settings.certificate_key and not settings.certificate:
        raise UsageError("a key without a certificate: give --ssl-cert, too")
    config = uvicorn.Config(
        app,
        http=protocol(settings.limits),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=settings.limits.head_bytes,
        timeout_keep_alive=KEPT,
        timeout_graceful_shutdown=int(LINGER),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
        ssl_keyfile_password="",  # or it would ask on the terminal
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the TLS certificate or its key cannot be used: {error}") from error
    return config


class Server(uvicorn.Server):
    """uvicorn's, with a drain before its shutdown. broken: why it could not begin."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, drain_seconds: float) -> None:
        super().__init__(config)
        self.app, self.drain_seconds = app, drain_seconds
        self.when_started: Callable[[], None] = lambda: None
        self.broken: GenloomError | None = None
        self._drained: asyncio.Task[None] | None = None
        self._asked = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.when_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + sig)  # hosts hear that their socket is closed; records are on disk
        self._asked = True
        service: Service | None = getattr(self.app.state, "service", None)
        if service is None or not self.started:
            self.should_exit = True
        else:
            service.life.draining = True

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        if self._asked and not ends:
            self._drained = self._drained or asyncio.create_task(self._drain())
            ends = self._drained.done()
        return ends

    async def _drain(self) -> None:
        """Until all answers are out; engines end those that would take longer, with an event."""
        service: Service = self.app.state.service
        log.info("draining: %d requests are under way", service.life.active)
        jobs = asyncio.create_task(service.jobs.runner.drain(self.drain_seconds))
        ends = (
            service.engines.drain(self.drain_seconds),
            service.jobs.runner.drain(self.drain_seconds),
        )
        for outcome in await asyncio.gather(*ends, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("the drain failed", exc_info=outcome)
        await asyncio.wait({jobs})
        until = time.monotonic() + LINGER
        while service.life.active and time.monotonic() < until:
            await asyncio.sleep(0.02)
