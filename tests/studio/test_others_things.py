"""Another user's ids: whatever is asked of them, the answer is that of an id that nobody has.

Data sets and trainings: see tests/server/trainings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import small_server
from http_client import Answer, Client
from small_server import Running

from genloom.server.issuing import Wish, issue
from genloom.server.records.records import open_records
from genloom.studio import pages

FORM = (
    b'--x\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--x\r\n'
    b'content-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nmine\r\n--x--\r\n'
)
UPLOAD = {"filename": "a.txt", "purpose": "user_data", "bytes": 4, "mime_type": "text/plain"}
PICTURE = {"model": "sprites", "prompt": "red", "seed": 1}
# where it is kept -> what makes one: the path and the body
MADE: dict[str, tuple[str, Any]] = {
    "/v1/files": ("/v1/files", FORM),
    "/v1/uploads": ("/v1/uploads", UPLOAD),
    "/v1/assets": ("/v1/generate", PICTURE),
    "/v1/chats": ("/v1/chats", {"title": "mine"}),
    "/v1/conversations": ("/v1/conversations", {}),
    "/v1/responses": ("/v1/responses", {"model": "gossip", "input": "say a", "store": True}),
    "/v1/tables": ("/v1/tables", {"model": "people", "count": 2, "seed": 1}),
}


@pytest.fixture(scope="module")
def two(
    studio_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, str, str]]:
    """A server, and the keys of two users of it."""
    data = tmp_path_factory.mktemp("two")
    records = open_records(data)
    keys = [issue(records, Wish(name=name), "test")[1] for name in ("anna", "ben")]
    records.close()
    with small_server.running(data, pages=pages.pages() if pages.built() else ()) as found:
        yield found, keys[0], keys[1]


def make(client: Client, place: str, key: str) -> str | None:
    """Something of this kind; None where this server keeps none."""
    path, body = MADE[place]
    form = {"content-type": "multipart/form-data; boundary=x"} if isinstance(body, bytes) else {}
    answer = client.ask("POST", path, body, key=key, headers=form)
    if answer.status == 404 and answer.code == "not_found":
        return None
    assert answer.status in (200, 201, 202), (path, answer.body)
    return str(answer.headers.get("x-genloom-asset") or answer.json["id"])


def routes(server: Running, place: str) -> list[tuple[str, str]]:
    """Those that begin with one of these; %s is where its id goes."""
    found = []
    for path, told in server.server.app.openapi()["paths"].items():
        rest = path.removeprefix(place)
        if rest != path and rest.startswith("/{"):
            filled = place + "/%s" + re.sub(r"\{[^}]*\}", "x", re.sub(r"^/\{[^}]*\}", "", rest))
            found += [(method.upper(), filled) for method in told]
    return sorted(found, key=lambda one: one[0] == "DELETE")


def said(answer: Answer, id: str) -> tuple[int, str]:
    """Status and words, whatever the id."""
    return answer.status, answer.body.decode("utf-8", "replace").replace(id, "ID")


def shape(text: str) -> str:
    return re.sub(r'"request_id": ?"[^"]*"', "", text)


@pytest.mark.parametrize("place", MADE)
def test_they_are_as_ids_that_nobody_has(two: tuple[Running, str, str], place: str) -> None:
    server, anna, ben = two
    with closing(Client(server.url)) as client:
        mine = make(client, place, anna)
        if mine is None:
            pytest.skip(f"this server keeps nothing at {place}")
        asked = routes(server, place)
        assert ("GET", f"{place}/%s") in asked
        nobodys = mine[:-1] + ("0" if mine[-1] != "0" else "1")
        for method, path in asked:
            body = None if method in ("GET", "DELETE") else {}
            status, words = said(client.ask(method, path % mine, body, key=ben), mine)
            none, unknown = said(client.ask(method, path % nobodys, body, key=ben), nobodys)
            assert (status, shape(words)) == (none, shape(unknown)), (method, path)
            assert 400 <= status < 500, (method, path, words)
        assert client.ask("GET", f"{place}/{mine}", key=ben).status == 404
        assert client.ask("GET", f"{place}/{mine}", key=anna).status == 200
        listed = client.ask("GET", place, key=ben)
        assert mine.encode() not in listed.body


def test_the_page_of_another_shows_nothing_of_it(
    two: tuple[Running, str, str], opened_at: Callable[[str], Any]
) -> None:
    server, anna, ben = two
    with closing(Client(server.url)) as client:
        mine = make(client, "/v1/assets", anna)
    with opened_at(server.url) as start:
        page = start(f"#/gallery/{mine}&key={ben}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        assert page.locator("main img").count() == 0
        assert "sprites" not in page.locator("main").inner_text()
