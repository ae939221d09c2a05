"""Driving scenes <-> arrays: a row for the road and the weather, and one for each mover.

A mover is its kind, where it is at first, and speeds along and places across the road at knots of
time between which curves are smooth; so what is made moves smoothly, whatever the numbers are.
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
from genloom.drive.seen import told
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.energy import energy_distance
from genloom.spec import ArraySpec

KNOTS = 9  # every third moment
APART = (MOMENTS - 1) // (KNOTS - 1)  # moments from knot to knot
FAST, WIDE, BENT = 10.0, 7.0, 1 / 200  # m/s, m and 1/m that are 1, or 1 above the middle
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

    def __init__(self, *, movers: int = 11) -> None:
        if not 1 <= movers <= 64:
            raise RecipeError(f"codec.movers is {movers}: use 1 to 64")
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
        for column, one in enumerate(self._ordered(scene), start=1):
            x[THERE, column] = 1
            x[KIND : KIND + 3, column] = -1
            x[KIND + KINDS.index(one.kind), column] = 1
            start, speeds = at_knots(one.s, KNOTS, STEP)
            x[MOVES, column] = 2 * start / ROAD - 1
            x[MOVES + 1 : MOVES + 1 + KNOTS, column] = speeds / FAST - (0 if one.walks else 1)
            x[MOVES + 1 + KNOTS :, column] = one.d[::APART] / WIDE
        return x

    def _ordered(self, scene: Scene) -> list[Mover]:
        """The vehicle under test, vehicles from front to back, then who walks."""
        ego, *rest = scene.movers
        near = sorted(rest, key=lambda m: abs(m.s[0] - ego.s[0]))[: self.movers - 1]
        return [ego, *sorted(near, key=lambda m: (m.walks, -m.s[0]))]

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
        movers = [self._mover(x[:, column]) for column in range(1, x.shape[1])]
        there = x[THERE, 1:] > 0
        there[0] = True  # a scene is about somebody
        scene = Scene(
            road=road,
            weather=WEATHERS[int(x[WEATHER : WEATHER + 4, 0].argmax())],
            movers=tuple(m for m, is_there in zip(movers, there, strict=True) if is_there),
        )
        return Scene(
            road=scene.road, weather=scene.weather, movers=scene.movers, caption=told(scene)
        )

    def _mover(self, column: np.ndarray) -> Mover:
        """Vehicles do not drive backwards."""
        kind = KINDS[int(column[KIND : KIND + 3].argmax())]
        walks = kind == KINDS[-1]
        speeds = (column[MOVES + 1 : MOVES + 1 + KNOTS] + (0 if walks else 1)) * FAST
        if not walks:
            speeds = np.maximum(speeds, 0.0)
        along = between_knots(speeds, MOMENTS)
        if not walks:
            along = np.maximum(along, 0.0)
        start = (column[MOVES] + 1) / 2 * ROAD
        steps = (along[1:] + along[:-1]) / 2 * STEP
        s = start + np.concatenate(([0.0], np.cumsum(steps)))
        return Mover(kind=kind, s=s, d=between_knots(column[MOVES + 1 + KNOTS :] * WIDE, MOMENTS))

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

    def natural_side(self, items: Any) -> None:
        """Scenes have no sides in pixels."""

    def features(self, items: Iterable[Scene]) -> Tensor:
        """float [N, F]: the array itself."""
        return self.encode([*items]).flatten(1)

    def compare(self, real: Sequence[Scene], made: Sequence[Scene]) -> dict[str, float]:
        """How far apart the two collections are as clouds."""
        return {"scene_distance": energy_distance(self.features(real), self.features(made))}
