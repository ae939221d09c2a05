"""Driving scenes <-> arrays: a row for the road and the weather, and one for each mover.

A mover is its kind, where it is at first, and speeds along and places across the road at knots of
time between which curves are smooth; so what is made moves smoothly, whatever the numbers are.
Where others are is told from the vehicle under test, near which everything happens, and who cuts in
and who walks have rows of their own: whether something happens is whether its row is there.
Knows scenes and numbers; no net. What stands in the files lies beside it.
Shape legend: N scenes, R rows (the road and R - 1 movers), C channels, K knots, T moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.drive.asking import asked
from genloom.codec.drive.files import read_scenes, scene_bytes
from genloom.codec.drive.looks import sheet_bytes
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.drive.curves import at_knots, between_knots
from genloom.drive.scene import KINDS, MOMENTS, ROAD, STEP, WEATHERS, Mover, Road, Scene
from genloom.drive.seen import cuts_in_front, faults, jaywalks_there, told
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.energy import energy_distance
from genloom.spec import ArraySpec, Request

KNOTS = 9  # every third moment
APART = (MOMENTS - 1) // (KNOTS - 1)  # moments from knot to knot
FAST, WIDE, BENT = 10.0, 7.0, 1 / 200  # m/s, m and 1/m that are 1, or 1 above the middle
NEAR = 64.0  # metres along the road from the vehicle under test that are 1
FIRST = 32.0  # metres, where that itself usually begins
OWN, CUTTER, WALKER, REST = 1, 2, 3, 4  # columns: under test, who cuts in, one who walks, the rest
# Channels: is there one, kind, weather, lanes, curvature, crossing and where, then the movement.
THERE, KIND, WEATHER, LANES, CURVE, CROSSING = 0, 1, 4, 8, 9, 10
MOVES = 12
CHANNELS = MOVES + 1 + 2 * KNOTS


class DriveCodec:
    """Driving scenes as float arrays.

    movers  most of a scene, with the vehicle under test; others of larger scenes are left out, the
            farthest first
    """

    kind: ClassVar[str] = "drive"
    media: ClassVar[str] = "application/vnd.genloom.drive+json"
    suffix: ClassVar[str] = ".json"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    lossy: ClassVar[bool] = True
    travels: ClassVar[bool] = False
    told_where: ClassVar[bool] = True
    takes: ClassVar[frozenset[str]] = frozenset({"tries"})
    usual_tries: ClassVar[int] = 4  # scenes drawn for each that is kept

    def __init__(self, *, movers: int = 11) -> None:
        if not REST <= movers <= 64:
            raise RecipeError(f"codec.movers is {movers}: use {REST} to 64")
        self.movers = movers

    @property
    def spec(self) -> ArraySpec:
        return ArraySpec(grid=(1 + self.movers,), channels=CHANNELS)

    # --- files ------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_scenes(path)

    def write(self, item: Scene, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """JSON, OpenDRIVE (.xodr: the road), OpenSCENARIO (.xosc: the movements) or a picture from
        above (.png, with the classes in name_mask.png)."""
        for place, content in scene_bytes(item, Path(path), record):
            write_atomic(place, content)
        return False

    def preview(self, items: Iterable[Any], path: Path, columns: int | None = None) -> Path:
        """A sheet of pictures from above."""
        return write_atomic(Path(path), sheet_bytes([*items], columns))

    def save(self, folder: Path) -> None:
        save_json(folder, self.kind, {"movers": self.movers})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({"movers"}))
        try:
            return cls(**values)
        except (RecipeError, TypeError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Scene]) -> None:
        """Nothing is learnt; scales are fixed, so that metres stay metres."""
        if not len(items):
            raise DataError("no scenes to learn from: give at least one")

    def encode(self, items: Sequence[Scene]) -> Tensor:
        """float [N, C, R], mostly within [-1, 1]."""
        out = torch.zeros(len(items), CHANNELS, 1 + self.movers)
        for row, scene in enumerate(items):
            out[row] = torch.from_numpy(self._array(scene))
        return out

    def _array(self, scene: Scene) -> np.ndarray:
        x = np.zeros((CHANNELS, 1 + self.movers), np.float32)
        x[THERE] = -1
        x[WEATHER : WEATHER + 4, 0] = -1
        x[WEATHER + WEATHERS.index(scene.weather), 0] = 1
        road = scene.road
        x[LANES, 0], x[CURVE, 0] = road.lanes - 2.5, road.curvature / BENT
        x[CROSSING, 0] = -1 if road.crossing is None else 1
        x[CROSSING + 1, 0] = 0 if road.crossing is None else 2 * road.crossing / ROAD - 1
        for column, one in self._columns(scene).items():
            x[THERE, column] = 1
            x[KIND : KIND + 3, column] = -1
            x[KIND + KINDS.index(one.kind), column] = 1
            start, speeds = at_knots(one.s, KNOTS, STEP)
            x[MOVES, column] = (start - (FIRST if column == OWN else scene.ego.s[0])) / NEAR
            x[MOVES + 1 : MOVES + 1 + KNOTS, column] = speeds / FAST - (0 if one.walks else 1)
            beside = 0.0 if one.walks or column == OWN else scene.ego.d
            x[MOVES + 1 + KNOTS :, column] = (one.d - beside)[::APART] / WIDE
        return x

    def _columns(self, scene: Scene) -> dict[int, Mover]:
        """Who stands in which column: vehicles of the rest from front to back, then who walks. Of
        more than there is room for, the nearest to the vehicle under test."""
        ego, *others = scene.movers
        others.sort(key=lambda m: abs(m.s[0] - ego.s[0]))
        cutter = next((m for m in others if not m.walks and cuts_in_front(scene, m)), None)
        jays = [m for m in others if jaywalks_there(scene, m)]
        walker = next((m for m in [*jays, *others] if m.walks), None)
        rest = [m for m in others if m is not cutter and m is not walker][: self.movers + 1 - REST]
        rest.sort(key=lambda m: (m.walks, -m.s[0]))
        own = {OWN: ego, CUTTER: cutter, WALKER: walker, **dict(enumerate(rest, start=REST))}
        return {column: one for column, one in own.items() if one is not None}

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Scene]:
        return [self._scene(one) for one in x]

    def _scene(self, one: Tensor) -> Scene:
        x = torch.nan_to_num(one.detach().float().cpu()).clamp(-4, 4).double().numpy()
        crossing = round(float((x[CROSSING + 1, 0] + 1) / 2 * ROAD), 1)
        road = Road(
            lanes=int(np.clip(round(float(x[LANES, 0]) + 2.5), 1, 6)),
            curvature=float(np.clip(x[CURVE, 0] * BENT, -0.02, 0.02)),
            crossing=crossing if x[CROSSING, 0] > 0 else None,
        )
        ego = self._mover(x[:, OWN], FIRST, None)  # a scene is about somebody
        others = [
            self._mover(x[:, column], float(ego.s[0]), ego)
            for column in range(OWN + 1, x.shape[1])
            if x[THERE, column] > 0
        ]
        scene = Scene(
            road=road,
            weather=WEATHERS[int(x[WEATHER : WEATHER + 4, 0].argmax())],
            movers=(ego, *others),
        )
        return Scene(
            road=scene.road, weather=scene.weather, movers=scene.movers, caption=told(scene)
        )

    def _mover(self, column: np.ndarray, first: float, ego: Mover | None) -> Mover:
        """first: the place along the road that starts are told from. Vehicles do not drive
        backwards."""
        kind = KINDS[int(column[KIND : KIND + 3].argmax())]
        walks = kind == KINDS[-1]
        speeds = (column[MOVES + 1 : MOVES + 1 + KNOTS] + (0 if walks else 1)) * FAST
        if not walks:
            speeds = np.maximum(speeds, 0.0)
        along = between_knots(speeds, MOMENTS)
        if not walks:
            along = np.maximum(along, 0.0)
        start = column[MOVES] * NEAR + first
        steps = (along[1:] + along[:-1]) / 2 * STEP
        s = start + np.concatenate(([0.0], np.cumsum(steps)))
        across = between_knots(column[MOVES + 1 + KNOTS :] * WIDE, MOMENTS)
        beside = 0.0 if walks or ego is None else ego.d
        return Mover(kind=kind, s=s, d=across + beside)

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Scene]) -> list[str]:
        """What is seen in each."""
        return [told(item) for item in items]

    def worded(self, prompt: str | None, where: Any) -> str | None:
        """The prompt as training said it: "rain, dense traffic, a cut-in" of "cut-in in the rain,
        dense"; what is not said is clear weather and medium traffic."""
        return None if prompt is None and where is None else asked(prompt, where)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if where is not None:
            raise RequestError("this model was trained without conditions: leave out --where")
        return Condition()

    def strays(self, items: Sequence[Scene], asked: Request) -> list[float]:
        """How far each is from what was asked for: what is not as asked and what cannot be."""
        wanted = asked.prompt and self.worded(str(asked.prompt), None)
        return [
            2.0 * bool(wanted and item.caption != wanted) + sum(vars(faults(item)).values())
            for item in items
        ]

    def natural_side(self, items: Any) -> None:
        """Scenes have no sides in pixels."""

    def features(self, items: Iterable[Scene]) -> Tensor:
        """float [N, F]: the array itself."""
        return self.encode([*items]).flatten(1)

    def compare(self, real: Sequence[Scene], made: Sequence[Scene]) -> dict[str, float]:
        """How far apart the two collections are as clouds."""
        return {"scene_distance": energy_distance(self.features(real), self.features(made))}
