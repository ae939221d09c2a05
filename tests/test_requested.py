"""Records of what was made from given files: made again to the last bit, or told what is missing,
what has changed and what was no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from toys import MADE, shaken

from genloom import api
from genloom.errors import DataError, GenloomError, RequestError
from genloom.requested import given_in, record, request_in, request_of
from genloom.trust import provenance


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "toy"
    for number, seed in enumerate((0, 7)):
        shaken(MADE["picture by flow"](), tmp_path_factory.mktemp("run"), seed).save(
            path.with_name(f"toy{number}")
        )
    return path


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Path]:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    mask = np.zeros((8, 8), np.uint8)
    mask[4:] = 255
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return {"item": tmp_path / "photo.png", "mask": tmp_path / "mask.png"}


def saved(folder: Path, target: Path, fields: dict[str, Any], guide: Any = None) -> list[Path]:
    model = api.load(folder.with_name("toy0"))
    request = request_of("above", 2, 3, None, 0, None, {"steps": 3, **fields})
    items = api.exact(model, request, guide)
    return provenance.save(model.codec, items, target, record(model, request, guide))


def test_what_was_made_from_files_is_made_again(
    folder: Path, given: dict[str, Path], tmp_path: Path
) -> None:
    for path in saved(folder, tmp_path / "out", given):
        assert provenance.verify(path).ok
        again = provenance.replay(path, tmp_path / "again.png")
        assert np.array_equal(np.asarray(Image.open(again)), np.asarray(Image.open(path)))


def test_every_way_of_making_is_recorded(
    folder: Path, given: dict[str, Path], tmp_path: Path
) -> None:
    weaker = api.load(folder.with_name("toy1"))
    ways: list[dict[str, Any]] = [
        {"item": given["item"], "outpaint": (0, 2, 0, 0), "strength": 0.8},
        {"seamless": True, "size": (4, 8), "guidance_interval": (0.1, 0.7), "guidance": 2.0},
        {"towards": "below", "towards_seed": 4},
        {"negative": "below", "guidance": 2.0},
    ]
    for number, way in enumerate(ways):
        guide = weaker if number == 1 else None
        path = saved(folder, tmp_path / f"out{number}", way, guide)[1]
        again = provenance.replay(path, tmp_path / f"again{number}.png")
        assert np.array_equal(np.asarray(Image.open(again)), np.asarray(Image.open(path)))


def test_what_is_missing_or_changed_is_named(
    folder: Path, given: dict[str, Path], tmp_path: Path
) -> None:
    path = saved(folder, tmp_path / "out", given)[0]
    photo = given["item"].read_bytes()
    given["item"].write_bytes(given["mask"].read_bytes())
    with pytest.raises(DataError, match=r"item .*photo.png, which has changed since"):
        provenance.replay(path)
    given["item"].unlink()
    with pytest.raises(DataError, match=r"item .*photo.png, which is missing"):
        provenance.replay(path)
    (path.parent / "photo.png").write_bytes(photo)  # beside the asset
    assert provenance.replay(path).is_file()


def test_what_was_no_file_is_made_but_not_again(
    folder: Path, given: dict[str, Path], tmp_path: Path
) -> None:
    held = {"item": Image.open(given["item"]), "strength": 0.5}
    path = saved(folder, tmp_path / "out", held)[0]
    with pytest.raises(DataError, match=r"an? item that was no file"):
        provenance.replay(path)


def test_a_guide_that_is_gone_is_told(folder: Path, tmp_path: Path) -> None:
    guide = api.load(folder.with_name("toy1"))
    path = saved(folder, tmp_path / "out", {"guidance": 2.0}, guide)[0]
    moved = folder.with_name("elsewhere")
    folder.with_name("toy1").rename(moved)
    try:
        with pytest.raises(GenloomError, match=r"toy1.*not at hand"):
            provenance.replay(path)
    finally:
        moved.rename(folder.with_name("toy1"))


def test_a_request_goes_through_its_record(folder: Path, given: dict[str, Path]) -> None:
    model = api.load(folder.with_name("toy0"))
    asked = request_of("above", 2, 3, None, 1, None, {"size": (4, 8), **given})
    told = record(model, asked)
    back = request_in(told)
    assert (back.prompt, back.seed, back.first, back.count) == ("above", 3, 1, 2)
    assert back.options == asked.options and back.item is None
    assert given_in(told, Path("a.png")) == given


def test_an_option_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RequestError, match=r"known are .*item, mask, control"):
        request_of(None, 1, 0, None, 0, None, {"sharpness": 3})


@pytest.mark.parametrize("given", [[1], {"item": 3}, {"item": {}}])
def test_records_that_make_no_sense_are_refused(folder: Path, given: Any) -> None:
    told = record(api.load(folder.with_name("toy0")), request_of(None, 1, 0, None, 0, None, {}))
    with pytest.raises((KeyError, TypeError, ValueError)):
        request_in({**told, "given": given})
