"""What is seen in a driving scene: weather, how many, who cuts in, who walks where not meant to.

Everything is told by the movements themselves. The same rules judge simulated and made scenes.
Knows scenes. Shape legend: N movers, T moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genloom.drive.scene import LANE, STEP, Mover, Scene

CLOSE = 1.6  # seconds to who cut in, below which it is too close
AWAY = 8.0  # metres from a crossing where a walker no longer uses it
LIMITS: Mapping[str, tuple[float, float, float]] = {  # m/s, m/s2 faster, m/s2 slower
    "car": (25.0, 4.5, 9.0),
    "truck": (25.0, 3.5, 8.0),
    "pedestrian": (3.5, 4.0, 4.0),
}
SIDEWAYS = 4.0  # m/s2 across the road that a vehicle bears
HARD = 2.2  # m/s2 that nobody brakes by for comfort


def density(scene: Scene) -> str:
    """By the vehicles beside the one under test."""
    others = len(scene.vehicles) - 1
    return "no" if others < 1 else "light" if others <= 2 else "medium" if others <= 5 else "dense"


def cuts_in(scene: Scene) -> bool:
    """Whether somebody cuts in."""
    return any(cuts_in_front(scene, one) for one in scene.vehicles[1:])


def cuts_in_front(scene: Scene, one: Mover) -> bool:
    """Whether a vehicle comes from another lane into that of the vehicle under test, in front of it
    and closer than CLOSE seconds or ten metres."""
    ego = scene.ego
    speed = np.append(ego.along(), ego.along()[-1])
    beside = np.abs(one.d - ego.d)
    between = one.s - ego.s - (one.size[0] + ego.size[0]) / 2
    enters = np.flatnonzero((beside[:-1] >= LANE / 2) & (beside[1:] < LANE / 2)) + 1
    close = (between[enters] > 0) & (between[enters] < np.maximum(CLOSE * speed[enters], 10.0))
    return bool(np.ptp(one.d) > LANE / 2 and close.any())


def jaywalks(scene: Scene) -> bool:
    """Whether somebody walks on the road away from the crossing."""
    return any(jaywalks_there(scene, one) for one in scene.movers)


def jaywalks_there(scene: Scene, one: Mover) -> bool:
    """Whether this one does."""
    on_road = np.abs(one.d) < scene.road.width / 2 - 0.3
    crossing = scene.road.crossing
    if crossing is not None:
        on_road &= np.abs(one.s - crossing) > AWAY
    return one.walks and int(on_road.sum()) >= 2


def told(scene: Scene) -> str:
    """A caption such as "rain, dense traffic, a cut-in, a jaywalker"."""
    words = [scene.weather, f"{density(scene)} traffic"]
    words += ["a cut-in"] if cuts_in(scene) else []
    words += ["a jaywalker"] if jaywalks(scene) else []
    return ", ".join(words)


# --- what is possible -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Faults:
    """speed, push, side: movers beyond the limits of their kind; overlaps: pairs that are in one
    place; astray: vehicles beside the road."""

    speed: int = 0
    push: int = 0
    side: int = 0
    overlaps: int = 0
    astray: int = 0

    @property
    def possible(self) -> bool:
        return not (self.speed or self.push or self.side or self.overlaps or self.astray)


def faults(scene: Scene) -> Faults:
    """What cannot be in the world."""
    speed = push = side = astray = 0
    for one in scene.movers:
        fastest, faster, slower = LIMITS[one.kind]
        along = one.along()
        change = np.diff(along) / STEP
        speed += bool((one.speeds() > fastest).any() or (along.min() < -0.3 and not one.walks))
        push += bool((change > faster).any() or (change < -slower).any())
        if not one.walks:
            side += bool((np.abs(np.diff(one.d, n=2)) / STEP**2 > SIDEWAYS).any())
            astray += bool((np.abs(one.d) > scene.road.width / 2 - 0.3 * one.size[1]).any())
    return Faults(speed, push, side, _overlaps(scene), astray)


def _overlaps(scene: Scene) -> int:
    """Pairs whose boxes, along the road, ever meet."""
    found = 0
    for n, a in enumerate(scene.movers):
        for b in scene.movers[n + 1 :]:
            long = np.abs(a.s - b.s) < (a.size[0] + b.size[0]) / 2
            wide = np.abs(a.d - b.d) < (a.size[1] + b.size[1]) / 2
            found += bool((long & wide).any())
    return found


def hazard(scene: Scene, moment: int, ahead: float = 3.0) -> bool:
    """Whether the vehicle under test brakes harder than HARD within `ahead` seconds of a moment."""
    change = np.diff(scene.ego.along()) / STEP
    return bool((change[moment : moment + round(ahead / STEP)] < -HARD).any())
