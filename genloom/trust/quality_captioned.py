"""Whether made pictures show what their captions say, where captions are sentences and no classes.

A judge taught by real training pictures ranks the right caption of each made picture among others
that it never saw. The floor is chance, the ceiling what the judge does with the real pictures.
Knows no codec and no file. Shape legend: N pictures, C channels, H rows, W columns.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from genloom.metric.text_image import TextImage, retrieval, train_text_image
from genloom.trust.quality import Row

AMONG = 150  # captions that a picture is ranked against, its own with them
BEST = 10
ROUNDS = 5  # draws of captions, where more were held out
LEAST = 20  # unseen captions
REPEATS = 40  # at most, of each training picture


def caption_rows(
    train: Tensor,
    train_captions: Sequence[str],
    held: Tensor,
    made: Tensor,
    captions: Sequence[str],
    *,
    seed: int,
    shown: int,
) -> list[Row]:
    """made [N, C, H, W] was made with `captions`, which held [N, C, H, W] really have. Captions
    that training pictures have, too, are left out; no rows where few are left."""
    known = set(train_captions)
    first = {c: n for n, c in reversed(list(enumerate(captions))) if c and c not in known}
    if len(first) < LEAST or len(known) < LEAST:
        return []
    shown = min(shown, REPEATS * len(train))
    judge = train_text_image(train, train_captions, seed=seed, shown=shown)
    own, real = ranked(judge, (made, held), first, seed=seed)
    among = min(AMONG, len(first))
    return [
        Row(
            metric="caption_in_best_10",
            value=own,
            floor=min(1.0, BEST / among),
            ceiling=real,
            better="higher",
            note=f"the right one of {among} captions that no training picture has is among the "
            f"{BEST} that a judge taught by {len(train):,} real pictures ranks best; floor: "
            "chance; ceiling: the real pictures of these captions",
        )
    ]


def ranked(
    judge: TextImage, sides: Sequence[Tensor], first: Mapping[str, int], *, seed: int
) -> list[float]:
    """Of each side [N, C, H, W]: how often the right caption is among the BEST of AMONG. first: the
    place of a picture of each caption; a mean over draws where there are more captions."""
    rng, among = random.Random(seed), min(AMONG, len(first))
    right = torch.arange(among)
    found: list[list[float]] = [[] for _ in sides]
    for _ in range(ROUNDS if len(first) > among else 1):
        asked = rng.sample(sorted(first), among)
        rows = torch.tensor([first[caption] for caption in asked])
        for side, hits in zip(sides, found, strict=True):
            hits.append(retrieval(judge.score(side[rows], asked), right, BEST))
    return [sum(hits) / len(hits) for hits in found]
