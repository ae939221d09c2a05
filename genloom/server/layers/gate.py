"""Who comes in: the Host that was asked for, the page that asks, the key, and a place that drains.

One rule over the path, not over routes: once there is a key, nothing is open but /health and the
files of a page, whatever is or is not at a path. Knows no route's meaning beyond a table of scopes.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Container, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from genloom.server.failure import Failure
from genloom.server.scopes import check_scope
from genloom.server.service import Service
from genloom.server.settings import Settings
from genloom.server.tally import TALLY

OPEN = "/health"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PREFLIGHT = {
    "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": "authorization, content-type, idempotency-key, x-request-id",
    "access-control-max-age": "600",
}
EXPOSED = "x-request-id, x-genloom-ignored-fields, retry-after, content-disposition"


class Gate:
    """pages: the paths of files that hold nobody's data."""

    def __init__(
        self, app: ASGIApp, *, settings: Settings, pages: Container[str] = frozenset()
    ) -> None:
        self.app, self.settings, self.pages = app, settings, pages
        own = {settings.host.lower(), socket.gethostname().lower()}
        self.hosts = LOOPBACK | own | {host.lower() for host in settings.hosts}
        self.origins = frozenset(origin.lower().rstrip("/") for origin in settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] == "http":
            told = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
            host = self._checked_host(scope, told)
            origin = self._checked_origin(scope, told, host)
            if origin in self.origins:
                scope["state"]["headers"] = _readable(origin)
                if scope["method"] == "OPTIONS" and "access-control-request-method" in told:
                    await Response(status_code=204, headers=PREFLIGHT)(scope, receive, send)
                    return
            open_ = scope["path"] == OPEN or scope["path"] in self.pages
            if not open_ or scope["method"] not in READING:
                await _let_in(scope, told)
        await self.app(scope, receive, send)

    def _checked_host(self, scope: Scope, told: Mapping[str, str]) -> str:
        """The name under which the server was asked: else a page's own name could lead here."""
        host = told.get("host", "").lower()
        name = host_name(host)
        server = scope.get("server") or ("", None)
        if name not in self.hosts and not _same_address(name, str(server[0])):
            raise Failure(
                403, "the server is not known by this Host: allow it", code="forbidden_host"
            )
        return host

    def _checked_origin(self, scope: Scope, told: Mapping[str, str], host: str) -> str:
        origin = told.get("origin", "").lower()
        own = origin.partition("://")[2] == host  # a page of this server's
        asks = scope["path"] != OPEN or scope["method"] != "GET"
        if asks and not own and (origin not in self.origins if origin else _embeds(told)):
            raise Failure(403, "pages of this Origin may not ask here", code="forbidden_origin")
        return origin


def _embeds(told: Mapping[str, str]) -> bool:
    """A page of another site's takes this in, as a picture say: browsers then tell no origin."""
    strange = told.get("sec-fetch-site", "") in ("cross-site", "same-site")
    return strange and told.get("sec-fetch-mode", "") != "navigate"


async def _let_in(scope: Scope, told: Mapping[str, str]) -> None:
    service: Service = scope["app"].state.service
    method, path = scope["method"], scope["path"]
    caller = await service.keyring.caller(_token(told))
    scope["state"]["caller"] = caller
    if (tally := TALLY.get()) is not None:
        tally.caller = caller
    if method not in METHODS:
        raise Failure(405, "no path takes this method", code="method_not_allowed")
    check_scope(caller, method, path)
    if service.life.draining and method not in READING:
        raise Failure(
            503,
            "the server is shutting down: ask again in a moment",
            code="draining",
            headers={"connection": "close"},
        )


def _token(told: Mapping[str, str]) -> str:
    scheme, _, token = told.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def host_name(host: str) -> str:
    """Without the port; "" where it is no Host."""
    if host.startswith("["):
        name, closed, rest = host[1:].partition("]")
        return name if closed and (not rest or _is_port(rest)) else ""
    name, colon, port = host.partition(":")
    return name if not colon or _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return text[0] == ":" and text[1:].isascii() and text[1:].isdigit()


def _same_address(name: str, server: str) -> bool:
    """Asked by the very address that it listens on: no name is involved that could be another's."""
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(server)
    except ValueError:
        return False


def _readable(origin: str) -> list[tuple[bytes, bytes]]:
    """Pages of an allowed origin may read the answer, be it an error."""
    told = {"access-control-allow-origin": origin, "access-control-expose-headers": EXPOSED}
    return [(k.encode(), v.encode("latin-1")) for k, v in {**told, "vary": "origin"}.items()]
