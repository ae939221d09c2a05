"""What pages of other sites may do here: nothing. A form, a fetch and a socket of another origin in
a real browser; what the page's own policy would refuse even to its own script."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from http_client import ask, raw, status_of
from small_server import Running

FORM = """<form id=f method=post action="{url}/v1/completions" enctype="text/plain">
<input name='{{"model":"words","prompt":"a","x":"' value='"}}'></form><script>f.submit()</script>"""
FETCH = """<script>
const told = (at) => (answer) => document.body.append(at + "=" + (answer.status ?? answer) + "; ");
const body = JSON.stringify({{model: "words", prompt: "a"}}), method = "POST";
for (const mode of ["cors", "no-cors"]) {{
  fetch("{url}/v1/completions", {{method, mode, body}}).then(told(mode), told(mode + " no"));
  fetch("{url}/v1/models", {{mode}}).then((a) => a.text()).then(told(mode), told(mode + " no"));
}}
const socket = new WebSocket("{url}/v1/models".replace("http", "ws"));
socket.onopen = () => told("socket")("open"); socket.onclose = () => told("socket")("closed");
</script>"""


class _Elsewhere(BaseHTTPRequestHandler):
    """Another site's pages."""

    def __init__(self, target: str, *rest: Any) -> None:
        self.target = target
        super().__init__(*rest)

    def do_GET(self) -> None:
        page = {"/form": FORM, "/fetch": FETCH}.get(self.path, "")
        body = f"<!doctype html><body>{page.format(url=self.target)}".encode()
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def elsewhere(studio: Running) -> Iterator[str]:
    """The address of a site of another name and port, whose pages turn on the studio."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Elsewhere, studio.url))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def strange(browser: Any, studio: Running) -> Iterator[tuple[Any, list[tuple[str, int]]]]:
    """A page of no site yet, and what the studio answered to it."""
    context = browser.new_context()
    page, answers = context.new_page(), []
    page.on(
        "response", lambda a: a.url.startswith(studio.url) and answers.append((a.url, a.status))
    )
    yield page, answers
    context.close()


def test_a_form_of_another_site_is_refused(
    strange: tuple[Any, list[tuple[str, int]]], elsewhere: str, studio: Running
) -> None:
    page, answers = strange
    page.goto(f"{elsewhere}/form")
    page.wait_for_url(f"{studio.url}/**")
    assert answers == [(f"{studio.url}/v1/completions", 403)]
    assert "forbidden_origin" in page.content()


def test_scripts_and_sockets_of_another_site_are_refused(
    strange: tuple[Any, list[tuple[str, int]]], elsewhere: str
) -> None:
    page, answers = strange
    page.goto(f"{elsewhere}/fetch")
    page.get_by_text("socket=closed").wait_for()
    page.wait_for_function("document.body.innerText.split(';').length === 6")
    told = page.locator("body").inner_text()
    assert "open" not in told and "200" not in told and "object" not in told
    posts = [status for url, status in answers if url.endswith("completions")]
    assert posts and set(posts) == {403}
    assert 200 not in {status for _, status in answers}


def test_a_socket_from_elsewhere_is_a_403(studio: Running) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nhost: {urlsplit(studio.url).netloc}\r\n"
    head += "origin: https://evil.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    head += "sec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n\r\n"
    asked = head.replace("connection: upgrade", "connection: upgrade, close").encode()
    assert status_of(raw(studio.url, asked)) == 403


def test_the_page_cannot_be_framed(
    strange: tuple[Any, list[tuple[str, int]]], elsewhere: str, studio: Running
) -> None:
    page, _ = strange
    page.goto(f"{elsewhere}/")
    page.evaluate("""(url) => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.onload = done; frame.src = url; document.body.append(frame);
    })""", studio.url)  # fmt: skip
    assert page.frames[1].evaluate("document.getElementById('studio')") is None


EVEN_ITSELF = {
    "script of a text": "document.body.append(Object.assign(document.createElement('script'), "
    "{ text: 'window.ran = 1' }))",
    "eval": "try { window.eval('window.ran = 1') } catch {}",
    "handler": "try { document.body.setAttribute('onclick', 'window.ran = 1'); "
    "document.body.click() } catch {}",
    "html": "try { document.createElement('p').innerHTML = '<img src=x onerror=window.ran=1>' } "
    "catch {}",
    "frame": "document.body.append(Object.assign(document.createElement('iframe'), "
    "{ src: URL.createObjectURL(new Blob(['<script>parent.ran = 1</script>'], "
    "{ type: 'text/html' })) }))",
    "link": "location.href = 'javascript:window.ran=1'",
    "picture": "new Image().src = 'http://127.0.0.1:9/secret'",
    "question": "fetch('http://127.0.0.1:9/secret').catch(() => 0)",
    "worker": "try { new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = "
    "() => (window.ran = 1) } catch {}",
    "form": "{ const f = document.createElement('form'); f.action = 'http://127.0.0.1:9/'; "
    "document.body.append(f); f.submit(); }",
}


COUNT = """window.broken = []; document.addEventListener("securitypolicyviolation",
    (e) => window.broken.push(e.effectiveDirective))"""


def test_a_live_preview_would_be_shut_in_even_if_one_slipped_in(
    browser: Any, studio: Running
) -> None:
    """Nothing of the kind is in the page (see page_rules); its policy is what is tried here."""
    context = browser.new_context()
    try:
        page = context.new_page()
        left: list[str] = []
        page.on("requestfinished", lambda request: left.append(request.url))
        page.goto(studio.url)
        page.get_by_role("heading", level=1).wait_for()
        page.evaluate(COUNT)
        for name, script in EVEN_ITSELF.items():
            # later, as the page's own: what is evaluated at once is excused from the policy
            page.evaluate(f"window.broken.length = 0; setTimeout(() => {{ {script} }}, 0)")
            end = time.monotonic() + 20
            while not page.evaluate("window.broken.length"):  # waiting by a text is evaluated
                assert time.monotonic() < end, name
            assert page.evaluate("window.ran") is None, name
        assert not [url for url in left if url.startswith("http://127.0.0.1:9/")]
        assert page.url.startswith(studio.url)
    finally:
        context.close()


def test_the_policy_allows_nothing_live(studio: Running) -> None:
    policy = ask(studio.url, "GET", "/").headers["content-security-policy"]
    told = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert told["default-src"] == "'none'" and told["script-src"] == "'self'"
    assert not {"frame-src", "child-src", "object-src", "worker-src"} & set(told)
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
