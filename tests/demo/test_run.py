"""The demo itself: what it leaves, what it leaves alone, and that a second run replaces it."""

from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genloom import api
from genloom.demo import check_scenes, lessons, poster, run, scenes, show_scenes, show_table
from genloom.demo.run import MARK, PAGE, POSTER
from genloom.errors import UsageError
from genloom.train.log import Event
from genloom.trust import provenance

pandas = pytest.importorskip("pandas")


def frame(rows: int = 200, seed: int = 0) -> object:
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, rows).round()
    told = np.where(age > 40, "old", "young")
    return pandas.DataFrame({"age": age, "told": told, "noise": rng.choice(["a", "b"], rows)})


KINDS = {"age": "number", "told": "choice", "noise": "choice"}


# --- the folder -----------------------------------------------------------------------------------


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "data" / "thesis.txt"
    kept.parent.mkdir()
    kept.write_text("years of work")
    with pytest.raises(UsageError, match="holds something else"):
        run.run(tmp_path, minutes=0.01)
    assert kept.read_text() == "years of work"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        run.run(tmp_path / "file", minutes=0.01)


@pytest.mark.parametrize("minutes", [0, -1.0, float("nan"), float("inf")])
def test_minutes_are_more_than_none(tmp_path: Path, minutes: float) -> None:
    with pytest.raises(UsageError, match="minutes"):
        run.run(tmp_path / "new", minutes=minutes)
    assert not (tmp_path / "new").exists()


def test_an_earlier_demo_is_replaced_and_nothing_beside_it(tmp_path: Path) -> None:
    run._claim(tmp_path / "demo", 0, 1.0)
    for name in ("made/old.txt", "data/old.txt", "notes.txt"):
        path = tmp_path / "demo" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    run._claim(tmp_path / "demo", 1, 1.0)
    left = sorted(p.name for p in (tmp_path / "demo").iterdir())
    assert left == [MARK, "notes.txt"]
    assert json.loads((tmp_path / "demo" / MARK).read_text())["seed"] == 1


# --- the parts ------------------------------------------------------------------------------------


def test_shares_of_the_time_leave_some_for_showing() -> None:
    assert 0.8 < sum(lesson.share for lesson in lessons.LESSONS) < 0.95
    assert len({lesson.name for lesson in lessons.LESSONS}) == 4


def test_prompts_of_the_gallery_are_seen_and_unseen_ones() -> None:
    training = set(scenes.training_combinations())
    for places, unseen in ((tuple(scenes.PLACES), 5), (lessons.CENTER, 4)):
        world = check_scenes.World.of(places)
        shown = world.shown()
        assert set(shown[:5]) <= training and not set(shown[5:]) & training
        assert len(shown) == len(set(shown)) == 5 + unseen
        assert {place for _, _, place in shown} <= set(places)


def test_the_checker_agrees_with_what_was_drawn() -> None:
    assert check_scenes.checker(0) >= 0.98


def noisy(scene: scenes.Scene, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(scenes.draw(*scene, rng), float) + rng.normal(0, 25, (32, 32, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def test_what_is_noisy_is_near_and_what_is_clean_is_right() -> None:
    rng = np.random.default_rng(0)
    some = scenes.training_combinations()[::7]
    clean = [check_scenes.mark(scenes.draw(*scene, rng), scene) for scene in some]
    dirty = [check_scenes.mark(noisy(scene, rng), scene) for scene in some]
    assert set(clean) == {"right"}
    assert dirty.count("near") > 0.8 * len(some)
    assert check_scenes.mark(scenes.draw("red", "ring", "top", rng), some[0]) == "wrong"
    assert scenes.nearest(Image.new("RGB", (32, 32), scenes.DARK)) is None


def test_conditions_can_be_met_by_the_table_itself() -> None:
    real = frame()
    where = show_table.conditions(real, KINDS)
    assert where.startswith("noise = '") and " and age < " in where


def test_association_error_is_none_for_the_same_rows_and_large_for_shuffled_ones() -> None:
    real = frame()
    shuffled = real.assign(told=np.random.default_rng(1).permutation(real["told"].to_numpy()))
    _, same = show_table._associations(real, real, real, KINDS)
    _, apart = show_table._associations(real, shuffled, real, KINDS)
    assert same.value == 0.0
    assert apart.value > 0.2
    assert apart.floor > 0.2 and apart.ceiling == 0.0


def test_missing_values_are_a_value_of_their_own() -> None:
    real = frame()
    holes = real.assign(age=real["age"].where(real["told"] == "old"))
    _, row = show_table._associations(holes, holes, real, KINDS)
    assert row.floor > 0.3  # what is missing tells the other column


def test_a_diary_keeps_losses_and_pictures(tmp_path: Path) -> None:
    (tmp_path / "step.png").write_bytes(b"png")
    diary = lessons.Diary()
    diary.hear(Event(kind="read", step=0, values={"items": 3, "licence": "MIT"}))
    diary.hear(Event(kind="step", step=1, values={"nats": 2.0, "norm": 9.0, "seconds": 1.0}))
    diary.hear(Event(kind="preview", step=1, values={"path": str(tmp_path / "step.png")}))
    diary.hear(Event(kind="preview", step=1, values={"path": "texts.txt"}))
    assert (diary.items, diary.licence, diary.loss_name) == (3, "MIT", "nats")
    assert diary.losses == [(1, 2.0)] and diary.previews == [(1, b"png")]


def test_the_poster_is_a_small_picture() -> None:
    drawn = [scenes.draw("red", "circle", "top", np.random.default_rng(n)) for n in range(6)]
    shown = poster.Shown(
        texts=tuple((f"def f{n}(", f"def f{n}(x):\n\treturn x" * 9) for n in range(4)),
        pictures=tuple((f"a red circle number {n}", tuple(drawn)) for n in range(9)),
        real=frame(),
        made=frame(seed=1),
        kinds=KINDS,
    )
    png = poster.draw(shown)
    image = Image.open(io.BytesIO(png))
    assert image.size == (poster.WIDTH, poster.HEIGHT) and len(png) < 400_000
    assert len(image.convert("RGB").getcolors(1 << 20)) > 20


# --- the whole ------------------------------------------------------------------------------------


class Sources(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href")]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_runs_twice_and_everything_can_be_used_afterwards(tmp_path: Path) -> None:
    said: list[str] = []
    heard: list[str] = []
    folder = tmp_path / "demo"
    for seed in (0, 1):
        path = run.run(
            folder,
            minutes=0.05,
            seed=seed,
            listener=lambda event: heard.append(event.kind),
            say=said.append,
        )
    assert path == folder / PAGE
    found = Sources(path.read_text(encoding="utf-8")).found
    assert len(found) > 100
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in found)
    with Image.open(folder / POSTER) as picture:
        assert picture.size == (poster.WIDTH, poster.HEIGHT)
    facts = json.loads((folder / MARK).read_text())
    assert facts["finished"] and facts["seed"] == 1
    assert set(facts["models"]) == {lesson.name for lesson in lessons.LESSONS}
    assert heard.count("lesson") == 8 and "preview" in heard
    assert str(path.resolve()) in said[-5] and "demo-scenes" in said[-3]
    made = [p for p in (folder / "made").rglob("*") if p.suffix in (".png", ".txt", ".csv")]
    assert len(made) == 6 + (10 + 9) * show_scenes.EACH + 2
    assert all(provenance.verify(p).ok for p in made[:: len(made) // 12])
    picture = api.load("demo-scenes").generate("a red circle top left", seed=3)[0]
    assert picture.size == (scenes.SIDE, scenes.SIDE)
