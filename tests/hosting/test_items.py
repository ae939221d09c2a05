"""Files from a host: each with its record, previews on the way, conditions met, given pictures."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
from parent import Parent, of_kind
from PIL import Image

from genloom.trust import provenance


def test_a_picture_comes_with_its_record_inside(pictures: Parent, tmp_path: Path) -> None:
    news = pictures.ask("generate", prompt="above", seed=4, count=2, first=3, options={"steps": 3})
    assets = of_kind(news, "asset")
    assert [one["sample"] for one in sorted(assets, key=lambda a: a["sample"])] == [0, 1]
    for one in assets:
        path = tmp_path / f"{one['sample']}{one['suffix']}"
        path.write_bytes(one["data"])
        verdict = provenance.verify(path, known={pictures.about["weights"]})
        assert verdict.ok and verdict.place == "inside" and verdict.model == "same"
        assert verdict.record == one["record"] and one["inside"]
        assert one["record"]["asset"]["number"] == 3 + one["sample"]
        assert one["sha256"] == hashlib.sha256(one["data"]).hexdigest()
        assert Image.open(io.BytesIO(one["data"])).size == (8, 8)
    checked = pictures.ask("verify", {"file": assets[0]["data"]}, name="x.png")[0]["verdict"]
    assert checked["ok"] and checked["model"] == "same"
    spoilt = pictures.ask("verify", {"file": b"nothing"}, name="x.png")[0]["verdict"]
    assert not spoilt["ok"]


def test_a_format_without_room_sends_the_record_beside(pictures: Parent) -> None:
    (asset,) = of_kind(pictures.ask("generate", suffix="jpg", options={"steps": 2}), "asset")
    assert asset["media"] == "image/jpeg" and not asset["inside"]
    assert asset["record"]["asset"]["sha256"] == asset["sha256"]
    assert Image.open(io.BytesIO(asset["data"])).format == "JPEG"


def test_the_same_seed_is_the_same_file_in_any_company(pictures: Parent) -> None:
    asked = {"prompt": "below", "options": {"steps": 4}}
    alone = pictures.ask("generate", seed=9, **asked)
    numbers = [pictures.make("generate", seed=seed, **asked) for seed in (7, 9, 11)]
    among = pictures.until_done(*numbers)[numbers[1]]
    first, second = (Image.open(io.BytesIO(of_kind(n, "asset")[0]["data"])) for n in (alone, among))
    assert first.tobytes() == second.tobytes()


def test_previews_come_when_they_are_asked_for(pictures: Parent) -> None:
    news = pictures.ask("generate", previews=2, options={"steps": 6})
    shown = [one for one in of_kind(news, "preview") if one["data"]]
    assert 1 <= len(shown) <= 2
    assert all(Image.open(io.BytesIO(one["data"])).size == (8, 8) for one in shown)
    assert all(0 < one["step"] < one["steps"] == 6 for one in of_kind(news, "preview"))
    none = pictures.ask("generate", options={"steps": 6})
    assert not [one for one in of_kind(none, "preview") if one["data"]]


def test_a_given_picture_is_gone_on_from_and_a_broken_one_refused(pictures: Parent) -> None:
    (asset,) = of_kind(pictures.ask("generate", options={"steps": 2}), "asset")
    options = {"steps": 4, "strength": 0.5}
    news = pictures.ask("generate", {"item": asset["data"]}, options=options)
    (made,) = of_kind(news, "asset")
    told = made["record"]["given"]["item"]
    assert told == {"path": None, "sha256": hashlib.sha256(asset["data"]).hexdigest()}
    (error,) = pictures.ask("generate", {"item": b"\x89PNG no"}, options=options)
    assert error["kind"] == "error" and error["type"] in ("RequestError", "DataError")
    (unknown,) = pictures.ask("generate", {"picture": asset["data"]}, options=options)
    assert unknown["param"] == "picture"


def test_rows_are_one_file_and_meet_their_conditions(tables: Parent) -> None:
    (plain,) = of_kind(tables.ask("generate", count=30, seed=1), "asset")
    rows = list(csv.DictReader(io.StringIO(plain["data"].decode())))
    assert len(rows) == 30 and set(rows[0]) == {"age", "job", "pay"}
    where = "age > 40 and job = 'cook'"
    news = tables.ask("generate", count=12, seed=1, where=where)
    (asset,) = of_kind(news, "asset")
    rows = list(csv.DictReader(io.StringIO(asset["data"].decode())))
    assert len(rows) == 12
    assert all(float(row["age"]) > 40 and row["job"] == "cook" for row in rows)
    assert asset["record"]["where"] == where and asset["record"]["count"] == 12
    (error,) = tables.ask("generate", where="height > 3")
    assert error["type"] == "RequestError" and "height" in error["message"]


@pytest.mark.parametrize("suffix", ["exe", ".json", "xlsx", "a/b", 3])
def test_no_file_is_called_what_it_is_not(pictures: Parent, tables: Parent, suffix: object) -> None:
    for host in (pictures, tables):
        (error,) = of_kind(host.ask("generate", suffix=suffix), "error")
        assert error["type"] == "RequestError" and "/tmp" not in error["message"]


def test_what_makes_no_texts_says_so(pictures: Parent) -> None:
    for task, given in (("complete", {"prompt": "x"}), ("embed", {"texts": ["x"]})):
        (error,) = pictures.ask(task, **given)
        assert error["type"] == "RequestError" and error["param"] == "model"
