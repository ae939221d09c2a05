"""Files that a request names by address: data: URLs, and http(s) from hosts that are allowed.

An address is read by one parser, resolved once and connected to by number; what leads to no public
address is refused before anything is sent. Knows no route, and nothing of what files mean.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

import h11

from genloom.server.failure import Failure
from genloom.server.sniffing import sniffed

PORTS = {"http": 80, "https": 443}
NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*\.?", re.ASCII)
NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)\.?", re.ASCII)  # as the last label of a name: a number
LONGEST, HEADERS, PIECE = 4096, 32 << 10, 64 << 10  # of an address, bytes of headers, read at once
MOVED = {301, 302, 303, 307, 308}
# IPv6 addresses that carry an IPv4 one: 6to4, NAT64 and its local kin, Teredo.
CARRIERS = tuple(
    ipaddress.IPv6Network(net)
    for net in ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "::/96")
)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Dial = Callable[[str, int, ssl.SSLContext | None, str], Awaitable[Streams]]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """media: by its bytes; what a data: URL says of a text; "" where it is not known."""

    data: bytes
    media: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """One address, read once. target: path and query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


async def resolved(host: str, port: int) -> Sequence[str]:
    """All addresses of a name, in the resolver's order."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def dialled(address: str, port: int, tls: ssl.SSLContext | None, name: str) -> Streams:
    """A connection to a number; the certificate has to be the name's."""
    return await asyncio.open_connection(
        address, port, ssl=tls, server_hostname=name if tls else None, limit=PIECE
    )


