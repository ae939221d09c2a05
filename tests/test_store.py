"""Names and folders of models, and the lock on a name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genloom import store
from genloom.errors import ModelError, ResourceError, UsageError


@pytest.fixture(autouse=True)
def own_home(tmp_path):
    before = list(store._home)
    store.set_home(tmp_path / "home")
    yield tmp_path / "home"
    store._home[:] = before


def put(name: str) -> Path:
    path = store.place(name)
    path.mkdir(parents=True)
    (path / "recipe.json").write_text("{}")
    return path


def test_words_are_names_and_the_rest_are_paths(own_home, tmp_path):
    assert store.place("poems") == own_home / "models" / "poems"
    assert store.place(tmp_path / "x") == tmp_path / "x"
    assert store.place("a/b") == Path("a/b")
    assert store.place("./poems") == Path("poems")
    assert store.place("~/poems") == Path.home() / "poems"


@pytest.mark.parametrize("name", ["", ".", "..", "a\0b"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UsageError, match="give a word or a path"):
        store.place(name)


def test_existing_tells_the_names_known():
    with pytest.raises(ModelError, match="none yet"):
        store.existing("poems")
    put("poems")
    put("plays")
    assert store.existing("poems").name == "poems"
    with pytest.raises(ModelError, match="no model 'prose': known are plays, poems"):
        store.existing("prose")


def test_listed_leaves_out_what_is_no_model(own_home):
    put("b")
    put("a")
    (own_home / "models" / "c.run").mkdir()
    (own_home / "models" / "c.run" / "recipe.json").write_text("{}")
    (own_home / "models" / "empty").mkdir()
    assert [p.name for p in store.listed()] == ["a", "b"]


def test_two_trainings_do_not_share_a_name(tmp_path):
    with store.locked(tmp_path / "m") as run:
        assert run == tmp_path / "m.run"
        with (
            pytest.raises(ModelError, match=f"trained by process {os.getpid()}: wait"),
            store.locked(tmp_path / "m"),
        ):
            pass
        with store.locked(tmp_path / "n"):
            pass
    with store.locked(tmp_path / "m"):
        pass


def test_the_lock_is_let_go_after_an_error(tmp_path):
    with pytest.raises(ValueError), store.locked(tmp_path / "m"):
        raise ValueError
    with store.locked(tmp_path / "m"):
        pass


def test_what_failed_before_it_began_leaves_nothing(tmp_path):
    with pytest.raises(ValueError), store.locked(tmp_path / "m"):
        raise ValueError
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError), store.locked(tmp_path / "m") as run:
        (run / "metrics.jsonl").write_text("{}")
        raise ValueError
    assert (run / "metrics.jsonl").exists()


def test_a_lock_whose_file_was_removed_meanwhile_is_no_lock(tmp_path):
    with store.locked(tmp_path / "m") as run:
        (run / "lock").rename(run / "gone")
        with store.locked(tmp_path / "m"):
            pass
        (run / "lock").touch()


def test_a_model_is_told_to_others_without_the_user_s_own_folders(own_home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    monkeypatch.chdir(tmp_path)
    assert store.told(own_home / "models" / "poems") == "poems"
    assert store.told(tmp_path / "out" / "m") == "./out/m"
    assert store.told(Path("m")) == "./m"
    monkeypatch.chdir("/")
    monkeypatch.setattr(Path, "cwd", lambda: Path("/srv"))
    assert store.told(tmp_path / "ada" / "m") == "~/m"
    assert store.told(Path("/data/m")) == "/data/m"
    assert store.place("~/m") == tmp_path / "ada" / "m"


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ResourceError, match="choose another place with --out"),
        store.locked(tmp_path / "file" / "m"),
    ):
        pass


def test_remove_takes_the_model_and_what_training_left():
    path = put("poems")
    with store.locked(path):
        pass
    store.remove("poems")
    assert not path.exists() and not store.run_folder(path).exists()
    with pytest.raises(ModelError):
        store.remove("poems")


def test_remove_leaves_alone_what_is_trained_or_no_model(tmp_path):
    path = put("poems")
    with store.locked(path), pytest.raises(ModelError, match="being trained"):
        store.remove("poems")
    assert path.is_dir()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_text("x")
    with pytest.raises(ModelError, match="left alone"):
        store.remove(tmp_path / "photos")
    assert (tmp_path / "photos" / "one.png").exists()


def test_a_crash_between_two_renames_is_mended():
    path = put("poems")
    os.rename(path, path.parent / ".poems.old")
    assert store.existing("poems").is_dir()
