"""Drawn sets as data sets: counted, repeats found, parted, and the same when read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from genloom.codec.drive.codec import DriveCodec
from genloom.codec.shape.codec import ShapeCodec
from genloom.datasets.drawn import TABLE
from genloom.datasets.items import collection, repeats

CODECS = {"cars": ShapeCodec, "furniture": ShapeCodec, "driving": DriveCodec}


@pytest.mark.parametrize("name", CODECS)
def test_a_part_is_read_again_as_it_was(name: str, tmp_path: Path) -> None:
    codec = CODECS[name]()
    whole = TABLE[name].write(TABLE[name].draw(4, 0), tmp_path / "whole.jsonl")
    items = codec.read(whole).items
    found = collection([*items, items[0]], codec)
    assert repeats(found.keys()) == [False] * 4 + [True] and not any(found.empty())
    assert found.summary()
    target = tmp_path / found.part("test", whole)
    again = codec.read(found.write(items[1:3], target)).items
    assert target.suffix == ".jsonl"
    assert collection(again, codec).keys() == found.keys()[1:3]
    assert codec.captions(again) == codec.captions(items[1:3])


def test_driving_scenes_are_counted_by_what_happens() -> None:
    scenes = TABLE["driving"].draw(12, 3)
    told = collection(scenes, DriveCodec()).summary()
    assert sum(told["weather"].values()) == sum(told["traffic"].values()) == 12
    assert told["impossible"] == 0
    assert told["cut-ins"] == sum("cut-in" in str(one.caption) for one in scenes)
