"""Which words may come next in a tune, so that it parses and its bars add up.

A guide of one sample (`spec.Guide`): it follows the ids, also such as it would not have allowed (a
motif somebody gave), and says what may follow. Bars hold what the metre says; a section may begin
with an upbeat of at most half a bar and may then end with a bar short by it; thirds come in groups
that fill an eighth; a first ending is followed by a second. Knows no model.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from genloom.codec.tune.chords import chord_degrees
from genloom.codec.tune.fresh import Follower, Learnt
from genloom.codec.tune.words import (
    AFTER,
    BAR,
    BARS_AT,
    BEFORE,
    BEGIN,
    BOS,
    DOUBLE,
    ENDLESS,
    EOS,
    FIRST,
    GRACE,
    LENGTH_OF,
    LENGTHS_AT,
    LOWERED,
    METRES,
    METRES_AT,
    MODE_NAMES,
    MODES_AT,
    PLAN,
    RAISED,
    REPEAT,
    REST,
    SECOND,
    SORT,
    THIRDS,
    TIE,
    USUAL,
    WITH,
    WORDS,
    ids_of,
)
from genloom.errors import RequestError
from genloom.music.metre import parse_metre

GROUP = Fraction(1, 2)  # thirds fill up to a multiple of it
STEP = Fraction(1, 8)  # the shortest length that is no third
MOST_WITH = 3  # notes that sound with one
MOST_GRACES = 4
SECOND_NEXT = -1  # the second ending has to begin
DEGREE_IDS = ids_of("degree")


@dataclass
class TuneGuide:
    """Where one tune is. opened: the ids that stand before what is drawn."""

    bar: Fraction | None = None  # quarter notes of one; None without a metre
    missing: set[str] = field(default_factory=lambda: {"type", "metre", "tonic", "mode"})
    behind: bool = False  # what stands behind a gap is being told
    at: Fraction = Fraction(0)  # within the bar
    thirds: Fraction = Fraction(0)  # of a group that is begun
    upbeat: Fraction = Fraction(0)  # of this section
    first_upbeat: Fraction = Fraction(0)  # of the tune
    halved: bool = False  # the last bar is completed by the ending that begins now
    split: bool = False  # the endings begin within a bar
    lead: bool = False  # this is the first bar of such an ending
    bars: int = 0  # of this section that are closed
    ending: int = 0  # that is being played, 0 none
    line: int = DOUBLE  # the last bar line
    length: Fraction | None = None  # that is told for what comes
    sign: int | None = None
    slot: str = "note"  # what may come: note, grace, chord, with, tonic
    stack: int = 0  # notes that sound together
    graces: int = 0
    last: int | None = None  # the degree that came last
    last_sign: int | None = None
    last_length: Fraction = USUAL
    tied: tuple[int, int | None] | None = None
    fresh: bool = True  # nothing came in this bar but signs
    sounded: bool = False  # there is something to end
    done: bool = False
    gap: bool = False  # what fills a gap is being told
    follows: int = BAR  # the line behind it
    first: bool = True  # nothing behind it was told yet
    left: int | None = None  # bars of the gap that are still open; None where nobody said
    mode: str = "major"
    planning: bool = False  # chords of bars to come are being told
    plan: tuple[tuple[int, int], ...] = ()
    planned: int = 0  # chords that were due so far
    chorded: bool = False  # there is one in this bar
    follower: Follower | None = None  # what is not to be repeated

    # --- what came

    def accept(self, drawn: int) -> None:
        """This id came. RequestError where the tune has ended."""
        if self.done and drawn != EOS:
            raise RequestError("the tune has ended: nothing may follow")
        self.take(drawn)

    def take(self, one: int) -> None:
        """Follow an id, whether or not it was allowed."""
        if one == AFTER:
            self.behind, self.follows = True, BAR
        elif self.behind and self.first and one != BEFORE:
            self.follows, self.first = one, False
        elif one == BEFORE:
            self.behind, self.first, self.gap = False, False, True
        elif one == EOS:
            self.done = True
        elif self.planning and one != PLAN:
            self._told_ahead(one)
        elif not self.behind and one != BOS and 0 <= one < len(SORT):
            if self.follower is not None:
                self.follower.take(one)
            getattr(self, f"_{SORT[one]}", self._nothing)(one)

    def _nothing(self, one: int) -> None:
        """It changes nothing."""

    def _plan(self, one: int) -> None:
        self.planning = not self.planning

    def _told_ahead(self, one: int) -> None:
        if SORT[one] == "chord":
            self.plan = (*self.plan, (one, ids_of("quality")[0]))
        elif SORT[one] == "quality" and self.plan:
            self.plan = (*self.plan[:-1], (self.plan[-1][0], one))

    def _bars(self, one: int) -> None:
        self.left = one - BARS_AT + 1

    def _type(self, one: int) -> None:
        self.missing.discard("type")

    def _metre(self, one: int) -> None:
        self.missing.discard("metre")
        metre = parse_metre(METRES[one - METRES_AT])
        self.bar = None if metre is None else metre.bar

    def _tonic(self, one: int) -> None:
        if "tonic" not in self.missing:
            self.slot = "tonic"
        self.missing.discard("tonic")

    def _mode(self, one: int) -> None:
        self.missing.discard("mode")
        self.mode = MODE_NAMES[one - MODES_AT]
        self.slot = "note"

    def _length(self, one: int) -> None:
        self.length = LENGTH_OF[one - LENGTHS_AT]

    def _chord(self, one: int) -> None:
        self.slot, self.fresh = "chord", False
        self.planned += not self.chorded
        self.chorded = True

    def _quality(self, one: int) -> None:
        self.slot = "chorded"

    def _degree(self, one: int) -> None:
        sign, self.sign = self.sign, None
        if self.slot == "grace":
            self.graces, self.slot = self.graces + 1, "graced"
            return
        if self.slot == "with":
            self.stack += 1
        else:
            self._sounded()
            self.stack = 0
        self.slot, self.last, self.last_sign, self.tied = "note", one, sign, None

    def _sounded(self) -> None:
        length = self.length or USUAL
        self.at += length
        if self.thirds or length in THIRDS:
            self.thirds = (self.thirds + length) % GROUP
        self.last_length, self.length = length, None
        self.graces, self.fresh, self.sounded = 0, False, True

    def _sign(self, one: int) -> None:
        if one in (RAISED, LOWERED):
            self.sign = one
        elif one == REST:
            self._sounded()
            self.last, self.slot, self.tied = None, "note", None
        elif one == TIE and self.last is not None:
            self.tied = (self.last, self.last_sign)
        elif one in (WITH, GRACE):
            self.slot = "with" if one == WITH else "grace"
            self.fresh = False

    def _line(self, one: int) -> None:
        if one in (FIRST, SECOND):
            self.split = self.halved if one == FIRST else self.split
            self.ending, self.fresh, self.lead = (1 if one == FIRST else 2), False, self.split
            return
        if one == BEGIN:
            self.line = BEGIN
            return
        if self.at <= 0:
            return
        short = self.bar is not None and self.at < self.bar
        if self.bars == 0 and self.ending == 0 and one == BAR:
            self.upbeat = self.at if short else Fraction(0)
            self.first_upbeat = self.first_upbeat or self.upbeat
        self.halved = short and self.bars > 0 and one == BAR and not self.ending
        self.planned += bool(self.plan) and not self.chorded and not short
        self.lead = self.chorded = False
        self.bars += 1
        self.left = None if self.left is None else self.left - 1
        if one in (REPEAT, DOUBLE):
            second = self.ending == 1 and one == REPEAT
            self.bars, self.ending = 0, SECOND_NEXT if second else 0
            self.upbeat = self.upbeat if second else Fraction(0)
        self.line, self.at, self.thirds, self.fresh = one, Fraction(0), Fraction(0), True
        self.length = self.sign = self.last = None
        self.slot, self.stack, self.graces = "note", 0, 0

    # --- what may come

    def allowed(self) -> list[int]:
        """The ids that may come next, at least one; none that would repeat what was learnt, where
        there is a choice."""
        out = self._allowed()
        refused = self.follower.refused() if self.follower is not None else ()
        return [one for one in out if one not in refused] or out if refused else out

    def _allowed(self) -> list[int]:
        if self.planning:
            return [PLAN, *ids_of("chord"), *ids_of("quality")]
        if self.done or (self.gap and self.left == 0):
            return [EOS]
        if self.missing:
            return [one for sort in self.missing for one in ids_of(sort)]
        if self.slot == "tonic":
            return list(ids_of("mode"))
        if self.slot == "chord":
            return self._qualities()
        if self.sign is not None:
            return self._degrees()
        if self.slot in ("with", "grace"):
            return [*self._degrees(), RAISED, LOWERED]
        if self._due() and not self._lifting():
            endings = [one for one in self._lines() if one == FIRST] if self.fresh else []
            return [self._planned()[0], *endings]
        out = self._notes()
        if self.length is None and self.slot == "note":
            out += self._lines()
            out += self._after()
        return out or [BAR]

    def _degrees(self) -> list[int]:
        if self.tied is not None:
            return [self.tied[0]]
        if self.slot == "with" and self.last is not None:
            return [one for one in DEGREE_IDS if one > self.last] or [DEGREE_IDS[-1]]
        return list(DEGREE_IDS)

    def _notes(self) -> list[int]:
        """A note or a rest, or what stands before one."""
        if self.ending == SECOND_NEXT or (self.halved and self.fresh):
            return []
        room = self.bar / 2 if self.bar is not None and self._lifting() else self.bar
        fits = _lengths(room, self.at, self.thirds)
        if self.length is not None:
            return self._heads() if self.length in fits else [BAR]
        out = [LENGTHS_AT + LENGTH_OF.index(one) for one in fits if one != USUAL]
        if USUAL in fits:
            out += self._heads()
        if out and self.tied is None:
            if self.graces < MOST_GRACES:
                out.append(GRACE)
            if self.slot == "note":
                out += self._chords()
        return out

    # --- chords that were told ahead

    def _planned(self) -> tuple[int, int]:
        return self.plan[self.planned % len(self.plan)]

    def _due(self) -> bool:
        """Whether a chord has to come before anything else of this bar."""
        begun = self.at > 0 or self.length is not None or self.slot != "note"
        lines = self.fresh and (self.ending == SECOND_NEXT or self.halved or self.closes)
        return bool(self.plan) and not (self.chorded or begun or lines)

    @property
    def closes(self) -> bool:
        """Whether a section has ended, so that the tune may, too."""
        return self.line in (REPEAT, DOUBLE) and self.sounded and not self.bars

    def _lifting(self) -> bool:
        """Whether this bar may be an upbeat, or is one: a section's first without its chord."""
        first = self.bars == 0 and not self.ending and self.bar is not None
        return bool(self.plan) and first and not self.chorded

    def _chords(self) -> list[int]:
        if not self.plan:
            return list(ids_of("chord"))
        return [self._planned()[0]] if not (self.chorded or self.at) else []

    def _qualities(self) -> list[int]:
        if not self.plan:
            return list(ids_of("quality"))
        return [self.plan[(self.planned - 1) % len(self.plan)][1]]

    def _heads(self) -> list[int]:
        if self.tied is not None:
            degree, sign = self.tied
            return [degree] if sign is None else [sign]
        if self.plan and self.chorded and not self.at:  # a bar begins within its chord
            sounds = chord_degrees(*self.plan[(self.planned - 1) % len(self.plan)], self.mode)
            if sounds:
                return sorted(sounds)
        return [*DEGREE_IDS, RAISED, LOWERED, *([REST] if self.slot == "note" else [])]

    def _after(self) -> list[int]:
        """What a note that has sounded may have."""
        if self.last is None or self.tied is not None:
            return []
        out = [WITH] if self.stack < MOST_WITH and self.last < DEGREE_IDS[-1] else []
        full = self.gap and self.left == 1 and self.at == self.bar
        return [*out, TIE] if not (self.stack or full) else out

    def _lines(self) -> list[int]:
        """Bar lines, and what stands behind one."""
        if self.at > 0:
            return self._closing()
        if not self.fresh or self.tied is not None:
            return []
        if self.ending == SECOND_NEXT:
            return [SECOND]
        closed = self.line in (REPEAT, DOUBLE)
        out = [BEGIN] if closed and not self.bars and not self.gap else []
        if self.line == BAR and self.bars and not self.ending and not self.gap:
            out.append(FIRST)
        if closed and self.sounded:
            out += [] if self.gap else [EOS]
            if not (self.gap or self.plan):  # both are told in the key and metre of the header
                out += [*ids_of("tonic"), *list(ids_of("metre"))[1:]]  # none is no change
        return out

    def _closing(self) -> list[int]:
        if self.thirds:
            return []
        out = self._lines_of_bars()
        if not self.gap or self.left not in (None, 1) or self.tied is not None:
            return out
        whole = self.bar is None or self.at == self.bar or not self.bars
        fits = self.follows in out and (whole or self.follows != BAR)
        return ([EOS] if fits else []) + (out if self.left is None else [])

    def _lines_of_bars(self) -> list[int]:
        whole = self.bar is None or self.at == self.bar
        lifted = self.bars == 0 and not self.ending and self.bar is not None
        out = [BAR] if whole or (lifted and self.at <= (self.bar or 0) / 2) else []
        completes = self.bar is not None and self.at in self._completions(self.bar)
        splits = completes and self.bars and not (self.ending or self.gap) and self.tied is None
        leads = self.lead and self.at in (self.upbeat, self.first_upbeat)
        if (splits or leads) and BAR not in out:
            out.append(BAR)
        if self.tied is None and (whole or completes) and (self.bars or not lifted):
            out += [REPEAT] if self.ending == 1 else [REPEAT, DOUBLE]
        return out

    def _completions(self, bar: Fraction) -> list[Fraction]:
        """How long a last bar may be that an upbeat completes."""
        return [bar - one for one in (self.upbeat, self.first_upbeat) if one]

    # --- as the engine asks

    def mask(self) -> Tensor:
        """int32 [ceil(V / 32)], a bit an id."""
        bits = 0
        for one in self.allowed():
            bits |= 1 << one
        count = -(-len(WORDS) // 32)
        words = [(bits >> (32 * n)) & 0xFFFFFFFF for n in range(count)]
        signed = [word - (1 << 32) if word >> 31 else word for word in words]
        return torch.tensor(signed, dtype=torch.int32)

    def allows(self, ids: Sequence[int]) -> int:
        """How many of these ids, guessed, may come in this order."""
        trial = self.copy()
        for count, one in enumerate(ids):
            if one not in trial.allowed():
                return count
            trial.take(one)
        return len(ids)

    def forced(self) -> list[int]:
        """Ids that must come next."""
        allowed = self.allowed()
        return allowed if len(allowed) == 1 and not self.done else []

    @property
    def finished(self) -> bool:
        """Whether only the end may follow."""
        return self.done

    def copy(self) -> TuneGuide:
        made = copy.copy(self)
        made.missing = set(self.missing)
        made.follower = None if self.follower is None else self.follower.copy()
        return made


@lru_cache(maxsize=4096)
def _lengths(bar: Fraction | None, at: Fraction, thirds: Fraction) -> tuple[Fraction, ...]:
    """The lengths after which the bar can still be filled."""
    room = (bar if bar is not None else ENDLESS) - at
    return tuple(one for one in sorted((*LENGTH_OF, USUAL)) if _fits(room - one, thirds, one))


def _fits(left: Fraction, thirds: Fraction, length: Fraction) -> bool:
    if left < 0:
        return False
    if length in THIRDS or thirds:
        if length not in THIRDS:
            return False
        open_group = (thirds + length) % GROUP
        left -= GROUP - open_group if open_group else 0
    return left >= 0 and (left / STEP).denominator == 1


def guide_after(ids: Sequence[int], learnt: Learnt | None = None) -> TuneGuide:
    """A guide that has followed these ids. learnt: runs of bars that are not to come again."""
    made = TuneGuide(follower=None if learnt is None else Follower(learnt))
    for one in ids:
        made.take(one)
    made.sounded = False  # it goes on: what is given is not the whole
    return made
