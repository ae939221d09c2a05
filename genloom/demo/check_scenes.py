"""How often pictures show what was asked: prompts that training showed and prompts that it did not.

Knows scenes and a model that takes their captions; no page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from genloom import api
from genloom.demo import scenes
from genloom.demo.assets import together
from genloom.demo.scenes import Scene
from genloom.spec import Request
from genloom.trust.quality import Row

MEASURED = 80  # combinations of each kind, at most
SHOWN = 5  # of each kind in the gallery
FIRST = 1000  # number of the first picture that is measured: none of those shown
DRAWN = 100  # scenes that the checker's own rate is measured on


@dataclass(frozen=True)
class World:
    """The combinations of colour, shape and place that a model was taught, and those it was not."""

    seen: tuple[Scene, ...]
    unseen: tuple[Scene, ...]

    @classmethod
    def of(cls, places: Collection[str]) -> World:
        known = (scenes.training_combinations(), scenes.held_out_combinations())
        return cls(*(tuple(scene for scene in part if scene[2] in places) for part in known))

    def shown(self) -> list[Scene]:
        """For the gallery: evenly over both, with turns at which shapes and places change, too."""
        return [*_evenly(self.seen, SHOWN, 10), *_evenly(self.unseen, SHOWN, 1)]


def _evenly(known: Sequence[Scene], count: int, turn: int = 0) -> list[Scene]:
    """Up to `count`, each `turn` further on than evenly; all of them where they are so few."""
    if len(known) <= count:
        return list(known)
    return [known[(n * len(known) // count + n * turn) % len(known)] for n in range(count)]


@dataclass(frozen=True)
class Rates:
    """Shares of pictures that show what was asked.

    seen, unseen: exactly, of combinations that training showed or did not. near: of all, those
    that come nearer to what was asked than to any other scene, however noisy.
    """

    seen: float
    unseen: float
    near: float


def rates(model: api.Model, world: World, seed: int) -> Rates:
    """One picture for each of up to MEASURED combinations of a kind."""
    seen = _marks(model, _evenly(world.seen, MEASURED), seed, FIRST)
    unseen = _marks(model, _evenly(world.unseen, MEASURED), seed, FIRST + MEASURED)
    every = [*seen, *unseen]
    return Rates(
        seen.count("right") / len(seen),
        unseen.count("right") / len(unseen),
        sum(mark != "wrong" for mark in every) / len(every),
    )


def _marks(model: api.Model, wanted: Sequence[Scene], seed: int, first: int) -> list[str]:
    """Each picture has a number of its own, so that no two start from the same noise."""
    requests = [
        Request(prompt=scenes.caption(scene), seed=seed, first=first + n)
        for n, scene in enumerate(wanted)
    ]
    made = together(model, requests)
    return [mark(items[0], scene) for items, scene in zip(made, wanted, strict=True)]


def mark(picture: object, scene: Scene) -> str:
    """ "right": shows the scene clearly. "near": is nearest to it, but noisy. Else "wrong"."""
    if scenes.look(picture) == scene:
        return "right"
    return "near" if scenes.nearest(picture) == scene else "wrong"


def checker(seed: int) -> float:
    """The checker's own rate on scenes that were drawn."""
    drawn = scenes.scenes(DRAWN, seed=seed + 1)
    found = (scenes.look(picture) for picture in drawn)
    hits = (
        scene is not None and scenes.caption(scene) == picture.caption
        for scene, picture in zip(found, drawn, strict=True)
    )
    return sum(hits) / DRAWN


def rows(found: Rates, world: World, ceiling: float) -> list[Row]:
    """For the quality table."""
    chance = 1 / (len(world.seen) + len(world.unseen))
    ends = f"floor: a guess; ceiling: the same check on {DRAWN} scenes that the demo drew"
    exact = "colour, shape and place as asked and nothing else, read from the pixels"
    told = (
        ("as_asked", found.seen, f"{exact}; {ends}"),
        ("as_asked_unseen", found.unseen, f"the same for combinations never shown; {ends}"),
        ("nearest_as_asked", found.near, f"nearest to what was asked, however noisy; {ends}"),
    )
    return [
        Row(metric=name, value=value, floor=chance, ceiling=ceiling, better="higher", note=note)
        for name, value, note in told
    ]
