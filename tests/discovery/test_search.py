"""A search by a score: it learns, keeps what it paid for, and tells what is wrong with a score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from genloom.api import Model
from genloom.codec.molecule.codec import MoleculeCodec
from genloom.codec.molecule.item import Molecule
from genloom.codec.text.codec import TextCodec
from genloom.discovery import report
from genloom.discovery.archive import Archive, Entry
from genloom.discovery.score import EQUAL, Score
from genloom.discovery.search import Settings, discover
from genloom.errors import RewardError, UsageError
from genloom.recipe import Data, Part, Recipe

pytest.importorskip("rdkit")

ITEMS = [Molecule("C" * (1 + n % 4) + ("O", "N", "c1ccccc1", "F")[n // 4 % 4]) for n in range(32)]


def untrained(codec: object, kind: str, items: object) -> Model:
    """A model that proposes anything its codec lets it."""
    codec.fit(items)
    recipe = Recipe(
        name="toy",
        codec=Part(kind, {"length": 24}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", {"width": 32, "depth": 1, "heads": 2})},
        data=Data(batch=8),
    )
    torch.manual_seed(0)
    return Model(recipe=recipe, codec=codec, prompt=None, nets=recipe.make_nets(codec.spec, None))


@pytest.fixture
def model() -> Model:
    return untrained(MoleculeCodec(length=24, properties=""), "molecule", ITEMS)


def test_it_learns_what_scores_well_and_finds_no_copies(model: Model, tmp_path: Path):
    found = discover(
        model, "atoms", tmp_path / "out", training=ITEMS, budget=128, size=32, random=48, rate=3e-3
    )
    told = report.values(found)
    assert told["scored"] == 128 and "spent" in told["ended"] and not told["fault"]
    assert told["search"]["mean"] > told["random"]["mean"]
    keys = set(model.codec.keys(ITEMS))
    assert all(entry.key not in keys for entry in found.archive)
    assert len({entry.key for entry in found.archive}) == 128
    assert told["training"]["best"] == 10 and told["training"]["items"] == 32
    places = report.write(found)
    page = places["html"].read_text()
    assert "<script" not in page and "random search" in page and "best-10.svg" in page
    assert len(places["best"].read_text().splitlines()) == min(100, len(found.archive.best(100)))
    again = Model.load(tmp_path / "out" / "model")
    assert (
        again.recipe.family.kind == "autoregressive" and again.card["searched"]["score"] == "atoms"
    )


def test_a_killed_search_goes_on_as_if_it_had_not_been(model: Model, tmp_path: Path):
    settings = {"training": (), "budget": 96, "size": 32, "random": 0, "rate": 3e-3}
    whole = discover(model, "atoms", tmp_path / "whole", **settings)
    steps = []

    def killed() -> bool:
        """Before the next checkpoint: on disk are the first step and the scores of two."""
        steps.append(1)
        if len(steps) == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        discover(model, "atoms", tmp_path / "cut", stop=killed, **settings)
    file = tmp_path / "cut" / "scored.jsonl"
    file.write_bytes(file.read_bytes() + b'{"key": "half a li')
    went_on = discover(model, "atoms", tmp_path / "cut", resume=True, **settings)
    assert [e.key for e in went_on.archive] == [e.key for e in whole.archive]
    assert went_on.archive.drawn == whole.archive.drawn
    with pytest.raises(UsageError, match="holds a search"):
        discover(model, "atoms", tmp_path / "cut", **settings)
    with pytest.raises(UsageError, match="another score"):
        discover(model, "rings", tmp_path / "cut", resume=True, **settings)


def test_a_goal_is_reached_or_said_not_to_be(model: Model, tmp_path: Path):
    settings = {"training": (), "budget": 48, "size": 16, "random": 0}
    near = discover(model, "atoms", tmp_path / "near", goal=2, **settings)
    assert report.values(near)["goal"]["reached"] and len(near.archive) < 48
    far = discover(model, "atoms", tmp_path / "far", goal=1000, **settings)
    told = report.values(far)
    assert not told["goal"]["reached"]
    assert any("was not reached" in line for line in report.remarks(told))


SCORES = {
    "raises": "raise ValueError('no such thing')",
    "nan": "return float('nan')",
    "text": "return 'good'",
}


@pytest.mark.parametrize("sort", SCORES)
def test_a_score_that_fails_ends_it_with_the_reason(sort: str, model: Model, tmp_path: Path):
    file = tmp_path / "own.py"
    file.write_text(f"def score(told):\n    {SCORES[sort]}\n")
    settings = {"training": (), "budget": 400, "size": 64, "random": 0}
    found = discover(model, f"python:{file}:score", tmp_path / "out", **settings)
    told = report.values(found)
    wanted = {"raises": "no such thing", "nan": "finite", "text": "number"}
    assert wanted[sort] in told["fault"]
    report.write(found)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["fault"] == told["fault"]


def test_items_that_cannot_be_scored_are_passed_over():
    def score(told: dict[str, str]) -> float:
        if "N" in told["item"]:
            raise ValueError("nitrogen")
        return len(told["item"])

    judge = Score.read(score, None)
    assert judge(["CC", "CN", "CCC", "N", "C"]) == [2, None, 3, None, 1]
    assert judge.failed.total() == 2
    with pytest.raises(RewardError, match="in a row"):
        judge(["N"] * 6)


def test_one_score_for_everything_finds_nothing():
    judge = Score.read(lambda told: 0.5, None)
    with pytest.raises(RewardError, match="nothing can be found"):
        judge([f"C{n}" for n in range(EQUAL)])


def test_an_archive_is_diverse_and_leaves_out_what_nobody_would_take(tmp_path: Path):
    archive = Archive.open(tmp_path / "a.jsonl", resume=False)
    archive.add(
        [Entry(key=str(n), item="x", score=float(n), step=n, bucket="ab"[n > 5]) for n in range(10)]
        + [Entry(key="bad", item="y", score=99.0, step=3, reproach="odd")]
        + [Entry(key="none", item="z", score=None, step=3)]
    )
    archive.close()
    again = Archive.open(tmp_path / "a.jsonl", resume=True)
    assert [e.score for e in again.best(3)] == [9, 8, 7]
    assert [e.score for e in again.best(3, each=2)] == [9, 8, 5]
    assert len(again.before(3)) == 3 and len(again) == 12
    again.close()


def test_what_cannot_be_searched_is_said(model: Model, tmp_path: Path):
    with pytest.raises(UsageError, match="neither known nor a program"):
        discover(model, "charm", tmp_path / "a", training=())
    for wrong in ({"budget": 1}, {"size": 1}, {"seed": -1}, {"random": -1}):
        with pytest.raises(UsageError):
            Settings(score="qed", **wrong)
    texts = untrained(TextCodec(vocab="bytes", length=24), "text", ["some text"])
    found = discover(texts, len_of, tmp_path / "t", training=(), budget=16, size=16, random=0)
    assert len(found.archive) == 16


def len_of(told: dict[str, str]) -> float:
    return float(len(told["item"]))
