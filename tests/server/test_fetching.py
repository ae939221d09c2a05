"""Addresses in requests: what may not be fetched is refused before a byte is sent."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

import pytest

from genloom.server.failure import Failure
from genloom.server.fetching import Fetching, Streams, dialled, public, read

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PUBLIC = "93.184.216.34"

FORBIDDEN = [
    "http://127.0.0.1:{port}/a.png",
    "http://localhost:{port}/a.png",
    "http://[::1]:{port}/a.png",
    "http://[::ffff:127.0.0.1]:{port}/a.png",
    "http://[::ffff:7f00:1]:{port}/a.png",
    "http://[64:ff9b::7f00:1]:{port}/a.png",
    "http://2130706433:{port}/a.png",
    "http://0x7f000001:{port}/a.png",
    "http://0x7f.0.0.1:{port}/a.png",
    "http://0177.0.0.1:{port}/a.png",
    "http://127.1:{port}/a.png",
    "http://0:{port}/a.png",
    "http://allowed.test@127.0.0.1:{port}/a.png",
    "http://127.0.0.1:{port}\\@allowed.test/a.png",
    "http://allowed.test\\.127.0.0.1:{port}/a.png",
    "http://127.0.0.1:{port}#@allowed.test/",
    "http://①②⑦.0.0.1:{port}/a.png",
    "http://127.0.0.1:{port}/a b",
    "http://127.0.0.1:{port}/a\r\nHost: x",
    "http://169.254.169.254/latest/meta-data/",
    "http://allowed.test.evil.test:{port}/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_",
    "ftp://127.0.0.1:{port}/a",
    "//127.0.0.1:{port}/a.png",
    "http://",
    "http:///a.png",
    "http://allowed.test:99999/",
    "",
]


class Listener:
    """A server on loopback that counts who connects and says what it is told to."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.heard = list(answers), list[bytes]()
        self.connections = 0

    async def __aenter__(self) -> Listener:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self.answers.pop(0))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def dial(self, address: str, port: int, tls: ssl.SSLContext | None, name: str) -> Streams:
        """What stands for the open internet: every public number is this listener."""
        assert public(address)
        return await dialled("127.0.0.1", self.port, None, name)


def resolving(*addresses: str) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """Names have these addresses, one after the other."""
    left = list(addresses)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    told = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(told) + "\r\n\r\n").encode() + body


def fetched(listener_answers: Sequence[bytes], url: str, **options: object) -> tuple[object, int]:
    async def go() -> tuple[object, int]:
        async with Listener(*listener_answers) as listener:
            told = {"hosts": ("allowed.test",), "resolve": resolving(PUBLIC), **options}
            fetch = Fetching(dial=listener.dial, **told)
            try:
                return await fetch(url, "image"), listener.connections
            except Failure as failure:
                return failure, listener.connections

    return asyncio.run(go())


