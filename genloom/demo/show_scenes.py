"""The room of pictures: scenes for prompts, by flow and by GAN, each checked by its pixels.

Knows the demo's scenes and its two models of them; no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genloom import api
from genloom.demo import gallery, plots, scenes
from genloom.demo.assets import Made, make, together
from genloom.demo.gallery import Room
from genloom.demo.lessons import Learnt
from genloom.demo.scenes import Scene
from genloom.spec import Request
from genloom.train.log import Listener
from genloom.trust.quality import Row, evaluate

ASKED: tuple[Scene, ...] = (  # shown in training
    ("red", "circle", "top"),
    ("yellow", "ring", "center"),
    ("blue", "square", "bottom right"),
    ("white", "triangle", "right"),
    ("purple", "cross", "left"),
)
UNSEEN_SHOWN = 5
EACH = 6  # pictures of a prompt
CHECKED_EVERY = 4  # of the combinations shown in training, those that are measured
DRAWN = 100  # scenes that the checker's own rate is measured on
STAGES = 5
JUDGED = 150  # pictures that distances are measured on, as much as the demo's time allows


@dataclass(frozen=True)
class Rates:
    """Shares of pictures that show what was asked, as the checker sees them.

    seen, unseen: all of it, of combinations that training showed or did not. glimpsed: at least
    colour and place, of both.
    """

    seen: float
    unseen: float
    glimpsed: float


def unseen() -> tuple[Scene, ...]:
    """Combinations that no training picture shows, evenly over all of them."""
    found = scenes.held_out_combinations()
    return found[:: max(1, len(found) // UNSEEN_SHOWN)][:UNSEEN_SHOWN]


def show(
    flow: Learnt, rival: Learnt, folder: Path, seed: int, listener: Listener
) -> tuple[Room, list[Made], dict[str, Rates]]:
    """The room, the flow's pictures for it, and how often both did as they were asked."""
    body, shown, measured, quality, records = "", [], {}, {}, {}
    ceiling = _checker(seed)
    for learnt, how in ((flow, "Flow matching"), (rival, "GAN")):
        made = _pictures(learnt.model, folder / "made" / learnt.lesson.name, seed)
        rates = measured[learnt.lesson.name] = _rates(learnt.model, seed)
        body += gallery.heading(_told(how, learnt, rates)) + _strips(made) + _stages(learnt)
        # The check by pixels stands in for the judges that would have to be taught.
        report = evaluate(learnt.model, seed=seed, count=JUDGED, shown=0, listener=listener)
        quality[learnt.lesson.name] = (*_rows(rates, ceiling), *report.rows)
        records[f"{learnt.lesson.name}: the first prompt"] = made[0].record
        shown = shown or made
    keys = gallery.key(good="shows exactly what was asked", bad="does not, or not clearly")
    room = Room(
        key="scenes",
        title="Pictures",
        lead=_lead(flow),
        body=keys + body,
        quality=quality,
        records=records,
    )
    return room, shown, measured


def _pictures(model: api.Model, folder: Path, seed: int) -> list[Made]:
    wanted = [*ASKED, *unseen()]
    requests = [  # numbers of their own, so that no two prompts start from the same noise
        Request(prompt=scenes.caption(scene), seed=seed, first=n * EACH, count=EACH)
        for n, scene in enumerate(wanted)
    ]
    return list(make(model, requests, folder))


def _rates(model: api.Model, seed: int) -> Rates:
    seen = _hits(model, scenes.training_combinations()[::CHECKED_EVERY], seed)
    unseen = _hits(model, scenes.held_out_combinations(), seed)
    both = np.array([*seen, *unseen])
    return Rates(
        *(
            float(np.mean(found))
            for found in (np.array(seen)[:, 0], np.array(unseen)[:, 0], both[:, 1])
        )
    )


