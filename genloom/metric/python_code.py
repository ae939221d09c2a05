"""Whether Python that was written parses, and what it defines: by syntax tree alone.

Nothing is run. Knows texts; no model or file.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from genloom.metric.interval import Interval, wilson

_MOST = 1 << 20  # characters that are parsed


@dataclass(frozen=True, kw_only=True)
class Completion:
    """A completion of a module from a line's start within a function.

    raw: it parses as it stands. lines: how many of its lines can be kept at most so that the
    module parses and has a statement more; 0 where there is none.
    """

    raw: bool
    lines: int

    @property
    def parses(self) -> bool:
        return self.lines > 0


def judged(before: str, written: str) -> Completion:
    """Of what was written after the beginning of a module. What leaves the function, by a line
    indented less than its body's, is not looked at, nor a last line without an end."""
    kept = _within(before, written)
    lines = _lines(kept)
    statements = _statements(before)
    for count in range(len(lines), 0, -1):
        now = _statements(before + "".join(lines[:count]))
        if now is not None and now > (statements or 0):
            return Completion(raw=_raw(before, kept), lines=count)
    return Completion(raw=_raw(before, kept), lines=0)


def parse_rate(judgements: list[Completion]) -> Interval:
    return wilson(sum(one.parses for one in judgements), len(judgements))


def raw_parse_rate(judgements: list[Completion]) -> Interval:
    return wilson(sum(one.raw for one in judgements), len(judgements))


def starts(module: str) -> list[int]:
    """Offsets of the lines in functions at which a statement begins, but for each one's first."""
    tree = _tree(module)
    if tree is None:
        return []
    offsets = [0]
    for line in _lines(module):
        offsets.append(offsets[-1] + len(line))
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in node.body:
                lines |= {s.lineno for s in ast.walk(inner) if isinstance(s, ast.stmt)}
            lines -= {node.lineno, node.body[0].lineno}
    return sorted(offsets[line - 1] for line in lines)


def defines(code: str, name: str) -> bool:
    """Whether it parses and defines a function of this name at its top."""
    tree = _tree(code)
    body = [] if tree is None else tree.body
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in body)


def first_line(text: str) -> str:
    """The first line that is not empty, with its indentation."""
    return next((line.rstrip() for line in _lines(text) if line.strip()), "")


def _within(before: str, written: str) -> str:
    """The lines of what was written that stay within the function."""
    width = _body_width(before)
    lines = _lines(written)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    for count, line in enumerate(lines):
        if line.strip() and _width(line) < width and not line.lstrip().startswith("#"):
            return "".join(lines[:count])
    return "".join(lines)


def _body_width(before: str) -> int:
    """Columns of the innermost function's body around the end of the module's beginning."""
    width: float = float("inf")
    for line in reversed(_lines(before)):
        if not line.strip():
            continue
        if re.match(r"\s*(async\s+)?def\s", line) and _width(line) < width:
            return _width(line) + 1
        width = min(width, _width(line))
    return 0


def _width(line: str) -> int:
    line = line.expandtabs()
    return len(line) - len(line.lstrip())


def _lines(text: str) -> list[str]:
    """As Python counts them: a form feed ends none."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _raw(before: str, kept: str) -> bool:
    return bool(kept.strip()) and _tree(before + kept) is not None


def _statements(code: str) -> int | None:
    """None where it does not parse."""
    tree = _tree(code)
    return None if tree is None else sum(isinstance(n, ast.stmt) for n in ast.walk(tree))


def _tree(code: str) -> ast.Module | None:
    if len(code) > _MOST:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape is a warning
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
