"""The model's folder: whole or nothing, damage found before use, nothing in it that could run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from toys import MADE, shaken

from genloom.api import Model
from genloom.errors import GenloomError, ModelError, ResourceError


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    shaken(MADE["row by transformer"](), folder / "run").save(folder / "m")
    return folder / "m"


@pytest.fixture
def copy(saved, tmp_path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "m"))


def files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file()]


@pytest.mark.parametrize("name", ["text", "row by flow", "picture by class"])
def test_what_is_loaded_is_what_was_saved(tmp_path, name):
    model = shaken(MADE[name](), tmp_path / "run")
    model.card["note"] = "kept"
    model.save(tmp_path / "m")
    again = Model.load(tmp_path / "m")
    assert again.digest() == model.digest() == again.card["weights"]
    assert again.recipe.digest() == model.recipe.digest() and again.card["note"] == "kept"
    prompt = "above" if model.prompt is not None else None
    a, b = (m.generate(prompt, count=3, seed=5) for m in (model, again))
    assert [str(x) for x in map(_plain, a)] == [str(x) for x in map(_plain, b)]


def _plain(item):
    return item.tobytes() if hasattr(item, "tobytes") else item


@pytest.mark.parametrize("way", ["truncated", "flipped", "gone"])
def test_damage_to_any_file_is_found(copy, way):
    for file in files(copy):
        good = file.read_bytes()
        if way == "truncated":
            file.write_bytes(good[: len(good) // 2])
        elif way == "flipped":
            at = len(good) // 2
            file.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1 :])
        else:
            file.unlink()
        with pytest.raises(ModelError) as caught:
            Model.load(copy)
        assert "\n" not in str(caught.value), file
        file.write_bytes(good)
    Model.load(copy)


@pytest.mark.parametrize("text", ["{}", "5", "[]", '"x"', "null"])
def test_checksums_that_list_nothing_are_damage(copy, text):
    (copy / "checksums.json").write_text(text)
    with pytest.raises(ModelError, match=r"checksums\.json"):
        Model.load(copy)


@pytest.mark.parametrize(
    "name, start", [("extra.pt", b"x"), ("notes.txt", b"\x80\x04\x95"), ("codec/x.bin", b"")]
)
def test_a_file_that_could_run_code_is_refused(copy, name, start):
    (copy / name).write_bytes(start)
    with pytest.raises(ModelError, match="could run code"):
        Model.load(copy)


def test_no_folder_and_no_model_are_told(tmp_path):
    with pytest.raises(ModelError, match="no model at"):
        Model.load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="is not a model folder"):
        Model.load(tmp_path / "empty")


def test_saves_that_are_killed_or_find_the_disk_full_leave_a_model(tmp_path):
    script = Path(__file__).with_name("save_and_die.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_crash_between_the_renames_is_mended(copy):
    os.rename(copy, copy.parent / ".m.old")
    Model.load(copy)
    assert copy.is_dir()


def test_a_file_in_the_way_is_left_alone(saved, tmp_path):
    (tmp_path / "m").write_text("mine")
    with pytest.raises(ModelError, match="is a file"):
        Model.load(saved).save(tmp_path / "m")
    assert (tmp_path / "m").read_text() == "mine"
    with pytest.raises(ResourceError, match="could not be written"):
        Model.load(saved).save(tmp_path / "m" / "below")
    assert os.listdir(tmp_path) == ["m"]


def test_a_folder_of_something_else_is_never_replaced(saved, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("mine")
    with pytest.raises(GenloomError, match="no model: choose another place"):
        Model.load(saved).save(tmp_path / "photos")
    assert (tmp_path / "photos" / "one.png").read_text() == "mine"


def test_an_earlier_model_is_replaced_without_a_trace(saved, copy):
    (copy / "old.txt").write_text("")
    Model.load(saved).save(copy)
    assert not (copy / "old.txt").exists() and os.listdir(copy.parent) == ["m"]


def test_weights_lie_in_memory_as_they_did_when_they_were_learnt(tmp_path):
    """Channels last, where the net says so: else convolutions of a loaded model are slower."""
    model = shaken(MADE["picture by GAN"](), tmp_path / "run")
    loaded = Model.load(model.save(tmp_path / "model"))
    pairs = list(zip(model.nets.parameters(), loaded.nets.parameters(), strict=True))
    assert any(a.dim() == 4 and not a.is_contiguous() for a, _ in pairs)
    assert all(a.stride() == b.stride() and torch.equal(a, b) for a, b in pairs)