@pytest.mark.parametrize("url", FORBIDDEN)
@pytest.mark.parametrize(
    "hosts",
    [
        (),
        ("allowed.test", "127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "169.254.169.254"),
    ],
    ids=["none allowed", "even if allowed"],
)
def test_nothing_is_sent_to_where_it_may_not(url: str, hosts: tuple[str, ...]) -> None:
    async def go() -> None:
        async with Listener(answer(PNG)) as listener:
            fetch = Fetching(hosts=tuple(h.format(port=listener.port) for h in hosts), seconds=5)
            with pytest.raises(Failure) as caught:
                await fetch(url.replace("{port}", str(listener.port)), "image")
            await asyncio.sleep(0)
            assert listener.connections == 0
            assert (caught.value.status, caught.value.code) == (400, "url_not_allowed")
            assert caught.value.param == "image"
            assert "127.0.0.1:" not in caught.value.message or "is no host" in caught.value.message

    asyncio.run(go())


def test_a_listener_hears_what_is_allowed() -> None:
    """Otherwise zero connections would prove nothing."""
    found, connections = fetched([answer(PNG)], "http://allowed.test/a.png?b=c#d")
    assert connections == 1
    assert not isinstance(found, Failure), found
    assert (found.data, found.media) == (PNG, "image/png")


def test_what_is_sent_names_the_host_and_nothing_of_ours() -> None:
    async def go() -> bytes:
        async with Listener(answer(PNG)) as listener:
            await Fetching(
                hosts=("*.allowed.test",), resolve=resolving(PUBLIC), dial=listener.dial
            )("http://a.allowed.test/a?b=c#d")
            return listener.heard[0]

    heard = asyncio.run(go()).lower()
    assert heard.startswith(b"get /a?b=c http/1.1\r\n")
    assert b"host: a.allowed.test\r\n" in heard
    assert b"cookie" not in heard and b"authorization" not in heard


@pytest.mark.parametrize(
    "to",
    ["http://127.0.0.1/", "//169.254.169.254/latest", "file:///etc/passwd", "http://other.test/"],
)
def test_redirects_are_checked_again(to: str) -> None:
    moved = answer(b"", f"Location: {to}", status="302 Found")
    found, connections = fetched([moved, answer(PNG)], "http://allowed.test/")
    assert isinstance(found, Failure) and found.code == "url_not_allowed"
    assert connections == 1


def test_a_redirect_to_an_allowed_place_is_followed_a_few_times() -> None:
    moved = answer(b"", "Location: /b", status="301 Moved")
    found, connections = fetched([moved, answer(PNG)], "http://allowed.test/")
    assert not isinstance(found, Failure) and connections == 2
    found, connections = fetched([moved] * 9, "http://allowed.test/")
    assert isinstance(found, Failure) and connections == 4


def test_a_name_that_changes_its_address_between_redirects_is_caught() -> None:
    moved = answer(b"", "Location: /b", status="301 Moved")
    found, connections = fetched(
        [moved, answer(PNG)], "http://allowed.test/", resolve=resolving(PUBLIC, "127.0.0.1")
    )
    assert isinstance(found, Failure) and found.code == "url_not_allowed" and connections == 1


def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    """One question to the resolver a fetch: a name that flips afterwards changes nothing."""
    asked = list[str]()

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    found, _ = fetched([answer(PNG)], "http://allowed.test/", resolve=resolve)
    assert not isinstance(found, Failure) and asked == ["allowed.test"]


def test_one_private_address_among_several_is_enough_to_refuse() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return [PUBLIC, "10.0.0.1"]

    found, connections = fetched([answer(PNG)], "http://allowed.test/", resolve=resolve)
    assert isinstance(found, Failure) and connections == 0


def test_a_file_that_is_too_large_is_left() -> None:
    told = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(300_000)
    for one in (told, endless):
        found, _ = fetched([one], "http://allowed.test/", most=200_000)
        assert isinstance(found, Failure) and found.status == 413


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "404", "short", "nonsense", "gzip", "long header"],
)
def test_a_host_that_misbehaves(said: bytes) -> None:
    found, _ = fetched([said], "http://allowed.test/")
    assert isinstance(found, Failure)
    assert (found.status, found.code, found.param) == (400, "url_not_fetched", "image")


def test_a_host_that_says_nothing_is_left_in_time() -> None:
    async def go() -> Failure:
        silent = socket.create_server(("127.0.0.1", 0))
        with silent:

            async def dial(
                address: str, port: int, tls: ssl.SSLContext | None, name: str
            ) -> Streams:
                return await dialled("127.0.0.1", silent.getsockname()[1], None, name)

            fetch = Fetching(
                hosts=("allowed.test",), resolve=resolving(PUBLIC), dial=dial, seconds=0.2
            )
            with pytest.raises(Failure) as caught:
                await fetch("http://allowed.test/")
            return caught.value

    assert asyncio.run(go()).code == "url_not_fetched"


def test_ports_are_part_of_what_is_allowed() -> None:
    found, connections = fetched([answer(PNG)], "http://allowed.test:8080/")
    assert isinstance(found, Failure) and connections == 0
    found, connections = fetched(
        [answer(PNG)], "http://allowed.test:8080/", hosts=("allowed.test:8080",)
    )
    assert not isinstance(found, Failure) and connections == 1


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "2002:7f00:1::"),
        *("64:ff9b::a00:1", "::127.0.0.1", "2001:0:1::", "fe80::1%eth0", "fec0::1", "nonsense"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not public(address)


def test_addresses_that_are() -> None:
    assert public(PUBLIC) and public("2606:2800:220:1::1") and public("::ffff:93.184.216.34")


def test_an_address_is_read_once_in_one_way() -> None:
    place = read("HTTPS://Allowed.Test.:443/a%20b?x=1#frag")
    assert place.url == "https://allowed.test/a%20b?x=1"


def test_data_urls() -> None:
    async def get(url: str) -> object:
        return await Fetching(most=1000)(url, "image")

    found = asyncio.run(get("data:image/jpeg;base64," + base64.b64encode(PNG).decode()))
    assert (found.data, found.media) == (PNG, "image/png")
    found = asyncio.run(get("data:text/plain;charset=utf-8,a%20b"))
    assert (found.data, found.media) == (b"a b", "text/plain")
    for url, status in (
        ("data:image/png;base64,!!!", 400),
        ("data:image/png", 400),
        ("data:image/png;base64," + base64.b64encode(bytes(1001)).decode(), 413),
        ("data:," + "a" * 5000, 413),
    ):
        with pytest.raises(Failure) as caught:
            asyncio.run(get(url))
        assert caught.value.status == status and caught.value.param == "image"