@dataclass(frozen=True, kw_only=True)
class Fetching:
    """hosts: "example.org", "example.org:8443" or "*.example.org"; empty: none is asked.
    most: bytes of a file; seconds: for all of one fetch, redirects included."""

    hosts: tuple[str, ...] = ()
    most: int = 20 << 20
    seconds: float = 20.0
    redirects: int = 3
    resolve: Resolve = resolved
    dial: Dial = dialled

    async def __call__(self, url: str, param: str | None = None) -> Fetched:
        """The file of an address. Failure 400 where it may not or cannot be fetched, 413 where it
        is too large."""
        try:
            if url[:5].lower() == "data:":
                return _inline(url, self.most)
            async with asyncio.timeout(self.seconds):
                return await self._fetch(url)
        except Failure as failure:
            failure.param = failure.param or param
            raise
        except TimeoutError:
            raise _unfetched(f"no answer within {self.seconds:g} s", param) from None
        except (OSError, h11.ProtocolError, ssl.CertificateError):
            raise _unfetched("its host did not answer as it should", param) from None

    async def _fetch(self, url: str) -> Fetched:
        for _ in range(self.redirects + 1):
            place = read(url)
            self._check_host(place)
            address = await self._address(place)
            moved, data = await self._ask(place, address)
            if moved is None:
                return Fetched(data=data, media=sniffed(data) or "")
            url = urljoin(place.url, moved)
        raise _refused(f"it was redirected more than {self.redirects} times")

    def _check_host(self, place: Place) -> None:
        if not any(_meant(place, allowed) for allowed in self.hosts):
            told = "none is" if not self.hosts else f"allowed are {', '.join(self.hosts)}"
            raise _refused(
                f"{place.authority!r} is no host that this server may ask ({told}): "
                "send the file itself, or as a data: URL"
            )

    async def _address(self, place: Place) -> str:
        try:
            found = await self.resolve(place.host, place.port)
        except (OSError, UnicodeError):
            raise _unfetched("its host has no address") from None
        if not found or not all(map(public, found)):
            raise _refused("its host has an address that is not public")
        return found[0]

    async def _ask(self, place: Place, address: str) -> tuple[str | None, bytes]:
        """(where it has moved, or None; the body)."""
        tls = ssl.create_default_context() if place.scheme == "https" else None
        reader, writer = await self.dial(address, place.port, tls, place.host)
        try:
            return await self._exchange(place, reader, writer)
        finally:
            writer.close()

    async def _exchange(
        self, place: Place, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str | None, bytes]:
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADERS)
        headers = [("Host", place.authority), ("Accept", "*/*"), ("Connection", "close")]
        asked = h11.Request(method="GET", target=place.target, headers=headers)
        writer.write((wire.send(asked) or b"") + (wire.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        body = bytearray()
        while True:
            event = wire.next_event()
            if event is h11.NEED_DATA:
                wire.receive_data(await reader.read(PIECE))
            elif isinstance(event, h11.Response):
                moved = self._answered(event)
                if moved is not None:
                    return moved, b""
            elif isinstance(event, h11.Data):
                body += event.data
                self._check_size(len(body))
            elif isinstance(event, h11.EndOfMessage):
                return None, bytes(body)
            elif isinstance(event, h11.ConnectionClosed):
                raise _unfetched("its host closed the connection too early")

    def _answered(self, response: h11.Response) -> str | None:
        told: dict[bytes, bytes] = dict(response.headers)
        if response.status_code in MOVED and b"location" in told:
            return told[b"location"].decode("latin-1")
        if response.status_code != 200:
            raise _unfetched(f"its host answered {response.status_code}")
        if told.get(b"content-encoding", b"identity") != b"identity":
            raise _unfetched("its host compressed it although it was not asked to")
        if told.get(b"content-length", b"").isdigit():
            self._check_size(int(told[b"content-length"]))
        return None

    def _check_size(self, size: int) -> None:
        if size > self.most:
            raise _large(self.most)


# --- addresses ------------------------------------------------------------------------------------


def read(url: str) -> Place:
    """One address as it will be used. Failure where it is none of a plain http(s) kind."""
    if len(url) > LONGEST or re.search(r"[^\x21-\x7e]|\\", url):
        raise _refused("an address is at most 4,096 plain characters, without spaces and \\")
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it is not an address") from None
    host = (parts.hostname or "").lower()
    if parts.scheme not in PORTS or not host:
        raise _refused("data:, http: and https: are expected")
    if "@" in parts.netloc:
        raise _refused("an address with a user name is not fetched")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = PORTS[parts.scheme]
    return Place(
        scheme=parts.scheme, host=_host(host), port=usual if port is None else port, target=target
    )


def _host(host: str) -> str:
    """A name, or an address in its usual writing: no other number is taken for one."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not NAME.fullmatch(host) or NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        raise _refused("its host is neither a name nor an address as it is usually written")
    return host.rstrip(".")


def public(address: str) -> bool:
    """Whether an address is one of the open internet's, whatever way it is written."""
    try:
        found: Address = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return public(str(found.ipv4_mapped))
        if found.is_site_local or any(found in net for net in CARRIERS):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def _meant(place: Place, allowed: str) -> bool:
    host, _, port = allowed.lower().rpartition(":") if ":" in allowed else (allowed.lower(), "", "")
    if place.port != (int(port) if port.isdigit() else PORTS[place.scheme]):
        return False
    return place.host.endswith(host[1:]) if host.startswith("*.") else place.host == host


# --- data: ----------------------------------------------------------------------------------------


def _inline(url: str, most: int) -> Fetched:
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise _refused("a data: URL is data:TYPE;base64,BYTES")
    if len(body) > most * 4:
        raise _large(most)
    kinds = head.split(";")
    try:
        data = (
            base64.b64decode("".join(body.split()), validate=True)
            if kinds[-1].strip().lower() == "base64"
            else unquote_to_bytes(body)
        )
    except (binascii.Error, ValueError):
        raise _refused("its base64 cannot be read", code="invalid_base64") from None
    if len(data) > most:
        raise _large(most)
    return Fetched(data=data, media=sniffed(data) or kinds[0].strip().lower())


def _refused(why: str, code: str = "url_not_allowed") -> Failure:
    return Failure(400, f"this URL is not fetched: {why}", code=code)


def _unfetched(why: str, param: str | None = None) -> Failure:
    return Failure(400, f"the URL could not be fetched: {why}", code="url_not_fetched", param=param)


def _large(most: int) -> Failure:
    return Failure(413, f"a file may have {most:,} bytes at most", code="file_too_large")
