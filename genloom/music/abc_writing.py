"""Scores as ABC 2.1: notes with exact lengths, tuplets, ties, repeats, chord symbols, voices.

What is written is read again as the same score by `abc_reading`: sounds, times and signs, with
notes spelt by the key. Knows no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from genloom.music.bars import Slice, barred, sliced
from genloom.music.keys import Key
from genloom.music.score import Bar, Change, Chord, Part, Score

_SIGN = {2: "^^", 1: "^", 0: "=", -1: "_", -2: "__"}
_SHORT = {"major": "", "minor": "m", "dorian": "dor", "mixolydian": "mix"}
_LINE = 4  # bars in a line of text


def write_abc(score: Score, number: int = 1) -> str:
    """One tune. Without bars, it gets those of its metre."""
    score = barred(score)
    several = len(score.parts) > 1
    lines = [
        f"X:{number}",
        f"T:{_plain(score.title) or 'Untitled'}",
        *([f"R:{_plain(score.kind)}"] if score.kind else []),
        f"M:{score.metre or 'none'}",
        f"L:{score.unit / 4}",
        *([f"Q:1/4={score.tempo:g}"] if score.tempo != 120.0 else []),
        f"K:{key_name(score.key)}",
    ]
    for place, part in enumerate(score.parts):
        if several:
            name = f' name="{_plain(part.name)}"' if part.name else ""
            lines.append(f"V:{place + 1}{name}")
        if part.instrument:
            lines.append(f"%%MIDI program {part.instrument}")
        lines += _body(score, part, place == 0)
    return "\n".join(lines) + "\n"


def key_name(key: Key) -> str:
    """As K: has it: "D", "Em", "Ador"."""
    return key.tonic + _SHORT.get(key.mode, key.mode[:3])


def _plain(text: str) -> str:
    """One line without what would be read as something else."""
    return " ".join(text.replace("%", " ").replace('"', "'").split())


def _body(score: Score, part: Part, first: bool) -> list[str]:
    """The lines of one voice; chord symbols and changes go with the first."""
    writer = _Writer(score, score.chords if first else ())
    bars = sliced(part.notes, score.bars)
    lines, line = [], ""
    for place, (bar, slices) in enumerate(zip(score.bars, bars, strict=True)):
        line += writer.bar(bar, slices, score.bars[place + 1 : place + 2])
        if (place + 1) % _LINE == 0 or place + 1 == len(score.bars):
            lines.append(line)
            line = ""
    return lines


class _Writer:
    """One voice while it is written."""

    def __init__(self, score: Score, chords: Sequence[Chord]) -> None:
        self.key, self.metre, self.unit = score.key, score.metre, score.unit
        self.chords, self.changes = list(chords), list(score.changes)
        self.heard: dict[tuple[str, int], int] = {}

    def bar(self, bar: Bar, slices: Sequence[Slice], behind: Sequence[Bar]) -> str:
        self.heard = {}
        out = self._opened(bar) + self._changed(bar.onset)
        at = 0
        while at < len(slices):
            group = _tuplet(slices, at, self.unit)
            count = len(group)
            factor = Fraction(1)
            if count > 1:
                out += "(3" if count == 3 else f"(3:2:{count}"
                factor = Fraction(3, 2)
            for one in group:
                out += self._slice(one, factor)
                if self._beat(one.end - bar.onset) and one.end < bar.end:
                    out += " "
            at += count
        return out + _closed(bar, behind)

    def _opened(self, bar: Bar) -> str:
        told = "|:" if bar.begins else ""
        if bar.endings:
            told += "[" + ",".join(map(str, bar.endings)) + " "
        return told

    def _changed(self, onset: Fraction) -> str:
        out = ""
        while self.changes and self.changes[0].onset <= onset:
            change = self.changes.pop(0)
            self.key, self.metre = change.key or self.key, change.metre or self.metre
            out += _inline(change)
        return out

    def _slice(self, one: Slice, factor: Fraction) -> str:
        out = ""
        while self.chords and self.chords[0].onset <= one.onset:
            out += f'"{_plain(self.chords.pop(0).name)}"'
        out += self._changed(one.onset)
        length = length_name(one.length * factor / self.unit)
        if not one.notes:
            return f"{out}z{length}"
        graces = one.notes[0].grace if one.starts[0] else ()
        if graces:
            out += "{" + "".join(self._pitch(pitch) for pitch in graces) + "}"
        slur = one.notes[0].slur
        out += "(" if slur > 0 and one.starts[0] else ""
        ties = [one.goes_on(place) for place in range(len(one.notes))]
        names = [self._pitch(note.pitch) for note in one.notes]
        if len(names) == 1:
            out += names[0] + length + ("-" if ties[0] else "")
        else:
            marked = "".join(n + ("-" if t else "") for n, t in zip(names, ties, strict=True))
            out += f"[{marked}]{length}"
        return out + (")" if slur < 0 and not one.goes_on(0) else "")

    def _pitch(self, pitch: int) -> str:
        letter, sign, octave = self.key.spell(pitch)
        usual = self.heard.get((letter, octave), self.key.alterations.get(letter, 0))
        told = "" if sign == usual else _SIGN[sign]
        self.heard[letter, octave] = sign
        if octave >= 5:
            return told + letter.lower() + "'" * (octave - 5)
        return told + letter + "," * (4 - octave)

    def _beat(self, within: Fraction) -> bool:
        beat = self.metre.beat if self.metre is not None else Fraction(1)
        if self.metre is not None and not self.metre.compound and self.metre.beats % 2 == 0:
            beat = max(beat, self.metre.bar / 2)
        return (within / beat).denominator == 1


def _inline(change: Change) -> str:
    told = [f"[M:{change.metre}]"] if change.metre is not None else []
    told += [f"[K:{key_name(change.key)}]"] if change.key is not None else []
    told += [f"[Q:1/4={change.tempo:g}]"] if change.tempo is not None else []
    return "".join(told)


def _closed(bar: Bar, behind: Sequence[Bar]) -> str:
    if bar.ends:
        return ":" * bar.ends + "|"
    if bar.double:
        return "||" if behind else "|]"
    if behind and behind[0].begins:
        return ""  # its own sign is the line
    return "|"


def _tuplet(slices: Sequence[Slice], at: int, unit: Fraction) -> Sequence[Slice]:
    """The slices from here that are a group of thirds together, else this one alone."""
    if (slices[at].length / unit).denominator % 3:
        return slices[at : at + 1]
    total = Fraction(0)
    for end in range(at, min(at + 9, len(slices))):
        total += slices[end].length
        if (slices[end].length / unit).denominator % 3:
            break
        if (total / unit).denominator % 3:
            return slices[at : end + 1]
    return slices[at : at + 1]


def length_name(factor: Fraction) -> str:
    """A length in units, as it stands behind a note."""
    top, bottom = factor.numerator, factor.denominator
    if bottom == 1:
        return "" if top == 1 else str(top)
    if (top, bottom) == (1, 2):
        return "/"
    return f"{'' if top == 1 else top}/{bottom}"
