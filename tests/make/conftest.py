"""A model of two voices, one that writes, and music in a file: each made once a session."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import small_server
import torch

from genloom import api, store
from genloom.codec.sound.files import wav_bytes
from genloom.make.brief import Brief, Voice
from genloom.sound.wave import Sound

SCRIPT = """# Hills
ANNA: Low hill. High hill!
## Wool
BEN: Who will go?
ANNA: I will. How low, how high?
[pause 0.5]
## Oil
BEN: Low oil. Ow.
"""


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of a model with the voices ann and bob, who learnt the letters of low and high."""
    home = tmp_path_factory.mktemp("voices")
    return str(home / "models" / small_server.speakers(home))


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> str:
    home = tmp_path_factory.mktemp("writer")
    file = home / "words.txt"
    file.write_text("The low hill is high. Who will go? " * 80, encoding="utf-8")
    changes = (*small_server.NARROW, "codec.length=1024", "codec.vocab=bytes", "train.steps=2")
    api.train("text", file, out=home / "words", size="tiny", changes=changes)
    return str(home / "words")


@pytest.fixture(scope="session")
def bed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Eight seconds of a chord."""
    time = torch.arange(8 * 8_000) / 8_000
    chord = sum(torch.sin(2 * math.pi * hertz * time) for hertz in (220, 277, 330))
    path = tmp_path_factory.mktemp("bed") / "bed.wav"
    path.write_bytes(wav_bytes(Sound(0.2 * torch.as_tensor(chord)[None], 8_000)))
    return str(path)


@pytest.fixture
def brief(voices: str, bed: str, tmp_path: Path) -> Brief:
    store.set_home(tmp_path)
    script = tmp_path / "hills.md"
    script.write_text(SCRIPT, "utf-8")
    who = {"anna": Voice(model=voices, voice="ann"), "ben": Voice(model=voices, voice="bob")}
    return Brief(title="Hills", voices=who, script=str(script), music=bed)
