"""How a score is to be played, beside its notes: by which instruments, how fast.

Knows options and scores; what an instrument sounds like is the business of music/synthesis.
"""

from __future__ import annotations

from dataclasses import replace

from genloom.music.score import Score
from genloom.music.synthesis.instruments import programme_of
from genloom.options import Options

TAKES = frozenset({"instrument", "tempo"})


def programmes(names: str | None, parts: int) -> list[int] | None:
    """A programme a part of "flute, strings": the last stands for those behind it; None where none
    is named. RequestError for instruments that there are not."""
    if not names:
        return None
    found = [programme_of(name) for name in names.split(",")]
    return [found[min(n, len(found) - 1)] for n in range(parts)]


def dressed_score(score: Score, options: Options) -> Score:
    """With the instruments and the tempo that are asked for; drums stay."""
    chosen = programmes(options.instrument, len(score.parts))
    if chosen is not None:
        parts = [
            part if part.drums else replace(part, instrument=programme)
            for part, programme in zip(score.parts, chosen, strict=True)
        ]
        score = replace(score, parts=tuple(parts))
    if options.tempo is None:
        return score
    share = options.tempo / score.tempo
    changes = [one if one.tempo is None else replace(one, tempo=one.tempo * share)
               for one in score.changes]  # fmt: skip
    return replace(score, tempo=options.tempo, changes=tuple(changes))
