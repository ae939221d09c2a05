"""pass@k: the chance that at least one of k programs passes, from n programs of which some did.

Source: Chen et al. 2021, equation 1 (unbiased for any n >= k). Knows counts alone.
"""

from __future__ import annotations

import math


def pass_at_k(made: int, passed: int, k: int) -> float:
    """1 - C(n - c, k) / C(n, k), as a product that never overflows."""
    if not 0 <= passed <= made or not 1 <= k <= made:
        raise ValueError(f"{passed} of {made} passed, k is {k}: give 0 to {made} and 1 to {made}")
    if made - passed < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / n for n in range(made - passed + 1, made + 1))


def counts(made: int) -> list[int]:
    """The k that are worth showing: 1, 10, 100 ... and the number of programs itself."""
    return sorted({k for k in (1, 10, 100, made) if k <= made})
