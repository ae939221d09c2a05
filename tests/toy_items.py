"""Toy items of every medium, small and real: what `toys.ITEMS` names for each codec.

Knows media alone; no recipe, net or training.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

SENTENCES = (
    "the cat sat on the mat. ",
    "a dog ran in the park. ",
    "we saw three red ships. ",
    "no one came to the hall. ",
)


def texts(count: int = 24) -> list[str]:
    return [SENTENCES[n % 4] * (2 + n % 3) for n in range(count)]


def talks(count: int = 24) -> list[Any]:
    """Short conversations in which every third question has an answer of its own."""
    return [
        {"prompt": f"say {'abc'[n % 3]}", "completion": ("one", "two", "three")[n % 3]}
        for n in range(count)
    ]


def preferences(count: int = 24) -> list[Any]:
    """Questions of which the better answer begins as the question ends."""
    return [
        {"prompt": f"say {'abc'[n % 3]}", "chosen": "abc"[n % 3] * 2, "rejected": "no"}
        for n in range(count)
    ]


def pairs(count: int = 24) -> list[Any]:
    """Short sources of which every third has a completion of its own."""
    return [
        {"source": f"say {'abc'[n % 3]} {n}", "target": ("one", "two", "three")[n % 3]}
        for n in range(count)
    ]


def molecules(count: int = 24) -> list[Any]:
    """Chains and rings of which some have a branch."""
    rings = ("c1ccccc1", "C1CCNCC1", "c1ccncc1")
    return [f"{'C' * (1 + n % 5)}{rings[n % 3]}{'O' * (n % 2)}" for n in range(count)]


def asked_of_tables(count: int = 24) -> list[Any]:
    """Questions about a table with the queries that answer them."""
    out = []
    for n in range(count):
        table, column = f"t{n % 3}", ("no", "age")[n % 2]
        lines = f"table: {table}\ncolumns: name, {column}\nq: whose {column} is {n % 5}?"
        condition = f"WHERE \"{column}\" = '{n % 5}' COLLATE NOCASE"
        out.append({"source": lines, "target": f'SELECT "name" FROM "{table}" {condition}'})
    return out


def extracts(count: int = 8) -> list[Any]:
    """Sentences of texts whose last one says it all."""
    from genloom.codec.pair.summary import Text

    made = [
        Text.of(
            {
                "source": [f"We went to town {n}.", "It rained.", f"We propose plan {n}."],
                "target": f"A plan {n}.",
            }
        )
        for n in range(count)
    ]
    return [one for text in made for one in text.graded()]


def tunes(count: int = 24) -> list[str]:
    """Four bars of a jig or a waltz, in three keys; no two begin alike."""
    out = []
    for n in range(count):
        metre, form = (("6/8", "{0}{1}{2} {2}2{1}"), ("3/4", "{0}2 {1}2 {2}2"))[n % 2]
        notes = ["GABcdef"[(n * step + step) % 7] for step in (1, 2, 3, 4)] + ["GABcdef"[n // 7]]
        bars = "|".join(form.format(*(notes[(k + m) % 5] for k in range(3))) for m in range(4))
        title = f"{chr(97 + n)}ula"
        out.append(f"X:1\nT:{title}\nM:{metre}\nL:1/8\nK:{'GDA'[n % 3]}\n{bars}|]\n")
    return out


def frame(count: int = 64) -> Any:
    import pandas

    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, count)
    job = np.where(age > 60, "retired", rng.choice(["clerk", "cook"], count))
    pay = np.round(rng.normal(1000 + 10.0 * age, 50.0), 2)
    return pandas.DataFrame({"age": age, "job": job, "pay": pay})


def captioned(count: int = 24) -> list[Any]:
    """8 x 8 pictures: bright above or bright below, and told so."""
    from PIL import Image

    from genloom.codec.image.pictures import Picture

    rng = np.random.default_rng(1)
    out = []
    for n in range(count):
        pixels = rng.integers(0, 60, (8, 8, 3), dtype=np.uint8)
        half = slice(0, 4) if n % 2 else slice(4, 8)
        pixels[half] += 180
        caption = "above" if n % 2 else "below"
        out.append(Picture(Image.fromarray(pixels), caption))
    return out


def labelled(count: int = 24) -> list[Any]:
    """8 x 8 pictures of one or two bright squares, and the mask that says where they are."""
    from PIL import Image

    from genloom.codec.image.labelled_item import Labelled
    from genloom.codec.image.pictures import Picture

    rng = np.random.default_rng(2)
    out = []
    for n in range(count):
        pixels = rng.integers(0, 60, (8, 8, 3), dtype=np.uint8)
        mask = np.zeros((8, 8), np.uint8)
        mask[1:3, 1:4] = 1
        if n % 2:
            mask[5:8, 4:7] = 2
        pixels[mask > 0] += 150
        out.append(
            Labelled(picture=Picture(Image.fromarray(pixels)), mask=mask, classes=("car", "sign"))
        )
    return out


def sounds(count: int = 24) -> list[Any]:
    """A tenth of a second of a low or a high tone, and told so."""
    from genloom.codec.sound.recordings import Recording
    from genloom.sound.wave import Sound

    rng = torch.Generator().manual_seed(4)
    time = torch.arange(800) / 8000
    out = []
    for n in range(count):
        tone = torch.sin(2 * math.pi * (300 if n % 2 else 1500) * time)
        noise = torch.randn(800, generator=rng) * 0.05
        out.append(Recording(Sound((0.4 * tone + noise)[None], 8000), "low" if n % 2 else "high"))
    return out


def clips(count: int = 24) -> list[Any]:
    """Four frames of 8 x 8 in which a bright square moves left or right, and told so."""
    from genloom.codec.video.clips import Clip
    from genloom.codec.video.frames import Frames

    rng = np.random.default_rng(5)
    out = []
    for n in range(count):
        pixels = rng.integers(0, 40, (4, 8, 8, 1), dtype=np.uint8)
        for time in range(4):
            at = 1 + time if n % 2 else 5 - time
            pixels[time, 2:5, at : at + 2] += 200
        out.append(Clip(Frames(pixels, 4.0), "moving right" if n % 2 else "moving left"))
    return out


def chorales(count: int = 24) -> list[Any]:
    """Two bars of chords on the degrees I, IV and V, each voice holding its notes."""
    from genloom.codec.chorale.item import Chorale

    chords = np.array([(72, 67, 64, 48), (72, 69, 65, 53), (71, 67, 62, 55)])
    rng = np.random.default_rng(3)
    made = (chords[rng.integers(0, 3, 4)].repeat(4, 0) for _ in range(count))
    return [Chorale(voices) for voices in made]


def shapes(count: int = 12) -> list[Any]:
    """Boxes and cylinders of several sizes, called so."""
    from genloom.shape.solids import Form, Solid

    made = []
    for n in range(count):
        kind, size = ("box", "cylinder")[n % 2], 0.6 + 0.1 * (n % 4)
        solid = Solid(kind=kind, size=(size, size, 0.8), colour=(200, 40 * (n % 3), 60))
        made.append(Form(solids=(solid,), caption=kind))
    return made


def scenes(count: int = 12) -> list[Any]:
    """Driving scenes in light traffic."""
    from genloom.drive.simulator import simulate_many

    return simulate_many(count, 0, density="light", events=frozenset())


def sequences(count: int = 24) -> list[str]:
    """Short proteins that begin alike and repeat a motif."""
    return [f"MK{'AL' * (2 + n % 3)}{'DEKR'[n % 4] * 3}W" for n in range(count)]
