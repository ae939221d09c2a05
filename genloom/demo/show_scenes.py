"""The room of pictures: scenes for prompts, by flow and by GAN, each checked by its pixels.

Knows the demo's scenes and its two models of them; no training.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genloom import api
from genloom.demo import gallery, plots, scenes
from genloom.demo.assets import Made, make
from genloom.demo.check_scenes import Rates, World, checker, mark, rates, rows
from genloom.demo.gallery import Room
from genloom.demo.lessons import Learnt
from genloom.spec import Request
from genloom.train.log import Listener
from genloom.trust.quality import evaluate

EACH = 6  # pictures of a prompt
STAGES = 5
JUDGED = 150  # pictures that distances are measured on, as much as the demo's time allows


def show(
    flow: Learnt, rival: Learnt, folder: Path, seed: int, listener: Listener
) -> tuple[Room, list[Made], dict[str, Rates]]:
    """The room, the flow's pictures for it, and how often both did as they were asked."""
    body, shown, measured, quality, records = "", [], {}, {}, {}
    ceiling = checker(seed)
    for learnt, how in ((flow, "Flow matching"), (rival, "GAN")):
        name, world = learnt.lesson.name, World.of(learnt.lesson.places)
        made = _pictures(learnt.model, world, folder / "made" / name, seed)
        found = measured[name] = rates(learnt.model, world, seed)
        body += gallery.heading(how) + gallery.note(_told(learnt, found))
        body += _strips(made, world) + _stages(learnt)
        # The check by pixels stands in for the judges that would have to be taught.
        report = evaluate(learnt.model, seed=seed, count=JUDGED, shown=0, listener=listener)
        quality[name] = (*rows(found, world, ceiling), *report.rows)
        records[f"{name}: the first prompt"] = made[0].record
        shown = shown or made
    keys = gallery.key(
        good="shows exactly what was asked",
        near="nearest to what was asked, but not clean",
        bad="shows something else",
    )
    room = Room(
        key="scenes",
        title="Pictures",
        lead=_lead(flow),
        body=keys + body,
        quality=quality,
        records=records,
    )
    return room, shown, measured


def _pictures(model: api.Model, world: World, folder: Path, seed: int) -> list[Made]:
    requests = [  # numbers of their own, so that no two prompts start from the same noise
        Request(prompt=scenes.caption(scene), seed=seed, first=n * EACH, count=EACH)
        for n, scene in enumerate(world.shown())
    ]
    return list(make(model, requests, folder))


def _lead(learnt: Learnt) -> str:
    return (
        f"{learnt.diary.items:,} scenes that the demo drew, with captions such as "
        f"\u201c{scenes.caption(scenes.training_combinations()[0])}\u201d. A tenth of all "
        "combinations was never shown, and a check that reads colour, shape and place from the "
        "pixels says whether a picture shows what was asked."
    )


def _told(learnt: Learnt, found: Rates) -> str:
    return (
        f"Learnt {learnt.lesson.subject}: {learnt.diary.steps:,} steps, "
        f"{learnt.model.parameters:,} weights, {learnt.seconds:.0f} seconds. Exactly as asked: "
        f"{found.seen:.0%}, and {found.unseen:.0%} where training never showed the combination; "
        f"nearest to what was asked: {found.near:.0%}."
    )


def _strips(made: Sequence[Made], world: World) -> str:
    parts = []
    for scene, one in zip(world.shown(), made, strict=True):
        pictures = [
            gallery.picture(path.read_bytes(), str(one.request.prompt), mark(item, scene))
            for path, item in zip(one.paths, one.items, strict=True)
        ]
        below = "" if scene in world.seen else "never shown in training"
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
