"""How far made pictures are from real ones, in units of how far real ones are from each other.

A distance between two finite samples of one source is not zero, and nearest neighbours of real
pictures may be near: both figures are read beside the same of real pictures alone.
Shape legend: N, M vectors, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.metric.image import discrepancy, nearest_distance
from genloom.trust.quality import Row

ROUNDS = 10  # random halves
SHARE = 0.02  # of held-out real pictures that may count as copies


def kernel_row(real: Tensor, made: Tensor, floor: Tensor, *, seed: int) -> Row:
    """Kernel distance of made [N, F] to halves of real [M, F], over that of one half to the other.

    The discrepancy with its diagonal (Gretton et al. 2012, eq. 5) and equal counts, so that halves
    of one source have a distance above zero to divide by; a mean over random halves.
    """
    size = min(len(real) // 2, len(made), len(floor))
    rng = torch.Generator().manual_seed(seed)
    own, halves, bad = [], [], []
    for _ in range(ROUNDS):
        order = torch.randperm(len(real), generator=rng)
        one, other = real[order[:size]], real[order[size : 2 * size]]
        some = torch.randperm(len(made), generator=rng)[:size]
        own.append(discrepancy(one, made[some]))
        halves.append(discrepancy(one, other))
        bad.append(discrepancy(one, floor[torch.randperm(len(floor), generator=rng)[:size]]))
    base = sum(halves) / ROUNDS
    return Row(
        metric="kernel_ratio",
        value=sum(own) / ROUNDS / base,
        floor=sum(bad) / ROUNDS / base,
        ceiling=1.0,
        note=f"kernel distance of {size} made to as many real pictures over that of real to real "
        f"halves ({min(halves):.3g} to {max(halves):.3g} in {ROUNDS} draws); floor: pixels drawn "
        "one by one",
    )


def copies_row(made: Tensor, held: Tensor, train: Tensor) -> Row:
    """The share of made [N, F] nearer to training [M, F] than all but SHARE of held-out real
    pictures are. Where many of these have twins in training, the threshold is zero and exact copies
    are what is counted; the ceiling then says how many real pictures are."""
    far, real = (nearest_distance(side, train)[0] for side in (made, held))
    threshold = float(real.sort().values[int(SHARE * len(real))])
    return Row(
        metric="near_copies",
        value=_nearer(far, threshold),
        floor=1.0,
        ceiling=_nearer(real, threshold),
        note=f"share nearer to a training picture than {threshold:.3g}, as all but {SHARE:.0%} of "
        "held-out real ones are not (or equal to one, where that is zero); floor: copying; "
        "ceiling: held-out pictures",
    )


def _nearer(far: Tensor, threshold: float) -> float:
    near = far < threshold if threshold > 0 else far == 0
    return float(near.double().mean())
