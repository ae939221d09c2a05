"""Results on stdout: texts, tables for people, JSON for programs.

On a terminal a table is drawn to its width; into a pipe go whole cells. Knows no command.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

# A generated text must not move the cursor or rename the window of whoever looks at it.
_CONTROLS = dict.fromkeys(
    [*(set(range(32)) - {9, 10}), 127, *range(128, 160)], "\N{REPLACEMENT CHARACTER}"
)


def text(content: str, end: str = "\n") -> None:
    """Content as it is; control characters only where they reach no terminal."""
    if sys.stdout.isatty():
        content = harmless(content)
    sys.stdout.write(content + end)
    sys.stdout.flush()


def harmless(content: str) -> str:
    """Content without what would steer a terminal."""
    return content.translate(_CONTROLS)


def values(content: Any) -> None:
    """JSON; what is no number in JSON becomes null."""
    print(as_json(content))


def as_json(content: Any) -> str:
    """As `values` prints it."""
    return json.dumps(_finite(content), indent=1, ensure_ascii=False, default=str)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """Rows under their names; numbers to the right."""
    cells = [[cell(value) for value in row] for row in rows]
    right = [bool(rows) and all(_is_number(row[n]) for row in rows) for n in range(len(columns))]
    if sys.stdout.isatty():
        _drawn(columns, cells, right, title)
        return
    if title:
        print(title)
    widths = [max(len(line[n]) for line in [list(columns), *cells]) for n in range(len(columns))]
    for line in [list(columns), *cells]:
        parts = zip(line, widths, right, strict=True)
        print("  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in parts).rstrip())


def pairs(content: Mapping[str, Any]) -> None:
    """Name and value, a line each; what has no value is left out."""
    known = {k: cell(v) for k, v in content.items() if v is not None}
    width = max(map(len, known), default=0)
    for name, value in known.items():
        text(f"{name.ljust(width)}  {value}")


def cell(value: Any) -> str:
    """A value in one short line."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e5 else f"{value:,.0f}"
    return " ".join(str(value).split())


def size(count: float) -> str:
    """Bytes in the unit that reads best."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def duration(seconds: float) -> str:
    """1:05 or 2:03:04."""
    if not math.isfinite(seconds):
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _drawn(
    columns: Sequence[str], cells: Sequence[Sequence[str]], right: Sequence[bool], title: str
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD)
    for name, to_right in zip(columns, right, strict=True):
        drawn.add_column(name, justify="right" if to_right else "left", overflow="fold")
    for line in cells:
        drawn.add_row(*(Text(c) for c in line))
    Console().print(drawn)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {str(k): _finite(v) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(v) for v in content]
    return content
