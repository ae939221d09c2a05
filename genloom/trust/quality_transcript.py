"""The protocol for recognisers: what is heard in held-out recordings beside what was said in them.

Word and character error rates, greedy, with intervals over recordings. The floor is the commonest
text of the training data in place of whatever is heard, the ceiling training recordings. Knows
texts and a model of recordings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from genloom import api
from genloom.data.split import take
from genloom.hearing import transcripts
from genloom.metric.error_rate import character_counts, rate, word_counts
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_pair import evenly

HEARD = 400  # recordings of each side, unless said
RATES: dict[str, Callable[[Sequence[str], Sequence[str]], np.ndarray]] = {
    "character_error_rate": character_counts,
    "word_error_rate": word_counts,
}


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    tell("hearing held-out recordings")
    some = take(held, evenly(len(held), count or HEARD))
    codec: Any = model.codec
    heard = transcripts(model, some)
    said, made = codec.captions(some), codec.captions(heard)
    seen = take(train, evenly(len(train), len(some)))
    tell("hearing training recordings")
    known, again = codec.captions(seen), codec.captions(transcripts(model, seen) if seen else [])
    common = Counter(codec.captions(train)).most_common(1)
    floor = [common[0][0] if common else ""] * len(some)
    tell("comparing")
    rows, intervals = [], {}
    for name, counted in RATES.items():
        found = rate(counted(said, made), seed)
        intervals[name] = [found.low, found.high]
        rows.append(
            Row(
                metric=name,
                value=found.value,
                floor=rate(counted(said, floor), seed).value,
                ceiling=rate(counted(known, again), seed).value if len(seen) else None,
                note=f"95%: {found.low:.4f} to {found.high:.4f}; floor: the commonest text; "
                "ceiling: training recordings",
            )
        )
    exact = [a == b for a, b in zip(said, made, strict=True)]
    return rows, {
        "recordings": len(some),
        "training_recordings": len(seen),
        "words": sum(len(text.split()) for text in said),
        "exact": sum(exact) / len(exact),
        "confidence": float(np.mean([one.confidence for one in heard])),
        "letters": "small letters, digits and apostrophes",
        "decoding": "greedy",
        "intervals_95": intervals,
    }