def _hits(model: api.Model, wanted: Sequence[Scene], seed: int) -> list[tuple[bool, bool]]:
    """All as asked, and colour and place, of one picture each; with numbers of their own, so that
    no two start from the same noise."""
    requests = [
        Request(prompt=scenes.caption(scene), seed=seed, first=1000 + n)
        for n, scene in enumerate(wanted)
    ]
    made = [items[0] for items in together(model, requests)]
    return [
        (scenes.look(item) == scene, scenes.glimpse(item) == (scene[0], scene[2]))
        for item, scene in zip(made, wanted, strict=True)
    ]


def _checker(seed: int) -> float:
    """The checker's own rate on scenes that were drawn."""
    drawn = scenes.scenes(DRAWN, seed=seed + 1)
    found = (scenes.look(picture) for picture in drawn)
    hits = (
        scene is not None and scenes.caption(scene) == picture.caption
        for scene, picture in zip(found, drawn, strict=True)
    )
    return sum(hits) / DRAWN


def _rows(rates: Rates, ceiling: float) -> list[Row]:
    chance = 1 / (len(scenes.training_combinations()) + len(scenes.held_out_combinations()))
    note = "colour, shape and place all as asked, read from the pixels; floor: a guess; ceiling: "
    note += f"the same check on {DRAWN} scenes that the demo drew"
    unseen_note = f"{note}; only combinations that training never showed"
    blurred = "colour and place as asked, whatever the shape; floor: a guess; ceiling: as above"
    guess = 1 / (len(scenes.COLOURS) * len(scenes.PLACES))
    rows = (
        ("as_asked", rates.seen, chance, note),
        ("as_asked_unseen", rates.unseen, chance, unseen_note),
        ("colour_and_place", rates.glimpsed, guess, blurred),
    )
    return [
        Row(metric=name, value=value, floor=floor, ceiling=ceiling, better="higher", note=told)
        for name, value, floor, told in rows
    ]


def _lead(learnt: Learnt) -> str:
    return (
        f"{learnt.diary.items:,} scenes that the demo drew, with captions such as "
        f"\u201c{scenes.caption(ASKED[0])}\u201d. A tenth of all combinations was never shown, and "
        "a check that reads colour, shape and place from the pixels says whether a picture shows "
        "what was asked."
    )


def _told(how: str, learnt: Learnt, rates: Rates) -> str:
    return (
        f"{how}: {rates.seen:.0%} as asked, {rates.unseen:.0%} where training never showed the "
        f"combination; colour and place {rates.glimpsed:.0%} ({learnt.diary.steps:,} steps, "
        f"{learnt.model.parameters:,} weights, {learnt.seconds:.0f} seconds)"
    )


def _strips(made: Sequence[Made]) -> str:
    wanted = [*ASKED, *unseen()]
    parts = []
    for scene, one in zip(wanted, made, strict=True):
        pictures = [
            gallery.picture(path.read_bytes(), str(one.request.prompt), scenes.look(item) == scene)
            for path, item in zip(one.paths, one.items, strict=True)
        ]
        below = "" if scene in ASKED else "never shown in training"
        parts.append(gallery.strip(str(one.request.prompt), below, pictures))
    return gallery.side_by_side(parts, "strips")


def _stages(learnt: Learnt) -> str:
    """The same noise and the same prompts at several times of the training."""
    found = learnt.diary.previews
    stages = []
    if len(found) > 1:
        picked = sorted({round(n * (len(found) - 1) / (STAGES - 1)) for n in range(STAGES)})
        for step, png in (found[n] for n in picked):
            stages.append(gallery.figure(f"step {step:,}", gallery.picture(png, f"step {step}")))
    drawn = plots.curve("loss while learning", learnt.diary.losses)
    if drawn:
        told = f"{learnt.diary.loss_name.replace('_', ' ')} while it learnt"
        stages.append(f'<figure class="loss"><figcaption>{told}</figcaption>{drawn}</figure>')
    return gallery.heading("While it learnt") + gallery.side_by_side(stages, "stages")
