"""Records hold what they promise: every kind of tampering is found, replay gives equal bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genloom import api
from genloom.codec.image.files import png_bytes, read_record
from genloom.errors import DataError, GenloomError, ModelError, ResourceError, UsageError
from genloom.spec import Options, Request
from genloom.trust import provenance
from genloom.trust.provenance import replay, save, verify


def made(model: api.Model, target: Path, **asked: object) -> list[Path]:
    request = Request(**asked)  # type: ignore[arg-type]
    return save(model.codec, api.exact(model, request), target, api.record(model, request))


@pytest.fixture
def pictures(image_model: api.Model, tmp_path: Path) -> list[Path]:
    return made(image_model, tmp_path / "out", prompt="across", count=3, seed=4, first=2)


@pytest.fixture
def rows(table_model: api.Model, tmp_path: Path) -> Path:
    (path,) = made(table_model, tmp_path / "rows.csv", count=20, seed=1)
    return path


@pytest.fixture
def text(text_model: api.Model, tmp_path: Path) -> Path:
    options = Options(max_tokens=24, temperature=0.8, stop=("zzz",))
    (path,) = made(text_model, tmp_path / "a.txt", prompt="the old", options=options)
    return path


# ---- writing and checking


def test_a_png_carries_its_record(pictures: list[Path], image_model: api.Model) -> None:
    assert [path.name for path in pictures] == ["0002.png", "0003.png", "0004.png"]
    assert sorted(pictures[0].parent.iterdir()) == pictures  # no side-car
    verdict = verify(pictures[1])
    assert verdict.ok and verdict.place == "inside" and verdict.model == "same"
    assert verdict.record["prompt"] == "across" and verdict.record["seed"] == 4
    assert verdict.record["asset"]["number"] == 3
    assert verdict.record["weights"] == image_model.digest()


def test_a_table_and_a_text_have_theirs_beside(rows: Path, text: Path) -> None:
    for path in (rows, text):
        verdict = verify(path)
        assert verdict.ok and verdict.place == "beside" and verdict.faults() == []
        assert path.with_name(f"{path.name}.json").is_file()
    assert verify(rows).licence == "CC0-1.0"
    assert verify(rows).record["asset"]["number"] is None


def test_a_parquet_carries_its_record(table_model: api.Model, tmp_path: Path) -> None:
    (path,) = made(table_model, tmp_path / "rows.parquet", count=5)
    assert verify(path).ok and verify(path).place == "inside"
    assert replay(path).read_bytes() == path.read_bytes()


def test_the_verdict_is_json(pictures: list[Path]) -> None:
    values = json.loads(json.dumps(verify(pictures[0]).to_json()))
    assert values["ok"] is True and values["faults"] == [] and values["model"] == "same"


def test_numbered_files_are_never_replaced(
    pictures: list[Path], image_model: api.Model, tmp_path: Path
) -> None:
    before = [path.read_bytes() for path in pictures]
    again = made(image_model, tmp_path / "out", prompt="upright", count=2, seed=4, first=2)
    assert [path.name for path in again] == ["0005.png", "0006.png"]
    assert [path.read_bytes() for path in pictures] == before


def test_a_series_beside_each_other(image_model: api.Model, tmp_path: Path) -> None:
    paths = made(image_model, tmp_path / "bar.png", count=2)
    assert [path.name for path in paths] == ["bar-0000.png", "bar-0001.png"]
    (one,) = made(image_model, tmp_path / "bar.jpg", count=1)
    assert one.name == "bar.jpg" and verify(one).ok and verify(one).place == "beside"


def test_a_table_goes_into_a_folder(table_model: api.Model, tmp_path: Path) -> None:
    assert made(table_model, tmp_path, count=3) == [tmp_path / "0000.csv"]


def test_a_place_that_cannot_be_written(table_model: api.Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"rows\.csv"):
        made(table_model, tmp_path / "file" / "rows.csv", count=3)


# ---- tampering


def test_a_changed_pixel_is_noticed(pictures: list[Path]) -> None:
    record = read_record(pictures[0])
    pixels = np.array(Image.open(pictures[0]))
    pixels[3, 3] ^= 1
    pictures[0].write_bytes(png_bytes(Image.fromarray(pixels), record))
    verdict = verify(pictures[0])
    assert verdict.intact and not verdict.content and not verdict.ok
    assert "content" in verdict.faults()[0]


def test_an_edited_prompt_is_noticed(pictures: list[Path]) -> None:
    record = {**read_record(pictures[0]), "prompt": "upright"}
    pictures[0].write_bytes(png_bytes(Image.open(pictures[0]), record))
    verdict = verify(pictures[0])
    assert verdict.content and not verdict.intact and not verdict.ok
    with pytest.raises(DataError, match="changed"):
        replay(pictures[0])


def test_a_removed_seal_is_noticed(text: Path) -> None:
    beside = text.with_name("a.txt.json")
    record = json.loads(beside.read_text())
    del record["seal"]
    beside.write_text(json.dumps(record))
    assert verify(text).found and not verify(text).intact


def test_a_record_of_another_picture_is_noticed(pictures: list[Path]) -> None:
    other = read_record(pictures[1])
    pictures[0].write_bytes(png_bytes(Image.open(pictures[0]), other))
    assert verify(pictures[0]).intact and not verify(pictures[0]).content


@pytest.mark.parametrize("change", [b"x", b"\n"])
def test_a_changed_byte_is_noticed(rows: Path, text: Path, change: bytes) -> None:
    for path in (rows, text):
        path.write_bytes(path.read_bytes() + change)
        assert verify(path).intact and not verify(path).content


def test_metadata_that_is_stripped_is_a_lost_record(pictures: list[Path]) -> None:
    pictures[0].write_bytes(png_bytes(Image.open(pictures[0]), None))
    verdict = verify(pictures[0])
    assert not verdict.found and not verdict.ok and "no record" in verdict.faults()[0]


@pytest.mark.parametrize("junk", ["", "[]", "{}", '{"name": "a"}', "[" * 100_000, "\x00"])
def test_a_foreign_file_beside_is_no_record(tmp_path: Path, junk: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mine")
    path.with_name("a.txt.json").write_text(junk)
    assert not verify(path).found
    with pytest.raises(DataError, match="no record"):
        replay(path)


def test_a_record_of_nonsense_is_a_fault_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("mine")
    beside = path.with_name("a.txt.json")
    for record in ({"genloom": 1}, {"genloom": 1, "asset": 3, "data": [], "model": {}}):
        beside.write_text(json.dumps(record))
        assert verify(path).found and not verify(path).ok
    forged = {"genloom": 1, "asset": {"number": "x"}, "options": {"hops": 3}, "model": "m"}
    beside.write_text(json.dumps({**forged, "seal": provenance._seal(forged)}))
    with pytest.raises(DataError, match="does not say"):
        replay(path)


def test_no_such_file(tmp_path: Path) -> None:
    for ask in (verify, replay):
        with pytest.raises(DataError, match="no file"):
            ask(tmp_path / "gone.png")


# ---- making again


def test_replay_gives_equal_bytes(pictures: list[Path], rows: Path, text: Path) -> None:
    for path in (*pictures, rows, text):
        again = replay(path)
        assert again != path and again.read_bytes() == path.read_bytes()
        assert verify(again).ok
        assert verify(again).record == verify(path).record


def test_replay_mends_a_picture(pictures: list[Path], tmp_path: Path) -> None:
    whole = pictures[0].read_bytes()
    pixels = np.array(Image.open(pictures[0]))
    pixels[:4] = 0
    pictures[0].write_bytes(png_bytes(Image.fromarray(pixels), read_record(pictures[0])))
    assert replay(pictures[0], tmp_path / "again.png").read_bytes() == whole


def test_replay_with_conditions(table_model: api.Model, tmp_path: Path) -> None:
    (path,) = made(table_model, tmp_path / "old.csv", count=6, where="age > 60 and rich = 'yes'")
    assert replay(path, tmp_path / "x.csv").read_bytes() == path.read_bytes()


def test_replay_into_a_folder_or_another_kind(text: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert replay(text, tmp_path / "there") == tmp_path / "there" / "a.txt"
    with pytest.raises(UsageError, match=r"\.txt"):
        replay(text, tmp_path / "b.png")


def test_replay_refuses_other_weights(image_model: api.Model, tmp_path: Path) -> None:
    model = api.load(image_model.folder)
    model.save(tmp_path / "twin")
    (path,) = made(model, tmp_path / "one.png", prompt="across")
    next(model.nets.parameters()).data.mul_(1.5)
    model.card.pop("weights")
    model.save(tmp_path / "twin")
    assert verify(path).model == "differs" and verify(path).ok
    with pytest.raises(ModelError) as raised:
        replay(path)
    for weights in (image_model, model):
        assert weights.digest()[:12] in str(raised.value)


def test_replay_without_the_model(image_model: api.Model, tmp_path: Path) -> None:
    model = api.load(image_model.folder)
    model.save(tmp_path / "twin")
    (path,) = made(model, tmp_path / "one.png", prompt="across")
    shutil.move(tmp_path / "twin", tmp_path / "moved")
    assert verify(path).model == "missing" and verify(path).ok
    with pytest.raises(ModelError, match="not at hand"):
        replay(path)
    assert verify(path, model=tmp_path / "moved").model == "same"
    assert replay(path, model=tmp_path / "moved").read_bytes() == path.read_bytes()


def test_replay_of_what_cannot_come_out_again(text: Path) -> None:
    """As on a machine that computes otherwise: the record asks for another content."""
    beside = text.with_name("a.txt.json")
    record = json.loads(beside.read_text())
    record["asset"]["sha256"] = "0" * 64
    record["seal"] = provenance._seal(record)
    beside.write_text(json.dumps(record))
    with pytest.raises(GenloomError, match="000000000000"):
        replay(text)
    assert not text.with_name("a-replay.txt").exists()
