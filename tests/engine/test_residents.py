"""Several models in one process, within a limit."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import MADE, shaken

from genloom import api
from genloom.engine.residents import Residents, weight_bytes
from genloom.errors import ModelError, ResourceError
from genloom.spec import Options, Request

NAMES = ("text", "row", "picture by flow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Path(tmp_path_factory.mktemp("models"))
    for name in NAMES:
        shaken(MADE[name](), tmp_path_factory.mktemp("toy")).save(place / name)
    return place


def residents(folder: Path, limit: int | None) -> Residents:
    return Residents(lambda name: api.load(folder / name), lambda name: folder / name, limit)


def test_what_was_used_longest_ago_is_unloaded_first(folder: Path) -> None:
    sizes = {name: weight_bytes(folder / name) for name in NAMES}
    all_three = residents(folder, 2 * sum(sizes.values()))
    for name in NAMES:
        assert all_three.get(name).model.recipe.name == "toy"
    assert all_three.names == list(NAMES) and all_three.held == sum(sizes.values())
    assert all_three.get("text") is all_three.get("text")
    assert all_three.names[-1] == "text"
    two = residents(folder, int(1.25 * max(sizes.values())) + 1)
    two.get("text"), two.get("row"), two.get("text")
    assert two.held <= two.limit
    two.get("picture by flow")
    assert two.held <= two.limit and two.names[-1] == "picture by flow"
    assert set(two.loaded) == set(NAMES)


def test_one_at_work_stays(folder: Path) -> None:
    size = weight_bytes(folder / "text")
    few = residents(folder, int(1.3 * size))
    busy = few.get("text").submit(Request(options=Options(max_tokens=4, ignore_eos=True)))
    with pytest.raises(ResourceError, match=r"MiB are left beside text"):
        few.get("picture by flow")
    assert len(busy.result()) == 1
    few.close()
    assert not few.names


def test_one_that_fits_nowhere_is_told_and_an_unknown_one_too(folder: Path) -> None:
    none = residents(folder, 10)
    with pytest.raises(ResourceError, match="beside nothing else"):
        none.get("text")
    with pytest.raises(ModelError, match="no model"):
        residents(folder, None).get("nobody")


def test_without_a_limit_the_machine_s_memory_is_one(folder: Path) -> None:
    free = residents(folder, None)
    for name in NAMES:
        free.get(name)
    assert free.names == list(NAMES)
