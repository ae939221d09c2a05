"""Models that are trained in a second, and a server on a free loopback port in a thread.

What it runs is the program's own server; only its socket and its thread are the test's.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import databases
import numpy as np
import pandas as pd
from PIL import Image
from toy_items import molecules, sequences
from toys import clips, sounds, texts, tunes

from genloom import api
from genloom.codec.shape.collections import write_forms
from genloom.codec.sound.files import wav_bytes
from genloom.server.app import make_app
from genloom.server.serving import Server, address, config_of, listen
from genloom.server.settings import Settings
from genloom.shape.solids import Form, Solid

LITTLE = ("train.steps=6", "train.judge=0", "train.preview=0", "data.batch=8")
NARROW = (*LITTLE, "net.net.width=32", "net.net.heads=2", "net.net.depth=1")


_SPEAKERS: list[Path] = []  # where the first one lies


def words(home: Path, name: str = "words") -> str:
    """A model of texts."""
    file = home / "words.txt"
    file.write_text("\n\n".join(texts(60)), encoding="utf-8")
    changes = (*NARROW, "codec.length=64")
    api.train("text", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


def plain_words(home: Path, name: str = "plain-words") -> str:
    """A model of texts of a kind that other libraries know."""
    file = home / "plain-words.txt"
    file.write_text("\n\n".join(texts(60)), encoding="utf-8")
    plain = ("net.net.activation=swiglu", "net.net.softcap=0.0")
    changes = (*NARROW, *plain, "codec.length=64")
    api.train("text", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


def sprites(home: Path, name: str = "sprites", mode: str = "RGBA") -> str:
    """A model of 8 x 8 pictures with labels, by flow: it also goes on from a given picture."""
    rng, folder = np.random.default_rng(1), home / f"{name}-pictures"
    for label, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
        (folder / label).mkdir(parents=True)
        for n in range(24):
            pixels = np.zeros((8, 8, 4), np.uint8)
            at = rng.integers(0, 5)
            pixels[at : at + 3, 2:6] = (*colour, 255)
            Image.fromarray(pixels).convert(mode).save(folder / label / f"{n}.png")
    changes = (*NARROW, "codec.size=8", "family.steps=4")
    api.train("image", folder, out=home / "models" / name, size="tiny", changes=changes)
    return name


def moving(home: Path, name: str = "moving") -> str:
    """A model of clips of four frames in which a square goes left or right."""
    changes = (*NARROW, "codec.size=8", "family.steps=4", "net.net.patches=[2,4,4]")
    place = home / "models" / name
    api.train("video", clips(24), out=place, size="tiny", changes=changes)
    return name


def people(home: Path, name: str = "people") -> str:
    """A model of tables: age (number), city (two of them), code (with a zero in front)."""
    rng, file = np.random.default_rng(2), home / "people.csv"
    age = rng.integers(18, 80, 400)
    city = np.where(rng.random(400) < age / 100, "north", "south")
    code = np.where(rng.random(400) < 0.5, "A07", "B11")
    pd.DataFrame({"age": age, "city": city, "code": code}).to_csv(file, index=False)
    changes = (*LITTLE, "net.net.width=32", "net.net.summed=32")
    api.train("table", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


def speakers(home: Path, name: str = "speakers") -> str:
    """A model of speech with two voices, which says low and high; trained once a process."""
    place = home / "models" / name
    if _SPEAKERS and _SPEAKERS[0].is_dir():
        shutil.copytree(_SPEAKERS[0], place)
        return name
    folder = home / f"{name}-recordings"
    folder.mkdir()
    for n, one in enumerate(sounds(24)):
        file = folder / f"{one.caption}_{('ann', 'bob')[n // 2 % 2]}_{n}.wav"
        file.write_bytes(wav_bytes(one.open()))
    changes = (*LITTLE, "net.net.width=32", "net.net.heads=2", "net.net.depth=1")
    changes = (*changes, "prompt.letters=plain", "family.steps=2")
    api.train("speech", folder, out=place, size="tiny", changes=changes)
    _SPEAKERS.append(place)
    return name


def ears(home: Path, name: str = "ears") -> str:
    """A model that writes down what it hears, low or high."""
    frames = ("codec.rate=8000", "codec.window=256", "codec.hop=64", "codec.bands=16")
    sizes = ("codec.fold=2", "net.net.width=32", "net.net.heads=2", "net.net.depth=1")
    steps = ("train.steps=40", "train.preview=0", "train.compile=off", "data.holdout=0")
    changes = (*frames, *sizes, *steps)
    api.train("recogniser", sounds(24), out=home / "models" / name, size="tiny", changes=changes)
    return name


def shaper(home: Path, name: str = "shaper") -> str:
    """A model of boxes and cylinders of known heights that has hardly learnt; what it makes is
    closed all the same."""
    solids = [
        Solid(kind=("box", "cylinder")[n % 2], size=(0.6, 0.6, 0.6), centre=(0, 0.3 + n / 99, 0))
        for n in range(24)
    ]
    forms = [
        Form(solids=(one,), caption=f"{one.kind}, height {0.6 + n / 99:.2f}")
        for n, one in enumerate(solids)
    ]
    file = write_forms(forms, home / "boxes.jsonl")
    changes = (*LITTLE, "net.net.width=32", "net.net.heads=2", "net.net.depth=1")
    changes = (*changes, "codec.size=8", "codec.band=2", "family.steps=2", "train.steps=60")
    changes = (*changes, "codec.scale=item")
    api.train("shape", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


def fiddler(home: Path, name: str = "fiddler") -> str:
    """A model of tunes that has hardly learnt; its form lets bars add up all the same."""
    folder = home / "tunes"
    folder.mkdir()
    (folder / "tunes.abc").write_text("\n".join(tunes(24)))
    changes = (*LITTLE, "net.net.width=32", "net.net.heads=2", "net.net.depth=1")
    changes = (*changes, "codec.length=256", "codec.variations=1")
    api.train("folk", folder, out=home / "models" / name, size="tiny", changes=changes)
    return name


def chemist(home: Path, name: str = "chemist") -> str:
    """A model of molecules that has hardly learnt; its grammar makes molecules all the same."""
    file = home / "molecules.smi"
    file.write_text("\n".join(map(str, molecules(48))))
    changes = (*NARROW, "codec.length=48")
    api.train("molecule", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


def biologist(home: Path, name: str = "biologist") -> str:
    """A model of proteins that has hardly learnt."""
    file = home / "proteins.fasta"
    file.write_text("\n".join(f">p{n} kinase\n{one}" for n, one in enumerate(sequences(24))))
    changes = (*NARROW, "codec.length=48")
    api.train("protein", file, out=home / "models" / name, size="tiny", changes=changes)
    return name


@dataclass(kw_only=True)
class Running:
    """url: where it answers, without /v1."""

    url: str
    server: Server
    data: Path = field(default_factory=Path)


@contextmanager
def running(
    data: Path, models: Sequence[str] = (), pages: Sequence[Any] = (), **settings: Any
) -> Iterator[Running]:
    """A server on a free port, ready when the block begins, drained when it ends."""
    settings = {"port": 0, "database": databases.of(data), **settings}
    told = replace(Settings(), data=data, models=tuple(models), **settings)
    listening, up = listen(told.host, told.port), threading.Event()
    app = make_app(told, pages)
    server = Server(config_of(told, app), app, told.drain_seconds)
    server.when_started = up.set

    def run() -> None:
        try:
            asyncio.run(server.serve(sockets=[listening]))
        finally:
            up.set()

    thread = threading.Thread(target=run, name="server")
    thread.start()
    try:
        assert up.wait(60) and server.started, "the server did not start"
        yield Running(url=address(told, listening), server=server, data=data)
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()
        assert not thread.is_alive(), "the server did not end"
