"""The document of the interface is true: nothing that fits it, and nothing near it, is a 500; and
no field that it names is dropped in silence."""

from __future__ import annotations

import ast
import itertools
import json
import typing
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import databases
import hypothesis
import pytest
import small_server
from http_client import ask
from hypothesis import HealthCheck, Phase
from small_server import Running

import genloom.server
from genloom.server.app import make_app
from genloom.server.issuing import Wish, issue
from genloom.server.routes.docs import page_of
from genloom.server.schema import Asked, hints
from genloom.server.settings import Settings

SERVER = Path(genloom.server.__file__).parent
FAULTS = {500, 502}
BROKEN = {"records_unavailable", "records_damaged"}


@cache
def document() -> dict[str, Any]:
    return make_app(Settings()).openapi()


# --- the document -------------------------------------------------------------------------------


def test_every_operation_has_its_own_name() -> None:
    told = [one for methods in document()["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in told]
    assert len(names) == len(set(names)) > 20
    json.dumps(document(), allow_nan=False)


def test_the_page_shows_everything_and_loads_nothing(small: Running) -> None:
    answer = ask(small.url, "GET", "/docs")
    text = answer.body.decode()
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for sign in ("<script", "<link", "<img", "http://", "https://", "@import", "url("):
        assert sign not in text, sign
    for path in document()["paths"]:
        assert f"<code>{path}</code>" in text
    assert "<code>max_tokens</code>" in text
    assert ask(small.url, "GET", "/openapi.json").json["info"]["title"] == "Genloom"


def test_the_page_escapes_what_it_shows() -> None:
    told = {"description": "<b>&", "parameters": [{"name": "<i>", "schema": {"enum": ["<u>"]}}]}
    page = page_of({"info": {"title": "<s>"}, "paths": {"/<x>": {"get": told}}})
    assert not any(sign in page for sign in ("<s>", "<i>", "<u>", "<x>", "&&"))
    assert "&lt;b&gt;&amp;" in page


# --- no 500 -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(
    small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, str]]:
    """A server whose key is known: without one, the first key that is asked for would close it."""
    data = tmp_path_factory.mktemp("guarded")
    records = databases.opened(data)
    _, key = issue(records, Wish(name="all", role="admin"), "test")
    records.close()
    with small_server.running(data, small_models, drain_seconds=5.0) as found:
        yield found, key


@pytest.mark.timeout(400)
def test_nothing_that_fits_the_document_is_a_fault(
    guarded: tuple[Running, str], small_models: tuple[str, ...]
) -> None:
    try_all(guarded, small_models, examples=1)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_much_that_fits_the_document_is_no_fault(
    guarded: tuple[Running, str], small_models: tuple[str, ...]
) -> None:
    try_all(guarded, small_models, examples=10)


def try_all(guarded: tuple[Running, str], models: tuple[str, ...], examples: int) -> None:
    """Every operation with made-up values; half of those that name a model name a real one."""
    import schemathesis

    running, key = guarded
    turn = itertools.cycle((*models, None))
    schema = schemathesis.openapi.from_dict(document())
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case: Any) -> None:
            nonlocal asked
            real = next(turn)
            if real is not None and isinstance(case.body, dict) and "model" in case.body:
                case.body["model"] = real
            headers = {"authorization": f"Bearer {key}"}
            answer = case.call(base_url=running.url, headers=headers, timeout=60)
            asked += 1
            told = (case.method, case.path, case.body, answer.content[:500])
            assert answer.status_code not in FAULTS, told
            if answer.status_code >= 400:
                error = answer.json()["error"]
                assert set(error) == {"message", "type", "param", "code"}, told
                assert error["code"] not in BROKEN, told

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library, about what it cannot make
            check()
    assert asked >= len(document()["paths"])
    assert ask(running.url, "GET", "/health").status == 200


# --- no field is dropped in silence -------------------------------------------------------------


def bodies(kind: type[Asked] = Asked) -> Iterator[type[Asked]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("genloom."):
            yield one
        yield from bodies(one)


@cache
def tree(module: str) -> ast.Module:
    path = SERVER.parents[1] / (module.replace(".", "/") + ".py")
    return ast.parse(path.read_text("utf-8"))


@cache
def modules() -> dict[str, set[str]]:
    """Every module of the server, and those of the package that it imports."""
    found = {}
    for path in SERVER.rglob("*.py"):
        name = ".".join(path.relative_to(SERVER.parents[1]).with_suffix("").parts)
        if path.name != "__init__.py":
            found[name] = set(imported(tree(name)))
    return found


def imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def readers(module: str) -> set[str]:
    """The modules that know this one: itself and its tables, and who imports it, once or twice."""
    near = {name for name, others in modules().items() if module in others}
    far = {name for name, others in modules().items() if others & near}
    return {module, *near, *far, *(modules()[module] & modules().keys())}


@cache
def read_in(module: str) -> set[str]:
    """Names that are read as an attribute, or stand as a word in a table, beside the fields."""
    found = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def dropped(body: type[Asked]) -> list[str]:
    """Fields that no module reads which knows the body, or the class that the field is from."""
    read: dict[str, set[str]] = {}
    for one in body.__mro__:
        if issubclass(one, Asked) and one is not Asked:
            words = set().union(*(read_in(module) for module in readers(one.__module__)))
            read |= {name: words | read.get(name, set()) for name in one.__annotations__}
    hinted = hints(body)  # told in the header
    return [
        name
        for name, field in body.model_fields.items()
        if name not in read[name] and name not in hinted and not _one_value(field.annotation)
    ]


def _one_value(annotation: object) -> bool:
    """Nothing but this value fits: there is nothing to act upon."""
    return typing.get_origin(annotation) is typing.Literal and len(typing.get_args(annotation)) == 1


# Bodies of which nothing is acted upon, since what they ask for is refused as a whole.
REFUSED = {
    "Moderation": ("/v1/moderations", {"input": "a"}),
    "Content": (
        "/v1/responses",
        {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
    ),
}


def test_every_field_of_every_body_is_acted_upon_or_refused() -> None:
    document()
    found = set(bodies())
    assert len(found) > 5
    faults = {f"{one.__name__}.{n}": one.__name__ for one in found for n in dropped(one)}
    assert sorted(name for name, kind in faults.items() if kind not in REFUSED) == []
    assert set(faults.values()) == set(REFUSED), "some are acted upon by now"


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_as_a_whole(small: Running, kind: str) -> None:
    path, body = REFUSED[kind]
    answer = ask(small.url, "POST", path, {"model": "words", **body})
    assert answer.status in (400, 404, 415, 501), answer


def test_a_field_that_nobody_reads_would_be_seen() -> None:
    class Careless(Asked):
        model: str
        never_read_by_anyone: int = 0

    Careless.__module__ = "genloom.server.routes.admin_schema"
    assert dropped(Careless) == ["never_read_by_anyone"]


def test_bodies_name_every_field_that_they_take() -> None:
    """A route that takes JSON has a model for it: only a model can tell what was not known."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            content = told.get("requestBody", {}).get("content", {})
            for media, form in content.items():
                if media == "application/json":
                    assert form["schema"].get("properties") or "$ref" in str(form), (method, path)
