"""What the demo teaches: four models, each with its data, its share of the time and its changes.

The changes make the most of about a minute on two cores. Knows no page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom import api
from genloom.demo import scenes, sources
from genloom.train.log import Event, Listener

PICTURES = 3000
CENTER = ("center",)  # a GAN takes longer: all nine places in a minute leave it with coloured blots
# A compiler takes longer than a minute's training gains; few held-out pictures are judged sooner.
HASTE = ("train.compile=off", "data.holdout=0.05")


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """medium: the recipe's name. share: of the demo's minutes. data: writes into a folder and
    returns what to train on. places: where the shapes of its scenes stand, for scenes."""

    name: str
    medium: str
    subject: str
    share: float
    data: Callable[[Path], Path]
    changes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


CODE = Lesson(
    name="demo-code",
    medium="text",
    subject="Python code, from the sources of the standard library on this machine",
    share=0.2,
    data=lambda folder: sources.standard_library(folder / "code", megabytes=1.2),
    changes=("train.compile=off",),
)
SCENES = Lesson(
    name="demo-scenes",
    medium="image",
    subject="captioned scenes that the demo draws, by flow matching",
    share=0.42,
    data=lambda folder: scenes.write_folder(folder / "scenes", PICTURES),
    places=tuple(scenes.PLACES),
    changes=(
        "net.net.width=128",
        "net.net.depth=3",
        "net.net.heads=4",
        "net.net.patch=8",
        "net.net.prompt_depth=0",
        "family.guidance=2.0",
        "family.steps=16",
        *HASTE,
    ),
)
RIVAL = Lesson(
    name="demo-scenes-gan",
    medium="image-gan",
    subject="such scenes at the center, by two nets that play against each other",
    share=0.27,
    data=lambda folder: scenes.write_folder(folder / "center", PICTURES, places=CENTER),
    places=CENTER,
    changes=(
        "net.generator.prompt_depth=0",
        "net.critic.prompt_depth=0",
        *HASTE,
    ),
)
TABLE = Lesson(
    name="demo-table",
    medium="table",
    subject="a table of people, from inside a library that is installed",
    share=0.04,
    data=lambda folder: sources.real_table(folder / "table"),
)
LESSONS = (CODE, SCENES, RIVAL, TABLE)


@dataclass
class Diary:
    """What was heard while a model learnt."""

    losses: list[tuple[float, float]] = field(default_factory=list)
    loss_name: str = ""
    previews: list[tuple[int, bytes]] = field(default_factory=list)
    items: int = 0
    licence: str = ""
    steps: int = 0

    def hear(self, event: Event) -> None:
        """Keep what the gallery shows."""
        values = event.values
        if event.kind == "read":
            self.items, self.licence = int(values["items"]), str(values.get("licence") or "")
        elif event.kind == "step":
            self.steps = event.step
            parts = [k for k in values if k not in ("norm", "seconds")]
            if parts:
                self.loss_name = parts[0]
                self.losses.append((event.step, float(values[parts[0]])))
        elif event.kind == "preview" and str(values["path"]).endswith(".png"):
            self.previews.append((event.step, Path(values["path"]).read_bytes()))


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """A model fresh from its lesson."""

    lesson: Lesson
    model: api.Model
    diary: Diary
    data: Path

    @property
    def seconds(self) -> float:
        return float(self.model.card["seconds"])


def learn(lesson: Lesson, folder: Path, minutes: float, seed: int, listener: Listener) -> Learnt:
    """Write the data, train for the lesson's share of the minutes, keep the model by its name."""
    diary = Diary()

    def hear(event: Event) -> None:
        diary.hear(event)
        listener(event)

    data = lesson.data(folder)
    model = api.train(
        lesson.medium,
        data,
        out=lesson.name,
        minutes=minutes * lesson.share,
        seed=seed,
        changes=lesson.changes,
        listener=hear,
    )
    return Learnt(lesson=lesson, model=model, diary=diary, data=data)


def facts(learnt: Learnt) -> dict[str, Any]:
    """One line about a training, for the page."""
    return {
        "items": learnt.diary.items,
        "licence": learnt.diary.licence,
        "weights": learnt.model.parameters,
        "steps": learnt.diary.steps,
        "seconds": round(learnt.seconds, 1),
    }
