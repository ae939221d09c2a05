"""The form of a model: whatever stands in it is taken by /v1/generate, all else is refused."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_server
from http_client import ask
from PIL import Image
from small_server import LITTLE, Running

from genloom import api
from genloom.hosting.option_fields import FIELDS

# A value for each kind of field; what is asked of a field is read from the form.
SOME: dict[str, Any] = {
    "number": 0.5,
    "integer": 2,
    "flag": True,
    "text": "red",
    "texts": ["b"],
    "margins": [2, 0, 0, 2],
    "interval": [0.2, 0.8],
    "directions": {"1": 0.5},
    "object": {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]},
    "choice": "euler",
    "size": "24x8",
}
WORDED = {
    "regex": "[ab]{1,3}",
    "grammar": 'start: "a" | "b"',
    "guidance": 2.0,
    "balance": "city",
    "fair": "city:code",
    "weights": "weight",  # names of columns
}
SHARED = {"balance", "fair"}  # rows come in shares: one alone has none
FEW = {"max_tokens": 8, "steps": 2}


def gan(home: Path) -> str:
    """Pictures by a generator and a critic, with the labels' names."""
    _pictures(home)
    changes = (*LITTLE, "codec.size=8", "net.generator.width=8", "net.critic.width=8")
    api.train("image-gan", home / "forms", out=home / "models" / "forger", changes=changes)
    return "forger"


def plain(home: Path) -> str:
    """A flow of pictures without prompts."""
    folder = _pictures(home) / "red"
    changes = (*small_server.NARROW, "codec.size=8", "family.steps=4")
    out = home / "models" / "plain"
    api.train("image", folder, out=out, size="tiny", changes=changes)
    return "plain"


def rows(home: Path) -> str:
    """A table by a flow: nothing is fixed of it, whatever meets a condition is kept."""
    file = home / "people.csv"
    if not file.exists():
        small_server.people(home)
    changes = (*LITTLE, "net.net.width=32", "family.steps=4")
    api.train("table-flow", file, out=home / "models" / "rows", size="tiny", changes=changes)
    return "rows"


def _pictures(home: Path) -> Path:
    folder = home / "forms"
    for label, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for n in range(12):
            image = Image.new("RGB", (8, 8), colour)
            image.putpixel((n % 8, n // 8), (0, 0, 0))
            image.save(folder / label / f"{n}.png")
    return folder


MADE = {"forger": gan, "plain": plain, "rows": rows}


@pytest.fixture(scope="module")
def many(
    home: Path, small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """All models of this home, those that tests make later among them."""
    with small_server.running(tmp_path_factory.mktemp("forms")) as found:
        yield found


def picture() -> str:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (200, 20, 20, 255)).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def value_of(option: dict[str, Any]) -> Any:
    if option["name"] in WORDED:
        return WORDED[option["name"]]
    if option["kind"] == "choice":
        return option["choices"][0]
    if option["kind"] == "size":
        step, usual = option["multiple"], [int(side) for side in option["default"].split("x")]
        return f"{usual[0] + step}x{usual[1]}"
    if option["kind"] == "margins":
        return [option["multiple"], 0, 0, option["multiple"]]
    return SOME[option["kind"]]


def generate(url: str, **body: Any) -> Any:
    return ask(url, "POST", "/v1/generate", {"seed": 1, **body})


@pytest.mark.parametrize("model", ["words", "sprites", "people"])
def test_what_stands_in_a_form_is_taken_and_nothing_else(many: Running, model: str) -> None:
    check(many, model)


@pytest.mark.slow
@pytest.mark.parametrize("model", MADE)
def test_what_other_families_and_codecs_tell_is_taken_too(
    many: Running, home: Path, model: str
) -> None:
    if not (home / "models" / model).is_dir():
        MADE[model](home)
    check(many, model)


def check(many: Running, model: str) -> None:
    """Every field of the form is taken, and beyond its range refused; all others are refused."""
    form = ask(many.url, "GET", f"/v1/models/{model}/form").json
    options = {one["name"]: one for one in form["options"]}
    base: dict[str, Any] = {"model": model}
    if form["prompt"]["kind"] == "label":
        base["prompt"] = form["prompt"]["choices"][0]
    base |= {name: few for name, few in FEW.items() if name in options}
    for name, one in options.items():
        needs = one.get("needs", ())
        beside = {n: picture() if n == "image" else value_of(options[n]) for n in needs}
        beside |= {"n": 8} if name in SHARED else {}
        answer = generate(many.url, **{**base, **beside, name: value_of(one)})
        assert answer.status == 200, (name, answer.body)
        if "high" in one and one["kind"] in ("number", "integer"):
            wrong = {**base, **beside, name: one["high"] + 1}
            assert generate(many.url, **wrong).status == 400, name
    for field in FIELDS.values():
        if field.name not in options:
            beside = {"image": picture()} if "image" in field.needs else {}
            value = WORDED.get(field.name, SOME[field.kind])
            answer = generate(many.url, **{**base, **beside, field.name: value})
            assert answer.status == 400, (field.name, answer.body)


def test_the_form_of_a_table_tells_what_its_columns_hold(many: Running) -> None:
    form = ask(many.url, "GET", "/v1/models/people/form").json
    columns = {one["name"]: one for one in form["columns"]}
    assert form["prompt"]["kind"] == "where" and form["most"] == 100_000
    assert columns["age"]["kind"] == "number" and columns["age"]["whole"]
    assert 18 <= columns["age"]["low"] < columns["age"]["high"] <= 80
    assert sorted(columns["city"]["choices"]) == ["north", "south"]
    where = {"city": columns["city"]["choices"][0]}
    answer = generate(many.url, model="people", count=3, where=where)
    assert answer.status == 200 and answer.body.count(where["city"].encode()) == 3


def test_a_form_is_told_of_a_model_that_is_cold_again(many: Running) -> None:
    warm = ask(many.url, "GET", "/v1/models/words/form").json
    assert ask(many.url, "POST", "/v1/admin/models/unload", {"model": "words"}).status == 200
    assert ask(many.url, "GET", "/v1/models/words/form").json == warm
    stats = many.server.app.state.service.engines.stats()
    assert all(one.state != "up" for one in stats.models if one.model == "words")
    assert ask(many.url, "GET", "/v1/models/nobody/form").status == 404
