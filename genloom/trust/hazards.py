"""Whether made rare cases teach: a detector of hazards that saw them, beside one that did not.

A small network sees two and a half seconds of a scene and says whether the vehicle under test will
have to brake hard within the next three. It learns from scenes as they come, in which rare cases
are few (floor); from these and made rare ones; and from these and as many simulated rare ones
(ceiling). All are tried on held-out rare scenes.
Shape legend: N scenes, F features, M movers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from genloom import api
from genloom.drive.scene import WEATHERS, Scene
from genloom.drive.seen import hazard
from genloom.trust.made_scenes import make
from genloom.trust.quality import Row

MOMENT = 10  # so many quarters of a second have been seen: before, what is coming hardly shows
AROUND = 6  # movers that are nearest
RARE = ("a cut-in", "a jaywalker")
COMMON, FEW, MADE = 1500, 20, 600  # scenes of a training set: common, rare, rare ones added
STEPS, WIDTH = 800, 96
LEAST = 20  # hazards among those tried, below which nothing is told
SEEDS = 3


def looked(scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
    """What is seen by the moment, float [N, F], and whether a hazard follows, float [N]."""
    rows = [_seen(scene) for scene in scenes]
    return torch.tensor(np.stack(rows)).float(), torch.tensor(
        [float(hazard(scene, MOMENT)) for scene in scenes]
    )


def _seen(scene: Scene) -> np.ndarray:
    """Speed, weather and, of the nearest movers ahead, where they are and how they move."""
    ego, k = scene.ego, MOMENT
    own = ego.along()[k - 1]
    rest = [m for m in scene.movers[1:] if m.s[k] > ego.s[k] - 2]
    rest = sorted(rest, key=lambda m: m.s[k] - ego.s[k])[:AROUND]
    out = [own / 10, *[float(scene.weather == sky) for sky in WEATHERS]]
    for n in range(AROUND):
        if n >= len(rest):
            out += [0.0] * 6
            continue
        one = rest[n]
        out += [
            1.0,
            float(one.walks),
            (one.s[k] - ego.s[k]) / 30,
            (one.d[k] - ego.d[k]) / 3.5,
            (one.along()[k - 1] - own) / 5,
            (one.d[k] - one.d[k - 2]) / 0.5,
        ]
    return np.array(out, np.float32)


class Detector(nn.Sequential):
    def __init__(self, features: int) -> None:
        super().__init__(
            nn.Linear(features, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, 1),
        )


def taught(x: Tensor, hazards: Tensor, seed: int) -> Detector:
    """The same seed teaches the same one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Detector(x.shape[1])
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(x), (128,), generator=rng)
        loss = F.binary_cross_entropy_with_logits(net(x[rows])[:, 0], hazards[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def ranked(net: Detector, x: Tensor, hazards: Tensor) -> float:
    """How often a hazard is ranked above what is none (area under the ROC curve)."""
    score = net(x)[:, 0]
    one, none = score[hazards > 0.5], score[hazards < 0.5]
    above = (one[:, None] > none).float() + 0.5 * (one[:, None] == none).float()
    return float(above.mean())


def rare(scene: Scene) -> bool:
    return any(mark in (scene.caption or "") for mark in RARE)


def usefulness(
    model: api.Model, train: Sequence[Scene], held: Sequence[Scene], *, seed: int
) -> list[Row]:
    """No rows where too few rare scenes are held out or learnt from, or none can be asked for."""
    cases = [scene for scene in train if rare(scene)]
    usual = [*[scene for scene in train if not rare(scene)][:COMMON], *cases[:FEW]]
    real = cases[FEW : FEW + MADE]
    x, hazards = looked([scene for scene in held if rare(scene)])
    none = int((hazards < 0.5).sum())
    if model.prompts is None or min(int(hazards.sum()), none, len(usual), len(real)) < LEAST:
        return []
    codec: Any = model.codec
    captions = codec.captions(real)
    made = make(model, captions, seed + 1, tries=codec.usual_tries)
    found = []
    for more in (made, [], real):
        features, wanted = looked([*usual, *more])
        nets = [taught(features, wanted, seed + n) for n in range(SEEDS)]
        found.append(float(np.mean([ranked(net, x, hazards) for net in nets])))
    return [
        Row(
            metric="hazard_auc",
            value=found[0],
            floor=found[1],
            ceiling=found[2],
            better="higher",
            note=f"of a detector on {len(x)} held-out rare scenes, a mean over {SEEDS} seeds: "
            f"taught by {len(usual):,} scenes with {FEW} rare ones and by {len(made)} made rare "
            "ones; floor: without these; ceiling: as many simulated rare ones",
        )
    ]
