"""A save that a crash cuts short, at each of its stages: the state before it loads, or a sentence
says what to do. And the state is exact."""

from __future__ import annotations

import os
import subprocess

import pytest
import torch
from toys import MADE, job

from genloom.errors import ModelError
from genloom.train import checkpoint
from genloom.train.loop import Loop


@pytest.fixture
def run(tmp_path):
    checkpoint.save(tmp_path, {"a": torch.arange(5.0)}, {"step": 1})
    return tmp_path


def _first(run) -> None:
    tensors, values = checkpoint.load(run)
    assert values == {"step": 1} and tensors["a"].tolist() == [0, 1, 2, 3, 4]


def test_nothing_saved_is_none(tmp_path):
    assert checkpoint.load(tmp_path) is None


def test_a_save_replaces_the_one_before_and_leaves_nothing_else(run):
    checkpoint.save(run, {"a": torch.zeros(2)}, {"step": 2})
    tensors, values = checkpoint.load(run)
    assert values == {"step": 2} and tensors["a"].tolist() == [0, 0]
    assert os.listdir(run) == [checkpoint.NAME]


def test_two_names_for_one_memory_are_both_kept(run):
    x = torch.ones(3)
    checkpoint.save(run, {"a": x, "b": x}, {})
    tensors, _ = checkpoint.load(run)
    assert tensors["a"].tolist() == tensors["b"].tolist() == [1, 1, 1]


def test_a_crash_while_writing_leaves_the_one_before(run):
    half = run / f".{checkpoint.NAME}.new-abc"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"\0" * 7)
    _first(run)


def test_leftovers_of_a_dead_process_go_with_the_next_save(run):
    dead = subprocess.Popen(["true"])
    dead.wait()
    gone = run / f".{checkpoint.NAME}.new-{dead.pid}-abc"
    mine = run / f".{checkpoint.NAME}.new-{os.getpid()}-abc"
    gone.mkdir()
    mine.mkdir()
    checkpoint.save(run, {"a": torch.zeros(2)}, {"step": 2})
    assert not gone.exists() and mine.exists()


def test_a_crash_between_the_renames_puts_the_one_before_back(run):
    os.rename(run / checkpoint.NAME, run / f".{checkpoint.NAME}.old")
    _first(run)
    assert (run / checkpoint.NAME).is_dir()


def test_a_crash_before_the_old_one_is_removed_loads_the_new(run):
    os.rename(run / checkpoint.NAME, run / f".{checkpoint.NAME}.old")
    checkpoint.save(run, {"a": torch.zeros(2)}, {"step": 2})
    (run / f".{checkpoint.NAME}.old").mkdir()
    assert checkpoint.load(run)[1] == {"step": 2}


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
@pytest.mark.parametrize("left", [0, 9])
def test_a_truncated_state_is_told(run, name, left):
    file = run / checkpoint.NAME / name
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ModelError, match=r"is damaged .*to start again") as caught:
        checkpoint.load(run)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", [-1, -7])
def test_a_flipped_bit_of_a_weight_is_told(run, place):
    file = run / checkpoint.NAME / "state.safetensors"
    held = bytearray(file.read_bytes())
    held[place] ^= 1
    file.write_bytes(held)
    with pytest.raises(ModelError, match=r"is damaged .*not those that were saved"):
        checkpoint.load(run)


def test_a_missing_file_is_told(run):
    (run / checkpoint.NAME / "state.json").unlink()
    with pytest.raises(ModelError, match="is damaged"):
        checkpoint.load(run)


def test_a_state_of_another_training_is_told(run):
    loop = Loop(job(MADE["row by flow"](), run))
    with pytest.raises(ModelError, match="start again"):
        loop.restore()


@pytest.mark.parametrize("name", ["text", "picture by GAN"])
def test_a_training_cut_in_two_is_the_same_bit_by_bit(tmp_path, name):
    made = MADE[name](steps=9)
    whole = job(made, tmp_path / "whole")
    Loop(whole).fit()
    first = Loop(job(made, tmp_path / "cut"))
    for _ in range(5):
        first.advance(lambda *_, **__: None)
    first.save()
    first.advance(lambda *_, **__: None)  # lost in the crash
    second = job(made, tmp_path / "cut", resume=True)
    assert Loop(second).fit().steps == 9
    assert second.model.digest() == whole.model.digest()
