"""A floor for what makes sequences: draws by counts of what came after the last few letters.

Knows strings and counts; no medium. Source: Shannon 1948, section 3.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable

BEGIN, END = "\x02", "\x03"


class Markov:
    """Letters by the `order` - 1 before them, as often as they came in these texts."""

    def __init__(self, texts: Iterable[str], order: int = 5) -> None:
        if order < 1:
            raise ValueError(f"order is {order}: give 1 or more")
        self.back = order - 1
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            whole = BEGIN * self.back + text + END
            for at in range(self.back, len(whole)):
                counts[whole[at - self.back : at]][whole[at]] += 1
        if not counts:
            raise ValueError("nothing was counted: give a text to learn from")
        self.counts = {k: (list(c), list(c.values())) for k, c in counts.items()}

    def draw(self, rng: random.Random, most: int = 400) -> str:
        """One text, of `most` letters at most."""
        out = ""
        before = BEGIN * self.back
        while len(out) < most:
            letters, weights = self.counts[before]
            one = rng.choices(letters, weights)[0]
            if one == END:
                break
            out += one
            before = (before + one)[-self.back :] if self.back else ""
        return out
