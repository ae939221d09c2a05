"""What stands in the measures of one part of MusicXML: notes, rests, signs, chord symbols.

Knows elements and scores; not how the file is laid out. What cannot be music is a DataError.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree import ElementTree as XML

from genloom.errors import DataError
from genloom.music.keys import MODES, NATURAL, Key
from genloom.music.metre import Metre
from genloom.music.musicxml_words import KIND_NAMES, MODE_WORDS
from genloom.music.score import C_MAJOR, MOST_NOTES, Change, Chord, Note

MOST_DIVISIONS = 1 << 20
LONGEST = 1 << 24  # divisions of one note
_SIGNS = {"common": "C", "cut": "C|"}
_MAJORS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_ALTER = {-1: "b", 0: "", 1: "#"}


@dataclass
class BarSigns:
    """Of the measure that was read last."""

    begins: bool = False
    ends: int = 0
    endings: tuple[int, ...] = ()
    double: bool = False


class PartReader:
    """One part; `measure` is called for each in turn. drums: instrument -> pitch, {} for none."""

    def __init__(self, drums: dict[str, int]) -> None:
        self.drums = drums
        self.notes: list[Note] = []
        self.chords: list[Chord] = []
        self.changes: list[Change] = []
        self.key, self.tempo = C_MAJOR, 120.0
        self.metre: Metre | None = None
        self.signs = BarSigns()
        self.divisions = 1
        self._now: Metre | None = None
        self._begun = False
        self._at = self._last = Fraction(0)
        self._graces: list[int] = []
        self._takes: dict[str, Callable[[XML.Element], None]] = {
            "note": self._note,
            "forward": self._forward,
            "backup": self._backup,
            "attributes": self._attributes,
            "barline": self._barline,
            "harmony": self._harmony,
            "direction": self._direction,
            "sound": self._tempo,
        }

    @property
    def full(self) -> Fraction:
        """Quarters of a measure of the metre that holds now."""
        return self._now.bar if self._now is not None else Fraction(4)

    def measure(self, node: XML.Element, start: Fraction) -> Fraction:
        """Read one that begins at `start`; how long it is, in quarters."""
        self.signs, self._at, furthest = BarSigns(), start, start
        for one in node:
            take = self._takes.get(one.tag)
            if take is not None:
                take(one)
            if self._at < start:
                raise DataError("a measure that goes back behind its beginning")
            furthest = max(furthest, self._at)
        self._begun = True
        return furthest - start

    def _forward(self, node: XML.Element) -> None:
        self._at += self._duration(node)

    def _backup(self, node: XML.Element) -> None:
        self._at -= self._duration(node)

    def _direction(self, node: XML.Element) -> None:
        sound = node.find("sound")
        if sound is not None:
            self._tempo(sound)
        if words := " ".join((node.findtext("direction-type/words") or "").split()):
            self.chords.append(Chord(self._at, words[:60]))

    # --- notes

    def _note(self, node: XML.Element) -> None:
        pitch = self._pitch(node)
        if node.find("grace") is not None:
            self._graces += [] if pitch is None else [pitch]
            return
        if node.find("cue") is not None:
            return
        length = self._duration(node)
        joins = node.find("chord") is not None
        onset = self._last if joins else self._at
        if not joins:
            self._last, self._at = self._at, self._at + length
        if pitch is None or not length:
            return
        if len(self.notes) >= MOST_NOTES:
            raise DataError(f"a part of over {MOST_NOTES:,} notes")
        tied = any(one.get("type") == "start" for one in node.iter("tie"))
        slurs = {one.get("type") for one in node.iter("slur")}
        slur = 1 if "start" in slurs else -1 if "stop" in slurs else 0
        grace, self._graces = tuple(self._graces[:16]), []
        self.notes.append(Note(onset, length, pitch, tied=tied, slur=slur, grace=grace))

    def _pitch(self, node: XML.Element) -> int | None:
        """None of a rest."""
        named = node.find("instrument")
        if named is not None and named.get("id") in self.drums:
            return self.drums[named.get("id") or ""]
        told = node.find("pitch")
        if told is None:
            return None
        step = (told.findtext("step") or "").strip()
        if step not in NATURAL:
            raise DataError(f"a pitch of the step {step[:10]!r}: A to G are expected")
        alter = number(told.findtext("alter") or "0")
        octave = number(told.findtext("octave") or "4")
        pitch = 12 * (int(octave) + 1) + NATURAL[step] + round(float(alter))
        if not 0 <= pitch <= 127:
            raise DataError(f"a pitch {step}{octave} that MIDI does not have")
        return pitch

    def _duration(self, node: XML.Element) -> Fraction:
        told = number(node.findtext("duration") or "0")
        if not 0 <= told <= LONGEST:
            raise DataError(f"a duration of {told}: 0 to {LONGEST:,} are expected")
        return told / self.divisions

    # --- signs

    def _attributes(self, node: XML.Element) -> None:
        if (text := node.findtext("divisions")) is not None:
            divisions = number(text)
            if not 0 < divisions <= MOST_DIVISIONS or divisions.denominator != 1:
                raise DataError(f"divisions of {text[:20]!r}: a whole number above 0 is expected")
            self.divisions = int(divisions)
        told = node.find("key")
        key = None if told is None else _key(told)
        time = node.find("time")
        metre = None if time is None else _metre(time)
        if time is not None:
            self._now = metre
        if not self._begun:
            self.key, self.metre = key or self.key, metre or self.metre
        elif key is not None or metre is not None:
            self._change(Change(self._at, key=key, metre=metre))

    def _tempo(self, node: XML.Element) -> None:
        text = node.get("tempo")
        if text is None:
            return
        tempo = float(number(text))
        if not 1 <= tempo <= 2_000:
            return
        if not self._begun and not self._at:
            self.tempo = tempo
        else:
            self._change(Change(self._at, tempo=tempo))

    def _change(self, made: Change) -> None:
        """Together with others at the same place."""
        if self.changes and self.changes[-1].onset == made.onset:
            last = self.changes.pop()
            made = replace(
                made,
                key=made.key or last.key,
                metre=made.metre or last.metre,
                tempo=made.tempo or last.tempo,
            )
        self.changes.append(made)

    def _barline(self, node: XML.Element) -> None:
        style = node.findtext("bar-style") or ""
        repeat, ending = node.find("repeat"), node.find("ending")
        if repeat is not None and repeat.get("direction") == "forward":
            self.signs.begins = True
        elif repeat is not None:
            times = repeat.get("times") or "2"
            self.signs.ends = min(int(times), 16) - 1 if times.isdecimal() and times != "0" else 1
        elif node.get("location") != "left" and style in ("light-light", "light-heavy"):
            self.signs.double = True
        if ending is not None and ending.get("type") == "start":
            words = (ending.get("number") or "").replace(".", "").split(",")
            found = {int(one) for one in words if one.strip().isdecimal() and len(one) < 4}
            self.signs.endings = tuple(sorted(n for n in found if 1 <= n <= 16))

    def _harmony(self, node: XML.Element) -> None:
        root = _named(node.find("root"), "root")
        if root is None:
            return
        kind = node.find("kind")
        word = "" if kind is None else (kind.text or "").strip()
        name = KIND_NAMES.get(word, "" if kind is None else kind.get("text") or "")
        bass = _named(node.find("bass"), "bass")
        self.chords.append(Chord(self._at, f"{root}{name[:20]}" + (f"/{bass}" if bass else "")))


def number(text: str) -> Fraction:
    """A decimal number. DataError where it is none."""
    text = text.strip()
    try:
        if len(text) > 24:
            raise ValueError
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise DataError(f"{text[:24]!r} is no number") from None


def _key(node: XML.Element) -> Key | None:
    fifths = number(node.findtext("fifths") or "0")
    if fifths.denominator != 1 or abs(fifths) > 7:
        return None
    mode = MODE_WORDS.get((node.findtext("mode") or "major").strip().lower(), "major")
    signed = int(fifths) - MODES[mode]  # of the major key of the tonic
    if abs(signed) > 7:
        return Key(_MAJORS[int(fifths) + 7])
    return Key(_MAJORS[signed + 7], mode)


def _metre(node: XML.Element) -> Metre | None:
    beats, unit = node.findtext("beats"), node.findtext("beat-type")
    if beats is None or unit is None:
        return None
    count = sum(number(one) for one in beats.split("+"))
    sign = _SIGNS.get(node.get("symbol") or "", "")
    bottom = number(unit)
    if Fraction(count).denominator != 1 or bottom.denominator != 1:
        raise DataError(f"a metre of {beats[:10]}/{unit[:10]}: whole numbers are expected")
    return Metre(int(count), int(bottom), sign)


def _named(node: XML.Element | None, what: str) -> str | None:
    if node is None:
        return None
    step = (node.findtext(f"{what}-step") or "").strip()
    alter = number(node.findtext(f"{what}-alter") or "0")
    return step + _ALTER.get(int(alter), "") if step in NATURAL else None
