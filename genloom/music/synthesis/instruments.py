"""The instruments by name, and which of them stands for each General MIDI programme.

Gains are set by measurement: a middle C at full force has about the same loudness on each.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from genloom.errors import RequestError
from genloom.music.synthesis.notes import Notes
from genloom.music.synthesis.plucked import Plucked
from genloom.music.synthesis.struck import Struck
from genloom.music.synthesis.sustained import Sustained


class Instrument(Protocol):
    """Anything that makes notes into sounds. release: seconds that it sounds on after a note."""

    @property
    def release(self) -> float: ...

    def play(self, notes: Notes, samples: int, rate: int) -> Tensor: ...


INSTRUMENTS: dict[str, Instrument] = {
    "piano": Struck(gain=0.5),
    "electric piano": Struck(
        stiffness=1e-5, decay=1.6, hardness=3.0, position=0.3, damping=0.6, gain=0.45
    ),
    "mallets": Struck(
        stiffness=1e-5, decay=0.35, hardness=1.5, damping=1.2, position=0.5, after=0.05, gain=0.5
    ),
    "guitar": Plucked(gain=0.9),
    "harp": Plucked(sustain=5.0, damping=0.4, position=0.4, brightness=14.0, release=0.6),
    "harpsichord": Plucked(sustain=3.0, damping=0.12, position=0.09, brightness=60.0, gain=1.2),
    "banjo": Plucked(sustain=1.4, damping=0.2, position=0.1, brightness=40.0, gain=1.2),
    "bass": Plucked(sustain=3.5, damping=0.45, position=0.25, brightness=12.0, gain=1.1),
    "organ": Sustained(
        harmonics=(1.0, 0.7, 0.35, 0.4, 0.1, 0.2, 0.03, 0.15), slope=14, bright=2, attack=0.025,
        release=0.16, breath=0.012, chiff=0.08, gain=0.3,
    ),
    "strings": Sustained(
        harmonics=(1.0, 0.65, 0.45, 0.38, 0.2, 0.2, 0.12), slope=9, bright=5, attack=0.09,
        release=0.22, vibrato=9, speed=5.6, breath=0.02, swell=0.25, gain=0.3,
    ),
    "flute": Sustained(
        harmonics=(1.0, 0.32, 0.12, 0.05, 0.02), slope=18, bright=6, attack=0.05, release=0.1,
        vibrato=7, speed=5.0, breath=0.05, chiff=0.25, gain=0.33,
    ),
    "whistle": Sustained(
        harmonics=(1.0, 0.12, 0.05), slope=18, bright=4, attack=0.02, release=0.06, vibrato=4,
        breath=0.06, chiff=0.3, gain=0.33,
    ),
    "reed": Sustained(
        harmonics=(1.0, 0.05, 0.6, 0.05, 0.35, 0.06, 0.2), slope=12, bright=5, attack=0.035,
        release=0.1, vibrato=4, breath=0.02, gain=0.3,
    ),
    "accordion": Sustained(
        harmonics=(1.0, 0.8, 0.6, 0.5, 0.4, 0.3, 0.25), slope=9, bright=3, attack=0.03,
        release=0.08, breath=0.01, gain=0.28,
    ),
    "brass": Sustained(
        harmonics=(1.0, 0.9, 0.75, 0.55, 0.4, 0.3), slope=10, bright=9, attack=0.06, release=0.12,
        vibrato=5, late=0.4, swell=0.3, gain=0.3,
    ),
    "voices": Sustained(
        harmonics=(1.0, 0.5, 0.3, 0.08, 0.05, 0.06), slope=15, bright=4, attack=0.1, release=0.25,
        vibrato=11, speed=5.4, breath=0.03, gain=0.32,
    ),
}  # fmt: skip

# the last programme (from 0) of each run of General MIDI programmes -> what stands for it
_PROGRAMMES = (
    (3, "piano"), (5, "electric piano"), (7, "harpsichord"), (15, "mallets"), (20, "organ"),
    (23, "accordion"), (31, "guitar"), (39, "bass"), (44, "strings"), (45, "harp"), (46, "harp"),
    (47, "mallets"), (51, "strings"), (54, "voices"), (55, "brass"), (63, "brass"), (71, "reed"),
    (73, "flute"), (79, "whistle"), (80, "reed"), (87, "brass"), (95, "strings"), (103, "voices"),
    (106, "banjo"), (107, "harp"), (108, "mallets"), (109, "reed"), (110, "strings"),
    (111, "reed"), (119, "mallets"), (127, "whistle"),
)  # fmt: skip


def name_of(programme: int) -> str:
    """Of the instrument that stands for a General MIDI programme, 0 to 127."""
    return next(name for last, name in _PROGRAMMES if programme <= last)


# the General MIDI programme (from 0) that other programs are told for each of ours
CHOSEN = {
    "piano": 0, "electric piano": 4, "mallets": 11, "guitar": 24, "harp": 46, "harpsichord": 6,
    "banjo": 105, "bass": 32, "organ": 19, "strings": 48, "flute": 73, "whistle": 78, "reed": 68,
    "accordion": 21, "brass": 61, "voices": 52,
}  # fmt: skip


def programme_of(name: str) -> int:
    """The General MIDI programme of an instrument, or a number as it is. RequestError where there
    is no such instrument."""
    plain = name.strip().lower()
    if plain.isdecimal() and len(plain) < 4 and int(plain) <= 127:
        return int(plain)
    instrument(plain)
    return CHOSEN[plain]


def instrument(name: str) -> Instrument:
    found = INSTRUMENTS.get(name.strip().lower())
    if found is None:
        raise RequestError(f"no instrument {name[:40]!r}: use one of {', '.join(INSTRUMENTS)}")
    return found
