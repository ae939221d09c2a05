"""A chat on a terminal: lines typed, answers as they come, in colour where that is possible.

Knows keys, signals and the screen; no model. A model's text reaches a terminal without control
characters.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from genloom.cli import output

if TYPE_CHECKING:
    from genloom.codec.chat.tool_calls import Call, Delta

PROMPT, MORE, FENCE = ">>> ", "... ", '"""'
_LINES = 1000  # of history that is kept
_RATE = 8.0  # pictures a second


class Stop:
    """Ctrl-C while an answer is made: asks for its end, and does not end the program.

    The second one is taken as usual, for whoever cannot wait.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __call__(self) -> bool:
        return self.asked

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


# --- what is typed ------------------------------------------------------------------------------


@contextmanager
def history(path: Path) -> Iterator[None]:
    """Lines typed in earlier chats, within reach of the arrow keys."""
    try:
        import readline
    except ImportError:  # not every Python has it
        yield
        return
    with suppress(OSError):
        readline.read_history_file(path)
    try:
        yield
    finally:
        readline.set_history_length(_LINES)
        with suppress(OSError):  # a full disk must not end a chat in an error
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name(f"{path.name}.{os.getpid()}")
            readline.write_history_file(new)
            new.chmod(0o600)
            new.replace(path)


def typed() -> str | None:
    """What the user says next; None at the end of input."""
    try:
        return _one()
    except EOFError:
        print(file=sys.stderr)
        return None


def _one() -> str:
    """A line; more of them after a backslash at its end, or up to the second fence."""
    line = _line(PROMPT)
    if line.lstrip().startswith(FENCE):
        return _fenced(line.lstrip().removeprefix(FENCE))
    lines = [line]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        lines.append(_line(MORE))
    return "\n".join(lines)


def _line(prompt: str) -> str:
    """A line of input; the prompt must not get between the answers in a pipe."""
    if sys.stdout.isatty():
        return input(prompt)
    print(prompt, end="", file=sys.stderr, flush=True)
    return input()


def _fenced(first: str) -> str:
    lines = [first]
    while FENCE not in lines[-1]:
        lines.append(_line(MORE))
    lines[-1] = lines[-1].partition(FENCE)[0]
    return "\n".join(lines).strip("\n")


# --- what is answered ---------------------------------------------------------------------------


def show(deltas: Iterable[Delta]) -> None:
    """The answer on stdout: as marked-up text on a terminal, else as it is."""
    if sys.stdout.isatty():
        _live(deltas)
        return
    for delta in deltas:
        if delta.content:
            output.text(delta.content, end="")
        for call in delta.calls:
            output.text(told(call), end="\n")
    output.text("")


def told(call: Call) -> str:
    """A call in one line."""
    import json

    return f"calls {call.name}({json.dumps(call.arguments, ensure_ascii=False)})"


def _live(deltas: Iterable[Delta]) -> None:
    """The end of the answer while it grows; the whole once it is there."""
    from rich.console import Console
    from rich.live import Live

    console, parts = Console(), Parts()
    with Live(console=console, refresh_per_second=_RATE, transient=True, screen=False) as live:
        for delta in deltas:
            parts.add(delta)
            live.update(Tail(parts))
    console.print(parts)


class Parts:
    """An answer as something that rich can draw: reasoning dimmed, content as markdown."""

    def __init__(self) -> None:
        self.reasoning = self.content = ""
        self.calls: list[Call] = []

    def add(self, delta: Delta) -> None:
        self.reasoning += output.harmless(delta.reasoning)
        self.content += output.harmless(delta.content)
        self.calls += delta.calls

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.markdown import Markdown
        from rich.text import Text

        if self.reasoning:
            yield Text(self.reasoning, style="dim italic")
        if self.content:
            yield Markdown(self.content)
        for call in self.calls:
            yield Text(output.harmless(told(call)), style="cyan")


class Tail:
    """The last lines of what is drawn, as many as the screen has."""

    def __init__(self, inner: Parts) -> None:
        self.inner = inner

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.segment import Segment

        free = options.update(height=None)
        lines = console.render_lines(self.inner, free, pad=False)
        for line in lines[-max(1, console.height - 2) :]:
            yield from line
            yield Segment.line()


def aside(text: str) -> None:
    """A dim line on stderr, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\x1b[2m{output.harmless(text)}\x1b[0m", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)
