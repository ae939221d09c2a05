"""A rule of reading: what it applies to, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple


class Rule(NamedTuple):
    """say: of a match, None where it is none of this rule's after all."""

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | None]


def rule(pattern: str, say: Callable[[re.Match[str]], str | None], exact: bool = False) -> Rule:
    """exact: capitals count."""
    return Rule(re.compile(pattern, 0 if exact else re.IGNORECASE), say)
