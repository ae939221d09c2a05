"""Making items while somebody watches: how far they are, and a strip of what they looked like.

Hears what a generation tells; knows no medium.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.engine.engine import Generation

WORDY = 8  # unknown words that are named


def watched(generation: Generation, say: Callable[[str], None]) -> dict[int, list[Any]]:
    """Run a generation to its end; what each of its samples looked like, by number."""
    seen: dict[int, list[Any]] = {}
    count = generation.request.count
    for news in generation:
        if news.item is not None and news.sample is not None:
            seen.setdefault(news.sample, []).append(news.item)
        step = f", step {news.step} of {news.steps}" if news.steps and not news.finished else ""
        say(f"making {generation.made:,} of {count:,}{step}")
    return seen


def with_status(generation: Generation, quiet: bool) -> dict[int, list[Any]]:
    """The same, told on stderr where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        return watched(generation, lambda text: None)
    from rich.console import Console

    with Console(stderr=True).status("making ...") as status:
        return watched(generation, status.update)


def check(codec: Any, path: Path) -> None:
    """UsageError where there is nothing to show of items on their way."""
    if "columns" not in inspect.signature(codec.preview).parameters:
        raise UsageError(
            "--save-steps shows pictures in the making, which this model makes none of"
        )
    if path.suffix.lower() != codec.preview_suffix:
        raise UsageError(f"--save-steps {path}: give a file that ends in {codec.preview_suffix}")


def strip(codec: Any, seen: dict[int, list[Any]], path: Path) -> Path:
    """A sheet with a row for each sample: what it looked like on its way, finished at the right."""
    longest = max(map(len, seen.values()))
    rows = [items + items[-1:] * (longest - len(items)) for _, items in sorted(seen.items())]
    made: Path = codec.preview([item for row in rows for item in row], path, columns=longest)
    return made


def unknown(words: list[str]) -> str:
    """Words that a model never learnt, in a line."""
    rest = len(words) - WORDY
    named = ", ".join(repr(word[:40]) for word in words[:WORDY])
    return f"the model never learnt {named}" + (f" and {rest:,} more" if rest > 0 else "")
